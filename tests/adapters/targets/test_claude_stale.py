"""What somebody did in the Claude console since the last listing: looked up before it could do harm."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from idpsync.core.errors import Refused
from idpsync.core.model import Account, Standing
from idpsync.targets.claude import ClaudeTarget
from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, claude_house
from tests.contracts.target import (
    PREMIUM,
    change_tier,
    create,
    deactivate,
    delete,
    reactivate,
)
from tests.twins.claude.answers import Fault, Request, bad
from tests.twins.claude.twin import KEY

ADA = "ada@acme.example"
Open = Callable[..., ClaudeHouse]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    monkeypatch.setenv(KEY_NAME, KEY)
    with ExitStack() as stack:
        yield lambda mode, **seats: stack.enter_context(claude_house(mode, seats or None))


def came(house: ClaudeHouse) -> tuple[ClaudeTarget, Account]:
    """Ada came, in any mode, and was listed."""
    target = house.target()
    account = target.apply(create("ada", PREMIUM))
    match house.org.mode.partition("_")[0]:
        case "login":
            house.org.accept(ADA)
        case "jit":
            house.org.login(ADA)
        case _:
            house.org.sync()
    target.accounts()
    return target, account


@pytest.mark.parametrize("mode", ["login_only", "jit_advanced", "scim_advanced"])
@pytest.mark.parametrize("leave", [deactivate, delete, lambda account: change_tier(account, None)])
def test_somebody_made_owner_since_the_listing_stays_in_their_group(
    opened: Open, mode: str, leave: Callable[[Account], object]
) -> None:
    house = opened(mode)
    target, account = came(house)
    house.org.called(ADA)["role"] = "owner"  # type: ignore[index]
    with pytest.raises(Refused, match="is owner at Claude"):
        target.apply(leave(account))  # type: ignore[arg-type]
    assert house.members_of("seat-premium") == {"id-ada"}
    assert house.user_names() == [ADA]


@pytest.mark.parametrize("back", [lambda account: create("ada"), reactivate])
def test_somebody_removed_since_the_listing_is_invited_again(
    opened: Open, back: Callable[[Account], object]
) -> None:
    house = opened("login_only")
    target, account = came(house)
    house.org.remove(house.org.called(ADA)["id"])  # type: ignore[index]
    assert target.apply(back(account)).standing is Standing.INVITED  # type: ignore[arg-type]
    assert house.org.pending(ADA)


def test_somebody_removed_since_the_listing_who_is_to_have_no_seat_is_refused(opened: Open) -> None:
    house = opened("jit_advanced")
    target, account = came(house)
    house.org.remove(house.org.called(ADA)["id"])  # type: ignore[index]
    with pytest.raises(Refused, match="No seat assigned"):
        target.apply(reactivate(account, None))


# --- invites that are accepted, or sent anew, while they are being withdrawn -------------------------


class Meanwhile(Fault):
    """Once, right before a request is served, something happens at Claude."""

    happens: Callable[[], object]

    def takes(self, request: Request) -> bool:
        if super().takes(request):
            self.times = 0
            self.happens()
        return False


def meanwhile(house: ClaudeHouse, method: str, about: str, happens: Callable[[], object]) -> None:
    fault = Meanwhile(method, about)
    fault.happens = happens
    house.twin.faults.append(fault)


@pytest.mark.parametrize("forgotten", [False, True])
def test_who_accepts_their_invite_while_it_is_withdrawn_is_removed(
    opened: Open, *, forgotten: bool
) -> None:
    """Claude answers 400 for an accepted invite, and 404 for one that it no longer keeps."""
    house = opened("login_only")
    target = house.target()
    account = target.apply(create("ada", PREMIUM))
    target.accounts()

    def accept() -> None:
        house.org.accept(ADA)
        if forgotten:
            house.org.invites.clear()

    meanwhile(house, "DELETE", "/invites/", accept)
    assert target.apply(deactivate(account)).standing is Standing.DEACTIVATED
    assert house.user_names() == []
    assert [one.standing for one in house.target().accounts() if one.user_name == ADA] == [
        Standing.DEACTIVATED
    ]


def test_who_accepted_their_invite_since_the_listing_is_removed(opened: Open) -> None:
    house = opened("login_only")
    target = house.target()
    account = target.apply(create("ada", PREMIUM))
    target.accounts()
    house.org.accept(ADA)
    target.apply(deactivate(account))
    assert house.user_names() == []


def test_an_invite_that_is_sent_anew_while_it_is_withdrawn_is_withdrawn_too(opened: Open) -> None:
    house = opened("login_only")
    target = house.target()
    account = target.apply(create("ada", PREMIUM))

    def send_anew() -> None:
        house.org.invites.clear()
        house.org.invite(ADA, "user", [])

    meanwhile(house, "DELETE", "/invites/", send_anew)
    target.apply(deactivate(account))
    assert house.org.invites == {}


def test_an_invite_that_claude_does_not_withdraw_is_told(opened: Open) -> None:
    house = opened("login_only")
    target = house.target()
    account = target.apply(create("ada", PREMIUM))
    house.twin.faults.append(Fault("DELETE", "/invites/", instead=bad("not now")))
    with pytest.raises(Refused, match="not now"):
        target.apply(deactivate(account))
    (found,) = (one for one in house.target().accounts() if one.user_name == ADA)
    assert found.standing is Standing.INVITED

"""What somebody did in the Claude console since the last listing: looked up before it could do harm."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from idpsync.core.errors import Refused
from idpsync.core.model import Account
from idpsync.targets.claude import ClaudeTarget
from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, claude_house
from tests.contracts.target import PREMIUM, change_tier, create, deactivate, delete
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

"""A Claude organisation as a target, in modes where groups bring people: over a twin on real sockets."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from idpsync.core.errors import Refused
from idpsync.core.model import Standing
from idpsync.core.ports import Target
from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, OwnerHidden, claude_house
from tests.contracts.target import (
    PREMIUM,
    STANDARD,
    TargetContract,
    World,
    change_tier,
    create,
    deactivate,
    profile,
    reactivate,
    update,
)
from tests.twins.claude.twin import KEY


@pytest.fixture(params=["jit_advanced", "scim_advanced"])
def house(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClaudeHouse]:
    monkeypatch.setenv(KEY_NAME, KEY)
    with claude_house(request.param) as built:
        yield built


class TestClaudeTarget(TargetContract):
    @pytest.fixture
    def world(self, house: ClaudeHouse) -> ClaudeHouse:
        return house

    @pytest.fixture
    def subject(self, house: ClaudeHouse) -> Target:
        return OwnerHidden(house.target())

    def test_a_created_account_is_what_was_asked_for(self, subject: Target) -> None:
        """They are on their way: a login or directory sync brings them."""
        account = subject.apply(create("ada", PREMIUM, ("admin", "user")))
        assert account.profile == profile("ada")
        assert account.tier == PREMIUM
        assert account.roles == {"admin", "user"}
        assert account.external_id == "id-ada"
        assert account.standing is Standing.INVITED
        assert subject.find("ada@acme.example") == account
        assert subject.accounts() == (account,)

    def test_a_member_without_a_seat_is_created_without_a_tier(self, subject: Target) -> None:
        """Nobody comes without a group, so nobody is made without a tier."""
        with pytest.raises(Refused, match="No seat assigned"):
            subject.apply(create("ada", None))
        assert subject.accounts() == ()

    def test_a_person_without_external_id_has_an_account_without_one(self, subject: Target) -> None:
        """A group takes nobody without an id."""
        with pytest.raises(Refused, match="no id in the directory"):
            subject.apply(replace(create("ada"), external_id=""))
        assert subject.accounts() == ()

    def test_an_adopted_account_gets_our_mark(self, subject: Target) -> None:
        """Nobody can be made without an id: the account of a member is adopted, below."""

    def test_a_create_wakes_our_own_deactivated_account(self, subject: Target, world: World) -> None:
        world.put("ada@acme.example", external_id="id-ada", active=False)
        account = subject.apply(create("ada"))
        assert account.standing is Standing.INVITED
        assert account.tier == STANDARD

    def test_a_reactivated_account_has_its_seat(self, subject: Target) -> None:
        account = subject.apply(create("ada", PREMIUM))
        subject.apply(deactivate(account))
        for _ in range(2):
            back = subject.apply(reactivate(account, STANDARD))
            assert (back.id, back.standing, back.tier) == (account.id, Standing.INVITED, STANDARD)


def test_a_member_whom_nobody_marked_gets_our_mark_and_keeps_their_id(house: ClaudeHouse) -> None:
    house.put("ada@acme.example")
    target = OwnerHidden(house.target())
    (account,) = target.accounts()
    assert account.external_id is None
    adoption = replace(update(account, profile("ada"), "external_id"), external_id="id-ada")
    for _ in range(2):
        assert target.apply(adoption).external_id == "id-ada"
    assert [(one.id, one.external_id) for one in target.accounts()] == [(account.id, "id-ada")]
    assert target.apply(change_tier(account, PREMIUM)).tier == PREMIUM
    assert house.members_of("seat-premium") == {"id-ada"}

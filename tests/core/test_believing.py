"""What changes tell that only a whole read can confirm."""

from collections.abc import Sequence

import pytest

from idpsync.core.believing import disagreement, unconfirmed
from idpsync.core.changes import DirectoryChanges, MemberChanges
from idpsync.core.guard import OFF, Limit
from idpsync.core.model import DirectoryUser
from idpsync.core.registers import Registers
from idpsync.core.seats import Door, Holding, Tier
from tests.people import NOW, POLICY, PREMIUM, STANDARD, account, group, link, person, snapshot, world

ADA, BOB = "ada@acme.example", "bob@acme.example"
KNOWN = Registers(
    world(
        snapshot(["ada", "bob", "cyd"], [group("Premium", ["ada"]), group("Users", ["bob", "cyd"])]),
        [account("ada", PREMIUM), account("bob")],
        links=[link("ada"), link("bob")],
    ),
    POLICY,
)


def doubt(canaries: Sequence[str] = (), removals: Limit = OFF, **told: object) -> str:
    seen = DirectoryChanges(cursor="2", taken_at=NOW, **told)  # type: ignore[arg-type]
    return unconfirmed(seen, KNOWN, canaries=frozenset(canaries), removals=removals)


def people(*gone: str) -> dict[str, DirectoryUser | None]:
    return {f"id-{name}": None for name in gone}


def test_where_nothing_odd_is_told_nothing_is_doubted() -> None:
    assert doubt() == ""
    assert doubt([ADA], Limit(count=1), people=people("bob")) == ""


def test_problems_and_another_scope_are_doubted() -> None:
    assert doubt(problems=("half of it",)) == "the directory tells of problems"
    assert doubt(scope="elsewhere") == "something else is asked for"


def test_a_group_that_was_not_there_is_doubted() -> None:
    assert doubt(groups={"New": MemberChanges()}) == "group 'New' was not there before"


def test_a_group_that_loses_its_last_member_is_doubted_unless_somebody_comes() -> None:
    left, joined = frozenset({"id-ada"}), frozenset({"id-bob"})

    assert doubt(groups={"Premium": MemberChanges(left=left)}) == "group 'Premium' is empty now"
    assert doubt(groups={"Premium": MemberChanges(joined, left)}) == ""
    assert doubt(groups={"Users": MemberChanges(left=frozenset({"id-bob"}))}) == ""


@pytest.mark.parametrize("name", ["ID-ada", "ADA@acme.example"])
def test_somebody_who_must_be_there_is_doubted_to_be_gone(name: str) -> None:
    told = "somebody whom must_contain names is not found any more"

    assert doubt([name], people=people("ada")) == told
    assert doubt([name], people={"id-ada": person("ada", active=False)}) == ""


def test_only_people_with_accounts_count_as_removed() -> None:
    assert doubt(removals=Limit(count=1), people=people("bob", "cyd")) == ""
    both = people("ada", "bob")
    assert doubt(removals=Limit(count=1), people=both) == "2 people with accounts are gone"
    assert doubt(removals=Limit(percent=50), people=both) == "2 people with accounts are gone"


def seat(name: str, tier: Tier, account_id: str | None, *, moving: bool = False) -> Holding:
    return Holding(f"{name}@acme.example", tier, Door.SYNC, NOW, account_id, moving=moving)


def settled(*holdings: Holding, invited: Sequence[str] = ()) -> str:
    accounts = [account("ada", PREMIUM), account("bob")]
    names = {one.id: one.member for one in accounts}
    return disagreement(names, accounts, holdings, frozenset(invited))


BOTH = (seat("ada", PREMIUM, "acc-ada"), seat("bob", STANDARD, "acc-bob"))


def test_accounts_and_seats_that_agree_need_no_listing() -> None:
    assert settled(*BOTH) == ""
    assert settled(*BOTH, seat("eve", STANDARD, None), invited=["eve@acme.example"]) == ""


def test_a_seat_more_or_less_or_of_another_account_needs_one() -> None:
    told = "accounts and seats disagree"

    assert settled(BOTH[0]) == told
    assert settled(*BOTH, seat("eve", STANDARD, "acc-eve")) == told
    assert settled(BOTH[0], seat("bob", PREMIUM, "acc-bob")) == told
    assert settled(BOTH[0], seat("bob", STANDARD, "acc-other")) == told


def test_what_is_under_way_needs_one() -> None:
    told = "an account or a tier of {} is under way"

    assert settled(*BOTH, seat("eve", STANDARD, None)) == told.format("eve@acme.example")
    moving = seat("bob", PREMIUM, None, moving=True)
    assert settled(*BOTH, moving, invited=[BOB]) == told.format(BOB)

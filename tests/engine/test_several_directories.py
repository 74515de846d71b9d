"""Two directories as one through the engine: accounts follow people, a failing one costs nobody."""

from dataclasses import replace

import pytest

from idpsync.core.guard import Limit
from idpsync.core.records import RunState
from idpsync.engine.watch import observe_incomplete
from tests.adapters.sources.merged_world import merged_of
from tests.engine.house import GROUPS, LAX, EngineHouse
from tests.engine.standing_house import EVERYTHING, NOTHING, StandingHouse, looked, settled
from tests.fakes.source import FakeDirectory


class TwoDirectories(EngineHouse):
    """`directory` is the first, `second` the other."""

    def __post_init__(self) -> None:
        self.second = FakeDirectory(groups={name: set() for name in GROUPS})
        super().__post_init__()
        self.join()

    def join(self) -> None:
        both = (self.directory.source(*GROUPS), self.second.source(*GROUPS))
        self.rooms = replace(self.rooms, source=merged_of(*both, groups=GROUPS))

    def links(self) -> dict[str, str]:
        names = {account.id: account.user_name for account in self.target.shelf.all()}
        return {names[link.account_id]: link.external_id for link in self.store.registry.links()}


@pytest.fixture
def house() -> TwoDirectories:
    """ada in both, eve in the first, bob in the second."""
    made = TwoDirectories()
    made.add("ada eve", "Users")
    made.second.add("ada", "Premium")
    made.second.add("bob", "Users")
    assert made.run().run.state is RunState.DONE
    return made


def test_somebody_in_both_has_one_account_and_the_best_of_both(house: TwoDirectories) -> None:
    assert house.tiers() == {"ada": "premium", "eve": "standard", "bob": "standard"}
    assert house.links()["ada"] == house.directory.id_of("ada")


@pytest.mark.parametrize("fails", ["directory", "second"])
@pytest.mark.parametrize("fault", ["down", "locked_out"])
def test_one_that_fails_costs_nobody_anything_and_the_other_goes_on_adding(
    house: TwoDirectories, fails: str, fault: str
) -> None:
    working = house.second if fails == "directory" else house.directory
    setattr(getattr(house, fails), fault, True)
    working.add("zoe", "Users")
    working.remove("ada")
    outcome = house.run()
    assert outcome.run.state is RunState.INCOMPLETE
    assert house.tiers() == {
        "ada": "premium",
        "eve": "standard",
        "bob": "standard",
        "zoe": "standard",
    }
    name = "a" if fails == "directory" else "b"
    told = observe_incomplete([outcome.run])
    assert told
    assert f"directory '{name}'" in told.summary


def test_whoever_the_second_knows_by_another_name_gets_no_second_account(house: TwoDirectories) -> None:
    house.second.remove("ada")
    house.second.add("ada.lovelace", "Users", email="ada@acme.example")
    house.run()
    house.directory.down = True
    house.second.add("zoe", "Users")
    outcome = house.run()
    assert outcome.preview
    assert outcome.preview.plan.conflicts == ()
    assert house.tiers().keys() == {"ada", "eve", "bob", "zoe"}


def test_whom_the_first_disabled_gets_no_account_by_the_second_while_the_first_is_down(
    house: TwoDirectories,
) -> None:
    house.add("kim", "Users")
    house.directory.switch("kim", active=False)
    house.second.add("kim", "Users")
    house.run()
    assert "kim" not in house.tiers()
    house.directory.down = True
    house.run()
    assert "kim" not in house.tiers()


def test_whom_the_first_disabled_and_the_second_takes_in_meanwhile_has_no_account_either(
    house: TwoDirectories,
) -> None:
    house.add("kim", "Users")
    house.directory.switch("kim", active=False)
    house.run()
    house.directory.down = True
    house.second.add("kim", "Users")
    house.run()
    assert "kim" not in house.tiers()


def test_after_the_failure_everything_is_as_it_was(house: TwoDirectories) -> None:
    before = house.tiers(), house.links()
    house.directory.down = True
    house.run()
    house.directory.down = False
    assert house.run().run.state is RunState.DONE
    assert (house.tiers(), house.links()) == before


def test_whoever_is_put_into_the_first_as_well_keeps_the_account(house: TwoDirectories) -> None:
    assert house.links()["bob"] == f"b:{house.second.id_of('bob')}"
    house.add("bob", "Users")
    assert house.run().preview.plan.actions == ()  # type: ignore[union-attr]
    assert house.links()["bob"] == house.directory.id_of("bob")


def test_whoever_is_gone_from_the_first_keeps_what_the_second_gives(house: TwoDirectories) -> None:
    house.directory.remove("ada")
    house.run()
    assert house.tiers()["ada"] == "premium"
    assert house.links()["ada"] == f"b:{house.second.id_of('ada')}"
    house.second.remove("ada")
    house.run()
    assert house.tiers()["ada"] == "off"


def test_an_address_that_somebody_else_has_now_takes_no_account_over(house: TwoDirectories) -> None:
    house.directory.remove("ada")
    house.second.remove("ada")
    other = house.second.add("ada")
    house.second.people = {"new": replace(other, external_id="new")}
    preview = house.run().preview
    assert preview
    assert [conflict.reason for conflict in preview.plan.conflicts] == ["ambiguous_correlation"]


def test_two_accounts_whose_people_turn_out_to_be_one_are_for_a_person_to_decide(
    house: TwoDirectories,
) -> None:
    house.second.add("bob", email="eve@acme.example")
    outcome = house.run()
    assert outcome.preview
    assert [conflict.reason for conflict in outcome.preview.plan.conflicts] == ["linked_twice"]
    assert house.tiers() == {"ada": "premium", "eve": "standard", "bob": "standard"}


def test_a_second_directory_beside_one_that_is_in_use_changes_no_account() -> None:
    house = TwoDirectories()
    house.rooms = replace(house.rooms, source=house.directory.source(*GROUPS))
    house.add("ada eve", "Users")
    house.run()
    house.second.add("ada", "Users")
    house.join()
    preview = house.run().preview
    assert preview
    assert (preview.plan.actions, preview.plan.conflicts) == ((), ())


def test_a_group_that_vanishes_from_one_of_them_holds_the_plan(house: TwoDirectories) -> None:
    house.limits = LAX
    house.directory.rename_group("Users", "People")
    outcome = house.run()
    assert outcome.run.state is RunState.HELD
    assert "group_replaced:Users" in str(outcome.error)
    assert house.tiers()["eve"] == "standard"


def test_another_order_takes_nothing_from_anybody(house: TwoDirectories) -> None:
    house.limits = replace(LAX, removals=Limit())
    both = (house.second.source(*GROUPS), house.directory.source(*GROUPS))
    house.rooms = replace(house.rooms, source=merged_of(*both, groups=GROUPS, scope="turned"))
    house.run()
    assert house.tiers() == {"ada": "premium", "eve": "standard", "bob": "standard"}


# --- between two whole reads --------------------------------------------------------------------------


def standing(*lacks: str) -> tuple[StandingHouse, FakeDirectory]:
    """p1 is in both directories, zoe in the second only; nothing is left to do.

    The second `lacks` these groups.
    """
    house = settled()
    there = [name for name in GROUPS if name not in lacks]
    second = FakeDirectory(clock=house.clock, groups={name: set() for name in there})
    second.add("p1", "Users")
    second.add("zoe", "Users")
    both = (house.directory.source(*GROUPS), second.source(*GROUPS))
    house.rooms = replace(house.rooms, source=merged_of(*both, groups=GROUPS))
    house.begin()
    house.run()
    house.run()
    return house, second


def test_what_changed_in_one_of_them_needs_no_whole_read() -> None:
    house, second = standing()
    second.add("kim", "Users")
    house.directory.set_members("Premium", ["p0", "p2"])
    assert looked(house) == NOTHING
    assert (house.tiers()["kim"], house.tiers()["p2"]) == ("standard", "premium")
    second.remove("kim")
    assert looked(house) == NOTHING
    assert house.tiers()["kim"] == "off"


def test_what_changed_about_somebody_in_both_is_read_whole() -> None:
    house, second = standing()
    second.add("p1", given_name="Pia")
    assert looked(house) == EVERYTHING


def test_whoever_is_in_both_loses_a_group_only_where_they_are_in_it_nowhere() -> None:
    house, second = standing()
    house.add("p1", "Premium")
    second.add("p1", "Premium")
    house.run()
    house.run()
    house.directory.groups["Premium"].discard(house.directory.id_of("p1"))
    assert looked(house) == NOTHING
    assert house.tiers()["p1"] == "premium"
    second.groups["Premium"].discard(second.id_of("p1"))
    assert looked(house) == NOTHING
    assert house.tiers()["p1"] == "standard"


def test_a_group_that_one_of_them_does_not_have_needs_no_whole_read_of_the_others() -> None:
    house, second = standing("Premium", "Contractors")
    second.add("kim", "Users")
    house.directory.set_members("Premium", ["p0", "p2"])
    assert looked(house) == NOTHING
    assert (house.tiers()["kim"], house.tiers()["p2"]) == ("standard", "premium")
    second.remove("kim")
    second.switch("zoe", active=False)
    assert looked(house) == NOTHING
    assert (house.tiers()["kim"], house.tiers()["zoe"]) == ("off", "off")


@pytest.mark.parametrize("fault", ["appears", "vanishes", "cut", "hidden"])
def test_what_else_comes_to_be_lacking_is_read_whole(fault: str) -> None:
    house, second = standing("Premium")
    before = house.tiers()
    match fault:
        case "appears":
            second.groups["Premium"] = set()
        case "vanishes":
            second.rename_group("Users", "People")
        case "cut":
            second.shows = 1
        case "hidden":
            second.hidden.add("Users")
    reads = house.directory.reads
    house.run()
    assert house.directory.reads == reads + 1
    assert house.tiers() == before

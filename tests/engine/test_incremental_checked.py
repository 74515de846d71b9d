"""A whole read is the test of the runs from what changed before it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from structlog.testing import capture_logs

from idpsync.core.changes import DirectoryChanges
from tests.engine.house import GROUPS
from tests.engine.standing_house import (
    DAY,
    EVERYTHING,
    NOTHING,
    PROMPT,
    StandingHouse,
    looked,
    settled,
)
from tests.fakes.source import FakeSource
from tests.people import PREMIUM


def differs(house: StandingHouse) -> list[dict[str, object]]:
    with capture_logs() as logs:
        house.run()
    return [
        {key: line[key] for key in ("log_level", "people", "memberships", "plan")}
        for line in logs
        if line["event"] == "standing.differs"
    ]


def test_a_whole_read_that_shows_what_changes_told_says_nothing() -> None:
    house = settled()
    house.add("new", "Users")
    house.directory.remove("p3")
    house.clock.advance(DAY)

    assert differs(house) == []


def between_the_looks(house: StandingHouse, happens: Callable[[], object]) -> None:
    """From now on this happens each time after the directory has told what changed."""

    class Hasty(FakeSource):
        def changes(self, since: str) -> DirectoryChanges | None:
            told = super().changes(since)
            happens()
            return told

    house.rooms = replace(house.rooms, source=Hasty(house.directory, frozenset(GROUPS)))
    house.begin()
    house.run()
    house.clock.advance(DAY)


def test_a_whole_read_that_is_cut_proves_nothing() -> None:
    house = settled()
    between_the_looks(house, lambda: setattr(house.directory, "shows", 5))

    assert differs(house) == []
    assert house.directory.shows == 5


def test_what_changed_between_the_two_looks_is_no_difference() -> None:
    house = settled()
    between_the_looks(house, lambda: house.directory.add("sudden", "Users"))

    assert differs(house) == []
    assert house.tiers()["sudden"] == "standard"


def test_what_somebody_did_at_the_target_is_no_difference() -> None:
    house = settled()
    mine = house.target.find("p1")
    assert mine
    house.target.shelf.put(replace(mine, tier=PREMIUM))
    house.clock.advance(DAY)

    assert differs(house) == []
    assert house.events("drift.seen") == ["p1"]


def test_somebody_of_whom_no_change_was_told_is_an_error_and_the_whole_read_counts() -> None:
    house = settled()
    house.directory.untold = {house.directory.add("new", "Users").external_id}
    house.run()
    house.clock.advance(DAY)

    (line,) = differs(house)

    assert (line["log_level"], line["people"], line["plan"]) == ("error", 1, [])
    assert house.tiers()["new"] == "standard"


def test_a_membership_of_which_no_change_was_told_is_an_error() -> None:
    house = settled()
    house.directory.untold = {house.directory.id_of("p1")}
    house.directory.set_members("Premium", ["p0", "admin", "p1"])
    house.run()
    house.clock.advance(DAY)

    (line,) = differs(house)

    assert (line["people"], line["memberships"], line["plan"]) == (0, 1, [])
    assert house.tiers()["p1"] == "premium"


def test_a_standing_world_that_plans_otherwise_is_an_error_and_the_whole_plan_counts() -> None:
    house = settled()
    house.run()
    kept = house.kept.succession._kept
    assert kept
    kept.world.files.policy = replace(PROMPT, rules=())  # overlooks who comes into which group
    house.clock.advance(DAY)
    house.add("new", "Users")

    (line,) = differs(house)

    assert line["log_level"] == "error"
    assert house.tiers()["new"] == "standard"


def test_what_somebody_did_at_the_target_is_told_by_the_next_whole_read() -> None:
    house = settled()
    house.clock.advance(timedelta(hours=1))
    house.run()
    mine = house.target.find("p1")
    assert mine
    house.target.shelf.put(replace(mine, tier=PREMIUM))
    house.clock.advance(timedelta(hours=1))
    assert looked(house) == NOTHING
    assert house.events("drift.seen") == []
    house.clock.advance(DAY)

    assert looked(house) == EVERYTHING
    assert house.events("drift.seen") == ["p1"]

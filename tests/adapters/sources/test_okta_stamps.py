"""What neither a stamp of whole seconds nor a listing that was believed may hide from the changes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from idpsync.core.changes import MemberChanges
from tests.adapters.sources.okta_world import OktaWorld, okta_world
from tests.contracts.directory_changes import carried_on, seen_in
from tests.contracts.directory_source import group_of
from tests.twins.okta.server import Answer, Fault


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OktaWorld]:
    """Six people, three in "Users", one in "Premium"; an hour ago."""
    with okta_world(tmp_path) as world:
        world.staff(6, Users=3, Premium=1)
        yield world


def test_a_second_change_under_the_same_stamp_is_told(world: OktaWorld) -> None:
    """As many as before; Okta stamps whole seconds."""
    one, other = (world.id_of(f"u0000{n}@acme.example") for n in (4, 5))
    world.org.set_members("Premium", ["u00004@acme.example"])
    source = world.source("Users", "Premium")
    read = source.read()
    moved = world.org.team("Premium").row["lastMembershipUpdated"]
    world.org.set_members("Premium", ["u00005@acme.example"])
    assert world.org.team("Premium").row["lastMembershipUpdated"] == moved
    world.clock.pass_(timedelta(minutes=10))
    changes = source.changes(read.cursor or "")
    assert changes
    assert changes.groups == {"Premium": MemberChanges(frozenset({other}), frozenset({one}))}


def test_a_change_after_the_second_listing_of_a_read_is_told(world: OktaWorld) -> None:
    """The stamps are old, so that nothing but their order tells of it."""
    team, logins = world.org.team("Premium"), [f"u0000{n}@acme.example" for n in (3, 4, 5)]
    steps = iter(enumerate(logins[1:]))

    def swap(answer: Answer) -> Answer:
        n, login = next(steps)
        world.org.set_members("Premium", [login])  # after this page was made
        team.row["lastMembershipUpdated"] = f"2026-03-01T12:00:0{n + 1}.000Z"
        return answer

    world.org.set_members("Premium", logins[:1])
    team.row["lastMembershipUpdated"] = "2026-03-01T12:00:00.000Z"
    world.twin.faults.append(Fault(f"{team.row['id']}/users", swap, times=2))
    source = world.source("Premium")
    read = source.read()
    assert group_of(read, "Premium").members == frozenset({world.id_of(logins[1])})
    changes = source.changes(read.cursor or "")
    assert changes
    assert carried_on(seen_in(read), changes) == seen_in(world.source("Premium").read())


def test_a_group_that_settled_is_read_again_once_and_no_more(world: OktaWorld) -> None:
    world.org.leave("Premium", [world.id_of("u00000@acme.example")])
    source = world.source("Users", "Premium")
    cursor = source.read().cursor or ""
    world.clock.pass_(timedelta(minutes=10))
    made = []
    for _ in range(3):
        before = world.twin.calls.total()
        assert source.changes(cursor)
        made.append(world.twin.calls.total() - before)
        world.clock.pass_(timedelta(minutes=10))
    assert made == [3, 2, 2]


def test_a_group_that_okta_counts_otherwise_than_before_is_read_again(world: OktaWorld) -> None:
    source = world.source("Users", "Premium")
    cursor = source.read().cursor or ""
    world.clock.pass_(timedelta(minutes=10))
    team, one = world.org.team("Users"), world.id_of("u00005@acme.example")
    team.members.add(one)  # and no stamp says so
    changes = source.changes(cursor)
    assert changes
    assert changes.groups == {"Users": MemberChanges(joined=frozenset({one}))}


def test_a_group_that_was_listed_with_fewer_than_okta_counts_is_read_again(world: OktaWorld) -> None:
    """So few fewer that it was believed."""
    team, one = world.org.team("Users"), world.id_of("u00002@acme.example")

    def lagging(answer: Answer) -> Answer:
        assert isinstance(answer.body, list)
        answer.body = [row for row in answer.body if row["id"] != one]
        return answer

    world.twin.faults.append(Fault(f"{team.row['id']}/users", lagging, times=2))
    source = world.source("Users")
    read = source.read()
    assert read.complete
    assert one not in (group_of(read, "Users").members or ())
    world.clock.pass_(timedelta(minutes=10))
    changes = source.changes(read.cursor or "")
    assert changes
    assert changes.groups == {"Users": MemberChanges(joined=frozenset({one}))}

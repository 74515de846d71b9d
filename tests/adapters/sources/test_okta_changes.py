"""What is told as changes, what it costs, and what only a whole read may tell."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from idpsync.core.changes import MemberChanges
from idpsync.core.errors import CredentialsRejected, Transient
from idpsync.core.model import DirectoryUser
from idpsync.sources.okta.source import OktaSource
from tests.adapters.sources.okta_world import APP, OktaWorld, okta_world, unavailable
from tests.contracts.directory_changes import carried_on, seen_in
from tests.contracts.directory_source import Sample, group_of
from tests.twins.okta.server import Answer, Fault


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OktaWorld]:
    """Six people, three in "Users", one in "Premium"; an hour ago."""
    with okta_world(tmp_path) as world:
        world.staff(6, Users=3, Premium=1)
        yield world


@pytest.fixture
def app_world(tmp_path: Path) -> Iterator[OktaWorld]:
    with okta_world(tmp_path, app=True) as world:
        world.staff(6, Users=3, Premium=1)
        yield world


def begun(world: OktaWorld) -> tuple[OktaSource, str]:
    """A source that has read, and its cursor; ten minutes later."""
    source = world.source("Users", "Premium")
    cursor = source.read().cursor
    assert cursor
    world.clock.pass_(timedelta(minutes=10))
    return source, cursor


def test_where_nothing_changed_two_requests_say_so(world: OktaWorld) -> None:
    source, cursor = begun(world)
    before = world.twin.calls.total()
    for _ in range(3):
        changes = source.changes(cursor)
        assert changes
        assert (changes.people, changes.groups, changes.cursor) == ({}, {}, cursor)
        world.clock.pass_(timedelta(minutes=10))
    assert world.twin.calls.total() - before == 6


def test_what_was_told_is_not_asked_for_again(world: OktaWorld) -> None:
    source, cursor = begun(world)
    for n in range(450):  # elsewhere in the organisation
        world.org.add_person(f"new{n}@acme.example")
    world.org.set_members("Everyone", [f"u0000{n}@acme.example" for n in range(6)])
    world.clock.pass_(timedelta(minutes=10))
    before = world.twin.calls["users"]
    told = source.changes(cursor)
    assert told
    assert world.twin.calls["users"] - before == 3
    world.clock.pass_(timedelta(minutes=10))
    assert source.changes(told.cursor)
    assert world.twin.calls["users"] - before == 4


def test_only_a_group_that_changed_is_read_again(world: OktaWorld) -> None:
    source, cursor = begun(world)
    world.org.join("Premium", [world.id_of("u00005@acme.example")])
    before = world.twin.calls.total()
    changes = source.changes(cursor)
    assert changes
    joined = frozenset({world.id_of("u00005@acme.example")})
    assert changes.groups == {"Premium": MemberChanges(joined=joined)}
    assert changes.people == {}
    assert world.twin.calls.total() - before == 3


def test_many_groups_are_asked_for_by_their_stamps(tmp_path: Path) -> None:
    with okta_world(tmp_path) as world:
        names = [f"Team {n:03}" for n in range(60)]
        world.staff(5, **dict.fromkeys(names, 2))
        source = world.source(*names)
        cursor = source.read().cursor
        assert cursor
        world.clock.pass_(timedelta(minutes=10))
        before = world.twin.calls.total()
        world.org.leave(names[7], [world.id_of("u00000@acme.example")])
        changes = source.changes(cursor)
        assert changes
        assert set(changes.groups) == {names[7]}
        assert world.twin.calls.total() - before == 3
        world.clock.pass_(timedelta(minutes=10))
        world.org.add_team(names[9])  # a namesake
        assert source.changes(changes.cursor) is None


def test_somebody_who_is_suspended_is_told_though_no_group_changed(world: OktaWorld) -> None:
    source, cursor = begun(world)
    world.org.change("u00001@acme.example", status="SUSPENDED")
    changes = source.changes(cursor)
    assert changes
    (user,) = changes.people.values()
    assert isinstance(user, DirectoryUser)
    assert user.active is False
    assert changes.groups == {}


def test_whoever_is_deactivated_has_left_even_where_no_group_says_so(world: OktaWorld) -> None:
    source, cursor = begun(world)
    world.org.stamps_on_leaving = False
    one = world.id_of("u00001@acme.example")
    world.org.deactivate("u00001@acme.example")
    changes = source.changes(cursor)
    assert changes
    assert changes.people == {one: None}
    assert changes.groups == {"Users": MemberChanges(left=frozenset({one}))}


def test_whoever_is_deleted_for_good_has_left(world: OktaWorld) -> None:
    source, cursor = begun(world)
    one = world.id_of("u00001@acme.example")
    world.org.delete("u00001@acme.example")
    changes = source.changes(cursor)
    assert changes
    assert changes.people == {one: None}


def test_a_change_in_the_middle_of_a_read_is_not_lost(world: OktaWorld) -> None:
    """It came after the pages of people, and limits may make the rest of a read take its time."""

    def then(answer: Answer) -> Answer:
        world.org.change("u00002@acme.example", firstName="Grace")
        world.clock.pass_(timedelta(minutes=30))
        return answer

    world.twin.faults.append(Fault("expand=stats", then))
    source = world.source("Users", "Premium")
    read = source.read()
    changes = source.changes(read.cursor or "")
    assert changes
    assert {user.profile.given_name for user in changes.people.values() if user} == {"Grace"}
    assert carried_on(seen_in(read), changes) == seen_in(world.source("Users", "Premium").read())


def test_a_change_during_changes_is_told_the_next_time(world: OktaWorld) -> None:
    source, cursor = begun(world)
    read = source.read()
    team = world.org.team("Premium").row["id"]
    world.org.join("Premium", [world.id_of("u00004@acme.example")])

    def join(answer: Answer) -> Answer:
        world.org.join("Premium", [world.id_of("u00005@acme.example")])
        return answer

    world.twin.faults.append(Fault(f"{team}/users", join))
    assert read.cursor == cursor
    first = source.changes(cursor)
    assert first
    second = source.changes(first.cursor)
    assert second
    whole = world.source("Users", "Premium").read()
    assert carried_on(carried_on(seen_in(read), first), second) == seen_in(whole)


@pytest.mark.parametrize("gone", ["renamed", "deleted"])
def test_a_group_that_is_gone_is_left_to_a_whole_read(world: OktaWorld, gone: str) -> None:
    source, cursor = begun(world)
    if gone == "renamed":
        world.org.rename("Premium", "Gold")
    else:
        del world.org.teams[world.org.team("Premium").row["id"]]
    assert source.changes(cursor) is None
    assert source.changes(cursor) is None


def test_fewer_members_than_okta_counts_are_left_to_a_whole_read(world: OktaWorld) -> None:
    source, cursor = begun(world)
    world.org.join("Users", [world.org.add_person(f"n{n}")["id"] for n in range(20)])
    team = world.org.team("Users").row["id"]

    def few(answer: Answer) -> Answer:
        assert isinstance(answer.body, list)
        answer.body = answer.body[:5]
        return answer

    world.twin.faults.append(Fault(f"{team}/users", few))
    assert source.changes(cursor) is None


@pytest.mark.parametrize("place", ["groups?", "users?", "/users?limit=1000"])
def test_what_is_cut_is_not_told(world: OktaWorld, place: str) -> None:
    source, cursor = begun(world)
    world.org.join("Premium", [world.id_of("u00005@acme.example")])
    world.twin.faults.append(Fault(place, unavailable, times=100))
    with pytest.raises(Transient) if place != "/users?limit=1000" else _nothing():
        assert source.changes(cursor) is None


class _nothing:  # noqa: N801 -- reads as a statement
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def test_a_right_that_is_taken_away_is_told(world: OktaWorld) -> None:
    source, cursor = begun(world)
    world.twin.tokens.issued.clear()
    world.twin.tokens.granted = frozenset()
    with pytest.raises(CredentialsRejected):
        source.changes(cursor)


def test_of_an_application_the_people_are_read_again_and_nothing_else(app_world: OktaWorld) -> None:
    source, cursor = begun(app_world)
    before = app_world.twin.calls.copy()
    app_world.org.change("u00000@acme.example", status="SUSPENDED")
    del app_world.org.apps[APP][app_world.id_of("u00004@acme.example")]
    changes = source.changes(cursor)
    assert changes
    suspended, unassigned = (app_world.id_of(f"u0000{n}@acme.example") for n in (0, 4))
    assert set(changes.people) == {suspended, unassigned}
    assert changes.people[unassigned] is None
    assert (app_world.twin.calls - before) == {"apps": 2, "groups": 1}  # whoever is missing is asked for


def test_an_application_that_lost_everybody_is_left_to_a_whole_read(app_world: OktaWorld) -> None:
    source, cursor = begun(app_world)
    app_world.org.apps[APP].clear()
    assert source.changes(cursor) is None


def test_members_who_are_not_people_of_the_application_are_told_as_a_whole_read_tells_them(
    app_world: OktaWorld,
) -> None:
    source, cursor = begun(app_world)
    read = source.read()
    app_world.put(Sample("ada"))
    outsider = app_world.org.add_person("out@acme.example")["id"]
    app_world.org.join("Users", [outsider])
    changes = source.changes(cursor)
    assert changes
    whole = app_world.source("Users", "Premium").read()
    assert outsider in (group_of(whole, "Users").members or ())
    assert carried_on(seen_in(read), changes) == seen_in(whole)


def test_whoever_is_out_of_the_application_and_still_in_a_group_is_no_leaver_of_the_group(
    app_world: OktaWorld,
) -> None:
    source, cursor = begun(app_world)
    read = source.read()
    one = app_world.id_of("u00001@acme.example")
    del app_world.org.apps[APP][one]
    first = source.changes(cursor)
    assert first
    assert (first.people, first.groups) == ({one: None}, {})
    assert carried_on(seen_in(read), first) == seen_in(app_world.source("Users", "Premium").read())
    second = source.changes(first.cursor)
    assert second
    assert (second.people, second.groups, second.cursor) == ({}, {}, first.cursor)


def test_whoever_is_out_of_the_groups_of_people_is_no_leaver_of_another_group(world: OktaWorld) -> None:
    source = world.of(world.config(people_groups=["Premium"]), "Users")
    world.org.set_members("Premium", ["u00000@acme.example", "u00001@acme.example"])
    world.clock.pass_(timedelta(minutes=10))
    read = source.read()
    world.clock.pass_(timedelta(minutes=10))
    world.org.set_members("Premium", ["u00001@acme.example"])
    changes = source.changes(read.cursor or "")
    assert changes
    assert changes.people == {world.id_of("u00000@acme.example"): None}
    assert changes.groups == {}


def test_without_a_date_in_the_answers_there_is_no_going_on(world: OktaWorld) -> None:
    def dateless(answer: Answer) -> Answer:
        answer.headers = [*answer.headers, ("Date", "yesterday")]
        return answer

    world.twin.faults.append(Fault("/", dateless, times=1000))
    world.twin.faults.append(Fault("/", dateless, times=1000, method="POST"))
    snapshot = world.source("Users").read()
    assert snapshot.complete
    assert snapshot.cursor is None

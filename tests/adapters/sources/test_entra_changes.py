"""What changed in a tenant since it was read: told in few requests, or not at all."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from idpsync.core.errors import CredentialsRejected, RemoteError
from idpsync.core.model import DirectoryUser
from tests.adapters.sources.entra_world import source_of
from tests.contracts.directory_changes import carried_on, seen_in
from tests.fakes.source import SteadyClock
from tests.twins.graph.faults import Fault
from tests.twins.graph.server import GraphTwin, running_graph

GROUPS = ("Claude Premium", "Claude Users")


@pytest.fixture
def twin() -> Iterator[GraphTwin]:
    """Four people; ada in "Claude Premium", all but joe in "Claude Users", whose team is assigned."""
    with running_graph() as twin:
        for name in ("ada", "bob", "eve", "joe"):
            twin.tenant.put(name)
        twin.tenant.make("Claude Premium", "ada")
        twin.tenant.make("Claude Users", "ada", "bob", "eve")
        twin.tenant.assign(twin.tenant.team("Claude Users"))
        yield twin


def modes(twin: GraphTwin) -> list[dict[str, Any]]:
    application = twin.tenant.application
    return [
        {},
        {"nested_groups": True},
        {"service_principal_id": application},
        {"service_principal_id": application, "nested_groups": True},
    ]


def in_step(twin: GraphTwin, folder: Path, happen: Callable[[], object]) -> None:
    """In each mode: a read, then `happen`, then changes that lead to what a whole read shows."""
    for mode in modes(twin):
        source = source_of(twin, folder, *GROUPS, **mode)
        read = source.read()
        assert read.complete, (mode, read.problems)
        assert read.cursor
        happen()
        told = source.changes(read.cursor)
        assert told, mode
        whole = source_of(twin, folder, *GROUPS, **mode).read()
        assert carried_on(seen_in(read), told) == seen_in(whole), mode


def test_people_and_members_come_and_go(twin: GraphTwin, tmp_path: Path) -> None:
    tenant, users = twin.tenant, twin.tenant.team("Claude Users")
    numbers = iter(range(100))

    def happen() -> None:
        number = next(numbers)
        tenant.join(users, tenant.put(f"new{number}").id, tenant.id_of("joe"))
        tenant.leave(users, tenant.id_of("bob"))
        tenant.put("eve", surname=f"Number {number}")
        tenant.join(users, tenant.id_of("bob"))
        tenant.leave(users, tenant.id_of("joe"))

    in_step(twin, tmp_path, happen)


def test_a_disabled_member_is_told_though_no_group_tells_it(twin: GraphTwin, tmp_path: Path) -> None:
    states = iter([False, True] * 2)
    in_step(twin, tmp_path, lambda: twin.tenant.put("bob", accountEnabled=next(states)))


def test_whoever_is_in_the_bin_is_in_no_group_and_back_where_they_were_when_restored(
    twin: GraphTwin, tmp_path: Path
) -> None:
    source = source_of(twin, tmp_path, *GROUPS)
    read = source.read()
    assert read.cursor
    bob = twin.tenant.bin("bob")
    told = source.changes(read.cursor)
    assert told
    assert told.people == {bob.id: None}
    assert told.groups["Claude Users"].left == {bob.id}
    twin.tenant.restore(bob)
    back = source.changes(told.cursor)
    assert back
    assert back.groups["Claude Users"].joined == {bob.id}


def test_whoever_is_gone_for_good_is_out_of_every_group(twin: GraphTwin, tmp_path: Path) -> None:
    gone = iter(["eve", "x1", "x2", "x3"])
    users = twin.tenant.team("Claude Users")
    twin.tenant.join(users, *(twin.tenant.put(name).id for name in ("x1", "x2", "x3")))
    in_step(twin, tmp_path, lambda: twin.tenant.purge(next(gone)))


def test_nobody_in_or_out_of_an_assigned_group_is_missed(twin: GraphTwin, tmp_path: Path) -> None:
    tenant, users = twin.tenant, twin.tenant.team("Claude Users")
    source = source_of(twin, tmp_path, *GROUPS, service_principal_id=tenant.application)
    read = source.read()
    assert read.cursor
    tenant.join(users, joe := tenant.id_of("joe"))
    tenant.leave(users, bob := tenant.id_of("bob"))
    told = source.changes(read.cursor)
    assert told
    assert told.people.keys() == {joe, bob}
    assert told.people[bob] is None


def test_somebody_assigned_by_name_is_told_and_one_no_longer_is_gone(
    twin: GraphTwin, tmp_path: Path
) -> None:
    tenant = twin.tenant
    source = source_of(twin, tmp_path, *GROUPS, service_principal_id=tenant.application)
    read = source.read()
    assert read.cursor
    tenant.assign(tenant.people[joe := tenant.id_of("joe")])
    told = source.changes(read.cursor)
    assert told
    assert told.people[joe]
    tenant.assigned.pop()
    back = source.changes(told.cursor)
    assert back
    assert back.people == {joe: None}


def test_a_group_assigned_anew_is_read_whole(twin: GraphTwin, tmp_path: Path) -> None:
    tenant = twin.tenant
    source = source_of(twin, tmp_path, *GROUPS, service_principal_id=tenant.application)
    read = source.read()
    assert read.cursor
    tenant.assign(tenant.make("Late", "joe"))
    assert source.changes(read.cursor) is None


def test_an_assigned_group_that_shows_nobody_any_more_takes_nobody_away(
    twin: GraphTwin, tmp_path: Path
) -> None:
    tenant, joe = twin.tenant, twin.tenant.id_of("joe")
    other = tenant.make("Assigned Too", "joe")
    tenant.assign(other)
    for nested in (False, True):
        source = source_of(
            twin,
            tmp_path,
            *GROUPS,
            service_principal_id=tenant.application,
            nested_groups=nested,
        )
        read = source.read()
        assert read.cursor
        tenant.leave(other, joe)
        assert source.changes(read.cursor) is None
        tenant.join(other, joe)


def test_a_group_whose_people_are_all_in_the_bin_is_read_whole(twin: GraphTwin, tmp_path: Path) -> None:
    source = source_of(twin, tmp_path, *GROUPS)
    read = source.read()
    assert read.cursor
    twin.tenant.bin("ada")
    assert source.changes(read.cursor) is None


def test_somebody_who_comes_back_into_scope_is_read_anew(twin: GraphTwin, tmp_path: Path) -> None:
    tenant, users, bob = twin.tenant, twin.tenant.team("Claude Users"), twin.tenant.id_of("bob")
    source = source_of(twin, tmp_path, *GROUPS, service_principal_id=tenant.application)
    cursor = source.read().cursor
    steps: list[Callable[[], object]] = [
        lambda: tenant.leave(users, bob),
        lambda: tenant.put("bob", surname="Ross"),
        lambda: tenant.join(users, bob),
    ]
    back: DirectoryUser | None = None
    for step in steps:
        step()
        assert cursor
        told = source.changes(cursor)
        assert told
        cursor, back = told.cursor, told.people.get(bob)
    assert back
    assert back.profile.family_name == "Ross"


def test_a_change_that_tells_one_property_leaves_the_others_as_they_were(
    twin: GraphTwin, tmp_path: Path
) -> None:
    source = source_of(twin, tmp_path, *GROUPS)
    read = source.read()
    assert read.cursor
    twin.minimal = True
    twin.tenant.put("bob", surname="Ross")
    told = source.changes(read.cursor)
    assert told
    (bob,) = told.people.values()
    assert bob
    assert (bob.user_name, bob.profile.family_name, bob.active) == ("bob", "Ross", True)


def test_a_change_deep_inside_is_told_of_the_group_outside(twin: GraphTwin, tmp_path: Path) -> None:
    tenant = twin.tenant
    middle, inner = tenant.make("Middle"), tenant.make("Inner", "bob")
    tenant.nest(tenant.team("Claude Premium"), middle)
    tenant.nest(middle, inner)
    other = tenant.make("Somebody Else's")
    source = source_of(twin, tmp_path, *GROUPS, nested_groups=True)
    read = source.read()
    assert read.cursor
    tenant.join(inner, tenant.id_of("joe"))
    tenant.join(other, tenant.id_of("joe"))
    told = source.changes(read.cursor)
    assert told
    assert told.groups.keys() == {"Claude Premium"}
    tenant.leave(middle, inner.id)
    again = source.changes(told.cursor)
    assert again
    assert again.groups["Claude Premium"].left == {tenant.id_of("bob"), tenant.id_of("joe")}


def test_a_group_inside_that_is_dissolved_or_restored_is_not_missed(
    twin: GraphTwin, tmp_path: Path
) -> None:
    tenant, users = twin.tenant, twin.tenant.team("Claude Users")
    inner = tenant.make("Inner", "joe")
    tenant.nest(users, inner)
    source = source_of(twin, tmp_path, *GROUPS, nested_groups=True)
    read = source.read()
    assert read.cursor
    tenant.dissolve(inner)
    assert source.changes(read.cursor) is None
    read = source.read()
    assert read.cursor
    tenant.restore(inner)
    told = source.changes(read.cursor)
    assert told
    assert told.groups["Claude Users"].joined == {tenant.id_of("joe")}


@pytest.mark.parametrize(
    ("mode", "expected"), [(0, 2), (1, 2), (2, 3), (3, 3)], ids=["all", "nested", "app", "app nested"]
)
def test_nothing_changed_costs_one_request_for_each_list(
    twin: GraphTwin, tmp_path: Path, mode: int, expected: int
) -> None:
    source = source_of(twin, tmp_path, *GROUPS, **modes(twin)[mode])
    read = source.read()
    assert read.cursor
    before = twin.requests
    told = source.changes(read.cursor)
    assert told
    assert (told.cursor, told.people, told.groups) == (read.cursor, {}, {})
    assert twin.requests - before == expected


# --- when only a whole read can tell


@pytest.mark.parametrize("nested", [False, True])
def test_links_that_graph_has_forgotten_tell_nothing(
    twin: GraphTwin, tmp_path: Path, nested: bool
) -> None:
    source = source_of(twin, tmp_path, *GROUPS, nested_groups=nested)
    read = source.read()
    assert read.cursor
    twin.forgotten = True
    assert source.changes(read.cursor) is None
    twin.forgotten = False
    assert source.read().complete


def test_a_place_that_is_gone_in_the_middle_tells_nothing(twin: GraphTwin, tmp_path: Path) -> None:
    source = source_of(twin, tmp_path, *GROUPS)
    read = source.read()
    assert read.cursor
    twin.fault = lambda _n, asked: Fault.GONE if asked.path == "/users/delta" else None
    assert source.changes(read.cursor) is None


def test_links_older_than_six_days_are_not_followed(twin: GraphTwin, tmp_path: Path) -> None:
    clock = SteadyClock()
    source = source_of(twin, tmp_path, *GROUPS, clock=clock)
    read = source.read()
    assert read.cursor
    clock.at += timedelta(days=5)
    assert source.changes(read.cursor)
    clock.at += timedelta(days=5)  # the links of the last changes are young again
    assert source.changes(read.cursor)
    clock.at += timedelta(days=6, seconds=1)
    before = twin.requests
    assert source.changes(read.cursor) is None
    assert twin.requests == before


def test_a_group_that_is_dissolved_or_emptied_is_no_change(twin: GraphTwin, tmp_path: Path) -> None:
    tenant, premium = twin.tenant, twin.tenant.team("Claude Premium")
    for nested in (False, True):
        source = source_of(twin, tmp_path, *GROUPS, nested_groups=nested)
        read = source.read()
        assert read.cursor
        tenant.leave(premium, ada := tenant.id_of("ada"))
        assert source.changes(read.cursor) is None
        tenant.join(premium, ada)
    source = source_of(twin, tmp_path, *GROUPS)
    read = source.read()
    assert read.cursor
    tenant.dissolve(premium)
    assert source.changes(read.cursor) is None


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("mode", range(4))
def test_a_fault_while_changes_are_read_tells_nothing_and_loses_nothing(
    twin: GraphTwin, tmp_path: Path, fault: Fault, mode: int
) -> None:
    tenant, users = twin.tenant, twin.tenant.team("Claude Users")
    source = source_of(twin, tmp_path, *GROUPS, **modes(twin)[mode])
    read = source.read()
    assert read.cursor
    tenant.leave(users, tenant.id_of("bob"))
    tenant.put("eve", surname="Other")
    twin.fault = lambda _n, asked: fault if asked.path == "/users/delta" else None
    try:
        assert source.changes(read.cursor) is None
        failed: RemoteError | None = None
    except RemoteError as error:
        failed = error
    assert isinstance(failed, CredentialsRejected) is (fault in {Fault.DENIED, Fault.STRANGER})
    twin.fault = lambda _n, _asked: None
    told = source.changes(read.cursor)
    if told is None:
        assert fault is Fault.GONE
        return
    whole = source_of(twin, tmp_path, *GROUPS, **modes(twin)[mode]).read()
    assert carried_on(seen_in(read), told) == seen_in(whole)

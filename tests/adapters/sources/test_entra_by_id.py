"""People who are asked for by their ids: whoever does not come is looked for, never just left out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idpsync.core.model import Coverage
from tests.adapters.sources.entra_world import source_of
from tests.adapters.sources.test_entra_changes import GROUPS, modes
from tests.twins.graph.faults import Fault
from tests.twins.graph.server import GraphTwin, running_graph


@pytest.fixture
def twin() -> Iterator[GraphTwin]:
    """Four people; all but joe in "Claude Users", whose team is assigned."""
    with running_graph() as twin:
        for name in ("ada", "bob", "eve", "joe"):
            twin.tenant.put(name)
        twin.tenant.make("Claude Premium", "ada")
        twin.tenant.assign(twin.tenant.make("Claude Users", "ada", "bob", "eve"))
        yield twin


def test_people_whom_entra_does_not_show_by_their_ids_are_missed(
    twin: GraphTwin, tmp_path: Path
) -> None:
    tenant = twin.tenant
    twin.unseen = {tenant.id_of(name) for name in ("ada", "bob", "eve")}
    source = source_of(twin, tmp_path, service_principal_id=tenant.application)
    snapshot = source.read()
    assert snapshot.users_coverage is Coverage.SUSPECT
    assert "3 of 3 people are not shown" in snapshot.problems


def test_a_few_whom_entra_does_not_show_by_their_ids_are_asked_for_one_by_one(
    twin: GraphTwin, tmp_path: Path
) -> None:
    tenant = twin.tenant
    names = ("ada", "bob", "eve", "x1", "x2", "x3")
    tenant.assign(*(tenant.put(name) for name in names[3:]))
    twin.unseen = {tenant.id_of("x1"), tenant.id_of("x2")}
    snapshot = source_of(twin, tmp_path, service_principal_id=tenant.application).read()
    assert snapshot.complete, snapshot.problems
    assert {user.user_name for user in snapshot.users} == set(names)
    tenant.purge("x1")
    snapshot = source_of(twin, tmp_path, service_principal_id=tenant.application).read()
    assert snapshot.complete, snapshot.problems
    assert {user.user_name for user in snapshot.users} == set(names) - {"x1"}


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.HTML, Fault.NOTHING])
def test_one_who_is_not_shown_and_cannot_be_asked_for_leaves_the_people_read_in_part(
    twin: GraphTwin, tmp_path: Path, fault: Fault
) -> None:
    tenant = twin.tenant
    twin.unseen = {bob := tenant.id_of("bob")}
    twin.fault = lambda _n, asked: fault if asked.path == f"/users/{bob}" else None
    snapshot = source_of(twin, tmp_path, service_principal_id=tenant.application).read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert "people are not whole" in "".join(snapshot.problems)
    assert snapshot.cursor is None


@pytest.mark.parametrize("mode", range(4))
def test_somebody_new_of_whom_only_a_part_is_told_is_asked_for_by_id(
    twin: GraphTwin, tmp_path: Path, mode: int
) -> None:
    tenant, users = twin.tenant, twin.tenant.team("Claude Users")
    source = source_of(twin, tmp_path, *GROUPS, **modes(twin)[mode])
    read = source.read()
    assert read.cursor
    twin.minimal = True
    kim = tenant.put("kim", surname="Ross").id
    tenant.put("joe", surname="Ross")
    tenant.join(users, kim, tenant.id_of("joe"))
    told = source.changes(read.cursor)
    assert told
    for key, name in ((kim, "kim"), (tenant.id_of("joe"), "joe")):
        user = told.people[key]
        assert user
        assert (user.user_name, user.profile.family_name, user.active) == (name, "Ross", True)


def test_whoever_is_in_the_bin_is_not_asked_for_until_told_of_again(
    twin: GraphTwin, tmp_path: Path
) -> None:
    source = source_of(twin, tmp_path, *GROUPS, service_principal_id=twin.tenant.application)
    cursor = source.read().cursor
    assert cursor
    bob = twin.tenant.bin("bob")
    before = twin.counts["getByIds"]
    for _ in range(3):
        told = source.changes(cursor)
        assert told
        cursor = told.cursor
    assert twin.counts["getByIds"] == before
    twin.tenant.restore(bob)
    back = source.changes(cursor)
    assert back
    assert back.people[bob.id]
    assert back.groups["Claude Users"].joined == {bob.id}


def test_somebody_new_who_is_told_of_and_then_not_shown_leaves_it_to_a_whole_read(
    twin: GraphTwin, tmp_path: Path
) -> None:
    source = source_of(twin, tmp_path, *GROUPS)
    read = source.read()
    assert read.cursor
    twin.unseen = {kim := twin.tenant.put("kim").id}
    twin.fault = lambda _n, asked: Fault.LOST if asked.path == f"/users/{kim}" else None
    assert source.changes(read.cursor) is None

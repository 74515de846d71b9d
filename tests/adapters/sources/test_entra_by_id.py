"""People who are asked for by their ids: whoever does not come is looked for, never just left out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idpsync.core.model import Coverage
from tests.adapters.sources.entra_world import source_of
from tests.twins.graph.faults import Fault
from tests.twins.graph.server import GraphTwin, running_graph


@pytest.fixture
def twin() -> Iterator[GraphTwin]:
    with running_graph() as twin:
        names = ("ada", "bob", "eve")
        for name in names:
            twin.tenant.put(name)
        twin.tenant.make("Claude Users", *names)
        yield twin


def test_people_whom_entra_does_not_show_by_their_ids_are_missed(
    twin: GraphTwin, tmp_path: Path
) -> None:
    tenant = twin.tenant
    tenant.assign(tenant.team("Claude Users"))
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
    tenant.assign(*(tenant.named(name) or tenant.put(name) for name in names))
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
    tenant.assign(tenant.team("Claude Users"))
    twin.unseen = {bob := tenant.id_of("bob")}
    twin.fault = lambda _n, asked: fault if asked.path == f"/users/{bob}" else None
    snapshot = source_of(twin, tmp_path, service_principal_id=tenant.application).read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert "people are not whole" in "".join(snapshot.problems)
    assert snapshot.cursor is None

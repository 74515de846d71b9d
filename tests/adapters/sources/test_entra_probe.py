"""`check --online` at Entra, and the groups that idpsync may write there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idpsync.core.errors import CredentialsRejected, Refused
from tests.adapters.sources.entra_world import source_of
from tests.adapters.sources.test_entra_sign_in import by_certificate
from tests.fakes.source import SteadyClock
from tests.twins.graph.faults import Fault
from tests.twins.graph.server import GraphTwin, running_graph
from tests.twins.scripted import ok, serving


@pytest.fixture
def twin() -> Iterator[GraphTwin]:
    with running_graph() as twin:
        for name in ("ada", "bob"):
            twin.tenant.put(name)
        twin.tenant.make("Claude Users", "ada")
        yield twin


def now() -> SteadyClock:
    return SteadyClock(datetime.now(UTC))


def test_it_says_who_we_are_whom_we_would_read_and_what_each_group_is(
    twin: GraphTwin, tmp_path: Path
) -> None:
    health = source_of(twin, tmp_path, "Claude Users", clock=now()).probe()
    assert health.ok
    assert f"as application {twin.door.client_id}" in health.detail
    assert "reads all 2 people of the tenant" in health.detail
    assert health.facts == (f"Claude Users → {twin.tenant.team('Claude Users').id}",)
    assert "\n" not in health.detail


def test_with_an_application_it_says_who_is_assigned(twin: GraphTwin, tmp_path: Path) -> None:
    tenant = twin.tenant
    tenant.assign(tenant.team("Claude Users"), tenant.people[tenant.id_of("bob")])
    health = source_of(twin, tmp_path, service_principal_id=tenant.application, clock=now()).probe()
    assert health.ok
    assert "reads 1 people and the members of 1 groups" in health.detail


@pytest.mark.parametrize("told", ["9" * 5000, "-1", "<html>", ""])
def test_a_count_that_is_no_number_is_told(tmp_path: Path, twin: GraphTwin, told: str) -> None:
    token = ok(b'{"access_token": "t0ken", "expires_in": 3600}')
    with serving(token, ok(told.encode())) as graph:
        source = source_of(twin, tmp_path, clock=now(), login_url=graph.url, graph_url=graph.url)
        health = source.probe()
    assert not health.ok
    assert "count people: the answer is not a number" in health.detail


@pytest.mark.parametrize("role", ["GroupMember.Read.All", "User.Read.All", "Application.Read.All"])
def test_a_missing_role_is_named(twin: GraphTwin, tmp_path: Path, role: str) -> None:
    twin.door.roles = tuple(one for one in twin.door.roles if one != role and "Write" not in one)
    source = source_of(
        twin, tmp_path, "Claude Users", service_principal_id=twin.tenant.application, clock=now()
    )
    health = source.probe()
    assert not health.ok
    assert f"the app role {role} is missing" in health.detail
    others = {"GroupMember.Read.All", "User.Read.All", "Application.Read.All"} - {role}
    assert not any(f"{other} is missing" in health.detail for other in others)


def test_a_role_that_includes_another_is_enough(twin: GraphTwin, tmp_path: Path) -> None:
    twin.door.roles = (*twin.door.roles[:2], "Directory.Read.All", "Application.Read.All")
    assert source_of(twin, tmp_path, "Claude Users", clock=now()).probe().ok


def test_missing_groups_are_named_by_name_or_id(twin: GraphTwin, tmp_path: Path) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    health = source_of(twin, tmp_path, "Claude Users", "Never Made", nobody, clock=now()).probe()
    assert not health.ok
    assert health.missing == {"Never Made", nobody}
    assert "no group Never Made" in health.detail


def test_a_clock_that_is_wrong_is_told(twin: GraphTwin, tmp_path: Path) -> None:
    twin.skew = 600
    health = source_of(twin, tmp_path, "Claude Users", clock=now()).probe()
    assert health.ok
    assert "the clock of this machine is 600 s slow: set it" in health.detail.replace("599", "600")
    twin.skew = 30
    assert "clock" not in source_of(twin, tmp_path, clock=now()).probe().detail


def test_a_certificate_that_ends_soon_is_told(twin: GraphTwin, tmp_path: Path) -> None:
    for days, told in ((10, 1), (100, 0)):
        auth = by_certificate(twin, tmp_path, days=days)
        facts = source_of(twin, tmp_path, clock=now(), auth=auth).probe().facts
        assert sum("the certificate ends on" in fact for fact in facts) == told


def test_a_rejected_sign_in_raises(twin: GraphTwin, tmp_path: Path) -> None:
    twin.door.secret_expired = True
    with pytest.raises(CredentialsRejected, match="AADSTS7000222"):
        source_of(twin, tmp_path, clock=now()).probe()


def test_nothing_is_written_while_looking(twin: GraphTwin, tmp_path: Path) -> None:
    source_of(twin, tmp_path, "Claude Users", clock=now()).probe()
    assert {asked.method for asked in twin.seen} == {"GET"}


# --- groups of ours


def test_without_the_right_to_write_the_role_is_named(twin: GraphTwin, tmp_path: Path) -> None:
    twin.door.roles = twin.door.roles[:3]
    source = source_of(twin, tmp_path, owned=["Claude Users"])
    bob = twin.tenant.id_of("bob")
    with pytest.raises(Refused, match=r"GroupMember\.ReadWrite\.All is missing: grant"):
        source.add_member("Claude Users", bob)
    with pytest.raises(Refused, match=r"GroupMember\.ReadWrite\.All is missing: grant"):
        source.remove_member("Claude Users", bob)


def test_a_person_is_taken_out_by_reference_and_never_deleted(twin: GraphTwin, tmp_path: Path) -> None:
    source = source_of(twin, tmp_path, owned=["Claude Users"])
    source.remove_member("Claude Users", twin.tenant.id_of("ada"))
    (written,) = [asked for asked in twin.seen if asked.method == "DELETE"]
    assert written.path.endswith("/$ref")
    assert twin.tenant.named("ada")


def test_a_lost_answer_to_a_write_is_asked_again(twin: GraphTwin, tmp_path: Path) -> None:
    source = source_of(twin, tmp_path, owned=["Claude Users"])
    ada, bob = (twin.tenant.id_of(name) for name in ("ada", "bob"))
    lost: list[str] = []

    def lose_once(_number: int, asked: object) -> Fault | None:
        method = str(getattr(asked, "method", ""))
        if method == "GET" or method in lost:
            return None
        lost.append(method)
        return Fault.BROKEN

    twin.fault = lose_once
    source.add_member("Claude Users", bob)
    source.remove_member("Claude Users", ada)
    assert lost == ["POST", "DELETE"]
    assert list(twin.tenant.team("Claude Users").members) == [bob]


def test_an_owned_name_is_resolved_once(twin: GraphTwin, tmp_path: Path) -> None:
    source = source_of(twin, tmp_path, owned=["Claude Users"])
    for _ in range(3):
        source.add_member("Claude Users", twin.tenant.id_of("bob"))
    assert twin.counts["groups"] == 1

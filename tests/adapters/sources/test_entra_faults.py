"""Whatever goes wrong on the way, a read says so, and nobody loses anything by it."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.errors import CredentialsRejected, IdpSyncError, Malformed, RateLimited, RemoteError
from idpsync.core.model import Coverage
from idpsync.core.policy import WithoutRule
from tests.adapters.sources.entra_world import FastTime, source_of
from tests.contracts.directory_source import group_of
from tests.engine.house import GROUPS, EngineHouse
from tests.people import POLICY, PREMIUM, STANDARD
from tests.twins.graph.faults import Fault
from tests.twins.graph.server import Asked, GraphTwin, running_graph

STRICT = replace(POLICY, without_rule=WithoutRule.NONE, min_hold=timedelta(0))
TRANSPORT = [fault for fault in Fault if fault is not Fault.UNLINKED]


@pytest.fixture
def twin() -> Iterator[GraphTwin]:
    with running_graph() as twin:
        fill(twin)
        yield twin


def fill(twin: GraphTwin) -> None:
    """Eight people in "Users", three of them in "Premium", all of them assigned; pages of two."""
    tenant = twin.tenant
    people = [f"p{number}@acme.example" for number in range(8)]
    for name in people:
        tenant.put(name)
    tenant.make("Premium", *people[:3])
    tenant.make("Contractors")
    tenant.make("Admins")
    tenant.assign(tenant.make("Users", *people))
    twin.page = twin.delta_page = 2


def at(number: int, fault: Fault) -> Callable[[int, Asked], Fault | None]:
    return lambda present, _asked: fault if present == number else None


# --- one sentence each


@pytest.mark.parametrize(
    "fault", [Fault.HTML, Fault.TRUNCATED, Fault.NO_LIST, Fault.FOREIGN, Fault.BACK]
)
@pytest.mark.parametrize("nested", [False, True])
def test_an_answer_that_makes_no_sense_is_told_and_nothing_is_whole(
    twin: GraphTwin, tmp_path: Path, fault: Fault, nested: bool
) -> None:
    told = {
        Fault.HTML: "does a proxy answer in place of Graph?",
        Fault.TRUNCATED: "not JSON",
        Fault.NO_LIST: "not a list",
        Fault.FOREIGN: "leads to https://graph.example.net:443, not to http://127.0.0.1:",
        Fault.BACK: "the pages never end",
    }[fault]
    twin.fault = lambda _n, asked: fault if asked.query.get("$skiptoken") else None
    snapshot = source_of(twin, tmp_path, "Users", nested_groups=nested).read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert told in "".join(snapshot.problems)
    users = group_of(snapshot, "Users")
    assert users.coverage is Coverage.PARTIAL
    assert told in users.reason
    assert snapshot.cursor is None


def test_a_first_answer_that_makes_no_sense_raises(twin: GraphTwin, tmp_path: Path) -> None:
    twin.fault = at(1, Fault.HTML)
    with pytest.raises(Malformed, match=r"HTTP 200, but not JSON: .*does a proxy answer"):
        source_of(twin, tmp_path).read()


def test_a_round_without_a_delta_link_is_not_whole(twin: GraphTwin, tmp_path: Path) -> None:
    twin.fault = lambda _n, asked: Fault.UNLINKED if "delta" in asked.path else None
    with pytest.raises(RemoteError, match="neither nextLink nor deltaLink"):
        source_of(twin, tmp_path).read()


def test_one_group_that_fails_leaves_the_others_whole(twin: GraphTwin, tmp_path: Path) -> None:
    broken = twin.tenant.team("Users").id
    twin.fault = lambda _n, asked: Fault.BROKEN if broken in asked.path else None
    snapshot = source_of(twin, tmp_path, "Premium", "Users", nested_groups=True).read()
    group = group_of(snapshot, "Users")
    assert (group.coverage, group.members) == (Coverage.FAILED, None)
    assert group_of(snapshot, "Premium").complete
    assert snapshot.users_coverage is Coverage.COMPLETE


def test_a_place_lost_in_the_first_round_is_begun_once_more(twin: GraphTwin, tmp_path: Path) -> None:
    twin.fault = at(2, Fault.GONE)
    snapshot = source_of(twin, tmp_path, "Users").read()
    assert snapshot.complete, snapshot.problems
    twin.fault = lambda _n, asked: Fault.GONE if asked.query.get("$skiptoken") else None
    with pytest.raises(RemoteError, match="everything is to be read again"):
        source_of(twin, tmp_path, "Users").read()


@pytest.mark.parametrize("fault", [Fault.DENIED, Fault.STRANGER])
def test_a_right_taken_away_in_the_middle_fails_everything(
    twin: GraphTwin, tmp_path: Path, fault: Fault
) -> None:
    requests = count_requests(tmp_path)
    for number in range(1, requests + 1):
        twin.fault = lambda present, _asked, number=number: fault if present >= number else None  # type: ignore[misc]
        twin.seen.clear()
        with pytest.raises(CredentialsRejected):
            source_of(twin, tmp_path, "Users").read()


def count_requests(folder: Path) -> int:
    with running_graph() as twin:
        fill(twin)
        source_of(twin, folder, "Users").read()
        return len(twin.seen)


# --- quotas


def test_a_pause_is_kept_and_shortens_nothing(twin: GraphTwin, tmp_path: Path) -> None:
    time = FastTime()
    twin.fault = at(3, Fault.BUSY)
    snapshot = source_of(twin, tmp_path, "Premium", "Users", time=time).read()
    assert snapshot.complete, snapshot.problems
    assert len(snapshot.users) == 8
    assert snapshot.throttled == 1
    assert time.slept == 7


def test_without_a_pause_asked_for_it_waits_longer_each_time(twin: GraphTwin, tmp_path: Path) -> None:
    time = FastTime()
    pauses: list[float] = []

    def fault(number: int, _asked: Asked) -> None:
        pauses.append(time.at)

    twin.fault, twin.curt, twin.quota = fault, True, 0
    twin.now = lambda: 0.0
    with pytest.raises(RateLimited):
        source_of(twin, tmp_path, time=time).read()
    gaps = [later - sooner for sooner, later in pairwise(pauses)]
    assert gaps[:6] == [1, 2, 4, 8, 16, 32]


def test_near_the_limit_it_slows_down_and_meets_no_429(twin: GraphTwin, tmp_path: Path) -> None:
    time = FastTime()
    twin.now, twin.quota = time.now, 30
    for number in range(60):
        twin.tenant.put(f"q{number}@acme.example")
    snapshot = source_of(twin, tmp_path, time=time).read()
    assert len(snapshot.users) == 68
    assert (snapshot.throttled, twin.throttles) == (0, 0)


@pytest.mark.parametrize(
    ("told", "pauses"), [("nan", 0), ("much", 0), ("-inf", 0), ("inf", 10), ("1e400", 10)]
)
def test_a_share_of_the_quota_that_is_no_number_hinders_nothing(
    twin: GraphTwin, tmp_path: Path, told: str, pauses: float
) -> None:
    time = FastTime()
    twin.filled = told
    assert source_of(twin, tmp_path, "Users", time=time).read().complete
    assert time.slept <= pauses * twin.requests


def test_every_request_says_that_it_can_wait(twin: GraphTwin, tmp_path: Path) -> None:
    source_of(twin, tmp_path, "Users").read()
    assert all(asked.priority == "low" for asked in twin.seen)


def test_what_a_read_costs_is_told(twin: GraphTwin, tmp_path: Path) -> None:
    source = source_of(twin, tmp_path, "Users")
    assert source.read().requests == twin.requests
    before = twin.requests
    assert source.read().requests == twin.requests - before


# --- the law


@settings(max_examples=100, deadline=None)
@given(
    mode=st.integers(0, 3),
    page=st.integers(1, 4),
    first=st.integers(1, 30),
    lasting=st.booleans(),
    fault=st.sampled_from(TRANSPORT),
)
def test_pages_cut_anywhere_by_anything_take_nothing_from_anybody(
    mode: int, page: int, first: int, lasting: bool, fault: Fault
) -> None:
    with running_graph() as twin, tempfile.TemporaryDirectory() as folder:
        fill(twin)
        house = EngineHouse(seats={PREMIUM: 3, STANDARD: 9}, policy=STRICT)
        given_app = twin.tenant.application if mode & 1 else None
        source = source_of(
            twin,
            Path(folder),
            *GROUPS,
            nested_groups=bool(mode & 2),
            service_principal_id=given_app,
        )
        house.rooms = replace(house.rooms, source=source)
        house.run()
        before = {account.user_name: account for account in house.target.accounts()}
        assert len(before) == 8
        twin.page = twin.delta_page = page
        twin.seen.clear()
        twin.fault = lambda number, _asked: (
            fault if number == first or (lasting and number > first) else None
        )
        with suppress(IdpSyncError):
            house.run()
        after = {account.user_name: account for account in house.target.accounts()}
        assert after == before

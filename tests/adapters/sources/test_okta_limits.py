"""How fast Okta is asked: our part of its limits, and what a 429 means."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from idpsync.answers import Response
from idpsync.sources.okta.quota import AT_ONCE, DIGITS, Crowd, Tally, quota
from tests.adapters.sources.okta_world import APP, OktaWorld, okta_world
from tests.twins.okta.server import TOO_MANY, Answer, Fault

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
JITTER = 0.5


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OktaWorld]:
    """2,300 people in the application, of whom 1,100 are in "Users"."""
    with okta_world(tmp_path, app=True) as world:
        world.staff(2300, Users=1100)
        yield world


def answer(status: int, limit: int, left: int, reset: int, *, sent: datetime = NOW) -> Response:
    headers = {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(left),
        "x-rate-limit-reset": str(int(NOW.timestamp()) + reset),
        "date": format_datetime(sent, usegmt=True),
    }
    return Response(status, headers, b"")


def rest(
    told: Response, *, share: float = 0.5, now: datetime = NOW, crowd: Crowd | None = None
) -> float:
    pause = quota(share, crowd or Crowd(), Tally())(told, now)
    return pause.total_seconds() if pause else 0.0


# --- what an answer says ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "left", "share", "waits"),
    [
        (100, 51, 0.5, False),
        (100, 50, 0.5, True),
        (100, 0, 0.5, True),
        (100, 11, 0.9, False),
        (100, 10, 0.9, True),
        (100, 1, 1.0, False),
        (100, 0, 1.0, True),
        (1, 0, 0.1, True),
        (10, 10, 0.01, False),
    ],
)
def test_when_our_part_is_used_up_we_wait_for_the_reset(
    limit: int, left: int, share: float, waits: bool
) -> None:
    pause = rest(answer(200, limit, left, 40), share=share)
    assert 40 <= pause <= 40 + JITTER if waits else pause == 0


def test_the_reset_is_counted_from_the_answers_own_date_and_not_from_our_clock() -> None:
    told = answer(429, 10, 0, 8)
    assert 8 <= rest(told, now=NOW + timedelta(hours=3)) <= 8 + JITTER
    assert 8 <= rest(told, now=NOW - timedelta(hours=3)) <= 8 + JITTER


def test_a_reset_that_is_over_is_no_reason_to_wait_but_after_a_429() -> None:
    assert rest(answer(200, 10, 0, -5)) == 0
    assert 1 <= rest(answer(429, 10, 0, -5)) <= 1 + JITTER


def test_a_reset_far_away_is_not_believed() -> None:
    assert rest(answer(429, 10, 0, 86_400)) <= 15 * 60 + JITTER


@pytest.mark.parametrize("name", ["limit", "remaining", "reset"])
@pytest.mark.parametrize("digits", [13, 20, 400, 5000])
def test_a_number_that_is_out_of_all_bounds_is_no_limit(name: str, digits: int) -> None:
    told = answer(429, 10, 0, 8)
    absurd = Response(429, {**told.headers, f"x-rate-limit-{name}": "9" * digits}, b"")
    assert quota(0.5, Crowd(), Tally())(absurd, NOW) is None


def test_the_largest_number_that_is_believed_fits_into_a_pause() -> None:
    told = answer(429, 10, 0, 8)
    largest = Response(429, {**told.headers, "x-rate-limit-reset": "9" * DIGITS}, b"")
    assert rest(largest) <= 15 * 60 + JITTER


def test_without_limits_nothing_is_waited_for() -> None:
    assert quota(0.5, Crowd(), Tally())(Response(200, {}, b""), NOW) is None
    told = {"x-rate-limit-limit": "many", "x-rate-limit-remaining": "-1", "x-rate-limit-reset": "soon"}
    assert quota(0.5, Crowd(), Tally())(Response(429, told, b""), NOW) is None


def test_too_many_at_once_is_a_short_pause_and_one_request_fewer_in_flight() -> None:
    crowd = Crowd()
    for most in (3, 2, 1, 1):
        assert 1 <= rest(answer(429, 0, 0, 60), crowd=crowd) <= 1 + JITTER
        assert crowd.most == most


def test_a_crowd_lets_in_no_more_than_there_is_room_for() -> None:
    crowd, inside, seen = Crowd(2), threading.Semaphore(0), list[int]()
    present, lock, leave = [0], threading.Lock(), threading.Event()

    def stay() -> None:
        with crowd.joined():
            with lock:
                present[0] += 1
                seen.append(present[0])
            inside.release()
            leave.wait(10)
            with lock:
                present[0] -= 1

    threads = [threading.Thread(target=stay) for _ in range(6)]
    for thread in threads:
        thread.start()
    inside.acquire()
    inside.acquire()
    leave.set()
    for thread in threads:
        thread.join(10)
    assert len(seen) == 6
    assert max(seen) <= 2


# --- against the twin ---------------------------------------------------------------------------------


def test_alone_in_the_organisation_we_are_never_answered_429_and_leave_half_to_others(
    world: OktaWorld,
) -> None:
    world.twin.per_minute |= {"apps": 4, "groups": 4, "users": 4, "token": 4}
    source = world.source("Users")
    for _ in range(3):
        snapshot = source.read()
        assert snapshot.complete
        assert len(snapshot.users) == 2300
        assert snapshot.throttled == 0
    assert world.twin.statuses[429] == 0
    assert world.clock.slept > 60
    assert world.twin.most_in_a_minute["apps"] == 2


def test_one_call_that_waits_holds_up_only_calls_under_the_same_limit(world: OktaWorld) -> None:
    world.twin.per_minute["apps"] = 2
    world.source("Users").read()
    groups = [w for w in world.twin.seen if "/groups" in w.target]
    last_people = max(n for n, w in enumerate(world.twin.seen) if "/apps/" in w.target)
    assert all(world.twin.seen.index(wire) < last_people for wire in groups)


def test_a_login_waits_neither_for_room_nor_for_the_pauses_of_a_read(world: OktaWorld) -> None:
    world.twin.per_minute |= {"users": 20, "groups": 20}
    source = world.of(world.config(), "Users", owned=frozenset({"Users"}))
    source.read()
    one = "u02000@acme.example"
    for client in source._api._clients.values():
        client.pace.pause(50)
    slept = world.clock.slept

    def login() -> None:
        assert source.find(one)
        source.add_member("Users", world.id_of(one))
        source.remove_member("Users", world.id_of(one))

    with ThreadPoolExecutor() as pool, ExitStack() as lanes:
        for _ in range(AT_ONCE):
            lanes.enter_context(source._api.crowd.joined())
        entered = pool.submit(login)
        assert wait([entered], timeout=10).done
        entered.result()
    assert world.clock.slept == slept


def test_a_login_is_let_in_when_the_time_of_a_read_is_over(world: OktaWorld) -> None:
    source = world.source("Users")
    with source._api.deadline.within(0):
        assert source.find("u02000@acme.example")


def test_a_login_is_slowed_by_its_own_answers(world: OktaWorld) -> None:
    """Many writes one after the other keep to our part, as reads do."""
    world.twin.per_minute["groups"] = 10
    source = world.of(world.config(), "Users", owned=frozenset({"Users"}))
    for n in range(2000, 2012):
        source.add_member("Users", world.id_of(f"u{n:05}@acme.example"))
    assert world.twin.statuses[429] == 0
    assert world.twin.most_in_a_minute["groups"] <= 5


def test_changes_are_read_in_as_many_lanes_as_at_first(world: OktaWorld) -> None:
    source = world.source("Users")
    cursor = source.read().cursor
    source._api.crowd.thin_out()
    assert source.changes(cursor or "")
    assert source._api.crowd.most == AT_ONCE


def test_somebody_elses_use_of_the_limit_slows_us_and_shortens_nothing(world: OktaWorld) -> None:
    def used_up(told: Answer) -> Answer:
        minute = int(world.clock.now().timestamp()) // 60 + 1
        headers = [("limit", "100"), ("remaining", "0"), ("reset", str(minute * 60))]
        return Answer(429, TOO_MANY, [(f"x-rate-limit-{name}", value) for name, value in headers])

    world.twin.faults.append(Fault(f"apps/{APP}/users", used_up, times=3, skip=1))
    snapshot = world.source("Users").read()
    assert snapshot.complete
    assert len(snapshot.users) == 2300
    assert snapshot.throttled == 3
    assert snapshot.requests == world.twin.calls.total()
    assert world.clock.slept >= 60


def test_too_many_at_once_shortens_nothing(world: OktaWorld) -> None:
    def at_once(told: Answer) -> Answer:
        headers = [("limit", "0"), ("remaining", "0"), ("reset", "9999999999")]
        return Answer(429, TOO_MANY, [(f"x-rate-limit-{name}", value) for name, value in headers])

    world.twin.faults.append(Fault("/api/", at_once, times=2))
    source = world.source("Users")
    snapshot = source.read()
    assert snapshot.complete
    assert snapshot.throttled == 2
    assert source._api.crowd.most == 2
    assert source.read().throttled == 0
    assert source._api.crowd.most == 4
    assert world.clock.slept < 30

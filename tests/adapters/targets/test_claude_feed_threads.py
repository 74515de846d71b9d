"""The activity feed, read by one thread while others ask for somebody: what is known is told at once."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, claude_house
from tests.contracts.target import STANDARD, create
from tests.twins.claude.answers import Fault
from tests.twins.claude.twin import KEY
from tests.twins.sockets import Connection

ADA = "ada@acme.example"
AT_MOST = 5.0  # seconds; only a thread that waits for the feed ever takes them


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClaudeHouse]:
    monkeypatch.setenv(KEY_NAME, KEY)
    with claude_house("scim_advanced") as built:
        built.target().apply(create("ada", STANDARD))
        built.org.sync()
        yield built


def test_a_login_does_not_wait_while_a_listing_reads_the_feed(house: ClaudeHouse) -> None:
    asked, found = threading.Event(), threading.Event()
    found_before_the_answer: list[bool] = []

    def slowly(connection: Connection, answer: bytes) -> None:
        asked.set()
        found_before_the_answer.append(found.wait(AT_MOST))
        connection.send(answer)

    target = house.target()
    target.accounts()
    house.twin.faults.append(Fault("GET", "/activities", wire=slowly))
    with ThreadPoolExecutor() as pool:
        listing = pool.submit(target.accounts)
        assert asked.wait(AT_MOST)
        account = target.find(ADA)
        found.set()
        listing.result()
    assert found_before_the_answer == [True]
    assert account
    assert account.tier == STANDARD


def test_the_feed_is_read_once_for_all_who_need_it_first(house: ClaudeHouse) -> None:
    logins, before = 4, house.twin.counted()

    def when_all_have_come(connection: Connection, answer: bytes) -> None:
        until = time.monotonic() + AT_MOST
        while time.monotonic() < until:
            new = house.twin.counted() - before
            if new["GET organizations/users"] == logins:
                break
            time.sleep(0.01)
        connection.send(answer)

    house.twin.faults.append(Fault("GET", "/activities", wire=when_all_have_come))
    target = house.target()
    with ThreadPoolExecutor(logins) as pool:
        found = list(pool.map(target.find, [ADA] * logins))
    assert [one.tier for one in found if one] == [STANDARD] * logins
    new = house.twin.counted() - before
    assert new["GET compliance/activities"] == 1

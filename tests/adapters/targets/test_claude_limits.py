"""Limits of the Claude Admin API, overload, and answers that are lost or make no sense."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from idpsync.core.errors import (
    Conflict,
    RateLimited,
    Refused,
    RemoteError,
    UnknownOutcome,
)
from idpsync.settings import Secret
from idpsync.targets.claude_api import ClaudeApi
from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, claude_house
from tests.contracts.target import STANDARD, create, deactivate
from tests.twins.claude.answers import Answer, Fault, bad, overloaded, refused
from tests.twins.claude.twin import KEY
from tests.twins.scim import cut, cut_in_body, without_body

BOSS = {"id": "user_1", "email": "owner@acme.example", "role": "primary_owner"}
PAGE: dict[str, Any] = {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClaudeHouse]:
    monkeypatch.setenv(KEY_NAME, KEY)
    with claude_house("login_only") as built:
        yield built


def api(house: ClaudeHouse, version: str = "2023-06-01", rate: float = 1000.0) -> ClaudeApi:
    return ClaudeApi(
        house.twin.url,
        Secret(f"env:{KEY_NAME}"),
        version=version,
        clock=house.org.clock,
        rate=rate,
        timer=house.time.timer,
    )


# --- limits and faults ------------------------------------------------------------------------------


def test_a_limit_that_others_have_used_up_is_waited_for(house: ClaudeHouse) -> None:
    house.twin.per_minute = 2
    assert len(house.target().accounts()) == 1
    assert max(house.time.slept) > 1


def test_our_own_pace_stays_below_the_limit_of_a_minute(house: ClaudeHouse) -> None:
    house.twin.per_minute = 100
    paced = api(house, rate=1.5)
    for _ in range(150):
        paced.me()
    assert house.twin.counted()["GET organizations/me"] == 150  # not one was refused


def test_no_more_invites_leave_in_an_hour_than_claude_takes(house: ClaudeHouse) -> None:
    house.org.seats = {"premium": 1, "standard": 5000}
    house.twin.per_hour = 1200
    paced = api(house)
    for number in range(1300):
        paced.invite(f"user{number}@acme.example", "user")
    assert house.twin.counted()["POST organizations/invites"] == 1300


def test_a_used_up_quota_closes_the_gate_until_it_opens(house: ClaudeHouse) -> None:
    opens = house.org.clock.now() + timedelta(seconds=40)
    headers = {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": opens.isoformat(),
    }
    told = Answer(200, {"id": house.org.id, "name": "Acme"}, headers)
    house.twin.faults.append(Fault("GET", "/me", instead=told))
    asked = api(house)
    asked.me()
    asked.me()
    assert sum(house.time.slept) == pytest.approx(40)


def test_overload_is_waited_out_and_nothing_is_done_twice(house: ClaudeHouse) -> None:
    house.twin.faults.append(Fault("POST", "/invites", times=6, instead=overloaded()))
    house.target().apply(create("ada", STANDARD))
    assert len(house.org.invites) == 1


def test_overload_without_end_is_an_error_that_may_pass(house: ClaudeHouse) -> None:
    house.twin.faults.append(Fault("GET", times=9999, instead=overloaded()))
    with pytest.raises(RateLimited):
        house.target().accounts()


def test_a_membership_that_changes_just_now_is_asked_again(house: ClaudeHouse) -> None:
    busy = refused(409, "conflict_error", "busy", "concurrent_membership_change")
    account = house.target().apply(create("ada", STANDARD))
    house.org.accept("ada@acme.example")
    house.twin.faults.append(Fault("DELETE", "/users/", times=2, instead=busy))
    house.target().apply(deactivate(account))
    assert house.user_names() == []


def test_another_conflict_is_told(house: ClaudeHouse) -> None:
    house.twin.faults.append(Fault("POST", instead=refused(409, "conflict_error", "something else")))
    with pytest.raises(Conflict):
        house.target().apply(create("ada", STANDARD))


@pytest.mark.parametrize("wire", [cut, cut_in_body, without_body])
def test_a_removal_whose_answer_is_lost_was_done(house: ClaudeHouse, wire: Any) -> None:
    account = house.target().apply(create("ada", STANDARD))
    house.org.accept("ada@acme.example")
    house.twin.faults.append(Fault("DELETE", wire=wire))
    house.target().apply(deactivate(account))
    assert house.user_names() == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {}),
        Answer(200, {"id": "invite_1", "email": "eve@acme.example", "role": "user"}),
        refused(500, "api_error", "oops"),
    ],
)
def test_an_invite_that_may_have_been_made_is_of_unknown_outcome(
    house: ClaudeHouse, answer: Answer
) -> None:
    house.twin.faults.append(Fault("POST", times=9, instead=answer))
    with pytest.raises(UnknownOutcome):
        house.target().apply(create("ada", STANDARD))


def test_a_bare_400_is_judged_by_what_was_asked_never_by_its_words(house: ClaudeHouse) -> None:
    house.put("ada@acme.example")
    (account,) = (a for a in house.target().accounts() if a.user_name == "ada@acme.example")
    house.twin.faults.append(Fault("DELETE", instead=bad("no seats available: already_member")))
    with pytest.raises(Refused) as caught:
        house.target().apply(deactivate(account))
    assert type(caught.value).__name__ == "Uncoded"


def test_a_page_of_html_is_no_listing(house: ClaudeHouse) -> None:
    house.twin.faults.append(Fault("GET", wire=lambda line, _: line.send(HTML)))
    with pytest.raises(RemoteError):
        house.target().accounts()


HTML = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>"

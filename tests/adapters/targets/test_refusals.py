"""How providers say that no seat is left, and what only sounds like it."""

import json

import pytest

from idpsync.answers import Response, Verdict
from idpsync.scim_client.refusals import is_seat_refusal, judge


def refusal(status: int, detail: str, scim_type: str = "") -> Response:
    body = {"status": str(status), "detail": detail, "scimType": scim_type}
    return Response(status, {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "detail", "scim_type"),
    [
        (403, "User limit reached (25 max)", ""), (403, "no", "userLimitReached"),
        (400, "Cannot add: exceeding the team license", ""), (402, "Payment Required", ""),
        (403, "NEEDS_TO_INCREASE_SEATS", ""), (403, "All licenses are exhausted", ""),
        (422, "No seats available", ""), (409, "Seat limit exceeded for plan", ""),
        (429, "licence quota: seats full", ""), (500, "There are no more licences", ""),
        (403, "The maximum number of users has been reached", ""),
    ],
)  # fmt: skip
def test_a_seat_refusal_is_recognised(status: int, detail: str, scim_type: str) -> None:
    assert is_seat_refusal(refusal(status, detail, scim_type))


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (429, "User rate limit exceeded"), (429, "Rate limit exceeded for user 7"),
        (400, "userName exceeds the limit of 64 characters"), (409, "User already exists"),
        (400, "The user could not be saved: full name is required"), (403, "Forbidden"),
        (404, "User limit reached"), (500, "REQUEST_LIMIT_EXCEEDED: concurrent limit of 4 per user"),
    ],
)  # fmt: skip
def test_other_refusals_are_not_taken_for_one(status: int, detail: str) -> None:
    assert not is_seat_refusal(refusal(status, detail))


def test_a_429_for_want_of_seats_is_final_and_a_500_may_be_a_throttle() -> None:
    assert judge(refusal(429, "seat limit reached")) is Verdict.FINAL
    assert judge(refusal(429, "slow down")) is Verdict.ORDINARY
    assert judge(refusal(500, "REQUEST_LIMIT_EXCEEDED: concurrent limit")) is Verdict.THROTTLED
    assert judge(refusal(500, "stumbled")) is Verdict.ORDINARY

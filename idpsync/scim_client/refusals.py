"""Reading refusals: "no seat is left" has no standard code, and some throttles hide behind a 500."""

import re

from idpsync.answers import Response, Verdict
from idpsync.scim_client.messages import read_error
from idpsync.scim_client.profile import Update

SEAT_STATUSES = frozenset({400, 402, 403, 409, 413, 422, 429, 500})
PATH_DENIED = frozenset({"invalidpath", "invalidsyntax", "notarget"})

_SEATS = re.compile(
    r"""\b(?:seat|licen[cs]e|user(?!\s*name|\s*id\b|-agent))s?\b
        .{0,40}\b(?:limit|exceed|full\b(?!\s*name)|reached|exhaust|none\ left|no\ .{0,20}available)
      | \bno\s+(?:more\s+|available\s+|free\s+|remaining\s+)*(?:seat|licen[cs]e)s?\b
      | \b(?:insufficient|not\ enough|out\ of|exceed\w*)\s+(?:\w+\s+){0,4}(?:seat|licen[cs]e)s?\b
      | \bmax(?:imum)?\s+(?:number\s+of\s+)?(?:active\s+)?(?:user|seat|licen[cs]e)s?\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SEAT_CODES = re.compile(r"userLimitReached|SEATS|LICENSE_LIMIT")
_RATE = re.compile(
    r"rate.?limit|too many requests|throttl|concurrent limit|per (?:second|minute|hour)", re.I
)
_LENGTH = re.compile(r"character|length|too long", re.IGNORECASE)
_THROTTLE = re.compile(r"REQUEST_LIMIT_EXCEEDED|concurrent limit")


def is_seat_refusal(response: Response) -> bool:
    """Whether the provider says that its seats are used up; asked before anything else."""
    if response.status == 402:  # Payment Required: the plan is used up, whatever the words
        return True
    if response.status not in SEAT_STATUSES:
        return False
    error = read_error(response.body)
    text = f"{error.scim_type or ''} {error.detail}"
    if _SEAT_CODES.search(text):
        return True
    return bool(_SEATS.search(text)) and not _RATE.search(text) and not _LENGTH.search(text)


def judge(response: Response) -> Verdict:
    """Before a retry: a 429 or 500 that means "no seat" is final, a 500 may be a throttle."""
    if response.ok or response.status not in {429, 500}:
        return Verdict.ORDINARY
    if is_seat_refusal(response):
        return Verdict.FINAL
    if response.status == 500 and _THROTTLE.search(read_error(response.body).detail):
        return Verdict.THROTTLED
    return Verdict.ORDINARY


def step_down(way: Update, response: Response) -> Update | None:
    """The next dialect to try after this refusal; None when the refusal is meant."""
    if way is not Update.PUT and response.status in {405, 501}:
        return Update.PUT
    scim_type = (read_error(response.body).scim_type or "").casefold()
    if way is Update.PATH and response.status == 400 and scim_type in PATH_DENIED:
        return Update.PATHLESS
    return None

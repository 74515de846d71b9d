"""What the Claude Admin API means by an answer: pauses, and errors by remedy.

A bare 400 has no published wording: its message is shown to people and never judged by.
Source: platform.claude.com, "Errors", "User management", "Compliance errors".
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from idpsync.answers import LONGEST_PAUSE, NotJson, Question, Response, Verdict, read_json, sent_at
from idpsync.core.errors import Conflict, CredentialsRejected, NotFound, Refused, RemoteError
from idpsync.http import HttpClient

NOBODY_TOUCHES = "change it in the Claude console (Organization settings → Members)"
SENTENCES: Mapping[str, str] = {
    "email_domain_not_allowed": (
        "the domain of this address is not allowed: a primary owner allows it in the Claude console "
        "(Organization settings → Identity and access)"
    ),
    "cannot_invite_emails_with_unverified_domains": (
        "the domain of this address is not verified: verify it in the Claude console "
        "(Organization settings → Identity and access → Domains)"
    ),
    "org_member_limit_exceeded": (
        "the organisation has as many members and invites as Anthropic allows it, which is not the "
        "number of seats: ask Anthropic for more, or remove members"
    ),
    "cannot_remove_last_member": "the last member of an organisation stays",
    "rbac_group_grants_owner_access": f"this group gives the rights of an owner: {NOBODY_TOUCHES}",
    "rbac_group_owner_access_unconfirmed": (
        f"whether this group gives the rights of an owner is not known: {NOBODY_TOUCHES}"
    ),
    "parent_organization_required": "only the key of a parent organisation may do this",
    "organization_type_not_supported": "the key belongs to another kind of organisation than Enterprise",
    "sandbox_egress_restricted": "a sandbox organisation may not do this",
}
PRESENT = frozenset({"already_member", "invite_already_exists"})
BUSY = "concurrent_membership_change"
OVERLOADED = 529

_SCOPES = re.compile(r"(Got|Needed)\s*:\s*\[([^\]]*)\]")


class Present(Conflict):
    """Who is invited is a member or invited already."""


class Uncoded(Refused):
    """A 400 without a code: for an invite that may be want of seats, for which there is no code."""


class MissingScope(CredentialsRejected):
    """The key is good, and may not do this."""

    def __init__(self, system: str, operation: str, reason: str, scopes: frozenset[str]) -> None:
        super().__init__(system, operation, reason)
        self.scopes = scopes


def judged(answer: Response) -> Verdict:
    """Overload and a membership that changes just now are asked again later, as a throttle is."""
    if answer.status == OVERLOADED or (answer.status == 409 and code_of(answer) == BUSY):
        return Verdict.THROTTLED
    return Verdict.ORDINARY


def quota(answer: Response, now: datetime) -> timedelta | None:
    """How long nothing may leave once `anthropic-ratelimit-requests-remaining` is 0."""
    if answer.headers.get("anthropic-ratelimit-requests-remaining", "").strip() != "0":
        return None
    if "retry-after" in answer.headers:
        return None  # the answer says it better
    try:
        opens = datetime.fromisoformat(answer.headers.get("anthropic-ratelimit-requests-reset", ""))
        wait = opens - (sent_at(answer) or now)
    except (ValueError, TypeError):  # TypeError: an instant without zone
        return None
    return min(wait, LONGEST_PAUSE) if wait > timedelta(0) else None


def code_of(answer: Response) -> str:
    """`error.details.error_code`, "" where there is none."""
    details = _error(answer).get("details")
    code = details.get("error_code") if isinstance(details, Mapping) else None
    return code if isinstance(code, str) else ""


def refusal(http: HttpClient, asked: Question, answer: Response) -> RemoteError:
    """The error for an unsuccessful answer."""
    code, said = code_of(answer), http.scrub(_text(_error(answer).get("message")))
    system, operation = asked.system, asked.operation
    if code in PRESENT:
        return Present(system, operation, f"{code}: {said}", code)
    if code in SENTENCES:
        return Refused(system, operation, f"{code}: {SENTENCES[code]}")
    match answer.status:
        case 401:
            reason = "the key is not accepted: see target.api_key"
            return CredentialsRejected(system, operation, f"HTTP 401: {reason}")
        case 403:
            return _not_permitted(asked, said)
        case 404:
            return NotFound(system, operation, f"HTTP 404: {said}")
        case 400 if not code:
            return Uncoded(system, operation, f"HTTP 400 without a code: {said}")
        case _:
            return http.refusal(asked, answer, f"{code}: {said}" if code else said)


def _not_permitted(asked: Question, said: str) -> RemoteError:
    named = {word: _names(listed) for word, listed in _SCOPES.findall(said)}
    missing = named.get("Needed", frozenset()) - named.get("Got", frozenset())
    if not missing:
        return CredentialsRejected(asked.system, asked.operation, f"HTTP 403: {said}")
    words = f"the scope{'s' if len(missing) > 1 else ''} {', '.join(sorted(missing))}"
    reason = (
        f"HTTP 403: the key lacks {words}. The scopes of a key never change: the primary owner of the "
        "parent organisation makes a new key that has it too, and target.api_key names that one"
    )
    return MissingScope(asked.system, asked.operation, reason, missing)


def _names(listed: str) -> frozenset[str]:
    return frozenset(filter(None, (name.strip(" '\"") for name in listed.split(","))))


def _error(answer: Response) -> Mapping[str, Any]:
    try:
        error = read_json(answer.body).get("error")
    except NotJson:
        return {}
    return error if isinstance(error, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

"""The Claude Admin API on the wire: members, invites, groups, settings and the activity feed.

Both versions are read: 2023-06-01, and 2026-10-21, which renames fields of groups.
Source: platform.claude.com, "User management", "Admin API keys", "Compliance API"; Python SDK 2.11.0.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

from idpsync.answers import NotJson, Response, read_json, unreadable
from idpsync.core.errors import Malformed, RateLimited, Transient
from idpsync.core.model import fold
from idpsync.core.ports import Clock
from idpsync.http import HttpClient, Limits
from idpsync.pace import Pace, Timer
from idpsync.settings import Secret
from idpsync.targets.claude_errors import judged, quota, refusal
from idpsync.targets.claude_pages import Page, Place, Row, page_by_cursor, page_by_id, read_all

SYSTEM = "claude target"
USERS, INVITES = "/v1/organizations/users", "/v1/organizations/invites"
GROUPS, COMPLIANCE = "/v1/organizations/rbac_groups", "/v1/compliance"
ANALYTICS = "/v1/organizations/analytics"
PATIENCE = 180.0  # seconds; a limit per minute may be used up by others
COMPLIANCE_RATE = 10.0  # 600 a minute, for the whole parent organisation
INVITES_AN_HOUR, AT_ONCE = 1_200, 200

Query = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Organization:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    id: str
    email: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """A pending invite; it holds a seat."""

    id: str
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class RbacGroup:
    """A group at Claude; `source` is "direct" where it was made there, "scim" from the directory."""

    id: str
    name: str
    source: str
    roles: frozenset[str]


class ApiKey:
    """`x-api-key`, read again for every request, so that it may be replaced."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def headers(self, method: str, url: str) -> Mapping[str, str]:  # noqa: ARG002 -- alike for all
        return {"x-api-key": self._key.reveal()}

    def renew(self, rejected: Mapping[str, str], answer: Response) -> bool:  # noqa: ARG002
        return {"x-api-key": self._key.reveal()} != rejected

    def secrets(self) -> tuple[str, ...]:
        return (self._key.reveal(),)


class ClaudeApi:
    """One organisation, from any number of threads. Each verb is safe to do twice."""

    def __init__(
        self,
        url: str,
        key: Secret,
        *,
        version: str,
        clock: Clock,
        rate: float,
        timer: Timer | None = None,
        ca_file: Path | None = None,
    ) -> None:
        self._timer, self._clock = timer or Timer(), clock

        def client(per_second: float) -> HttpClient:
            return HttpClient(
                SYSTEM,
                url,
                clock=clock,
                credential=ApiKey(key),
                limits=Limits(rate=per_second, patience=PATIENCE, body=32 * 1024 * 1024),
                ca_file=ca_file,
                timer=self._timer,
                judge=judged,
                quota=quota,
            )

        self._admin, self._compliance = client(rate), client(COMPLIANCE_RATE)
        self._headers = {"anthropic-version": version, "Content-Type": "application/json"}
        # no more than the limit in any hour: those at once and those that follow
        hourly = (INVITES_AN_HOUR - AT_ONCE) / timedelta(hours=1).total_seconds()
        self._invites = Pace(hourly, burst=AT_ONCE, timer=self._timer)

    # --- who is there -----------------------------------------------------------------------------

    def me(self) -> Organization:
        told = self._ask("GET", "/v1/organizations/me", "read organisation")
        return Organization(_text(told, "id", "read organisation"), str(told.get("name") or ""))

    def members(self) -> list[Member]:
        """All members, whatever their role."""
        place = Place(SYSTEM, "list members")
        rows = self._by_id(USERS, [("limit", "1000")], place)
        return [_member(row, place.operation) for row in rows]

    def member_called(self, email: str) -> Member | None:
        """The member with exactly this address: the filter of the API also finds aliases of it."""
        place = Place(SYSTEM, "find member")
        rows = self._by_id(USERS, [("email", email)], place)
        found = (_member(row, place.operation) for row in rows)
        return next((one for one in found if fold(one.email) == fold(email)), None)

    def member(self, member_id: str) -> Member:
        return _member(self._ask("GET", _at(USERS, member_id), "read member"), "read member")

    def change_role(self, member_id: str, role: str) -> Member:
        """`role` is user or managed: the API gives no other."""
        body, operation = {"role": role}, "change role"
        return _member(self._ask("POST", _at(USERS, member_id), operation, body), operation)

    def remove(self, member_id: str) -> bool:
        """The seat is free at once. False for somebody who is gone already, under that id."""
        return self._delete(_at(USERS, member_id), "remove member")

    # --- invites ----------------------------------------------------------------------------------

    def invitations(self) -> list[Invitation]:
        """All that are pending and whose time is not over."""
        return self._pending([("limit", "1000")], "list invites")

    def invitation_to(self, email: str) -> Invitation | None:
        """The pending invite to exactly this address."""
        found = self._pending([("email", email)], "find invite")
        return next((one for one in found if fold(one.email) == fold(email)), None)

    def invitation(self, invite_id: str) -> Invitation | None:
        """None where it is no longer pending."""
        row = self._ask("GET", _at(INVITES, invite_id), "read invite")
        return _invitation(row, "read invite") if self._stands(row) else None

    def invite(self, email: str, role: str) -> Invitation:
        """A new invite; Present for those who are there or invited. It takes the lowest free tier."""
        operation = "invite member"
        if late := self._invites.admit(self._timer.now() + PATIENCE):
            reason = f"{INVITES_AN_HOUR} invites an hour are allowed"
            raise RateLimited(SYSTEM, operation, reason, timedelta(seconds=late))
        told = self._ask("POST", INVITES, operation, {"email": email, "role": role})
        try:
            invited = _invitation(told, operation)
        except Malformed as error:
            raise unreadable(self._admin.question("POST", operation), error.reason) from error
        if fold(invited.email) != fold(email):
            reason = f"the answer is about {invited.email}"
            raise unreadable(self._admin.question("POST", operation), reason)
        return invited

    def withdraw(self, invite_id: str) -> bool:
        """False for one that is gone already; Uncoded for one that was accepted."""
        return self._delete(_at(INVITES, invite_id), "withdraw invite")

    def _pending(self, query: Query, operation: str) -> list[Invitation]:
        place = Place(SYSTEM, operation)
        rows = self._by_id(INVITES, [*query, ("statuses[]", "pending")], place)
        return [_invitation(row, operation) for row in rows if self._stands(row)]

    def _stands(self, row: Row) -> bool:
        """Whether the invite still holds a seat: one whose day is over does not, whatever its status."""
        if row.get("status") != "pending":
            return False
        try:
            return datetime.fromisoformat(str(row.get("expires_at"))) > self._clock.now()
        except (ValueError, TypeError):  # no day is told, or one without zone
            return True

    # --- groups -----------------------------------------------------------------------------------

    def groups(self) -> list[RbacGroup]:
        """Transient while Claude does not know the roles of one."""
        place = Place(SYSTEM, "list groups")
        return [_group(row, place) for row in self._by_cursor(GROUPS, [("limit", "100")], place)]

    def group_members(self, group_id: str) -> frozenset[str]:
        """Ids of the members of one group."""
        place = Place(SYSTEM, "list group members")
        rows = self._by_cursor(f"{_at(GROUPS, group_id)}/members", [("limit", "100")], place)
        for row in rows:
            named = row.get("rbac_group_id") or row.get("group_id")  # 2026-10-21, 2023-06-01
            if named != group_id:
                raise place.malformed(f"a member of another group: {named}")
        return frozenset(_text(row, "user_id", place.operation) for row in rows)

    # --- compliance -------------------------------------------------------------------------------

    def provisioning_mode(self, organization_id: str) -> str:
        """The mode as enforced; MissingScope without `read:compliance_org_data`."""
        path = f"{COMPLIANCE}/organizations/{quote(organization_id, safe='')}/settings"
        told = self._ask("GET", path, "read provisioning mode", http=self._compliance)
        return _text(told, "sso_provisioning_mode", "read provisioning mode")

    def activities(self, types: Iterable[str], since: datetime | None) -> list[Row]:
        """Newest first; MissingScope without `read:compliance_activities`."""
        query = [("limit", "5000"), *(("activity_types[]", one) for one in types)]
        if since:
            query.append(("created_at.gte", since.isoformat()))
        place = Place(SYSTEM, "read activities")
        return self._by_id(f"{COMPLIANCE}/activities", query, place, http=self._compliance)

    # --- analytics --------------------------------------------------------------------------------

    def seats_counted(self, day: date) -> tuple[int, int] | None:
        """Seats assigned and invites pending on that day, as Claude counted them; None for no count.

        MissingScope or NotFound without `read:analytics`; Uncoded for a day that is not counted yet.
        """
        operation = "read seat counts"
        query = {"starting_date": day.isoformat(), "ending_date": (day + timedelta(days=1)).isoformat()}
        told = self._ask("GET", f"{ANALYTICS}/summaries?{urlencode(query)}", operation)
        rows = told.get("data", told.get("summaries"))  # 2026-10-21, 2023-06-01
        row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
        counts = row.get("assigned_seat_count"), row.get("pending_invite_count")
        return (
            (counts[0], counts[1]) if isinstance(counts[0], int) and isinstance(counts[1], int) else None
        )

    # --- requests ---------------------------------------------------------------------------------

    def _by_id(
        self, path: str, query: Query, place: Place, *, http: HttpClient | None = None
    ) -> list[Row]:
        fixed = list(query)

        def ask(after: str | None) -> Page:
            more = [("after_id", after)] if after else []
            url = f"{path}?{urlencode([*fixed, *more])}"
            return page_by_id(self._ask("GET", url, place.operation, http=http), place)

        return read_all(ask, place)

    def _by_cursor(self, path: str, query: Query, place: Place) -> list[Row]:
        fixed = list(query)

        def ask(cursor: str | None) -> Page:
            more = [("page", cursor)] if cursor else []
            url = f"{path}?{urlencode([*fixed, *more])}"
            return page_by_cursor(self._ask("GET", url, place.operation), place)

        return read_all(ask, place)

    def _delete(self, path: str, operation: str) -> bool:
        answer = self._admin.exchange("DELETE", path, operation=operation, headers=self._headers)
        if not answer.ok and answer.status != 404:
            raise refusal(self._admin, self._admin.question("DELETE", operation), answer)
        return answer.ok

    def _ask(
        self,
        method: str,
        url: str,
        operation: str,
        body: Mapping[str, object] | None = None,
        *,
        http: HttpClient | None = None,
    ) -> dict[str, object]:
        """The object that is answered. Every write here may be sent twice and ends in the same state."""
        http = http or self._admin
        answer = http.exchange(
            method,
            url,
            operation=operation,
            headers=self._headers,
            body=None if body is None else json.dumps(body).encode(),
            repeatable=True,
        )
        asked = http.question(method, operation)
        if not answer.ok:
            raise refusal(http, asked, answer)
        try:
            return read_json(answer.body)
        except NotJson as error:
            raise unreadable(asked, str(error)) from error


def _at(path: str, identifier: str) -> str:
    return f"{path}/{quote(identifier, safe='')}"


def _member(row: Row, operation: str) -> Member:
    return Member(
        id=_text(row, "id", operation),
        email=_text(row, "email", operation),
        name=str(row.get("name") or ""),
        role=_text(row, "role", operation),
    )


def _invitation(row: Row, operation: str) -> Invitation:
    return Invitation(*(_text(row, key, operation) for key in ("id", "email", "role")))


def _group(row: Row, place: Place) -> RbacGroup:
    roles = row["role_ids"] if "role_ids" in row else row.get("roles")
    if roles is None:
        raise Transient(
            SYSTEM, place.operation, f"the roles of group {row.get('name')} are not known now"
        )
    if not isinstance(roles, list):
        raise place.malformed("the roles of a group are not a list")
    return RbacGroup(
        id=_text(row, "id", place.operation),
        name=str(row.get("name") or ""),
        source=str(row.get("source_type") or ""),
        roles=frozenset(map(str, roles)),
    )


def _text(row: Row, key: str, operation: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise Malformed(SYSTEM, operation, f"`{key}` is missing in the answer")
    return value

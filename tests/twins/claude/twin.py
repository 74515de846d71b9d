"""The Claude Admin API over real sockets: both versions, both paginations, scopes, limits and faults."""

import json
import re
import threading
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.twins.claude.answers import (
    Answer,
    Fault,
    Request,
    bad,
    encoded,
    endpoint,
    matching,
    none,
    refused,
)
from tests.twins.claude.compliance import activities, settings, summaries
from tests.twins.claude.organization import Body, NoSeat, Organization
from tests.twins.sockets import Connection, Wire, listening

KEY = "sk-ant-api01-twin-key"
READS = {"read:members", "read:rbac_groups", "read:analytics"}
READS |= {"read:compliance_activities", "read:compliance_org_data"}
WRITES = {"write:members", "write:rbac_groups"}
UNTOUCHED = {"primary_owner", "owner", "membership_admin"}


class ClaudeTwin:
    """One organisation behind its API; `running` puts it onto a socket."""

    def __init__(self, organization: Organization) -> None:
        self.org = organization
        self.url = ""
        self.keys: dict[str, set[str]] = {KEY: {*READS, *WRITES}}
        self.per_minute: int | None = None
        self.per_hour: int | None = None  # of invites
        self.page_size = 1000
        self.unknown_roles = 0  # so many listings of groups tell no roles
        self.between_pages: Callable[[], object] | None = None
        self.faults: list[Fault] = []
        self.seen: list[Request] = []
        self._times: deque[datetime] = deque()
        self._invited: deque[datetime] = deque()
        self._lock = threading.RLock()

    def counted(self) -> Counter[str]:
        """Requests by method and endpoint, ids left out."""
        return Counter(f"{one.method} {endpoint(one.path)}" for one in self.seen)

    def serve(self, connection: Connection, wire: Wire) -> bool:
        parts = urlsplit(wire.target)
        request = Request(
            wire.method,
            parts.path,
            tuple(parse_qsl(parts.query)),
            wire.headers.get("anthropic-version", ""),
            json.loads(wire.body) if wire.body else {},
        )
        with self._lock:
            self.seen.append(request)
            fault = next((f for f in self.faults if f.takes(request)), None)
            if fault:
                fault.times -= 1
            if fault and fault.instead:
                answer = fault.instead
            else:
                answer = self._answer(request, wire.headers.get("x-api-key", ""))
        if fault and fault.wire:
            fault.wire(connection, encoded(answer))
            return False
        connection.send(encoded(answer))
        return True

    # --- before anything is looked at -------------------------------------------------------------

    def _answer(self, request: Request, key: str) -> Answer:
        if key not in self.keys:
            return refused(401, "authentication_error", f"invalid x-api-key {key}")
        if request.version not in {"2023-06-01", "2026-10-21"}:
            return bad("anthropic-version: no such version")
        if limited := self._limited(request):
            return limited
        for method, pattern, scopes, handle in self._routes():
            match = re.fullmatch(pattern, request.path)
            if match and method == request.method:
                needed = scopes | self._more_scopes(request)
                if not needed <= self.keys[key]:
                    return self._missing(key, needed)
                return handle(request, *map(unquote, match.groups()))
        return refused(404, "not_found_error", f"no such endpoint: {request.method} {request.path}")

    def _missing(self, key: str, needed: set[str]) -> Answer:
        got, want = (", ".join(sorted(some)) for some in (self.keys[key], needed))
        message = f"Missing required scopes. Got: [{got}] Needed: [{want}]"
        return refused(403, "permission_error", message)

    def _more_scopes(self, request: Request) -> set[str]:
        managed = request.body.get("role") == "managed" or request.body.get("rbac_group_ids")
        return {"write:rbac_groups"} if managed else set()

    def _limited(self, request: Request) -> Answer | None:
        if self.per_minute is None:
            return None
        now = self.org.clock.now()
        while self._times and now - self._times[0] >= timedelta(minutes=1):
            self._times.popleft()
        if len(self._times) >= self.per_minute:
            wait = timedelta(minutes=1) - (now - self._times[0])
            return self._throttled(wait)
        self._times.append(now)
        return None

    def _throttled(self, wait: timedelta) -> Answer:
        seconds = max(1, round(wait.total_seconds()))
        return refused(429, "rate_limit_error", "slow down", retry_after=str(seconds))

    def _routes(self) -> list[tuple[str, str, set[str], Callable[..., Answer]]]:
        users, invites = r"/v1/organizations/users", r"/v1/organizations/invites"
        groups, one = r"/v1/organizations/rbac_groups", r"/([^/]+)"
        read, write = {"read:members"}, {"write:members"}
        read_groups, write_groups = {"read:rbac_groups"}, {"write:rbac_groups"}
        compliance = r"/v1/compliance"
        return [
            ("GET", r"/v1/organizations/me", set(), self._me),
            ("GET", users, read, self._users),
            ("GET", users + one, read, self._user),
            ("POST", users + one, write, self._change_role),
            ("DELETE", users + one, write, self._remove),
            ("GET", invites, read, self._invites),
            ("POST", invites, write, self._invite),
            ("GET", invites + one, read, self._one_invite),
            ("DELETE", invites + one, write, self._withdraw),
            ("GET", groups, read_groups, self._groups),
            ("GET", groups + one + "/members", read_groups, self._group_members),
            ("POST", groups + one + "/members", write_groups, self._join_group),
            ("DELETE", groups + one + "/members" + one, write_groups, self._leave_group),
            ("GET", r"/v1/organizations/analytics/summaries", {"read:analytics"}, self._summaries),
            ("GET", compliance + "/activities", {"read:compliance_activities"}, self._activities),
            (
                "GET",
                compliance + "/organizations" + one + "/settings",
                {"read:compliance_org_data"},
                self._settings,
            ),
        ]

    # --- people -----------------------------------------------------------------------------------

    def _me(self, _: Request) -> Answer:
        return Answer(200, {"id": self.org.id, "name": "Acme", "type": "organization"})

    def _users(self, request: Request) -> Answer:
        return self._by_id(request, matching(list(self.org.members.values()), request))

    def _user(self, _: Request, member_id: str) -> Answer:
        member = self.org.members.get(member_id)
        return Answer(200, member) if member else none("user")

    def _change_role(self, request: Request, member_id: str) -> Answer:
        member, role = self.org.members.get(member_id), request.body["role"]
        if member is None:
            return none("user")
        if role in UNTOUCHED or member["role"] in UNTOUCHED:
            return bad("this role is not assigned through the API")
        if self.org.mode.endswith("advanced"):
            return bad("roles follow from group mappings")
        member["role"] = role
        return Answer(200, member)

    def _remove(self, _: Request, member_id: str) -> Answer:
        member = self.org.members.get(member_id)
        if member is None:
            return none("user")
        if member["role"] in UNTOUCHED:
            return bad("this member is not removed through the API")
        if self.org.mode.startswith("scim"):
            return bad("members follow from the directory")
        self.org.remove(member_id)
        return Answer(200, {"type": "user_deleted", "id": member_id})

    # --- invites ----------------------------------------------------------------------------------

    def _invites(self, request: Request) -> Answer:
        self.org.expire()
        wanted = request.all("statuses[]")
        rows = [i for i in self.org.invites.values() if not wanted or i["status"] in wanted]
        return self._by_id(request, matching(rows, request))

    def _one_invite(self, _: Request, invite_id: str) -> Answer:
        self.org.expire()
        invite = self.org.invites.get(invite_id)
        return Answer(200, invite) if invite else none("invite")

    def _invite(self, request: Request) -> Answer:
        email, role = request.body["email"], request.body["role"]
        if late := self._too_many_invites():
            return late
        if role in UNTOUCHED:
            return bad("this role is not assigned through the API")
        if self.org.mode != "login_only":
            return bad("members come by the identity provider")
        if self.org.called(email):
            return bad("is a member", "already_member")
        if self.org.pending(email):
            return bad("is invited", "invite_already_exists")
        if email.rpartition("@")[2].casefold() not in self.org.allowed_domains:
            return bad("domain", "email_domain_not_allowed")
        if len(self.org.members) >= self.org.member_limit:
            return bad("members", "org_member_limit_exceeded")
        try:
            return Answer(200, self.org.invite(email, role, request.body.get("rbac_group_ids", [])))
        except NoSeat:
            return bad("Your request could not be processed.")  # the wording is not published

    def _too_many_invites(self) -> Answer | None:
        now = self.org.clock.now()
        while self._invited and now - self._invited[0] >= timedelta(hours=1):
            self._invited.popleft()
        if self.per_hour is not None and len(self._invited) >= self.per_hour:
            return self._throttled(timedelta(hours=1) - (now - self._invited[0]))
        self._invited.append(now)
        return None

    def _withdraw(self, _: Request, invite_id: str) -> Answer:
        self.org.expire()
        invite = self.org.invites.get(invite_id)
        if invite is None:
            return none("invite")
        if invite["status"] != "pending":
            return bad("only pending invites are withdrawn")
        del self.org.invites[invite_id]
        self.org.tier_of.pop(invite_id, None)
        return Answer(200, {"type": "invite_deleted", "id": invite_id})

    # --- groups -----------------------------------------------------------------------------------

    def put_group(self, name: str, *members: str, source: str = "direct") -> str:
        group_id = f"rbac_group_{uuid.uuid4().hex[:12]}"
        self.org.groups[group_id] = {
            "name": name,
            "source_type": source,
            "roles": ["rbac_role_1"],
            "members": list(members),
        }
        return group_id

    def _groups(self, request: Request) -> Answer:
        known: list[str] | None = None if self.unknown_roles else ["rbac_role_1"]
        self.unknown_roles = max(0, self.unknown_roles - 1)
        rows = []
        for group_id, group in self.org.groups.items():
            row = {"type": "rbac_group", "id": group_id, "role_ids": known}
            row |= {key: group[key] for key in ("name", "source_type")}
            if request.version == "2023-06-01":
                row["roles"] = known or []
            rows.append(row)
        return self._by_page(request, rows)

    def _group_members(self, request: Request, group_id: str) -> Answer:
        group = self.org.groups.get(group_id)
        if group is None:
            return none("group")
        key = "group_id" if request.version == "2023-06-01" else "rbac_group_id"
        rows = [{"type": "rbac_group_member", key: group_id, "user_id": one} for one in group["members"]]
        return self._by_page(request, rows)

    def _join_group(self, request: Request, group_id: str) -> Answer:
        group, member = self.org.groups.get(group_id), request.body["user_id"]
        if group is None or member not in self.org.members:
            return none("group or member")
        if self._is_synced(group):
            return bad("the members of this group follow from the directory")
        if member in group["members"]:
            return bad("is in the group")
        group["members"].append(member)
        return Answer(200, {"type": "rbac_group_member", "group_id": group_id, "user_id": member})

    def _leave_group(self, _: Request, group_id: str, member: str) -> Answer:
        group = self.org.groups.get(group_id)
        if group is None or member not in group["members"]:
            return none("group or member")
        if self._is_synced(group):
            return bad("the members of this group follow from the directory")
        group["members"].remove(member)
        return Answer(200, {"type": "rbac_group_member_deleted", "group_id": group_id})

    def _is_synced(self, group: Body) -> bool:
        return bool(group["source_type"] == "scim" and self.org.mode.startswith("scim"))

    # --- compliance -------------------------------------------------------------------------------

    def _activities(self, request: Request) -> Answer:
        return self._by_id(request, activities(self.org, request), newest_first=False)

    def _summaries(self, request: Request) -> Answer:
        return summaries(self.org, request)

    def _settings(self, _: Request, organization: str) -> Answer:
        return settings(self.org, organization)

    # --- pages ------------------------------------------------------------------------------------

    def _by_id(self, request: Request, rows: list[Body], *, newest_first: bool = True) -> Answer:
        rows = list(reversed(rows)) if newest_first else rows
        after = request.first("after_id")
        if after:
            place = next((n for n, row in enumerate(rows) if row["id"] == after), None)
            if place is None:
                return bad("after_id: no such object")
            rows = rows[place + 1 :]
        size = min(int(request.first("limit") or "20"), self.page_size)
        page = [dict(row) for row in rows[:size]]  # as they are now, whatever happens next
        if self.between_pages:
            self.between_pages()
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
        blank: Body = {"first_id": None, "last_id": None}
        return Answer(200, {"data": page, "has_more": len(rows) > size, **blank, **ends})

    def _by_page(self, request: Request, rows: list[Body]) -> Answer:
        start = int(request.first("page") or "0")
        size = min(int(request.first("limit") or "20"), self.page_size)
        end = start + size
        following = str(end) if end < len(rows) else None
        body = {"data": rows[start:end], "has_more": following is not None, "next_page": following}
        return Answer(200, body)


@contextmanager
def running(organization: Organization) -> Iterator[ClaudeTwin]:
    """The twin on a loopback port until the block ends."""
    twin = ClaudeTwin(organization)
    with listening(twin.serve) as port:
        twin.url = f"http://127.0.0.1:{port}"
        yield twin

"""The verbs of RFC 7644 on /Users; the outcome of every write is told apart: done, refused, unknown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import quote

import structlog

from idpsync.answers import Response
from idpsync.core.errors import (
    ConfigError,
    Conflict,
    NotFound,
    Refused,
    RemoteError,
    UnknownOutcome,
)
from idpsync.http import HttpClient
from idpsync.pace import Timer
from idpsync.scim_client.listing import Position
from idpsync.scim_client.messages import (
    Page,
    RemoteUser,
    Resource,
    encode,
    equals,
    goes_by,
    holds,
    member,
    patch_by_path,
    patch_without_path,
    read_page,
    read_text,
    read_user,
    replacement,
    same,
    user_in,
    value_at,
    with_schemas,
)
from idpsync.scim_client.profile import ScimProfile, Update
from idpsync.scim_client.reader import BODY_HEADERS, HEADERS, ScimReader
from idpsync.scim_client.refusals import step_down

log = structlog.get_logger()
T = TypeVar("T")

FILTER_DENIED = frozenset({400, 405, 501})


@dataclass(frozen=True, slots=True)
class Creation:
    """A user after a create. `found` means: the answer was lost, the user was looked up."""

    user: RemoteUser
    found: bool


class ScimClient:
    """Users at one service provider, from any number of threads; `reader` for its other resources.

    Raises RemoteError by remedy; SeatsExhausted when the provider says that its seats are used up.
    What it learns about the provider (no PATCH, no filters) holds for the life of the client.
    """

    def __init__(
        self, http: HttpClient, *, profile: ScimProfile | None = None, timer: Timer | None = None
    ) -> None:
        self._http, self._timer = http, timer or Timer()
        self.reader = ScimReader(http, profile or ScimProfile())
        self._proven: set[str] = set()

    # reading

    @property
    def profile(self) -> ScimProfile:
        """What is known of the provider so far."""
        return self.reader.profile

    def users(self, keep: Callable[[RemoteUser], T]) -> tuple[T, ...]:
        """What `keep` makes of every user; Malformed unless the listing is proven complete."""
        return self.reader.listing("/Users", read_user, keep).whole()

    def count(self) -> int | None:
        """How many users there are, as the provider says, from a page of one."""
        response = self.reader.ask("GET", "/Users?startIndex=1&count=1", "read one user")
        return self.reader.read("GET", "read one user", response, _users).total

    def get(self, user_id: str) -> RemoteUser:
        """NotFound when there is none: the only proof of absence (never a list)."""
        response = self.reader.ask("GET", _place(user_id), "read user")
        return self.reader.read("GET", "read user", response, read_user)

    def find(self, attribute: str, value: str) -> tuple[RemoteUser, ...]:
        """Users whose `userName` (folded) or `externalId` (exact) is `value`, each row checked.

        Falls back to the whole list where the provider denies or ignores filters.
        """
        if self.profile.filters:
            matches = self._filtered(attribute, value)
            if matches or (matches is not None and self._is_proven(attribute)):
                return matches
            self.reader.learn(replace(self.profile, filters=False))
        return self.scan(attribute, value)

    def _is_proven(self, attribute: str) -> bool:
        """Whether "nobody" can be believed of this filter, asked once: some say so of every one."""
        if attribute in self._proven:
            return True
        rows = self.reader.page("/Users", Position(), read_user, count=1).rows
        value = read_text(member(rows[0].raw, attribute)) if rows else None
        if not value:
            return True  # nobody to try it with
        if not self._filtered(attribute, value):
            return False
        self._proven.add(attribute)
        return True

    def scan(self, attribute: str, value: str) -> tuple[RemoteUser, ...]:
        """Like `find`, by reading the whole list."""
        rows = self.users(lambda user: user if goes_by(user, attribute, value) else None)
        return tuple(user for user in rows if user)

    def _filtered(self, attribute: str, value: str) -> tuple[RemoteUser, ...] | None:
        """The matching rows, or None when the provider does not filter."""
        operation = f"find user by {attribute}"
        path = f"/Users?filter={quote(equals(attribute, value), safe='')}"
        response = self._http.exchange("GET", path, operation=operation, headers=HEADERS)
        if response.status in FILTER_DENIED:
            return None
        if not response.ok:
            raise self.reader.error("GET", operation, response)
        rows = self.reader.read("GET", operation, response, _users).rows
        matches = tuple(user for user in rows if goes_by(user, attribute, value))
        return matches if len(matches) == len(rows) else None

    # writing

    def create(self, draft: Mapping[str, object]) -> Creation:
        """POST a user, never twice blindly: after an unknown outcome it is looked for first.

        Conflict when the provider knows the user already. UnknownOutcome when the user may have been
        made and neither the answer nor a look-up (by externalId, then userName) tells.
        """
        body = encode(with_schemas(draft))
        try:
            user = self._post(body)
        except UnknownOutcome as error:
            return self._pursue(draft, body, error)
        return Creation(self._whole(user), found=False)

    def _pursue(self, draft: Resource, body: bytes, unknown: UnknownOutcome) -> Creation:
        """After a create of unknown outcome: look, and ask again only when nobody is there."""
        for left in reversed(range(self.profile.creates)):
            found = self._look_for(draft, unknown)
            if found:
                return Creation(found, found=True)
            if not left:
                break
            try:
                user = self._post(body)
            except (UnknownOutcome, Conflict):  # a conflict may be with our own user, seen late
                continue
            except (RemoteError, ConfigError) as error:
                raise unknown from error
            return Creation(self._whole(user), found=False)
        raise unknown

    def _whole(self, user: RemoteUser) -> RemoteUser:
        return user if user.user_name else self.read_back(user.id, "create user")

    def _post(self, body: bytes) -> RemoteUser:
        response = self.reader.ask("POST", "/Users", "create user", body)
        return self.reader.read("POST", "create user", response, read_user)

    def _look_for(self, draft: Resource, unknown: UnknownOutcome) -> RemoteUser | None:
        """The user that a lost answer may have announced; None when it is surely not there."""
        told = False
        for lag in self.profile.lags:
            self._timer.sleep(lag)
            try:
                found = self.lookup(read_text(draft.get("externalId")), str(draft["userName"]))
            except (RemoteError, ConfigError):
                told = False
                continue
            if found:
                return found
            told = True
        if not told:
            raise unknown
        return None

    def lookup(self, external_id: str | None, user_name: str) -> RemoteUser | None:
        """By externalId, then by userName; Conflict when several users answer to one key."""
        for attribute, value in (("externalId", external_id), ("userName", user_name)):
            found = self.find(attribute, value) if value else ()
            if len(found) > 1:
                reason = f"{len(found)} users have the {attribute} {value}"
                raise Conflict(self._http.system, "find user", reason, "uniqueness")
            if found:
                return found[0]
        return None

    def amend(self, user: RemoteUser, changes: Mapping[str, object]) -> RemoteUser:
        """Write what differs between `user` and `changes` (path → value); the user as it is then.

        Nothing is written when nothing differs. When the answer does not show the change, the user
        is read again: what is returned is what the provider says, not what was asked of it.
        """
        needed = {p: v for p, v in changes.items() if not same(value_at(user.raw, p), v)}
        return self.write(user.id, needed) if needed else user

    def write(self, user_id: str, changes: Mapping[str, object]) -> RemoteUser:
        """Like `amend`, where it is known that all of `changes` differ: nothing is read before."""
        try:
            response = self._update(user_id, changes)
        except UnknownOutcome:
            now = self.read_back(user_id, "update user")
            if holds(now, changes):
                return now
            raise
        answer = user_in(response.body)
        whole = answer is not None and bool(answer.user_name) and holds(answer, changes)
        return answer if answer and whole else self.read_back(user_id, "update user")

    def read_back(self, user_id: str, operation: str) -> RemoteUser:
        """The user after a write of ours, called `operation`.

        UnknownOutcome when it cannot be read, for whatever reason: the write itself may stand.
        """
        try:
            return self.get(user_id)
        except (RemoteError, ConfigError) as error:
            reason = f"written perhaps, and then not readable: {error}"
            raise UnknownOutcome(self._http.system, operation, reason) from error

    def _update(self, user_id: str, needed: Mapping[str, object]) -> Response:
        """Write in the dialect that is known to work, else in the next one that the provider takes."""
        way = self.profile.update
        first: Response | None = None
        while True:
            response = self._write(way, user_id, needed)
            if response.ok:
                if way is not self.profile.update:
                    self.reader.learn(replace(self.profile, update=way))
                return response
            first = first or response
            step = step_down(way, response)
            if step is None:
                last = self.reader.error("PATCH", "update user", response)
                raise (
                    self.reader.error("PATCH", "update user", first) if type(last) is Refused else last
                )
            way = step

    def _write(self, way: Update, user_id: str, needed: Mapping[str, object]) -> Response:
        match way:
            case Update.PATH:
                method, message = "PATCH", patch_by_path(needed)
            case Update.PATHLESS:
                method, message = "PATCH", patch_without_path(needed)
            case Update.PUT:  # of the whole resource as it is now, or its other attributes are lost
                method, message = "PUT", replacement(self.get(user_id).raw, needed)
        return self._http.exchange(
            method,
            _place(user_id),
            operation="update user",
            headers=BODY_HEADERS,
            body=encode(message),
            repeatable=True,  # replace and remove by path end in the same state
        )

    def delete(self, user_id: str) -> None:
        """404 is success (RFC 7644 §3.6)."""
        try:
            self.reader.ask("DELETE", _place(user_id), "delete user")
        except NotFound:
            log.debug("user.absent", system=self._http.system, id=user_id)


def _users(body: Resource) -> Page[RemoteUser]:
    return read_page(body, read_user)


def _place(user_id: str) -> str:
    return f"/Users/{quote(user_id, safe='')}"

"""A SCIM service provider as a source: `/Users` and `/Groups`, each proven whole or said not to be.

SCIM has no feed of changes that could be relied on: a filter on `meta.lastModified` shows nobody who was
deleted, and no group that lost somebody in a way of its own. So everything is read each time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar
from urllib.parse import quote

import structlog

from idpsync.core.errors import CredentialsRejected, Malformed
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, Proof
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.credentials import Bearer, credential_of
from idpsync.http import HttpClient, Limits
from idpsync.pace import Deadline, Timer
from idpsync.scim_client import RemoteGroup, ScimClient, ScimProfile
from idpsync.scim_client.listing import Listing
from idpsync.scim_client.messages import R, read_group, read_user
from idpsync.sources.scim.groups import Roster
from idpsync.sources.scim.meter import Meter
from idpsync.sources.scim.people import SOURCE, Seen, counted, judged, says_true, seen
from idpsync.sources.scim.settings import ScimDirectoryConfig

log = structlog.get_logger()
T = TypeVar("T")

SYSTEM = "scim directory"
TOLD = 50  # problems spelled out in one log line
INLINE_FROM = 10  # so many wanted groups cost more one by one than all groups with their members
ANSWER = 32 * 1024 * 1024  # bytes; a page of groups holds all their members
SKEW = timedelta(seconds=60)
NAMES_ALONE = "&excludedAttributes=members"


class ScimSource:
    """`directory.kind: scim`. Each read takes everything."""

    kind = "scim"

    def __init__(
        self,
        config: ScimDirectoryConfig,
        *,
        clock: Clock,
        groups: frozenset[str],
        timer: Timer | None = None,
    ) -> None:
        self.name = SOURCE
        self._config, self._clock, self._wanted = config, clock, groups
        self._meter = Meter()
        self._says_true: bool | None = None  # whether it writes `active`; None before the first read
        self._shown: dict[str, frozenset[str]] = {}  # by place, the ids of its last whole listing
        self._deadline = Deadline(timer or Timer())
        token = config.token
        http = HttpClient(
            SYSTEM,
            config.url,
            clock=clock,
            credential=Bearer(token) if token else credential_of(config.auth, SYSTEM, clock),
            limits=Limits(concurrency=config.concurrency, rate=config.rate, body=ANSWER),
            ca_file=config.ca_file,
            quota=self._meter.measure,
            timer=timer,
            deadline=self._deadline,
        )
        self._client = ScimClient(http, profile=ScimProfile(), timer=timer)

    def read(self, since: str | None = None) -> DirectorySnapshot:  # noqa: ARG002
        """Everybody, and the groups that policy mentions.

        Raises when nothing came or we are rejected. A list that was cut, or whose pages moved three
        times while it was read, is PARTIAL; a group that could not be read is FAILED, the rest goes on.
        """
        with self._deadline.within(self._config.read_deadline.total_seconds()):
            return self._read()

    def _read(self) -> DirectorySnapshot:
        taken_at, before = self._clock.now(), (self._meter.requests, self._meter.throttled)
        self._discover()
        listing = self._listing("/Users", read_user, seen)
        if listing.error and (not listing.kept or isinstance(listing.error, CredentialsRejected)):
            raise listing.error
        everybody = listing.kept.values()
        self._says_true = says_true(everybody)
        users, problems = self._named(everybody)
        coverage = Coverage.PARTIAL if listing.error or problems else Coverage.COMPLETE
        if listing.error:
            problems.append(f"people were read in part: {listing.error}")
        if not users and coverage is Coverage.COMPLETE:
            coverage, problems = Coverage.SUSPECT, ["the provider shows nobody"]
        roster = self._roster(counted(everybody) if listing.error is None else None)
        groups = tuple(roster.group(name) for name in sorted(self._wanted))
        problems += [f"group '{g.name}': {g.reason}" for g in groups if g.coverage is Coverage.SUSPECT]
        snapshot = DirectorySnapshot(
            source=self.name,
            taken_at=taken_at,
            users=tuple(users),
            groups=groups,
            users_coverage=coverage,
            problems=tuple(problems),
            scope=self._config.scope,
            other_groups=roster.others(self._wanted),
            users_proof=_proof(listing),
            requests=self._meter.requests - before[0],
            throttled=self._meter.throttled - before[1],
        )
        if not snapshot.complete:
            log.warning("directory.incomplete", source=self.name, problems=snapshot.problems[:TOLD])
        return snapshot

    def find(self, user_name: str) -> tuple[DirectoryUser, frozenset[str]] | None:
        """One person and those of their groups that policy mentions; None when nobody is so called.

        Raises when the answer is not certain: several people of that name, a group that was not read.
        """
        self._discover()
        rows = self._client.find("userName", user_name)
        if not rows:
            return None
        if len(rows) > 1:
            raise Malformed(SYSTEM, "find person", f"{len(rows)} people have this user name")
        user = judged(seen(rows[0]), when_silent=self._when_silent())
        roster = self._roster(None)
        found = [roster.group(name) for name in sorted(self._wanted)]
        if unread := next((g for g in found if g.coverage in {Coverage.PARTIAL, Coverage.FAILED}), None):
            raise Malformed(SYSTEM, "find person", f"group '{unread.name}': {unread.reason}")
        return user, frozenset(g.name for g in found if user.external_id in (g.members or ()))

    def probe(self) -> Health:
        """Log in, count people, resolve the groups. Not ok when a wanted group is missing."""
        began = self._clock.now()
        self._discover()
        total = self._client.count()
        roster = self._roster(None, members=False) if self._wanted else None
        facts = [self._encryption(), self._paging(), *self._told_groups(roster), *self._skewed()]
        missing = frozenset(n for n in self._wanted if roster and not roster.ids_of(n))
        people = "an unknown number of" if total is None else f"{total:,}"
        return Health(
            system=SYSTEM,
            ok=not missing and total != 0,
            detail=f"logged in to {self._config.url}{self._config.shown_as}; sees {people} people",
            latency=max(self._clock.now() - began, timedelta(0)),
            facts=tuple(facts),
            missing=missing,
        )

    def _listing(
        self, place: str, make: Callable[[object], R], keep: Callable[[R], T], *, query: str = ""
    ) -> Listing[T]:
        """Everything at `place`. By index each page begins with the last row of the one before, unless
        all are there whom the last whole listing showed: nobody of theirs was shifted out of a page.
        """
        reader, shown = self._client.reader, self._shown.pop(place, frozenset())
        listing = reader.listing(place, make, keep, query=query, overlap=0 if shown else 1)
        if listing.error is None and not (reader.profile.cursors or shown <= listing.kept.keys()):
            listing = reader.listing(place, make, keep, query=query, overlap=1)
        if listing.error is None:
            self._shown[place] = frozenset(listing.kept)
        return listing

    # --- people -----------------------------------------------------------------------------------

    def _named(self, everybody: Iterable[Seen]) -> tuple[list[DirectoryUser], list[str]]:
        """Those who have a user name; a sentence for each who has none (RFC 7643 §4.1.1: required)."""
        people = [judged(one, when_silent=self._when_silent()) for one in everybody]
        nameless = [user.external_id for user in people if not user.user_name]
        return (
            [user for user in people if user.user_name],
            [f"the user with the id {identifier} has no userName" for identifier in nameless],
        )

    def _when_silent(self) -> bool | None:
        """What it means that `active` is not there.

        Active, where this provider never writes "true"; unknown, where it does so of others.
        """
        return True if self._says_true is False else None

    # --- groups -----------------------------------------------------------------------------------

    def _roster(self, counts: Mapping[str, int] | None, *, members: bool = True) -> Roster:
        """The groups that are there, and who is in the wanted ones where `members` are asked for."""
        listing: Listing[RemoteGroup] = Listing()
        if self._wanted:
            inline = members and len(self._wanted) >= INLINE_FROM
            query = "" if inline else NAMES_ALONE
            listing = self._listing("/Groups", read_group, _itself, query=query)
        if isinstance(listing.error, CredentialsRejected):
            raise _without_right(listing.error)
        roster = Roster(listing, self._group, nested=self._config.nested_groups, counts=counts)
        if members:
            roster.prepare(self._wanted, self._config.concurrency)
        return roster

    def _group(self, identifier: str) -> RemoteGroup:
        operation, reader = "read group", self._client.reader
        answer = reader.ask("GET", f"/Groups/{quote(identifier, safe='')}", operation)
        group = reader.read("GET", operation, answer, read_group)
        if group.id != identifier:
            raise Malformed(SYSTEM, operation, f"asked for {identifier}, and {group.id} came")
        return group

    # --- what check tells -------------------------------------------------------------------------

    def _encryption(self) -> str:
        if not self._config.url.lower().startswith("https:"):
            return "not encrypted: http, on this machine"
        against = self._config.ca_file or "the public certificate authorities"
        return f"TLS: the certificate is checked against {against}"

    def _paging(self) -> str:
        profile = self._client.profile
        way = "cursor" if profile.cursors else "index"
        return f"pages by {way}, {profile.page_size} at a time"

    def _told_groups(self, roster: Roster | None) -> Iterable[str]:
        for name in sorted(self._wanted) if roster else ():
            ids = roster.ids_of(name) if roster else []
            yield f"group '{name}' → {' and '.join(ids) or 'not there'}"

    def _skewed(self) -> Iterable[str]:
        skew = self._meter.skew
        if skew and abs(skew) > SKEW:
            where = "behind" if skew > timedelta(0) else "ahead of"
            yield f"our clock is {abs(round(skew.total_seconds()))} s {where} the provider's"

    def _discover(self) -> None:
        reader, size = self._client.reader, self._config.page_size
        reader.discover()
        if size:
            reader.learn(replace(reader.profile, page_size=size))


def _proof(listing: Listing[Seen]) -> Proof:
    return Proof(listing.ended_by or f"cut: {listing.error}", listing.pages, listing.total)


def _itself(group: RemoteGroup) -> RemoteGroup:
    return group


def _without_right(error: CredentialsRejected) -> CredentialsRejected:
    reason = f"{error.reason}; let this credential read /Groups"
    return CredentialsRejected(error.system, error.operation, reason)

"""Okta as a directory, by its management API."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import structlog

from idpsync.core.changes import DirectoryChanges
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, fold
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.pace import Timer
from idpsync.sources.okta.api import Api
from idpsync.sources.okta.auth import SKEW, SYSTEM, skewed
from idpsync.sources.okta.changes import Changes
from idpsync.sources.okta.groups import Found, Groups
from idpsync.sources.okta.people import People
from idpsync.sources.okta.reading import Reading, Whole, people_scope
from idpsync.sources.okta.settings import OktaConfig
from idpsync.sources.okta.writing import Writer
from idpsync.sources.pages import text

log = structlog.get_logger()

TOLD = 10  # problems in one log line
NOBODY = "0 people"


class OktaSource:
    """`directory.kind: okta`."""

    kind = "okta"

    def __init__(
        self,
        config: OktaConfig,
        *,
        clock: Clock,
        groups: frozenset[str],
        owned: frozenset[str] = frozenset(),
        timer: Timer | None = None,
    ) -> None:
        self.name = "okta"
        self._config, self._clock, self._wanted = config, clock, groups
        self._api = Api(config, clock=clock, writes=bool(owned), timer=timer)
        self._groups, self._people = Groups(self._api), People(config, self.name)
        self._reading = Reading(config, self._api, self._groups, self._people)
        self._changes = Changes(config, self._api, self._groups, self._people, self._reading)
        self._writer = Writer(self._api, self._groups, owned)

    def read(self, since: str | None = None) -> DirectorySnapshot:  # noqa: ARG002
        """The people of the application or of groups, and the groups that policy mentions.

        Raises when nobody could be read, or when Okta rejects us anywhere. What is cut in the middle is
        PARTIAL, a group that is not there GONE; neither looks like an empty one.
        """
        with self._api.deadline.within(self._config.read_deadline.total_seconds()):
            return self._read()

    def _read(self) -> DirectorySnapshot:
        taken_at = self._clock.now()
        requests, throttled = self._api.tally.begin()
        self._api.crowd.restore()
        read = self._reading.whole(self._wanted)
        snapshot = DirectorySnapshot(
            source=self.name,
            taken_at=taken_at,
            users=tuple(read.people.values()),
            groups=tuple(read.group(name) for name in sorted(self._wanted)),
            users_coverage=read.coverage,
            problems=tuple(read.problems),
            scope=self._config.scope,
            other_groups=_others(read),
            users_proof=read.proof,
            requests=self._api.tally.requests - requests,
            throttled=self._api.tally.throttled - throttled,
        )
        if not snapshot.complete:
            told = (*snapshot.problems, *(f"{g.name}: {g.reason}" for g in snapshot.groups if g.reason))
            log.warning("directory.incomplete", source=self.name, problems=told[:TOLD])
        elif self._api.tally.began:
            snapshot = replace(snapshot, cursor=self._changes.cursor_for(snapshot))
        self._changes.keep(snapshot, read, self._api.tally.began)
        return snapshot

    def changes(self, since: str) -> DirectoryChanges | None:
        """What is other since the last read or the last changes, by Okta's own stamps."""
        self._api.crowd.restore()
        with self._api.deadline.within(self._config.read_deadline.total_seconds()):
            return self._changes.since(since, self._clock.now())

    # --- one person -------------------------------------------------------------------------------

    def find(self, user_name: str) -> tuple[DirectoryUser, frozenset[str]] | None:
        """The person with that login, if they are among those that `read` reads."""
        with self._api.ahead():
            return self._found(user_name) if user_name else None

    def _found(self, user_name: str) -> tuple[DirectoryUser, frozenset[str]] | None:
        row = self._api.one(f"/api/v1/users/{quote(user_name, safe='')}", operation="find person")
        user = self._people.user(row) if row else None
        if row is None or user is None or fold(user.user_name) != fold(user_name):
            return None
        if self._config.app_id and not self._reading.of_app.includes(user.external_id):
            return None
        theirs = self._groups_of(quote(user.external_id, safe=""))
        scope = people_scope(self._config, self._wanted)
        if not self._config.app_id and not any(_bears(theirs, name) for name in scope):
            return None
        return user, frozenset(name for name in self._wanted if _bears(theirs, name))

    def _groups_of(self, person: str) -> Mapping[str, str]:
        """Names of somebody's groups, by id."""
        pages = self._api.pages(f"/api/v1/users/{person}/groups", operation="find groups of person")
        return {text(row, "id"): text(row, "profile", "name") for row in pages.whole()}

    # --- groups of ours ---------------------------------------------------------------------------

    def members_of(self, group: str) -> frozenset[str]:
        return self._writer.members_of(group)

    def add_member(self, group: str, external_id: str) -> None:
        self._writer.add(group, external_id)

    def remove_member(self, group: str, external_id: str) -> None:
        self._writer.remove(group, external_id)

    # --- how it is --------------------------------------------------------------------------------

    def probe(self) -> Health:
        """Log in, look for the groups, count the people. Not ok when anything is missing."""
        started = self._clock.now()
        self._api.tally.begin()
        scope = frozenset() if self._config.app_id else people_scope(self._config, self._wanted)
        found = self._groups.find(self._wanted | scope)
        if found.error:
            raise found.error
        people = self._count(found, scope)
        began = self._api.tally.began
        faults = [f"{name}: {reason}" for name, (_, reason) in sorted(found.lacking.items())]
        if people == NOBODY:
            faults.append("is anybody assigned, and may the admin role see them?")
        if began and abs(ahead := started - began) > SKEW:
            faults.append(skewed(ahead))
        resolved = (f"group '{name}' → {known.id}" for name, known in sorted(found.groups.items()))
        gone = (name for name, (coverage, _) in found.lacking.items() if coverage is Coverage.GONE)
        return Health(
            system=SYSTEM,
            ok=not faults,
            detail=f"logged in to {self._config.url} as {self._api.who}; sees {people}",
            latency=max(self._clock.now() - started, timedelta(0)),
            facts=(*resolved, *faults),
            missing=frozenset(gone),
        )

    def _count(self, found: Found, scope: frozenset[str]) -> str:
        """How many people a read would give: the app's are counted, those of groups Okta counts."""
        if self._config.app_id:
            return _people(len(self._people.of(self._reading.assigned().whole())[0]))
        ids = {found.groups[name].id for name in scope if name in found.groups}
        counts = [known.count or 0 for known in self._groups.by_ids(ids, counted=True)]
        return f"{'at most ' if len(counts) > 1 else ''}{_people(sum(counts))}"


def _people(number: int) -> str:
    return f"{number} {'person' if number == 1 else 'people'}"


def _bears(theirs: Mapping[str, str], wanted: str) -> bool:
    """Whether somebody is in the group of that name or id."""
    return wanted in theirs or fold(wanted) in map(fold, theirs.values())


def _others(read: Whole) -> dict[str, str]:
    """What else there is: a group that is gone may be among them under its new name."""
    renamed = (m.known for m in read.members.values() if m.coverage is Coverage.GONE)
    return {**read.found.others, **{known.id: known.name for known in renamed}}

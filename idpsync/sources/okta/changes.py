"""What is other since the last read, from Okta's own stamps.

A group says when its members last changed, a person when their record did; neither says so for the
other. So groups that changed are read again in full, and people are asked for by `lastUpdated`. Whom an
application is assigned to has no stamp at all: that listing is read again each time, and it shows the
people, too. Okta's System Log would name the same changes, but may be late: it is not asked.

Times are Okta's: what is asked for begins two minutes before the first answer of the read before. Its
stamps are whole seconds: a group that changed so shortly before a read may have changed again under the
same stamp, and is read again the next time.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from idpsync.core.changes import DirectoryChanges, MemberChanges
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, fold
from idpsync.sources.okta.api import Api
from idpsync.sources.okta.groups import IDS_IN_ONE_FILTER, PAGE, Groups, Known, judge
from idpsync.sources.okta.people import People, has_left, slim
from idpsync.sources.okta.reading import Reading, Whole, people_scope
from idpsync.sources.okta.settings import OktaConfig
from idpsync.sources.pages import Row, text
from idpsync.sources.remembered import Remembered

OVERLAP = timedelta(minutes=2)
Roster = frozenset[str]


class Untold(Exception):
    """What changed cannot be told for certain."""


@dataclass(slots=True)
class State:
    """The last good read, carried on. `known` and `rosters` are by group id, `ids` by wanted name."""

    remembered: Remembered
    watermark: str
    ids: dict[str, str]
    scope: frozenset[str]  # ids of the groups whose members are the people
    known: dict[str, Known] = field(default_factory=dict)
    rosters: dict[str, Roster] = field(default_factory=dict)


class Changes:
    """Tells them against the state that the last read left."""

    def __init__(
        self, config: OktaConfig, api: Api, groups: Groups, people: People, reading: Reading
    ) -> None:
        self._config, self._api, self._groups = config, api, groups
        self._people, self._reading = people, reading
        self._series, self._number = uuid.uuid4().hex[:12], 0
        self._state: State | None = None

    # --- after a whole read -----------------------------------------------------------------------

    def cursor_for(self, snapshot: DirectorySnapshot) -> str:
        """That of the state before where the read shows the same, a new one otherwise."""
        before = self._state.remembered if self._state else None
        if before and before == Remembered.of(replace(snapshot, cursor=before.cursor)):
            return before.cursor
        return self._next_cursor()

    def keep(self, snapshot: DirectorySnapshot, read: Whole, began: datetime | None) -> None:
        """From here the next changes are told; nothing is kept of a read that is not whole."""
        remembered = Remembered.of(snapshot)
        if remembered is None or began is None:
            self._state = None
            return
        ids = {name: known.id for name, known in read.found.groups.items()}
        wanted = frozenset(group.name for group in snapshot.groups)
        scope = () if self._config.app_id else people_scope(self._config, wanted)
        self._state = State(
            remembered=remembered,
            watermark=stamp(began - OVERLAP),
            ids=ids,
            scope=frozenset(ids[name] for name in scope),
            known={one: members.known for one, members in read.members.items()},
            rosters={one: members.ids for one, members in read.members.items()},
        )

    def _next_cursor(self) -> str:
        self._number += 1
        return f"{self._series}-{self._number}"

    # --- since then -------------------------------------------------------------------------------

    def since(self, cursor: str, taken_at: datetime) -> DirectoryChanges | None:
        """None where another read was the last, or where only a whole read can tell."""
        state = self._state
        if state is None or cursor != state.remembered.cursor:
            return None
        try:
            return self._told(state, taken_at)
        except Untold:
            self._state = None
            return None

    def _told(self, state: State, taken_at: datetime) -> DirectoryChanges:
        self._api.tally.begin()
        changed = self._changed_groups(state)
        rows = self._changed_people(state)
        gone = {text(row, "id") for row in rows if has_left(row)} if not self._config.app_id else set()
        updates, spoiled = self._people.of(rows)
        if spoiled:
            raise Untold
        rosters, members = self._read_again(changed)
        updates |= members if not self._config.app_id else {}
        for one, roster in {**state.rosters, **rosters}.items():
            rosters[one] = roster - gone
        people = self._people_now(state, rosters, updates)
        asked = state.remembered.members
        names = {name: rosters[one] for name, one in state.ids.items() if name in asked}
        cursor, began = state.remembered.cursor, self._api.tally.began
        if began is None:
            raise Untold
        told = state.remembered.move_on(
            self._next_cursor(), taken_at=taken_at, people=people, groups=names
        )
        told = _with_outsiders(told, names)
        state.remembered.members |= names
        state.watermark, state.rosters = stamp(began - OVERLAP), rosters
        state.known |= changed
        if told.people or told.groups:
            return told
        state.remembered.cursor = cursor
        return replace(told, cursor=cursor)

    def _changed_groups(self, state: State) -> dict[str, Known]:
        """Groups of ours whose members changed, by id. Untold where one is gone or has another name."""
        few = len(state.known) <= IDS_IN_ONE_FILTER
        if not state.known:
            return {}
        if few:
            seen = self._groups.by_ids(state.known, counted=True)
            if {known.id for known in seen} != state.known.keys():
                raise Untold
        else:
            seen = self._groups.changed_since(state.watermark)
        wanted = {fold(name) for name in state.ids}
        for known in seen:
            before = state.known.get(known.id)
            if before is None and fold(known.name) in wanted:
                raise Untold
            if before and fold(before.name) != fold(known.name):
                raise Untold
        ours = {known.id: known for known in seen if known.id in state.known}
        return {one: known for one, known in ours.items() if _may_have_changed(known, state)}

    def _changed_people(self, state: State) -> list[Row]:
        """Rows of everybody who may be other: of the whole application, or by their stamps."""
        if self._config.app_id:
            return self._reading.assigned().whole()
        asked = {"filter": f'lastUpdated gt "{state.watermark}"', "limit": str(PAGE)}
        place = f"/api/v1/users?{urlencode(asked)}"
        return self._api.pages(place, operation="read changed people", keep=slim).whole()

    def _read_again(
        self, changed: Mapping[str, Known]
    ) -> tuple[dict[str, Roster], dict[str, DirectoryUser]]:
        """Who is in these groups now. A change in the middle of it is seen the next time."""
        rosters: dict[str, Roster] = {}
        people: dict[str, DirectoryUser] = {}
        for one, known in changed.items():
            members = judge(known, self._groups.members(one), known)
            users, spoiled = self._people.of(members.pages.rows)
            if members.coverage is not Coverage.COMPLETE or spoiled:
                raise Untold
            rosters[one] = members.ids
            people |= users
        return rosters, people

    def _people_now(
        self, state: State, rosters: Mapping[str, Roster], updates: Mapping[str, DirectoryUser]
    ) -> dict[str, DirectoryUser | None]:
        before = state.remembered.people
        there = self._there(state, rosters, updates)
        if not there or there - before.keys() - updates.keys():
            raise Untold  # nobody at all, or somebody of whom nothing is known
        if self._config.app_id and self._reading.of_app.doubt(there, frozenset()):
            raise Untold
        people: dict[str, DirectoryUser | None] = {one: updates[one] for one in there & updates.keys()}
        return people | dict.fromkeys(before.keys() - there)

    def _there(self, state: State, rosters: Mapping[str, Roster], updates: Iterable[str]) -> set[str]:
        if self._config.app_id:
            return set(updates)
        return {one for group in state.scope for one in rosters[group]}


def _with_outsiders(told: DirectoryChanges, rosters: Mapping[str, Roster]) -> DirectoryChanges:
    """As a whole read shows it: somebody may be out of the people and still be a member of a group."""
    stayed = {
        name: MemberChanges(moved.joined, moved.left - rosters[name])
        for name, moved in told.groups.items()
    }
    return replace(told, groups={n: moved for n, moved in stayed.items() if moved.joined or moved.left})


def _may_have_changed(known: Known, state: State) -> bool:
    if known.moved != state.known[known.id].moved or known.moved > state.watermark:
        return True
    return known.count is not None and known.count != len(state.rosters[known.id])


def stamp(instant: datetime) -> str:
    """As Okta writes it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

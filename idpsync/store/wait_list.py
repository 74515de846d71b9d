"""Unmet wishes. `queue` holds one row per tier a member would take, for the queue rule of a claim."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from idpsync.core.errors import StoreError
from idpsync.core.records import Cause
from idpsync.core.seats import Door, Ladder, Tier, WaitEntry
from idpsync.store.database import Database
from idpsync.store.ledger import Scribe
from idpsync.store.schema import queue, wait_list


class SqlWaitList:
    """`WaitList` on one store."""

    def __init__(self, database: Database, ladder: Ladder) -> None:
        self._database, self._ladder = database, ladder

    def entries(self) -> tuple[WaitEntry, ...]:
        with self._database.reading() as connection:
            return read_wishes(self._database, connection, self._ladder)

    def replace(
        self, entries: Iterable[WaitEntry], cause: Cause, made_at: datetime | None = None
    ) -> None:
        wanted = {entry.member: entry for entry in entries}
        with self._database.writing(cause) as connection:
            scribe = Scribe(self._database, connection, cause)
            wishes = Wishes(self._database, connection, self._ladder)
            there = {entry.member: entry for entry in wishes.all()}
            gone = [
                member
                for member, entry in there.items()
                if member not in wanted and not (made_at and entry.since > made_at)
            ]
            kept = {m: replace(e, since=there[m].since) if m in there else e for m, e in wanted.items()}
            changed = [entry for member, entry in kept.items() if entry != there.get(member)]
            wishes.drop(gone)
            wishes.put(changed)
            for member in gone:
                scribe.note("wish.dropped", member)
            for entry in changed:
                if entry.member not in there:
                    scribe.note("wish.queued", entry.member, detail={"wants": entry.wants.name})
            scribe.write()

    def drop(self, member: str, cause: Cause) -> None:
        with self._database.writing(cause) as connection:
            if Wishes(self._database, connection, self._ladder).drop([member]):
                scribe = Scribe(self._database, connection, cause)
                scribe.note("wish.dropped", member)
                scribe.write()

    def owe(self, entry: WaitEntry, cause: Cause) -> None:
        with self._database.writing(cause) as connection:
            if Wishes(self._database, connection, self._ladder).owe(entry):
                scribe = Scribe(self._database, connection, cause)
                scribe.note("wish.owed", entry.member, detail={"wants": entry.wants.name})
                scribe.write()


_DROP = delete(wait_list).where(
    wait_list.c.organization == bindparam("of_organization"),
    wait_list.c.member == bindparam("of_member"),
)


class Wishes:
    """The wait list inside one transaction."""

    def __init__(self, database: Database, connection: Connection, ladder: Ladder) -> None:
        self._database, self._connection, self._ladder = database, connection, ladder
        self._organization = database.organization

    def all(self) -> tuple[WaitEntry, ...]:
        return read_wishes(self._database, self._connection, self._ladder)

    def of(self, member: str) -> WaitEntry | None:
        query = select(wait_list).where(
            wait_list.c.organization == self._organization, wait_list.c.member == member
        )
        row = self._connection.execute(query.with_for_update()).first()
        return _entry(row, self._ladder) if row else None

    def drop(self, members: Iterable[str]) -> int:
        """How many there were; their queue rows go along."""
        rows = [{"of_organization": self._organization, "of_member": member} for member in members]
        return self._connection.execute(_DROP, rows).rowcount if rows else 0

    def put(self, entries: Iterable[WaitEntry]) -> None:
        """Each entry in the place of the member's former one."""
        entries = tuple(entries)
        self.drop(entry.member for entry in entries)
        rows = [_values(self._organization, entry) for entry in entries]
        places = [place for entry in entries for place in _places(self._organization, entry)]
        if rows:
            self._connection.execute(insert(wait_list), rows)
        if places:
            self._connection.execute(insert(queue), places)

    def seated(self, member: str, tier: Tier) -> None:
        """A confirmed seat: the wish or the debt is met, or the wish goes on and nothing is owed."""
        old = self.of(member)
        if old is None:
            return
        if old.wants == tier or (old.owed and old.awaits(tier)):
            self.drop([member])
        elif old.owed or old.holds != tier:
            self.put([replace(old, holds=tier, owed=False)])

    def unseated(self, member: str) -> None:
        self._connection.execute(
            update(wait_list)
            .where(wait_list.c.organization == self._organization, wait_list.c.member == member)
            .values(holds=None)
        )

    def owe(self, entry: WaitEntry) -> bool:
        """The member is owed `entry.wants`: nobody stands before them. False if that is known."""
        old = self.of(entry.member)
        accepts = old.accepts if old else entry.accepts
        if entry.wants not in accepts:
            accepts = (*accepts, entry.wants)
        new = replace(old or entry, owed=True, accepts=accepts)
        if new == old:
            return False
        self.put([new])
        return True

    def rename(self, member: str, to: str) -> bool:
        """Whether there was a wish to take along."""
        old, there = self.of(member), self.of(to)
        if old is None:
            return False
        self.drop([member])
        self.put([replace(old, member=to, since=min(old.since, there.since) if there else old.since)])
        return True


def read_wishes(database: Database, connection: Connection, ladder: Ladder) -> tuple[WaitEntry, ...]:
    """All wishes in queue order."""
    query = select(wait_list).where(wait_list.c.organization == database.organization)
    entries = (_entry(row, ladder) for row in connection.execute(query))
    return tuple(sorted(entries, key=lambda entry: entry.turn))


def _entry(row: Row[Any], ladder: Ladder) -> WaitEntry:
    try:
        return WaitEntry(
            member=row.member,
            user_name=row.user_name,
            wants=ladder.named(row.wants),
            since=row.since,
            holds=ladder.named(row.holds) if row.holds else None,
            priority=row.priority,
            because=tuple(row.because),
            owed=row.owed,
            accepts=tuple(ladder.named(name) for name in row.accepts),
            door=Door(row.door),
        )
    except KeyError as error:
        raise StoreError(
            f"the wait list knows a tier {error.args[0]!r} that the configuration does not name"
        ) from error


def _values(organization: str, entry: WaitEntry) -> dict[str, object]:
    return {
        "organization": organization,
        "member": entry.member,
        "user_name": entry.user_name,
        "wants": entry.wants.name,
        "accepts": [tier.name for tier in entry.accepts],
        "holds": entry.holds.name if entry.holds else None,
        "since": entry.since,
        "priority": entry.priority,
        "because": list(entry.because),
        "owed": entry.owed,
        "door": entry.door.value,
    }


def _places(organization: str, entry: WaitEntry) -> list[dict[str, object]]:
    """One queue row for each tier whose free seat would go to this member."""
    return [
        {
            "organization": organization,
            "tier": name,
            "member": entry.member,
            "owed": entry.owed,
            "priority": entry.priority,
            "since": entry.since,
        }
        for name in sorted({entry.wants.name, *(tier.name for tier in entry.accepts)})
    ]

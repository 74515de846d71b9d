"""Registry, runs, read cache and account shelf in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from idpsync.core.changes import DirectoryChanges
from idpsync.core.errors import Conflict
from idpsync.core.model import Account, Coverage, DirectorySnapshot, DirectoryUser, Link, fold
from idpsync.core.ports import Clock
from idpsync.core.records import (
    Cause,
    HeadroomSample,
    HeldPlan,
    HoldState,
    LastRead,
    Person,
    RunRecord,
)
from tests.fakes.ledger import FakeLedger


class FakeRegistry:
    def __init__(self, ledger: FakeLedger) -> None:
        self.ledger = ledger
        self.rows: dict[str, Link] = {}

    def links(self) -> tuple[Link, ...]:
        return tuple(self.rows[key] for key in sorted(self.rows))

    def link(self, link: Link, cause: Cause) -> None:
        self.ledger.lease.fence(cause)
        old = self.rows.get(link.account_id)
        kept = replace(link, adopted_at=old.adopted_at) if old else link
        if kept != old:
            self.rows[link.account_id] = kept
            self.ledger.record("account.linked", cause, account_id=link.account_id)

    def unlink(self, account_id: str, cause: Cause) -> None:
        self.ledger.lease.fence(cause)
        if self.rows.pop(account_id, None):
            self.ledger.record("account.unlinked", cause, account_id=account_id)

    def mark_missing(self, since: Mapping[str, datetime | None], cause: Cause) -> None:
        self.ledger.lease.fence(cause)
        for account_id, instant in since.items():
            old = self.rows.get(account_id)
            if old and old.missing_since != instant:
                self.rows[account_id] = replace(old, missing_since=instant)
                event = "account.missing" if instant else "account.returned"
                self.ledger.record(event, cause, account_id=account_id)


class FakeRunBook:
    def __init__(self, clock: Clock, ledger: FakeLedger) -> None:
        self.clock, self.ledger = clock, ledger
        self.rows: dict[str, RunRecord] = {}
        self.taken: list[HeadroomSample] = []
        self.slots: set[tuple[str, datetime]] = set()
        self.held: dict[str, HeldPlan] = {}

    def begin(self, run: RunRecord) -> None:
        self.rows[run.id] = run

    def finish(self, run: RunRecord, sample: Sequence[HeadroomSample]) -> None:
        self.rows[run.id] = run
        self.taken.extend(sample)

    def claim_slot(self, job: str, slot: datetime) -> bool:
        fresh = (job, slot) not in self.slots
        self.slots.add((job, slot))
        return fresh

    def runs(self, limit: int = 20) -> tuple[RunRecord, ...]:
        newest = sorted(self.rows.values(), key=lambda run: (run.started_at, run.id), reverse=True)
        return tuple(newest[:limit])

    def samples(self, since: datetime | None = None) -> tuple[HeadroomSample, ...]:
        found = [s for s in self.taken if since is None or s.at >= since]
        return tuple(sorted(found, key=lambda s: s.at))

    def hold_plan(self, held: HeldPlan, cause: Cause) -> HeldPlan:
        self.ledger.lease.fence(cause)
        old = self.held.get(held.digest)
        self._supersede(cause, keep=held.digest)
        if old and old.stands_for(held):
            return old
        self.held[held.digest] = replace(held, decided_by=None, decided_at=None)
        self.ledger.record("plan.held", cause, detail={"digest": held.digest})
        return held

    def held_plans(self) -> tuple[HeldPlan, ...]:
        return tuple(sorted(self.held.values(), key=lambda h: (h.held_at, h.digest), reverse=True))

    def decide(self, digest: str, state: HoldState, cause: Cause) -> HeldPlan:
        old = self.held.get(digest)
        if old is None or old.state in {HoldState.USED, HoldState.SUPERSEDED}:
            raise KeyError(digest)
        new = replace(old, state=state, decided_by=cause.actor, decided_at=self.clock.now())
        self.held[digest] = new
        self.ledger.record(f"plan.{state}", cause, detail={"digest": digest})
        return new

    def take_approval(self, held: HeldPlan, valid_since: datetime, cause: Cause) -> bool:
        self.ledger.lease.fence(cause)
        old = self.held.get(held.digest)
        if old is None or not old.lets_pass(held, valid_since):
            return False
        self.held[held.digest] = replace(old, state=HoldState.USED)
        self.ledger.record("plan.used", cause, detail={"digest": held.digest})
        return True

    def supersede(self, cause: Cause) -> None:
        self.ledger.lease.fence(cause)
        self._supersede(cause, keep=None)

    def _supersede(self, cause: Cause, keep: str | None) -> None:
        for digest, old in self.held.items():
            if old.state is HoldState.HELD and digest != keep:
                self.held[digest] = replace(old, state=HoldState.SUPERSEDED)
                self.ledger.record("plan.superseded", cause, detail={"digest": digest})


class FakeReadCache:
    def __init__(self) -> None:
        self.known: dict[str, DirectoryUser] = {}
        self.groups: dict[str, frozenset[str]] = {}
        self.group_ids: dict[str, str] = {}
        self.scope = ""
        self.read_at: datetime | None = None

    def save(self, snapshot: DirectorySnapshot) -> None:
        if snapshot.users_coverage is Coverage.COMPLETE:
            self.known = {user.external_id: user for user in snapshot.users}
            self.read_at = snapshot.taken_at
            self.scope = snapshot.scope
        for group in snapshot.groups:
            if group.complete and group.members is not None:
                self.groups[group.name] = group.members
                self.group_ids[group.name] = group.external_id

    def update(self, changes: DirectoryChanges) -> None:
        for external_id, user in changes.people.items():
            self.known.pop(external_id, None)
            if user:
                self.known[external_id] = user
        for name, change in changes.groups.items():
            self.groups[name] = (self.groups[name] - change.left) | change.joined
        self.read_at = changes.taken_at

    def person(self, name: str) -> Person | None:
        key = fold(name)
        for user in sorted(self.known.values(), key=lambda u: _closeness(u, key)):
            if _closeness(user, key) < 3:
                names = {n for n, members in self.groups.items() if user.external_id in members}
                return Person(user, frozenset(names))
        return None

    def people(self) -> tuple[DirectoryUser, ...]:
        return tuple(self.known.values())

    def group_members(self) -> Mapping[str, frozenset[str]]:
        return dict(self.groups)

    def last_read(self) -> LastRead:
        return LastRead(dict(self.groups), dict(self.group_ids), self.scope)

    def saved_at(self) -> datetime | None:
        return self.read_at


def _closeness(user: DirectoryUser, key: str) -> int:
    names = (user.user_name, user.profile.email or "", user.external_id)
    return next((n for n, name in enumerate(names) if fold(name) == key), 3)


class FakeAccountShelf:
    def __init__(self) -> None:
        self.rows: dict[str, Account] = {}

    def all(self) -> tuple[Account, ...]:
        return tuple(self.rows[key] for key in sorted(self.rows))

    def get(self, account_id: str) -> Account | None:
        return self.rows.get(account_id)

    def find(self, user_name: str) -> Account | None:
        return next((a for a in self.rows.values() if a.member == fold(user_name)), None)

    def put(self, account: Account) -> None:
        there = self.find(account.user_name)
        if there and there.id != account.id:
            raise Conflict("local accounts", "put account", f"{account.user_name} is taken")
        self.rows[account.id] = account

    def remove(self, account_id: str) -> None:
        self.rows.pop(account_id, None)

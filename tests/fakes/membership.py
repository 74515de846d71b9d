"""Invites and tiers given by hand in memory."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from idpsync.core.errors import Conflict, StoreError
from idpsync.core.membership import Assignment, Invite, InviteState, under_present_names
from idpsync.core.records import Cause
from idpsync.core.seats import Holding
from tests.fakes.ledger import FakeLedger

EVENT = {
    InviteState.ACCEPTED: "invite.accepted",
    InviteState.WITHDRAWN: "invite.withdrawn",
    InviteState.LAPSED: "invite.lapsed",
}


class Seats(Protocol):
    """What an invite asks of the seats."""

    assignments: "FakeAssignments"

    def holding(self, member: str) -> Holding | None: ...

    def prolong(self, member: str, ticket: int, until: datetime) -> int | None: ...

    def let_go(self, member: str, ticket: int, *, free: bool) -> bool: ...


class FakeInviteBook:
    def __init__(self, seats: Seats, ledger: FakeLedger) -> None:
        self.seats, self.ledger, self.clock = seats, ledger, ledger.clock
        self.rows: dict[str, Invite] = {}
        self.tickets: dict[str, int] = {}  # by invite: of the seat it holds

    def open(self, invite: Invite, ticket: int, cause: Cause) -> None:
        self.ledger.lease.fence(cause)
        if self.pending(invite.member):
            raise Conflict("store", "open invite", f"{invite.email} has a pending invite already")
        own = self.seats.prolong(invite.member, ticket, invite.expires_at)
        if own is None:
            raise StoreError(f"the seat for {invite.email} is no longer reserved for this invite")
        self.rows[invite.id], self.tickets[invite.id] = invite, own
        self.ledger.record("invite.sent", cause, invite.member, detail=_facts(invite))

    def pending(self, member: str) -> Invite | None:
        mine = (one for one in self.rows.values() if one.member == member)
        return next((one for one in mine if one.state is InviteState.PENDING), None)

    def invites(self) -> tuple[Invite, ...]:
        return tuple(sorted(self.rows.values(), key=lambda one: (one.invited_at, one.id), reverse=True))

    def withdraw(self, member: str, cause: Cause) -> Invite:
        ended = self._end(member, InviteState.WITHDRAWN, cause)
        if ended is None:
            raise KeyError(member)
        return ended

    def accept(self, member: str, cause: Cause, known_as: str | None = None) -> Invite | None:
        accepted = self._end(member, InviteState.ACCEPTED, cause)
        if accepted:
            by, now = accepted.invited_by, self.clock.now()
            self.seats.assignments.put(Assignment(known_as or member, accepted.tier, by, now), cause)
        return accepted

    def lapse(self, cause: Cause) -> tuple[Invite, ...]:
        pending = [one for one in self.rows.values() if one.state is InviteState.PENDING]
        due = [one for one in pending if one.expires_at <= self.clock.now()]
        due.sort(key=lambda one: (one.expires_at, one.id))
        self.ledger.lease.fence(cause)
        ended = [self._run_out(one.member, cause) for one in due]
        return tuple(one for one in ended if one and one.state is InviteState.LAPSED)

    def _run_out(self, member: str, cause: Cause) -> Invite | None:
        holding = self.seats.holding(member)
        if holding and holding.account_id:
            return self.accept(member, cause)
        return self._end(member, InviteState.LAPSED, cause)

    def _end(self, member: str, state: InviteState, cause: Cause) -> Invite | None:
        self.ledger.lease.fence(cause)
        invite = self.pending(member)
        if invite is None:
            return None
        ended = replace(invite, state=state, ended_at=self.clock.now())
        self.rows[invite.id] = ended
        free = state is not InviteState.ACCEPTED
        freed = self.seats.let_go(member, self.tickets[invite.id], free=free)
        seat = "freed" if freed else "kept" if self.seats.holding(member) else "none"
        because = cause.because
        if state is InviteState.LAPSED:
            because = (*because, f"not accepted until {invite.expires_at:%Y-%m-%d %H:%M} UTC")
        facts = {**_facts(ended), "seat": seat}
        self.ledger.record(EVENT[state], cause, member, because=because, detail=facts)
        return ended

    def rename(self, member: str, to: str, cause: Cause) -> bool:
        mine, there = self.pending(member), self.pending(to)
        if mine is None:
            return False
        if there and not self.seats.holding(member):
            return self.withdraw(member, cause) is not None
        if there:
            self.withdraw(to, cause)
        self.rows[mine.id] = replace(mine, member=to)
        return True


class FakeAssignments:
    def __init__(self, ledger: FakeLedger) -> None:
        self.ledger = ledger
        self.rows: dict[str, Assignment] = {}

    def all(self) -> Mapping[str, Assignment]:
        return dict(sorted(self.rows.items()))

    def put(self, assignment: Assignment, cause: Cause, *others: Assignment) -> None:
        self.ledger.lease.fence(cause)
        for given in sorted((assignment, *others), key=lambda one: one.member):
            if self.rows.get(given.member) != given:
                self.rows[given.member] = given
                tier = given.tier.name if given.tier else None
                facts = {"tier": tier, "by": given.by}
                self.ledger.record("member.assigned", cause, given.member, detail=facts)

    def drop(self, member: str, cause: Cause) -> None:
        self.ledger.lease.fence(cause)
        if self.rows.pop(member, None):
            self.ledger.record("member.unassigned", cause, member)

    def follow(self, names: Mapping[str, str], cause: Cause) -> None:
        self.ledger.lease.fence(cause)
        for one in self.all().values():
            member = names.get(one.account_id or "", one.member)
            if member != one.member:
                self.ledger.record("member.renamed", cause, member, detail={"from": one.member})
        self.rows = under_present_names(self.rows.values(), names)

    def rename(self, member: str, to: str) -> bool:
        mine, there = self.rows.pop(member, None), self.rows.get(to)
        if mine and (there is None or there.at <= mine.at):
            self.rows[to] = replace(mine, member=to)
        return mine is not None


def _facts(invite: Invite) -> dict[str, object]:
    return {
        "id": invite.id,
        "tier": invite.tier.name,
        "role": invite.role,
        "expires_at": invite.expires_at.isoformat(),
    }

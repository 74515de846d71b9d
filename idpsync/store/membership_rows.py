"""Invites and tiers given by hand inside one transaction, beside the seats of a page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from idpsync.core.errors import StoreError
from idpsync.core.membership import Assignment, Invite, InviteState
from idpsync.core.seats import Ladder, Tier
from idpsync.store.database import Database
from idpsync.store.membership_tables import assignment as assignments
from idpsync.store.membership_tables import invite as invites


@dataclass(frozen=True, slots=True)
class PendingInvite:
    """A pending invite, and the ticket of the reservation it holds."""

    invite: Invite
    ticket: int


class InviteRows:
    """Invites, read and written where the caller's transaction stands.

    Who changes an invite has locked the member's seat row before: the order of every writer.
    """

    def __init__(self, database: Database, connection: Connection, ladder: Ladder) -> None:
        self._organization = database.organization
        self._connection, self._ladder = connection, ladder
        self._mine = invites.c.organization == self._organization

    def all(self) -> tuple[Invite, ...]:
        """Every state, newest first."""
        newest = select(invites).where(self._mine)
        newest = newest.order_by(invites.c.invited_at.desc(), invites.c.id.desc())
        return tuple(_invite(row, self._ladder) for row in self._connection.execute(newest))

    def pending(self, *members: str) -> tuple[PendingInvite, ...]:
        """The pending invites of `members`, locked; the one that runs out first is first."""
        query = self._pending(invites.c.member.in_(members)).with_for_update()
        found = self._connection.execute(query)
        return tuple(PendingInvite(_invite(row, self._ladder), row.ticket) for row in found)

    def seen(self, member: str) -> Invite | None:
        """The member's pending invite, for somebody who only looks."""
        row = self._connection.execute(self._pending(invites.c.member == member)).first()
        return _invite(row, self._ladder) if row else None

    def due(self, now: datetime) -> tuple[str, ...]:
        """Members whose pending invite has run out at `now`."""
        query = self._pending(invites.c.expires_at <= now).with_only_columns(invites.c.member)
        return tuple(self._connection.execute(query).scalars())

    def _pending(self, condition: ColumnElement[bool]) -> Any:
        return (
            select(invites)
            .where(self._mine, invites.c.state == InviteState.PENDING.value, condition)
            .order_by(invites.c.expires_at, invites.c.id)
        )

    def add(self, invite: Invite, ticket: int) -> None:
        values = {
            "id": invite.id,
            "member": invite.member,
            "email": invite.email,
            "tier": invite.tier.name,
            "role": invite.role,
            "state": invite.state.value,
            "invited_by": invite.invited_by,
            "invited_at": invite.invited_at,
            "expires_at": invite.expires_at,
            "ended_at": invite.ended_at,
        }
        row = {"organization": self._organization, "ticket": ticket, **values}
        self._connection.execute(insert(invites).values(row))

    def end(self, invite: Invite) -> None:
        """Keep the invite's state, and when it ended."""
        self._change(invite, state=invite.state.value, ended_at=invite.ended_at)

    def hand_over(self, invite: Invite, to: str) -> None:
        """The invite is from now on under the person's new name."""
        self._change(invite, member=to)

    def _change(self, invite: Invite, **values: object) -> None:
        this = invites.c.id == invite.id
        self._connection.execute(update(invites).where(self._mine, this).values(values))


class AssignmentRows:
    """Tiers given by hand, where the caller's transaction stands."""

    def __init__(self, database: Database, connection: Connection, ladder: Ladder) -> None:
        self._organization = database.organization
        self._connection, self._ladder = connection, ladder
        self._mine = assignments.c.organization == self._organization

    def all(self) -> Mapping[str, Assignment]:
        query = select(assignments).where(self._mine).order_by(assignments.c.member)
        found = (_assignment(row, self._ladder) for row in self._connection.execute(query))
        return {given.member: given for given in found}

    def of(self, member: str) -> Assignment | None:
        """What the member was given, locked."""
        query = select(assignments).where(self._mine, assignments.c.member == member)
        row = self._connection.execute(query.with_for_update()).first()
        return _assignment(row, self._ladder) if row else None

    def put(self, given: Assignment) -> bool:
        """Insert or replace; False when it is there just so."""
        old = self.of(given.member)
        if old == given:
            return False
        values = {
            "tier": given.tier.name if given.tier else None,
            "given_by": given.by,
            "given_at": given.at,
            "account_id": given.account_id,
        }
        if old:
            there = assignments.c.member == given.member
            self._connection.execute(update(assignments).where(self._mine, there).values(values))
        else:
            row = {"organization": self._organization, "member": given.member, **values}
            self._connection.execute(insert(assignments).values(row))
        return True

    def drop(self, member: str) -> bool:
        """Whether there was one."""
        there = delete(assignments).where(self._mine, assignments.c.member == member)
        return self._connection.execute(there).rowcount > 0

    def rename(self, member: str, to: str) -> bool:
        """Whether there was one to take along; of two for one person the newer counts."""
        mine, there = self.of(member), self.of(to)
        if mine is None:
            return False
        self.drop(member)
        if there is None or there.at <= mine.at:
            self.put(replace(mine, member=to))
        return True


def _invite(row: Row[Any], ladder: Ladder) -> Invite:
    return Invite(
        id=row.id,
        member=row.member,
        email=row.email,
        tier=_tier(ladder, row.tier, f"the invite of {row.member}"),
        invited_by=row.invited_by,
        invited_at=row.invited_at,
        expires_at=row.expires_at,
        role=row.role,
        state=InviteState(row.state),
        ended_at=row.ended_at,
    )


def _assignment(row: Row[Any], ladder: Ladder) -> Assignment:
    tier = _tier(ladder, row.tier, f"what {row.member} was given by hand") if row.tier else None
    return Assignment(row.member, tier, row.given_by, row.given_at, row.account_id)


def _tier(ladder: Ladder, name: str, where: str) -> Tier:
    try:
        return ladder.named(name)
    except KeyError:
        raise StoreError(f"{where} has a tier {name!r} that the configuration does not name") from None

"""Who somebody at Claude is here: members, invites, our shelf and the seat groups as one account each.

An account keeps the id under which idpsync first knew it (of a member, an invite, or of the directory):
Claude gives a new one to whoever accepts an invite or comes back. E-mail is what Claude knows people by.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from idpsync.core.model import ADMIN, OWNER, PRIMARY_OWNER, USER, Account, Profile, Standing, fold
from idpsync.core.seats import Tier
from idpsync.targets.claude_api import Invitation, Member
from idpsync.targets.claude_modes import Mode

MANAGED = "managed"
OURS = {
    "primary_owner": PRIMARY_OWNER,
    "owner": OWNER,
    "membership_admin": ADMIN,
    "user": USER,
    "managed": MANAGED,
}
GIVEN = frozenset({USER, MANAGED})
"""The roles that the API gives and takes."""

Row = Member | Invitation


class Roll:
    """Members and pending invites as last listed, by address, and as written since."""

    def __init__(self, members: Iterable[Member], invitations: Iterable[Invitation]) -> None:
        self._rows: dict[str, Row] = {fold(one.email): one for one in invitations}
        self._rows |= {fold(one.email): one for one in members}  # accepted while it was being listed

    def all(self) -> tuple[Row, ...]:
        return tuple(self._rows.values())

    def of(self, email: str) -> Row | None:
        return self._rows.get(fold(email))

    def with_id(self, identifier: str) -> Row | None:
        return next((row for row in self.all() if row.id == identifier), None)

    def put(self, email: str, row: Row | None) -> None:
        if row is None:
            self._rows.pop(fold(email), None)
        else:
            self._rows[fold(email)] = row

    def has_primary_owner(self) -> bool:
        return any(row.role == "primary_owner" for row in self.all())


def address(profile: Profile) -> str:
    """The folded address that Claude knows somebody by."""
    return fold(profile.email or profile.user_name)


def role_of(row: Row) -> str:
    """In our words; a role that Claude has added since stays as it is written."""
    return OURS.get(row.role, row.role)


def untouchable(row: Row | None) -> bool:
    """Whether only the console changes them: owners, admins, and roles that are not known."""
    return row is not None and role_of(row) not in GIVEN


def stranger(row: Row, external_id: str | None = None) -> Account:
    """The account of somebody who is not on our shelf."""
    name = row.name if isinstance(row, Member) else ""
    profile = Profile(row.email, row.email, display_name=name)
    return Account(row.id, profile, Standing.ACTIVE, external_id=external_id)


def account_of(record: Account, row: Row | None, tier: Tier | None, mode: Mode | None) -> Account | None:
    """The account as Claude and the groups have it; None where there is none (any more).

    A member whom we let go counts as gone while directory sync has not come to them yet.
    """
    off = record.standing is Standing.DEACTIVATED
    standing = Standing.ACTIVE
    match row:
        case Member():
            if off and tier is None and mode is not None and mode.syncs:
                standing = Standing.DEACTIVATED
        case Invitation():
            standing = Standing.INVITED
        case None if off and (tier is None or mode is Mode.LOGIN_ONLY):
            standing = Standing.DEACTIVATED
        case None if mode is Mode.LOGIN_ONLY:
            return None  # removed by somebody, or an invite whose time is over
        case None:
            standing = Standing.INVITED
    return replace(
        record,
        standing=standing,
        tier=None if standing is Standing.DEACTIVATED else tier,
        roles=frozenset({role_of(row)}) if row else record.roles or frozenset({USER}),
        version=None,
    )


def placed_at(record: Account) -> datetime | None:
    """When we last put them into a group: what our shelf keeps in place of a version."""
    try:
        return datetime.fromisoformat(record.version or "")
    except ValueError:
        return None

"""What changed in a world since it was last planned for: told by the directory, found in our books.

Books are read whole and compared entry by entry; the target is not asked. Its accounts are as the last
listing had them, and as every write of ours since has left them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from idpsync.core.changes import Changes, DirectoryChanges, differences
from idpsync.core.drift import IN_DOUBT, account_of
from idpsync.core.membership import Assignment, Invite, under_present_names
from idpsync.core.model import ADMIN, OWNER, PRIMARY_OWNER, USER, Account, Link
from idpsync.core.policy import Policy
from idpsync.core.registers import Registers
from idpsync.core.seats import Holding, SeatPool, WaitEntry
from idpsync.engine.acceptance import pending_invites, without_over
from idpsync.engine.rooms import Rooms

AS_NOTED = timedelta(days=1)
"""Whatever was noted before so far ahead is told as it stands, whichever clock noted it."""


class InDoubt(Exception):
    """What changed cannot be told for certain: everything is to be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What our books say now. `lines` are the accounts as last known."""

    begun: datetime
    holdings: tuple[Holding, ...]
    pool: SeatPool
    lines: Mapping[str, str]
    invites: Mapping[str, Invite]
    assignments: tuple[Assignment, ...]
    waiting: tuple[WaitEntry, ...]
    links: tuple[Link, ...]


def read_books(rooms: Rooms, begun: datetime) -> Books:
    """Reservations before accounts, as in a whole read: what becomes an account is seen as both."""
    links, holdings, pool = rooms.registry.links(), rooms.seats.holdings(), rooms.seats.pool()
    known = rooms.known.recall(begun + AS_NOTED)
    if not known.saved or not known.taken_over:
        raise InDoubt("the target was never listed, or nobody has let us work there")
    invites, holdings = without_over(pending_invites(rooms), holdings, begun)
    return Books(
        begun=begun,
        holdings=holdings,
        pool=pool,
        lines=known.lines,
        invites=invites,
        assignments=tuple(rooms.assignments.all().values()),
        waiting=rooms.waiting.entries(),
        links=links,
    )


def changes_in(
    before: Registers, lines: Mapping[str, str], books: Books, seen: DirectoryChanges, policy: Policy
) -> Changes:
    """Everything that is other now than in `before`, whose accounts were known by `lines`.

    InDoubt where an account is not known to be in one way or another.
    """
    accounts = _accounts(before, lines, books.lines, policy)
    names = before.member_of | {key: account.member for key, account in accounts.items() if account}
    for key in (key for key, account in accounts.items() if account is None):
        names.pop(key, None)
    given = under_present_names(books.assignments, names)
    return Changes(
        now=books.begun,
        people=seen.people,
        groups=seen.groups,
        accounts=accounts,
        links=differences(before.links, {link.account_id: link for link in books.links}),
        holdings=differences(before.holdings, {holding.member: holding for holding in books.holdings}),
        waiting=differences(before.wait_of, {entry.member: entry for entry in books.waiting}),
        assignments=differences(before.assignments, given),
        invites=differences(before.invites, books.invites),
        purchased=books.pool.purchased,
        reserved=books.pool.reserved,
    )


def _accounts(
    before: Registers, lines: Mapping[str, str], now: Mapping[str, str], policy: Policy
) -> dict[str, Account | None]:
    if IN_DOUBT in now.values():
        raise InDoubt("a write had no answer")
    ranks = {PRIMARY_OWNER, OWNER, ADMIN, USER, *policy.managed_roles}
    changed: dict[str, Account | None] = dict.fromkeys(lines.keys() - now.keys())
    for key in (key for key, line in now.items() if lines.get(key) != line):
        known = before.accounts.get(key)
        account = account_of(key, now[key], policy.ladder)
        if not account.roles <= ranks | (known.roles if known else frozenset()):
            raise InDoubt(f"{account.user_name} has a role that no rule gives")
        changed[key] = account
    return changed

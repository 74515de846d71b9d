"""What is different in a world since it was last planned for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import TypeVar

from idpsync.core.membership import Assignment, Invite
from idpsync.core.model import Account, DirectoryUser, Link
from idpsync.core.seats import Holding, Tier, WaitEntry
from idpsync.core.world import World

T = TypeVar("T")
_NOTHING: Mapping[str, None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MemberChanges:
    """Who came into one group, and who left it, by external id."""

    joined: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryChanges:
    """What a directory tells of since it was last asked: what a whole read would now show otherwise.

    `people` are those who are new or may be other, by external id, None for one who is gone; `groups`
    are by name. `cursor` is where it goes on, `scope` what was asked for. Where there are `problems`,
    what is told is not to be trusted.
    """

    cursor: str
    taken_at: datetime
    scope: str = ""
    people: Mapping[str, DirectoryUser | None] = field(default_factory=lambda: _NOTHING)
    groups: Mapping[str, MemberChanges] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Each thing that is new or other, under its key; None for one that is gone.

    People are keyed by external id, groups by name, accounts and links by account id, the rest by
    member. `purchased` and `reserved` are whole where they are given. `now` is when it is planned anew.
    """

    now: datetime
    people: Mapping[str, DirectoryUser | None] = field(default_factory=lambda: _NOTHING)
    groups: Mapping[str, MemberChanges] = field(default_factory=dict)
    accounts: Mapping[str, Account | None] = field(default_factory=lambda: _NOTHING)
    links: Mapping[str, Link | None] = field(default_factory=lambda: _NOTHING)
    holdings: Mapping[str, Holding | None] = field(default_factory=lambda: _NOTHING)
    waiting: Mapping[str, WaitEntry | None] = field(default_factory=lambda: _NOTHING)
    assignments: Mapping[str, Assignment | None] = field(default_factory=lambda: _NOTHING)
    invites: Mapping[str, Invite | None] = field(default_factory=lambda: _NOTHING)
    purchased: Mapping[Tier, int] | None = None
    reserved: Mapping[Tier, int] | None = None


def changes_between(before: World, after: World) -> Changes:
    """What turns the one world into the other. Both name the same groups."""
    known = {group.name: group.members or frozenset() for group in before.snapshot.groups}
    read = {group.name: group.members or frozenset() for group in after.snapshot.groups}
    by_member = attrgetter("member")
    return Changes(
        now=after.now,
        people=_told_apart(before.snapshot.users, after.snapshot.users, attrgetter("external_id")),
        groups={
            name: MemberChanges(members - known[name], known[name] - members)
            for name, members in read.items()
            if members != known[name]
        },
        accounts=_told_apart(before.accounts, after.accounts, attrgetter("id")),
        links=_told_apart(before.links, after.links, attrgetter("account_id")),
        holdings=_told_apart(before.holdings, after.holdings, by_member),
        waiting=_told_apart(before.waiting, after.waiting, by_member),
        assignments=differences(before.assignments, after.assignments),
        invites=differences(before.invites, after.invites),
        purchased=after.purchased,
        reserved=after.reserved,
    )


def differences(before: Mapping[str, T], after: Mapping[str, T]) -> dict[str, T | None]:
    """Under its key each entry that is new or other; None for one that is gone."""
    changed: dict[str, T | None] = {key: one for key, one in after.items() if before.get(key) != one}
    return changed | dict.fromkeys(before.keys() - after.keys())


def _told_apart(before: Iterable[T], after: Iterable[T], key: "attrgetter[str]") -> dict[str, T | None]:
    return differences({key(one): one for one in before}, {key(one): one for one in after})

"""What changed since a complete read: assignments, groups and people, each told by another list.

Entra tells of a member who is switched off or soft-deleted among the people, never in a group; so both
are always read, and who is no longer shown is in no group. Whatever is odd is no change, but a reason to
read everything: a group that is gone, renamed or empty now, somebody without a name, rows that are lost.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from idpsync.core.changes import DirectoryChanges
from idpsync.core.model import Coverage
from idpsync.sources.entra.assigned import Application, Assigned
from idpsync.sources.entra.errors import READ_MEMBERS, READ_PEOPLE
from idpsync.sources.entra.graph import MOST, Graph, Round, query
from idpsync.sources.entra.groups import Found, Membership, flat, take_over
from idpsync.sources.entra.people import REMOVED, People, by_ids, merge
from idpsync.sources.entra.view import Asked, called_otherwise
from idpsync.sources.pages import Row, text
from idpsync.sources.remembered import Remembered

MOST_ROOTS = 20  # changed groups whose place is looked up; with more, everything is read


@dataclass(slots=True)
class Known:
    """The last complete read, or what changes have made of it since `at`."""

    at: datetime
    asked: Asked
    remembered: Remembered


class Unclear(Exception):
    """Only a whole read can tell."""


@dataclass(frozen=True, slots=True)
class Looking:
    """One look for changes. Nothing that is known is touched before all of it has come."""

    graph: Graph
    known: Asked
    nests: bool

    def now(self, application: Application | None) -> Asked:
        """Everything as it is now. Unclear, or RemoteError."""
        assigned = self._assigned(application)
        membership = self._nested() if self.nests else self._direct()
        if assigned and not assigned.groups.keys() <= membership.groups.keys():
            raise Unclear("a group that was not read is assigned")
        told = _whole(
            self.graph.round(self.known.people.link, "read people's changes", role=READ_PEOPLE)
        )
        people = People(dict(self.known.people.rows), Coverage.COMPLETE, link=told.link)
        asked = replace(self.known, assigned=assigned, membership=membership, people=people)
        self._people(people, told.pages.rows, asked.in_scope())
        return asked

    def _assigned(self, application: Application | None) -> Assigned | None:
        if application is None:
            return None
        assigned = application.assigned()
        assigned.pages.whole()
        return assigned

    def _direct(self) -> Membership:
        groups = {key: _copy(found) for key, found in self.known.membership.groups.items()}
        rounds = self.graph.at_once(self._group_changes, self.known.membership.links)
        for told in rounds:
            if take_over(groups, told.pages.rows):
                raise Unclear("a group is gone")
        return Membership(groups, tuple(told.link for told in rounds))

    def _nested(self) -> Membership:
        (link,) = self.known.membership.links
        told = self._group_changes(link)
        groups = dict(self.known.membership.groups)
        moved: dict[str, Found] = {}
        if take_over(moved, told.pages.rows):  # nobody tells any more what it was inside of
            raise Unclear("a group of the tenant is gone")
        for root in sorted(self._roots_of(told.pages.rows)):
            groups[root] = flat(self.graph, root)
            if groups[root].coverage is not Coverage.COMPLETE:
                raise Unclear(groups[root].reason)
        for key in moved.keys() & groups.keys():
            groups[key] = replace(groups[key], name=moved[key].name)
        return Membership(groups, (told.link,))

    def _roots_of(self, rows: Iterable[Row]) -> set[str]:
        """The groups of ours in which something changed, at any depth.

        One that is restored may come without any members, so whatever is told of counts.
        """
        ids = sorted({text(row, "id") for row in rows})
        ours = self.known.membership.groups.keys()
        if len(ids) > MOST_ROOTS:
            raise Unclear(f"{len(ids)} groups changed")
        roots = ours & set(ids)
        for key in ids:
            path = query(
                f"/groups/{key}/transitiveMemberOf/microsoft.graph.group",
                count="true",
                select="id",
                top=str(MOST),
            )
            listing = self.graph.listing(path, "read parents of group", role=READ_MEMBERS, eventual=True)
            roots |= ours & {text(row, "id") for row in listing.pages.whole()}
        return roots

    def _group_changes(self, link: str) -> Round:
        return _whole(self.graph.round(link, "read changes of groups", role=READ_MEMBERS))

    def _people(self, people: People, told: Sequence[Row], scope: frozenset[str] | None) -> None:
        """What a round tells of people in scope, over what is known. Newcomers are asked for by their
        ids, since a round may tell a part of them only; who left the scope is forgotten.
        """
        removed = {text(row, "id") for row in told if REMOVED in row}
        known = people.rows.keys() - removed
        merge(people.rows, told)
        living = people.rows.keys() & {text(row, "id") for row in told}
        people.gone = (self.known.people.gone | removed) - people.rows.keys()
        inside = scope if scope is not None else frozenset(people.rows)
        newcomers, kept = inside - known - people.gone, inside & known
        people.rows = {key: row for key, row in people.rows.items() if key in kept}
        fresh = by_ids(self.graph, newcomers)
        people.rows |= fresh.rows
        if fresh.coverage is not Coverage.COMPLETE or (newcomers & living) - fresh.rows.keys():
            raise Unclear("; ".join(fresh.problems) or "people are told of and not shown")


def carry_on(
    graph: Graph, known: Known, application: Application | None, now: datetime, *, nests: bool
) -> DirectoryChanges | None:
    """What is other, and `known` as of `now`; None where only a whole read can tell."""
    try:
        asked = Looking(graph, known.asked, nests).now(application)
        _check(known.asked.membership, asked.membership)
        changes = _told(asked, known.remembered, now)
    except Unclear:
        return None
    known.asked, known.at = asked, now
    return changes


def _check(before: Membership, after: Membership) -> None:
    """A group that shows nobody any more may hide them: nothing is taken from that alone."""
    for key, found in before.groups.items():
        if found.users and not after.groups[key].users:
            raise Unclear(f"the group {key} is empty now")


def _told(asked: Asked, last: Remembered, now: datetime) -> DirectoryChanges:
    users, nameless = asked.users()
    members = asked.members(users)
    if nameless or not users:
        raise Unclear("people without a name, or nobody")
    for name, key in asked.ids.items():
        if called_otherwise(name, asked.membership.groups[key]):
            raise Unclear(f"'{name}' is called otherwise")
        if last.members[name] and not members[name]:
            raise Unclear(f"'{name}' is empty now")
    gone = dict.fromkeys(last.people.keys() - users.keys())
    moved = any(last.people.get(key) != user for key, user in users.items())
    same = not gone and not moved and members == last.members
    cursor = last.cursor if same else cursor_of(now, links_of(asked), last.cursor)
    return last.move_on(cursor, taken_at=now, people={**users, **gone}, groups=members)


def links_of(asked: Asked) -> tuple[str, ...]:
    """Where each list of changes goes on; "" for one that does not."""
    return (*asked.membership.links, asked.people.link)


def cursor_of(now: datetime, links: Iterable[str], before: str = "") -> str:
    """A text for one state: the links themselves stay with what they belong to."""
    told = "\n".join([before, now.isoformat(), *links])
    return hashlib.sha256(told.encode()).hexdigest()


def _whole(told: Round) -> Round:
    told.pages.whole()
    return told


def _copy(found: Found) -> Found:
    return replace(found, users=set(found.users), others=set(found.others))

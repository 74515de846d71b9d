"""One whole read. What tells changes is asked for before what is, so that nothing falls between."""

from collections.abc import Callable, Mapping
from datetime import datetime

from idpsync.core.model import Coverage, DirectorySnapshot, Group
from idpsync.sources.entra.assigned import Application, Assigned
from idpsync.sources.entra.errors import READ_HIDDEN
from idpsync.sources.entra.graph import Graph
from idpsync.sources.entra.groups import Membership, direct, look_closer, nested
from idpsync.sources.entra.names import Resolved, everything_called
from idpsync.sources.entra.people import People, by_ids, changes_from_now, everybody, merge
from idpsync.sources.entra.view import Asked, untold, worse

ResolveNames = Callable[[Mapping[str, str]], Resolved]


def ask(
    graph: Graph,
    application: Application | None,
    resolve: ResolveNames,
    *,
    source: str,
    nests: bool,
    sizes: Mapping[str, int],
) -> tuple[Asked, Resolved]:
    """All requests of a read. `sizes` are how many members groups had before, by id."""
    assigned = application.assigned() if application else None
    if assigned is None:
        people = everybody(graph)
    else:
        people = People({}, Coverage.COMPLETE, link=changes_from_now(graph).link)
    # names that come with assignments may be old: a direct read tells those of now, no other does
    resolved = resolve({} if nests or assigned is None else assigned.groups)
    ids = {*resolved.ids.values(), *(assigned.groups if assigned else ())}
    membership = nested(graph, ids) if nests else direct(graph, ids)
    look_closer(graph, membership, sizes, hidden=READ_HIDDEN in (graph.roles() or ()))
    asked = Asked(
        source=source,
        ids=resolved.ids,
        assigned=assigned,
        membership=membership,
        people=people,
    )
    if scope := asked.in_scope():
        fill_in(graph, people, scope, membership)
    return asked, resolved


def fill_in(graph: Graph, people: People, scope: frozenset[str], membership: Membership) -> None:
    """The people in scope: those who came with the members of groups, the others by their ids."""
    for found in membership.groups.values():
        merge(people.rows, found.people)
    fresh = by_ids(graph, scope - people.rows.keys())
    people.rows |= fresh.rows
    people.coverage = worse(people.coverage, fresh.coverage)
    people.problems += fresh.problems
    people.proof = fresh.proof


def snapshot_of(
    graph: Graph,
    asked: Asked,
    resolved: Resolved,
    *,
    scope: str,
    taken_at: datetime,
) -> DirectorySnapshot:
    """What was read, and every doubt about it."""
    users, nameless = asked.users()
    groups = [asked.group(name, users) for name in asked.ids]
    groups += [_absent(name) for name in resolved.absent]
    groups += [
        Group(name, "", None, Coverage.FAILED, reason) for name, reason in resolved.doubtful.items()
    ]
    coverage, problems = asked.people_doubts()
    lacking, told = untold(users, nameless)
    coverage = worse(coverage, lacking)
    problems += told
    if not users and coverage is Coverage.COMPLETE:
        coverage = Coverage.SUSPECT
        problems.append(_nobody(asked.assigned))
    problems += [
        f"group '{group.name}': {group.reason}" for group in groups if group.coverage is Coverage.SUSPECT
    ]
    gone = any(group.coverage is Coverage.GONE for group in groups)
    return DirectorySnapshot(
        source=asked.source,
        taken_at=taken_at,
        users=tuple(users.values()),
        groups=tuple(sorted(groups, key=lambda group: group.name)),
        users_coverage=coverage,
        problems=tuple(problems),
        scope=scope,
        other_groups=everything_called(graph) if gone else {},
        users_proof=asked.people.proof,
    )


def _absent(name: str) -> Group:
    return Group(name, "", None, Coverage.GONE, f"no group is called '{name}'")


def _nobody(assigned: Assigned | None) -> str:
    if assigned is None:
        return "Entra shows nobody"
    return "nobody is assigned to the application: see Enterprise applications, Users and groups"

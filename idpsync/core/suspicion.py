"""Is a read that ended well also believable? Only expectations can tell."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from idpsync.core.model import Coverage, DirectorySnapshot, Group, fold


def examine(
    snapshot: DirectorySnapshot,
    *,
    known: Mapping[str, frozenset[str]],
    canaries: AbstractSet[str] = frozenset(),
    linked: int = 0,
) -> DirectorySnapshot:
    """The snapshot with SUSPECT where it contradicts what is known, and a problem line for each.

    `known` is group name → members at the last complete read; `canaries` are people who must be there
    (user name, e-mail or external id); `linked` is how many accounts we answer for.
    """
    problems = [*snapshot.problems]
    coverage = snapshot.users_coverage
    missing = sorted(name for name in canaries if not {name, fold(name)} & _names(snapshot))
    if missing:
        coverage = _worse(coverage)
        problems.append(f"must_contain: {', '.join(missing)} not found in the directory")
    if linked and not snapshot.users and coverage is Coverage.COMPLETE:
        coverage = Coverage.SUSPECT
        problems.append(f"the directory returned nobody, but {linked} accounts are linked")
    groups = []
    for group in snapshot.groups:
        before = len(known.get(group.name, ()))
        if before and group.complete and not group.members:
            reason = f"empty now, {before} members at the last complete read"
            problems.append(f"group '{group.name}': {reason}")
            groups.append(replace(group, coverage=Coverage.SUSPECT, reason=reason))
        else:
            groups.append(group)
    return replace(
        snapshot,
        users_coverage=coverage,
        groups=tuple(groups),
        problems=tuple(dict.fromkeys((*problems, *_unread(groups)))),
    )


def _names(snapshot: DirectorySnapshot) -> set[str]:
    names: set[str] = set()
    for user in snapshot.users:
        names |= {user.external_id, fold(user.user_name), user.user_name}
        if user.profile.email:
            names |= {fold(user.profile.email), user.profile.email}
    return names


def _worse(coverage: Coverage) -> Coverage:
    return Coverage.SUSPECT if coverage is Coverage.COMPLETE else coverage


def _unread(groups: list[Group]) -> list[str]:
    return [
        f"group '{g.name}' is {g.coverage}: {g.reason or 'no reason given'}"
        for g in groups
        if not g.complete and g.coverage is not Coverage.SUSPECT
    ]

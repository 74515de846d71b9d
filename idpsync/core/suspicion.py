"""Is a read that ended well also believable? Only expectations can tell."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from types import MappingProxyType

from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, Group, fold
from idpsync.core.records import LastRead

NO_KEYS: Mapping[str, str] = MappingProxyType({})

_EMPTY = "empty now"
_OTHER_SCOPE = "something else is asked for than at the last complete read"

SCOPE_PARTS = " | "
"""Stands between the parts of a scope, so that a change can be told in few words."""


def examine(
    snapshot: DirectorySnapshot,
    *,
    last: LastRead,
    canaries: AbstractSet[str] = frozenset(),
    linked: int = 0,
    keys: Mapping[str, str] = NO_KEYS,
) -> DirectorySnapshot:
    """The snapshot with SUSPECT where it contradicts what is known, and a problem line for each.

    `last` is the last complete read; `canaries` are people who must be there (user name, e-mail or
    external id); `linked` is how many accounts we answer for; `keys` says for every group that a rule
    names where the configuration does so.
    """
    coverage, problems = _people(snapshot, canaries, linked)
    doubted = _doubted(replace(snapshot, users_coverage=coverage), last)
    names = _names_now(snapshot)
    groups = (*doubted, *_unlisted(snapshot, keys))
    for group in groups:
        known_as = names.get(last.group_ids.get(group.name, ""))
        problems.append(_problem(group, last, known_as, keys.get(group.name)))
    if rescoped(snapshot, last):
        problems.append(f"{_OTHER_SCOPE}: {_change(snapshot, last)}")
    told = tuple(dict.fromkeys(filter(None, (*snapshot.problems, *problems))))
    return replace(snapshot, users_coverage=coverage, groups=groups, problems=told)


def rescoped(snapshot: DirectorySnapshot, last: LastRead) -> bool:
    """Whether something else was asked for than at the last complete read."""
    return bool(last.scope) and bool(snapshot.scope) and snapshot.scope != last.scope


def _people(
    snapshot: DirectorySnapshot, canaries: AbstractSet[str], linked: int
) -> tuple[Coverage, list[str]]:
    """How far the people can be believed, and why not further."""
    if missing := sorted(_missing(snapshot, canaries)):
        told = f"must_contain: {', '.join(missing)} not found in the directory"
        return _worse(snapshot.users_coverage), [told]
    if linked and not snapshot.users and snapshot.users_coverage is Coverage.COMPLETE:
        told = f"the directory returned nobody, but {linked} accounts are linked"
        return Coverage.SUSPECT, [told]
    return snapshot.users_coverage, []


def _missing(snapshot: DirectorySnapshot, canaries: AbstractSet[str]) -> set[str]:
    """Those of `canaries` whom the snapshot does not have; exact names first, it is cheap."""
    missing = set(canaries)
    for user in snapshot.users if missing else ():
        profile = user.profile
        if profile.user_name in missing or profile.email in missing or user.external_id in missing:
            missing -= {profile.user_name, profile.email, user.external_id}
    if missing:
        folded = {fold(name) for user in snapshot.users for name in _names(user)}
        missing = {name for name in missing if fold(name) not in folded}
    return missing


def _names(user: DirectoryUser) -> tuple[str, ...]:
    return user.user_name, user.profile.email or user.user_name, user.external_id


def _worse(coverage: Coverage) -> Coverage:
    return Coverage.SUSPECT if coverage is Coverage.COMPLETE else coverage


def _unlisted(snapshot: DirectorySnapshot, keys: Mapping[str, str]) -> tuple[Group, ...]:
    """Groups that a rule names and a read that did not fail says nothing of."""
    listed = {group.name for group in snapshot.groups}
    missing = () if snapshot.users_coverage is Coverage.FAILED else sorted(keys.keys() - listed)
    reason = "the read does not list it"
    return tuple(Group(name, "", None, Coverage.GONE, reason) for name in missing)


def _names_now(snapshot: DirectorySnapshot) -> dict[str, str]:
    """External id → name of every group that was seen, asked for or not."""
    there = (group for group in snapshot.groups if group.members is not None)
    return {**snapshot.other_groups, **{group.external_id: group.name for group in there}}


def _doubted(snapshot: DirectorySnapshot, last: LastRead) -> tuple[Group, ...]:
    """The groups, SUSPECT where one is empty and people who were in it are still there.

    Believed is a count of none beside the empty list, where people were read whole: two views agree. An
    empty list that comes a second time proves nothing: a right that is missing now is missing then.
    """
    whole = snapshot.users_coverage is Coverage.COMPLETE
    empty = [g for g in snapshot.groups if g.complete and not g.members and last.members_of(g)]
    empty = [g for g in empty if not (whole and _counted_empty(g))]
    if not empty:
        return snapshot.groups
    left = frozenset[str]()
    if whole:  # else nobody can be said to have left
        there = {user.external_id for user in snapshot.users if user.active is not False}
        left = frozenset().union(*map(last.members_of, empty)) - there
    emptied = {group.name for group in empty if last.members_of(group) - left}
    return tuple(_suspect(g, last) if g.name in emptied else g for g in snapshot.groups)


def _counted_empty(group: Group) -> bool:
    """Whether the directory also says by an independent count that nobody is in it."""
    return group.proof is not None and group.proof.expected == 0


def _suspect(group: Group, last: LastRead) -> Group:
    reason = f"{_EMPTY}, {len(last.members_of(group))} members at the last complete read"
    return replace(group, coverage=Coverage.SUSPECT, reason=reason)


def _problem(group: Group, last: LastRead, known_as: str | None, key: str | None) -> str:
    """What a person should know about a group, "" for nothing.

    `known_as` is what the group of the last read is called now; `key` is where a rule names it.
    """
    if group.coverage is Coverage.GONE:
        return f"group '{group.name}' {_gone(group.reason, known_as, key)}"
    if last.replaced(group):
        return f"group '{group.name}' {_replaced(last.group_ids[group.name], known_as, key)}"
    if group.reason.startswith(_EMPTY):
        return f"group '{group.name}': {group.reason}"
    if group.complete or group.coverage is Coverage.SUSPECT:
        return ""  # a source that doubts a group says so itself
    return f"group '{group.name}' is {group.coverage}: {group.reason or 'no reason given'}"


def _gone(reason: str, known_as: str | None, key: str | None) -> str:
    told = f"is called '{known_as}' now" if known_as else f"is gone: {reason or 'no reason given'}"
    if key is None:
        return told
    remedy = f"change {key}" if known_as else f"if it was renamed or deleted, change {key}"
    return f"{told}; {remedy}; until then nobody loses anything for being absent"


def _replaced(before: str, known_as: str | None, key: str | None) -> str:
    former = f"'{known_as}' now" if known_as else f"gone (id {before})"
    told = f"is not the group that had this name at the last complete read; that one is {former}"
    return f"{told}; if that one is meant, change {key}" if key else told


def _change(snapshot: DirectorySnapshot, last: LastRead) -> str:
    """From what to what: the parts of both scopes that differ."""
    before, now = (_parts(scope) for scope in (last.scope, snapshot.scope))
    left, new = (
        (part for part in before if part not in now),
        (part for part in now if part not in before),
    )
    return f"{', '.join(left) or 'nothing'} → {', '.join(new) or 'nothing'}"


def _parts(scope: str) -> list[str]:
    """Without the fingerprint, which says nothing to a person."""
    return [part for part in scope.split(SCOPE_PARTS) if not part.startswith("#")]

"""What was read, as people and groups: whoever is out of scope or not shown is in no group."""

from collections.abc import Mapping
from dataclasses import dataclass

from idpsync.core.model import Coverage, DirectoryUser, Group, fold
from idpsync.sources.entra.assigned import Assigned
from idpsync.sources.entra.errors import READ_PEOPLE
from idpsync.sources.entra.groups import Found, Membership
from idpsync.sources.entra.names import is_id
from idpsync.sources.entra.people import People, users_in
from idpsync.sources.pages import tolerated

SEVERITY = (Coverage.COMPLETE, Coverage.SUSPECT, Coverage.PARTIAL, Coverage.GONE, Coverage.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one read got hold of. `ids` are the wanted names that a group was found for."""

    source: str
    ids: Mapping[str, str]
    assigned: Assigned | None
    membership: Membership
    people: People

    def in_scope(self) -> frozenset[str] | None:
        """Ids of the people who are assigned; None where everybody counts."""
        if self.assigned is None:
            return None
        groups = self.membership.groups
        inside = (groups[key].users for key in self.assigned.groups if key in groups)
        return self.assigned.people.union(*inside)

    def users(self) -> tuple[dict[str, DirectoryUser], int]:
        """People in scope by id, and how many came without a user name."""
        scope, rows = self.in_scope(), self.people.rows
        if scope is not None:
            rows = {key: rows[key] for key in scope if key in rows}
        return users_in(rows, self.source)

    def members(self, users: Mapping[str, DirectoryUser]) -> dict[str, frozenset[str]]:
        """Members by wanted name, of the groups that were found."""
        return {
            name: frozenset(self.membership.groups[key].users & users.keys())
            for name, key in self.ids.items()
        }

    def group(self, name: str, users: Mapping[str, DirectoryUser]) -> Group:
        """One wanted group that was looked for under its id."""
        key = self.ids[name]
        found = self.membership.groups[key]
        if found.coverage in {Coverage.GONE, Coverage.FAILED}:
            return Group(name, key, None, found.coverage, found.reason, found.proof)
        if called_otherwise(name, found):
            reason = f"the group with its id is called '{found.name}' now"
            return Group(name, key, None, Coverage.GONE, reason, found.proof)
        members = frozenset(found.users & users.keys())
        coverage, reason = found.coverage, found.reason
        unknown = len(found.users) - len(members)
        if (
            coverage is Coverage.COMPLETE
            and self._shows_all(key)
            and unknown > tolerated(len(found.users))
        ):
            coverage, reason = Coverage.SUSPECT, f"names {unknown} people whom Entra does not show"
        return Group(name, key, members, coverage, reason, found.proof)

    def _shows_all(self, group: str) -> bool:
        """Whether each member is in scope, so that one who is not shown is odd."""
        return self.assigned is None or group in self.assigned.groups

    def people_doubts(self) -> tuple[Coverage, list[str]]:
        """How far the people are all, by everything that decides who they are."""
        worst, problems = self.people.coverage, list(self.people.problems)
        if self.assigned is None:
            return worst, problems
        if self.assigned.pages.error:
            worst = worse(worst, Coverage.PARTIAL)
            problems.append(f"the assignments are not whole: {self.assigned.pages.reason}")
        for key, name in sorted(self.assigned.groups.items()):
            found = self.membership.groups[key]
            if found.coverage is not Coverage.COMPLETE:
                lesser = Coverage.SUSPECT if found.coverage is Coverage.GONE else found.coverage
                worst = worse(worst, lesser)
                problems.append(f"group '{name}', which is assigned: {found.reason}")
        return (Coverage.PARTIAL if worst is Coverage.FAILED else worst), problems


def called_otherwise(name: str, found: Found) -> bool:
    """Whether the group that was found under `name` has another name by now."""
    return bool(found.name) and not is_id(name) and fold(found.name) != fold(name)


def untold(users: Mapping[str, DirectoryUser], nameless: int) -> tuple[Coverage, list[str]]:
    """What Graph left out of people whom it does list: rights that are missing give nulls."""
    remedy = f"is the app role {READ_PEOPLE} granted?"
    if nameless:
        return Coverage.PARTIAL, [f"{nameless} people came without a user name: {remedy}"]
    unsaid = sum(user.active is None for user in users.values())
    if unsaid:
        told = f"of {unsaid} people Entra does not say whether they are enabled: {remedy}"
        return Coverage.COMPLETE, [told]
    return Coverage.COMPLETE, []


def worse(one: Coverage, other: Coverage) -> Coverage:
    return max(one, other, key=SEVERITY.index)

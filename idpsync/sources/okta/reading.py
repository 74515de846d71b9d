"""One whole read: the people of an application or of groups, and the members of what was asked for."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import quote

from idpsync.core.errors import NotFound
from idpsync.core.model import Coverage, DirectoryUser, Group, Proof
from idpsync.sources.okta.absence import Assigned
from idpsync.sources.okta.api import Api
from idpsync.sources.okta.auth import SYSTEM
from idpsync.sources.okta.groups import Found, Groups, Members
from idpsync.sources.okta.people import People, embedded
from idpsync.sources.okta.settings import OktaConfig
from idpsync.sources.pages import Pages

APP_PAGE = 500
FROM_ALL = "the members of every group that is asked for, and this directory does not show"
SET = "nobody leaves until it does, or directory.people_groups or directory.app_id says who they are"


@dataclass(slots=True)
class Whole:
    """What one read gave. `members` are of every group that was read, by its id."""

    people: dict[str, DirectoryUser] = field(default_factory=dict)
    coverage: Coverage = Coverage.COMPLETE
    proof: Proof | None = None
    found: Found = field(default_factory=Found)
    members: dict[str, Members] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def group(self, name: str) -> Group:
        if known := self.found.groups.get(name):
            return self.members[known.id].group(name)
        coverage, reason = self.found.lacking[name]
        return Group(name, name, None, coverage, reason)


class Reading:
    """Reads everything that the configuration asks for."""

    def __init__(self, config: OktaConfig, api: Api, groups: Groups, people: People) -> None:
        self._config, self._api, self._groups, self._people = config, api, groups, people
        self.of_app = Assigned(api, config.app_id)

    def whole(self, wanted: frozenset[str]) -> Whole:
        """RemoteError when nothing could be read, or when Okta rejects us."""
        read = Whole()
        scope = frozenset() if self._config.app_id else people_scope(self._config, wanted)
        read.found = self._groups.find(wanted | scope)
        if self._config.app_id:
            with ThreadPoolExecutor(max_workers=1) as pool:  # their limits are not those of groups
                listing = pool.submit(self.assigned)
                read.members = self._groups.read(read.found.groups.values())
            self._take_assigned(read, listing.result())
        else:
            read.members = self._groups.read(read.found.groups.values())
            self._take_members(read, sorted(scope))
        self._note_doubts(read, wanted, scope - wanted)
        return read

    def assigned(self) -> Pages:
        """Everybody assigned to the application, as the people they are."""
        path = f"/api/v1/apps/{quote(self._config.app_id or '', safe='')}/users"
        place = f"{path}?limit={APP_PAGE}&expand=user"
        pages = self._api.pages(place, operation="read app users", keep=embedded)
        if isinstance(pages.error, NotFound):
            reason = f"no application has the id {self._config.app_id}: check directory.app_id"
            raise NotFound(SYSTEM, "read app users", reason)
        if pages.error and not pages.rows:
            raise pages.error
        return pages

    def _take_assigned(self, read: Whole, listed: Pages) -> None:
        read.people, spoiled = self._people.of(listed.rows)
        read.coverage, read.proof = listed.coverage, listed.proof()
        if listed.error:
            read.problems.append(f"people were not read to the end: {listed.error}")
        elif spoiled:
            read.coverage = Coverage.PARTIAL
            read.problems.append(f"{spoiled} app users came without the person they are")
        elif not read.people:
            read.coverage = Coverage.SUSPECT
            read.problems.append(f"nobody is assigned to the application {self._config.app_id}")
        elif doubt := self.of_app.doubt(read.people.keys(), _ids(read.members.values())):
            read.coverage = Coverage.PARTIAL
            read.problems.append(doubt)

    def _take_members(self, read: Whole, scope: Sequence[str]) -> None:
        """People are the members of these groups: known whole if each of them is."""
        giving = [read.members[known.id] for name in scope if (known := read.found.groups.get(name))]
        unread = [read.found.lacking[name][0] for name in scope if name in read.found.lacking]
        errors = [error for members in giving if (error := members.pages.error)]
        errors += [read.found.error] if read.found.error else []
        rows = [row for members in giving for row in members.pages.rows]
        if not rows and errors:
            raise errors[0]
        read.people, spoiled = self._people.of(rows)
        coverages = {*(members.coverage for members in giving), *unread}
        read.coverage = _worst(coverages, spoiled=spoiled)
        pages = sum(members.pages.count for members in giving)
        ended = {members.pages.proof().ended_by for members in giving}
        read.proof = Proof("; ".join(sorted(ended)) or "no group was read", pages)
        if errors:
            read.problems.append(f"people were not read to the end: {errors[0]}")
        elif not self._config.people_groups and (lacking := [n for n in scope if _lacks(read, n)]):
            told = f"people are known in part only: they are {FROM_ALL}, {', '.join(lacking)}; {SET}"
            read.problems.append(told)
        if spoiled:
            read.problems.append(f"{spoiled} members of groups came without id or login")
        if not read.people:
            read.coverage = Coverage.SUSPECT if read.coverage is Coverage.COMPLETE else read.coverage
            where = ", ".join(scope) or "any group: name groups in policy.rules or people_groups"
            read.problems.append(f"nobody is a member of {where}")

    def _note_doubts(self, read: Whole, wanted: frozenset[str], others: frozenset[str]) -> None:
        """What the snapshot does not show by itself: why we doubt a group, and groups of people only."""
        for name in sorted(wanted | others):
            group = read.group(name)
            if group.coverage is Coverage.SUSPECT:
                read.problems.append(f"group '{name}' {group.reason}")
            elif name in others and not group.complete:
                read.problems.append(f"group '{name}' of people_groups: {group.reason}")


def people_scope(config: OktaConfig, wanted: frozenset[str]) -> frozenset[str]:
    """The groups whose members are the people, where no application says who they are."""
    return frozenset(config.people_groups) or wanted


def _lacks(read: Whole, name: str) -> bool:
    return name in read.found.lacking or read.group(name).coverage is Coverage.GONE


def _ids(groups: Iterable[Members]) -> set[str]:
    return {one for members in groups for one in members.ids}


def _worst(coverages: Iterable[Coverage], *, spoiled: int) -> Coverage:
    worse = {coverage for coverage in coverages if coverage is not Coverage.COMPLETE}
    if not worse and not spoiled:
        return Coverage.COMPLETE
    return Coverage.SUSPECT if worse == {Coverage.SUSPECT} and not spoiled else Coverage.PARTIAL

"""Groups of Okta: found by name or id, read to their end, and counted a second time by Okta itself.

`filter` is answered from the groups themselves, `search` from an index that lags: it only helps to find
an id, and what has that id is asked for its name again.
https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlencode

from idpsync.core.errors import CredentialsRejected, NotFound, RemoteError
from idpsync.core.model import Coverage, Group, fold
from idpsync.sources.okta.api import Api
from idpsync.sources.okta.people import slim
from idpsync.sources.okta.quota import AT_ONCE
from idpsync.sources.pages import Pages, Row, judged, text

GROUPS = "/api/v1/groups"
PAGE, LARGE_PAGE = 200, 1000  # Okta recommends the one and gives up on the other now and then
IDS_IN_ONE_FILTER = 50  # addresses stay below 2 kB
NAMES_IN_ONE_SEARCH = 40
ID_PREFIX = "00g"
TOO_SLOW = ("HTTP 500", "HTTP 504")  # Okta's answer when a page takes too long


@dataclass(frozen=True, slots=True)
class Known:
    """What Okta says of one group. `moved` is when its members last changed; `count` how many it has."""

    id: str
    name: str
    moved: str
    count: int | None = None

    @classmethod
    def of(cls, row: Row) -> "Known":
        inside = row.get("_embedded")
        stats = inside.get("stats") if isinstance(inside, Mapping) else None
        count = stats.get("usersCount") if isinstance(stats, Mapping) else None
        return cls(
            id=text(row, "id"),
            name=text(row, "profile", "name"),
            moved=text(row, "lastMembershipUpdated"),
            count=count if isinstance(count, int) else None,
        )

    def is_called(self, wanted: str) -> bool:
        return wanted == self.id or fold(wanted) == fold(self.name)


@dataclass(slots=True)
class Found:
    """Groups by the name they are wanted under; for the others why not, and what else there is.

    `error` is what kept us from looking.
    """

    groups: dict[str, Known] = field(default_factory=dict)
    lacking: dict[str, tuple[Coverage, str]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    error: RemoteError | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """One group as it was read: its rows are people, `known` is what Okta said of it afterwards.

    Only `known.moved` is from before the listing.
    """

    known: Known
    pages: Pages
    coverage: Coverage
    reason: str

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(text(row, "id") for row in self.pages.rows) - {""}

    def group(self, name: str) -> Group:
        told = self.ids if self.coverage in TOLD else None
        proof = self.pages.proof(self.known.count)
        return Group(name, self.known.id, told, self.coverage, self.reason, proof)


TOLD = {Coverage.COMPLETE, Coverage.SUSPECT, Coverage.PARTIAL}


class Groups:
    """The groups of one organisation. Ids once found are kept: a name is looked for only once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._ids: dict[str, str] = {}
        self._people: dict[str, Row] = {}
        self._small: set[str] = set()  # groups of which Okta cannot give a large page in time

    # --- finding ----------------------------------------------------------------------------------

    def find(self, wanted: Iterable[str]) -> Found:
        """Each of `wanted`, by name or by id."""
        found, names = Found(), sorted(wanted)
        try:
            self._look(found, names)
        except CredentialsRejected:
            raise
        except RemoteError as error:
            found.error = error
            missing = (name for name in names if name not in found.groups)
            found.lacking |= dict.fromkeys(missing, (Coverage.FAILED, str(error)))
        self._ids |= {name: known.id for name, known in found.groups.items()}
        return found

    def _look(self, found: Found, names: Sequence[str]) -> None:
        for name in names:
            if name.startswith(ID_PREFIX):
                self._ids.setdefault(name, name)
        ids = [self._ids[name] for name in names if name in self._ids]
        seen = self.by_ids(ids)
        seen += self._by_names([name for name in names if name not in self._ids])
        self._match(found, names, seen)
        if missing := [name for name in names if name not in found.groups]:
            everything = self._all()
            found.others = {known.id: known.name for known in everything}
            self._match(found, missing, everything)

    def _match(self, found: Found, names: Iterable[str], seen: Sequence[Known]) -> None:
        by_name: dict[str, dict[str, Known]] = {}
        for known in seen:
            for key in (fold(known.name), known.id):
                by_name.setdefault(key, {})[known.id] = known
        for name in names:
            same = list({**by_name.get(fold(name), {}), **by_name.get(name, {})}.values())
            if len(same) == 1:
                found.groups[name] = same[0]
                found.lacking.pop(name, None)
            elif same:
                ids = ", ".join(sorted(known.id for known in same))
                reason = f"{len(same)} groups have this name ({ids}): give the id instead of the name"
                found.lacking[name] = Coverage.FAILED, reason
            else:
                found.lacking[name] = Coverage.GONE, "no group has this name or id"

    def by_ids(self, ids: Iterable[str], *, counted: bool = False) -> list[Known]:
        """Those of these groups that exist, from Okta's own records; `counted` with their size."""
        clauses = [f'id eq "{escaped(one)}"' for one in ids]
        return self._asked("filter", clauses, IDS_IN_ONE_FILTER, counted=counted)

    def changed_since(self, stamp: str) -> list[Known]:
        """Groups of the whole organisation that are other since, with their size."""
        clause = f'lastUpdated gt "{stamp}" or lastMembershipUpdated gt "{stamp}"'
        return self._asked("filter", [clause], 1, counted=True)

    def _by_names(self, names: Iterable[str]) -> list[Known]:
        clauses = [f'profile.name eq "{escaped(name)}"' for name in names]
        return self._asked("search", clauses, NAMES_IN_ONE_SEARCH, counted=False)

    def _asked(self, how: str, clauses: Sequence[str], most: int, *, counted: bool) -> list[Known]:
        found: list[Known] = []
        for chunk in batches(clauses, most):
            asked = {how: " or ".join(chunk), "limit": str(PAGE)}
            found += self._listed(asked | ({"expand": "stats"} if counted else {}))
        return found

    def _all(self) -> list[Known]:
        return self._listed({"limit": str(PAGE)})

    def _listed(self, asked: Mapping[str, str]) -> list[Known]:
        pages = self._api.pages(f"{GROUPS}?{urlencode(asked)}", operation="read groups")
        return [Known.of(row) for row in pages.whole()]

    # --- reading ----------------------------------------------------------------------------------

    def read(self, wanted: Iterable[Known]) -> dict[str, Members]:
        """Everybody in each of these groups, by group id, judged against Okta's own count.

        A group whose members changed while they were read, or are not as many as Okta counts, is read
        once more.
        """
        before = {known.id: known for known in wanted}
        self._people.clear()
        pages = self._members_of(before)
        try:
            after = self._confirmed(before)
            again = [
                one
                for one, known in after.items()
                if known.moved != before[one].moved or _differs(pages[one], known)
            ]
            if again:
                pages |= self._members_of(again)
                after |= _as_stamped(after, self._confirmed(again))
        except CredentialsRejected:
            raise
        except RemoteError as error:
            return {one: _unconfirmed(known, pages[one], error) for one, known in before.items()}
        return {one: judge(before[one], pages[one], after.get(one)) for one in before}

    def _confirmed(self, ids: Iterable[str]) -> dict[str, Known]:
        return {known.id: known for known in self.by_ids(ids, counted=True)}

    def _members_of(self, ids: Iterable[str]) -> dict[str, Pages]:
        """A few groups at a time; the first that raises ends it."""
        asked = list(ids)
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            try:
                return dict(zip(asked, pool.map(self.members, asked), strict=True))
            except RemoteError:
                pool.shutdown(cancel_futures=True)
                raise

    def members(self, group_id: str) -> Pages:
        """Everybody in one group, in large pages if Okta can."""
        if group_id not in self._small:
            pages = self._members(group_id, LARGE_PAGE)
            if not pages.error or not pages.error.reason.startswith(TOO_SLOW):
                return pages
            self._small.add(group_id)
        return self._members(group_id, PAGE)

    def _members(self, group_id: str, page: int) -> Pages:
        path = f"{GROUPS}/{quote(group_id, safe='')}/users?limit={page}"
        return self._api.pages(path, operation="read members", keep=self._kept)

    def _kept(self, row: Row) -> Row:
        """The person, held once however many groups they are in."""
        told = slim(row)
        known = self._people.setdefault(text(told, "id"), told)
        return known if known == told else told


def _as_stamped(before: Mapping[str, Known], after: Mapping[str, Known]) -> dict[str, Known]:
    """What was told after a listing, under the stamp from before it: a later one may be of a change
    that the listing does not show.
    """
    return {one: replace(known, moved=before[one].moved) for one, known in after.items()}


def _differs(pages: Pages, known: Known) -> bool:
    return not pages.error and known.count not in {None, len({text(row, "id") for row in pages.rows})}


def _unconfirmed(known: Known, pages: Pages, error: RemoteError) -> Members:
    coverage = Coverage.PARTIAL if pages.rows else Coverage.FAILED
    return Members(known, pages, coverage, pages.reason or f"could not be counted: {error}")


def judge(before: Known, pages: Pages, after: Known | None) -> Members:
    """What a listing is worth, by what Okta says of the group after it."""
    if after is None or isinstance(pages.error, NotFound):
        return Members(before, pages, Coverage.GONE, "it was deleted while it was read")
    if fold(after.name) != fold(before.name):
        return Members(after, pages, Coverage.GONE, f"is called '{after.name}' now")
    if pages.error:
        return Members(after, pages, pages.coverage, pages.reason)
    coverage, reason = judged((text(row, "id") for row in pages.rows), after.count)
    return Members(after, pages, coverage, reason)


def batches(clauses: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(clauses), most):
        yield clauses[start : start + most]


def escaped(value: str) -> str:
    """A text inside a filter (RFC 7644 §3.4.2.2: a JSON string)."""
    return value.replace("\\", "\\\\").replace('"', '\\"')

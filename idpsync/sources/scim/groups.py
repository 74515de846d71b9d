"""Group resources and who is in them (RFC 7643 §4.2), groups in groups closed on our side."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from idpsync.core.errors import CredentialsRejected, NotFound, RemoteError
from idpsync.core.model import Coverage, Group, Proof, fold
from idpsync.scim_client.listing import Listing
from idpsync.scim_client.messages import Element, RemoteGroup, member, read_text
from idpsync.sources.pages import tolerated

Found = RemoteGroup | RemoteError


@dataclass(slots=True)
class Members:
    """Who is in one group. `direct` counts those who are not in it by another group alone."""

    people: set[str] = field(default_factory=set)
    direct: int = 0
    faults: list[str] = field(default_factory=list)


class Roster:
    """The groups of one read. `fetch` gets one group with its members.

    `counts` is how many people call themselves direct members of a group, None where nobody says so.
    """

    def __init__(
        self,
        listing: Listing[RemoteGroup],
        fetch: Callable[[str], RemoteGroup],
        *,
        nested: bool,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        self._listing, self._fetch, self._nested, self._counts = listing, fetch, nested, counts
        self._known: dict[str, Found] = {
            group.id: group for group in listing.kept.values() if group.shows_members
        }

    def ids_of(self, name: str) -> list[str]:
        """Groups that are meant by `name`: the one of this id, else all that are called so."""
        if name in self._listing.kept:
            return [name]
        return [key for key, group in self._listing.kept.items() if fold(group.name) == fold(name)]

    def others(self, wanted: Iterable[str]) -> dict[str, str]:
        """Id → name of the groups that nothing asks for."""
        asked = {key for name in wanted for key in self.ids_of(name)}
        return {key: group.name for key, group in self._listing.kept.items() if key not in asked}

    def prepare(self, wanted: Iterable[str], concurrency: int) -> None:
        """Get what the listing did not show, side by side; CredentialsRejected is for everybody."""
        ids = {key for name in wanted for key in self.ids_of(name)} - self._known.keys()
        with ThreadPoolExecutor(concurrency) as pool:
            self._known |= dict(zip(ids, pool.map(self._found, ids), strict=True))

    @property
    def shows_members(self) -> bool:
        """Whether any group that was looked at has a member: some providers never show them."""
        found = (group for group in self._known.values() if isinstance(group, RemoteGroup))
        return any(group.elements("members") for group in found)

    def group(self, name: str) -> Group:
        """What was read of one wanted group."""
        ids = self.ids_of(name)
        if len(ids) > 1:
            reason = f"{len(ids)} groups have this name: write the id of one of {', '.join(sorted(ids))}"
            return Group(name, name, None, Coverage.FAILED, reason)
        if ids:
            return self._group(name, ids[0])
        if error := self._listing.error:
            return Group(name, name, None, Coverage.FAILED, f"the list of groups is not whole: {error}")
        return Group(name, name, None, Coverage.GONE, "the provider shows no group of this name")

    def _group(self, name: str, identifier: str) -> Group:
        found = self._get(identifier)
        if isinstance(found, RemoteError):
            gone = isinstance(found, NotFound)
            coverage = Coverage.GONE if gone else Coverage.FAILED
            return Group(name, identifier, None, coverage, str(found))
        members = self._closed(identifier)
        coverage, reason = self._judged(identifier, members)
        expected = self._counts.get(identifier, 0) if self._counts else None
        proof = Proof("members of one resource", 1, expected)
        return Group(name, identifier, frozenset(members.people), coverage, reason, proof)

    def _judged(self, identifier: str, members: Members) -> tuple[Coverage, str]:
        if members.faults:
            return Coverage.PARTIAL, "; ".join(members.faults)
        told = self._counts.get(identifier, 0) if self._counts else 0
        if told - members.direct > (tolerated(told) if members.direct else 0):
            reason = f"shows {members.direct} members, and {told} people say that they are in it"
            return Coverage.SUSPECT, reason
        if not members.people and not self.shows_members:
            return Coverage.SUSPECT, "the provider shows no member of any group: may we see them?"
        return Coverage.COMPLETE, ""

    def _closed(self, root: str) -> Members:
        """Everybody in the group, and in the groups in it; cycles are walked once."""
        members, seen, open_ = Members(), {root}, [root]
        while open_:
            identifier = open_.pop()
            found = self._get(identifier)
            if isinstance(found, RemoteError):
                members.faults.append(f"holds a group that cannot be read: {found}")
                continue
            for value, is_group in self._told(found, members):
                if not is_group:
                    members.people.add(value)
                elif self._nested and value not in seen:
                    seen.add(value)
                    open_.append(value)
            if identifier == root:
                members.direct = len(members.people)
        return members

    def _told(self, group: RemoteGroup, members: Members) -> Iterator[tuple[str, bool]]:
        for element in group.elements("members"):
            value = read_text(member(element, "value"))
            if value:
                yield value, self._is_group(element, value)
            else:
                members.faults.append("names a member without saying who it is")

    def _is_group(self, element: Element, value: str) -> bool:
        """By `type` (RFC 7643 §4.2), else by `$ref`, else by whose id it is."""
        kind = read_text(member(element, "type"))
        if kind:
            return kind.casefold() == "group"
        place = read_text(member(element, "$ref"))
        return "/Groups/" in place if place else value in self._listing.kept

    def _get(self, identifier: str) -> Found:
        if identifier not in self._known:
            self._known[identifier] = self._found(identifier)
        return self._known[identifier]

    def _found(self, identifier: str) -> Found:
        try:
            return self._fetch(identifier)
        except CredentialsRejected:
            raise
        except RemoteError as error:
            return error

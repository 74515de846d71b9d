"""Who is behind the DNs and user names that a group holds, wherever in the directory they are now.

Neither the base nor the filter of the people counts here: whoever has left them is in the group all the
same, until somebody takes them out.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from idpsync.core.model import fold
from idpsync.sources.ldap.names import normal, without_uid
from idpsync.sources.ldap.queries import NAMES_IN_ONE_FILTER, any_of
from idpsync.sources.ldap.session import Entry, Search, Session, entries_of
from idpsync.sources.ldap.settings import LdapConfig

FEW = 100  # so many DNs are looked up one by one, whatever the size of the directory


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person as groups name them."""

    external_id: str
    dn: str
    user_names: tuple[str, ...]

    @property
    def user_name(self) -> str:
        return self.user_names[0]


class NamedPeople:
    """Looks people up in one session. An entry without an id or a user name is nobody: a placeholder."""

    def __init__(self, session: Session, config: LdapConfig) -> None:
        self._session, self._config = session, config

    def with_id(self, external_id: str) -> Somebody | None:
        condition = any_of(self._config.id_attribute, [external_id])
        found = (one for base in self._bases([external_id]) for one in self._under(base, condition))
        return next((one for one in found if one.external_id == external_id), None)

    def with_dns(self, values: Iterable[str]) -> frozenset[str]:
        """Ids. A DN that names no entry is left out: whoever is deleted is in no group."""
        left = {normal(dn): dn for dn in map(without_uid, values)}
        ids: set[str] = set()
        if len(left) > FEW:
            for one in self._under(self._config.user_base, ""):
                if left.pop(normal(one.dn), None):
                    ids.add(one.external_id)
        return frozenset(ids.union(one.external_id for dn in left.values() for one in self._at(dn)))

    def with_names(self, names: Iterable[str]) -> frozenset[str]:
        """Ids of those who have these user names; where nobody of ours has one, whoever has it."""
        left = {fold(name): name for name in names}
        ids: set[str] = set()
        for base in self._bases(left):
            waiting = iter(sorted(left.values()))
            while some := list(islice(waiting, NAMES_IN_ONE_FILTER)):
                for one in self._under(base, any_of(self._config.user_name_attribute, some)):
                    called = left.keys() & set(map(fold, one.user_names))
                    ids |= {one.external_id} if called else set()
                    for name in called:
                        del left[name]
        return frozenset(ids)

    def _bases(self, left: Collection[str]) -> Iterator[str]:
        """Where people are, then everywhere else while anybody is `left`."""
        yield self._config.user_base
        if left:
            yield from self._naming_contexts()

    def _naming_contexts(self) -> tuple[str, ...]:
        """What the server holds (RFC 4512 §5.1)."""
        search = Search("find member", "", "(objectClass=*)", ("namingContexts",), whole_tree=False)
        _, response = self._session.exchange(search)
        return tuple(dn for root in entries_of(response) for dn in root.texts("namingContexts"))

    def _under(self, base: str, condition: str) -> list[Somebody]:
        listing = self._session.read_all(self._search(base, condition, whole_tree=True))
        outside = base != self._config.user_base
        return self._made(() if outside and listing.base_missing else listing.whole())

    def _at(self, dn: str) -> list[Somebody]:
        listing = self._session.read_all(self._search(dn, "", whole_tree=False))
        return self._made(() if listing.base_missing else listing.whole())

    def _search(self, base: str, condition: str, *, whole_tree: bool) -> Search:
        config = self._config
        chosen = f"(&({config.user_name_attribute}=*){condition})"
        names = (config.id_attribute, config.user_name_attribute)
        return Search("find member", base, chosen, names, whole_tree=whole_tree)

    def _made(self, entries: Iterable[Entry]) -> list[Somebody]:
        config = self._config
        people = (
            Somebody(entry.text(config.id_attribute), entry.dn, entry.texts(config.user_name_attribute))
            for entry in entries
        )
        return [one for one in people if one.external_id and one.user_names]

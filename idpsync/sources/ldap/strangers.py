"""A second look at people whom groups name and whom no search for people has shown.

They were renamed meanwhile, are left out by the user filter, do not exist any more, or are hidden from
this bind DN. Nothing is asked while there are no such people.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from idpsync.core.errors import RemoteError
from idpsync.core.model import fold
from idpsync.sources.ldap.names import normal, parent
from idpsync.sources.ldap.queries import any_of
from idpsync.sources.ldap.session import Entry, Search, Session
from idpsync.sources.ldap.settings import LdapConfig

FEW = 50  # so many are looked up one by one, whatever the size of the directory


@dataclass(frozen=True, slots=True)
class Seen:
    """Ids of those who can be seen ("" for one who shows none), and who certainly does not exist."""

    ids: dict[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()


Look = Callable[[frozenset[str]], Seen]
"""What can be seen of entries under the user base, by DN in normal form or by folded user name."""


class SecondLook:
    """A `Look` over one session."""

    def __init__(self, session: Session, config: LdapConfig) -> None:
        self._session, self._config = session, config

    def __call__(self, keys: frozenset[str]) -> Seen:
        """An error leaves whom it concerns unknown: nobody is taken for absent because of one."""
        if len(keys) > FEW and self._config.unknown_members == "ignore":
            return Seen()
        ids = self._everything() if len(keys) > FEW else self._called(keys)
        ids = {key: ids[key] for key in keys & ids.keys()}
        absent: set[str] = set()
        left = sorted(key for key in keys - ids.keys() if "=" in key)
        for dn in left if len(left) <= FEW else ():
            try:
                entry, above = self._session.entry_at(dn, self._names)
            except RemoteError:
                continue
            if entry:
                ids[dn] = self._id_of(entry)
            elif above and normal(above) == parent(dn):
                absent.add(dn)
        return Seen(ids, frozenset(absent))

    @property
    def _names(self) -> tuple[str, str]:
        return self._config.id_attribute, self._config.user_name_attribute

    def _called(self, keys: Iterable[str]) -> dict[str, str]:
        names = sorted(key for key in keys if "=" not in key)
        return self._under(any_of(self._config.user_name_attribute, names)) if names else {}

    def _everything(self) -> dict[str, str]:
        return self._under("(objectClass=*)")

    def _under(self, condition: str) -> dict[str, str]:
        search = Search("look again", self._config.user_base, condition, self._names)
        ids: dict[str, str] = {}
        for entry in self._session.read_all(search).entries:
            called = _texts(entry, self._config.user_name_attribute)
            ids |= dict.fromkeys((normal(entry.dn), *map(fold, called)), self._id_of(entry))
        return ids

    def _id_of(self, entry: Entry) -> str:
        return next(iter(_texts(entry, self._config.id_attribute)), "").strip()


def _texts(entry: Entry, attribute: str) -> tuple[str, ...]:
    """Values that are text; whoever has others is seen all the same."""
    return tuple(value.decode("utf-8", "replace") for value in entry.values.get(attribute.lower(), ()))

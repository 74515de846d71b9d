"""The groups that idpsync was told to own in an LDAP directory, by name or id."""

from collections.abc import Sequence
from typing import TypeVar

from idpsync.core.errors import Malformed, NotFound, Refused
from idpsync.core.model import fold
from idpsync.sources.ldap.errors import SYSTEM

T = TypeVar("T")


class OwnedNames:
    """Each group is looked up by its name once, and goes by its id from then on."""

    def __init__(self, owned: frozenset[str], base: str) -> None:
        self._owned, self._base = {fold(name) for name in owned}, base
        self._ids: dict[str, str] = {}

    def check(self, group: str, operation: str) -> None:
        """Refused for a group of others."""
        if fold(group) not in self._owned:
            told = f"{group} is not a group that idpsync was told to own"
            raise Refused(SYSTEM, operation, told)

    def id_of(self, group: str) -> str | None:
        """The id it was found under, if it was."""
        return self._ids.get(fold(group))

    def pin(self, group: str, external_id: str) -> None:
        self._ids[fold(group)] = external_id

    def forget(self, group: str) -> None:
        self._ids.pop(fold(group), None)

    def only(self, found: Sequence[T], group: str, operation: str) -> T:
        """The one that was found; NotFound for none, Malformed for several."""
        if not found:
            where = f"under {self._base}: renamed, deleted or hidden; idpsync makes no group"
            raise NotFound(SYSTEM, operation, f"no group is called {group} {where}")
        if len(found) > 1:
            raise Malformed(SYSTEM, operation, f"{len(found)} groups are called {group}")
        return found[0]

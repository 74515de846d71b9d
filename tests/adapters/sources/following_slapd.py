"""A source that carries its last read on by what a real OpenLDAP server tells."""

from idpsync.core.changes import DirectoryChanges
from idpsync.core.model import DirectorySnapshot
from idpsync.core.ports import CanReadChanges, DirectorySource
from tests.adapters.sources.ldap_world import source_of
from tests.contracts.directory_changes import carried_on, seen_in
from tests.slapd import Slapd, person_number

USERS, PREMIUM = "Claude Users", "Claude Premium"


def groups() -> dict[str, list[str]]:
    everybody = [person_number(n).uid for n in range(40)]
    return {USERS: everybody[:20], PREMIUM: everybody[:4]}


class Followed:
    """A source that has read, and what was told of since."""

    def __init__(self, slapd: Slapd, *wanted: str, **changes: object) -> None:
        self.source: DirectorySource = source_of(slapd, *(wanted or (USERS, PREMIUM)), **changes)
        self.read: DirectorySnapshot = self.source.read()
        assert self.read.complete, self.read.problems
        assert self.read.cursor
        self.slapd, self.cursor, self.seen = slapd, self.read.cursor, seen_in(self.read)
        self.settings, self.wanted = changes, wanted or (USERS, PREMIUM)

    def changes(self) -> DirectoryChanges | None:
        assert isinstance(self.source, CanReadChanges)
        changes = self.source.changes(self.cursor)
        if changes:
            self.seen, self.cursor = carried_on(self.seen, changes), changes.cursor
        return changes

    def goes_on(self) -> DirectoryChanges:
        """The changes, after which nothing differs from a whole read."""
        changes = self.changes()
        assert changes is not None
        whole = source_of(self.slapd, *self.wanted, **self.settings).read()
        assert whole.complete, whole.problems
        assert self.seen == seen_in(whole)
        return changes

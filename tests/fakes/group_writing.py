"""A directory in memory whose groups may be written."""

from idpsync.core.errors import NotFound, Refused, RemoteError
from tests.fakes.source import SYSTEM, FakeDirectory, FakeSource


class FakeWriter(FakeSource):
    """A `CanWriteGroups` over a `FakeDirectory`."""

    def __init__(
        self, directory: FakeDirectory, groups: frozenset[str], *, owned: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(directory, groups)
        self.owned = owned

    def members_of(self, group: str) -> frozenset[str]:
        name = self._owned(group, "read members")
        if name in self.directory.hidden:
            raise RemoteError(SYSTEM, "read members", f"the members of {group} are hidden")
        return frozenset(self.directory.groups[name])

    def add_member(self, group: str, external_id: str) -> None:
        members = self.directory.groups[self._owned(group, "add member")]
        if external_id not in self.directory.people:
            raise NotFound(SYSTEM, "add member", f"nobody has the id {external_id}")
        members.add(external_id)

    def remove_member(self, group: str, external_id: str) -> None:
        self.directory.groups[self._owned(group, "remove member")].discard(external_id)

    def _owned(self, group: str, operation: str) -> str:
        """The name of a group of ours, which may be given by its id."""
        if group not in self.owned:
            raise Refused(SYSTEM, operation, f"{group} is not a group of ours")
        self._answer(operation)
        for name in self.directory.groups:
            if group in {name, self.directory.group_id(name)}:
                return name
        raise NotFound(SYSTEM, operation, f"no group is called {group}")

"""Two backends as one directory: some people in the first, some in the second, one in both."""

from collections.abc import Iterable

from idpsync.core.ports import DirectorySource
from idpsync.sources.merged.parts import Part
from idpsync.sources.merged.source import MergedSource, merge
from tests.adapters.sources.test_fake_source import FakeWorld
from tests.adapters.sources.test_file_source import FileWorld
from tests.contracts.directory_source import DirectoryWorld, Sample
from tests.fakes.source import FakeDirectory, SteadyClock

IN_BOTH, IN_SECOND = {"ada"}, {"bob"}
GROUPS = ("Premium", "Users")


def first_of_two() -> FakeDirectory:
    made = FakeDirectory(groups={name: set() for name in GROUPS})
    made.add("ada", "Premium", given_name="Ada")
    made.add("eve", "Users")
    return made


def second_of_two() -> FakeDirectory:
    """ada under another name, and bob."""
    made = FakeDirectory(groups={name: set() for name in GROUPS})
    made.add("ada.l", "Users", given_name="Augusta", email="ADA@acme.example")
    made.add("bob", "Users")
    return made


def verified(email: str) -> bool:
    return email.endswith("@acme.example")


def merged_of(
    *sources: DirectorySource, groups: Iterable[str] = (), scope: str = "asked"
) -> MergedSource:
    """The sources as one, called a, b, c and so on."""
    parts = [
        Part(name, source, f"{scope} {name}", leading=not number)
        for number, (name, source) in enumerate(zip("abcdef", sources, strict=False))
    ]
    return merge(parts, clock=SteadyClock(), groups=frozenset(groups), verified=verified)


class DeclaringFileWorld(FileWorld):
    """Says which groups there are, also those that nobody is in."""

    def write(self) -> None:
        super().write()
        lines = self.path.read_text(encoding="utf-8").splitlines()
        declared = [f"#group {name}" for name in self.groups]
        self.path.write_text("\n".join([*lines[:-1], *declared, lines[-1], ""]), encoding="utf-8")


class SplitWorld:
    """ada is in both, bob in the second, everybody else in the first. A cut concerns the first."""

    def __init__(self, first: DirectoryWorld, second: DirectoryWorld) -> None:
        self.first, self.second = first, second

    def put(self, person: Sample) -> None:
        for world in self._homes(person.uid):
            world.put(person)

    def remove(self, uid: str) -> None:
        for world in self._homes(uid):
            world.remove(uid)

    def put_group(self, name: str, members: Iterable[str]) -> None:
        wanted = list(members)
        for world in (self.first, self.second):
            world.put_group(name, [uid for uid in wanted if world in self._homes(uid)])

    def rename_group(self, name: str, to: str) -> None:
        self.first.rename_group(name, to)
        self.second.rename_group(name, to)

    def cut(self) -> None:
        self.first.cut()

    def go_away(self) -> None:
        self.first.go_away()
        self.second.go_away()

    def source(self, *groups: str) -> DirectorySource:
        return merged_of(self.first.source(*groups), self.second.source(*groups), groups=groups)

    def _homes(self, uid: str) -> list[DirectoryWorld]:
        if uid in IN_BOTH:
            return [self.first, self.second]
        return [self.second if uid in IN_SECOND else self.first]


class WritingWorlds(FakeWorld):
    """The groups are in one directory (`self`), the people there too and, where `in_both`, in the other.

    `leading` says whether the one with the groups comes first.
    """

    def __init__(self, *, leading: bool, in_both: bool) -> None:
        super().__init__()
        self.other = FakeWorld()
        self.leading, self.in_both = leading, in_both
        self.other.put(Sample("other"))

    def put(self, person: Sample) -> None:
        super().put(person)
        if self.in_both:
            self.other.put(person)

    def remove(self, uid: str) -> None:
        super().remove(uid)
        if self.in_both:
            self.other.remove(uid)

    def go_away(self) -> None:
        super().go_away()
        self.other.go_away()

    def source(self, *groups: str) -> DirectorySource:
        return self._merged(super().source(*groups), self.other.source(*groups), groups)

    def writer(self, *owned: str) -> DirectorySource:
        """Has read nothing yet, as at the start of a process."""
        return self._merged(super().writer(*owned), self.other.writer(*owned), ())

    def _merged(
        self, one: DirectorySource, other: DirectorySource, groups: Iterable[str]
    ) -> DirectorySource:
        order = (one, other) if self.leading else (other, one)
        return merged_of(*order, groups=groups)

"""The fake directory keeps the contract, so that tests which use it mean something."""

from collections.abc import Iterable

import pytest

from idpsync.core.ports import DirectorySource
from tests.contracts.directory_changes import DirectoryChangesContract
from tests.contracts.directory_source import DirectorySourceContract, DirectoryWorld, Sample
from tests.contracts.group_writing import GroupWritingContract, WritingWorld
from tests.fakes.group_writing import FakeWriter
from tests.fakes.source import FakeDirectory


class FakeWorld:
    def __init__(self) -> None:
        self.directory = FakeDirectory()

    def put(self, person: Sample) -> None:
        self.directory.add(person.uid, given_name=person.given_name, family_name=person.family_name)

    def remove(self, uid: str) -> None:
        self.directory.remove(uid)

    def put_group(self, name: str, members: Iterable[str]) -> None:
        self.directory.set_members(name, members)

    def rename_group(self, name: str, to: str) -> None:
        self.directory.rename_group(name, to)

    def cut(self) -> None:
        self.directory.shows = 1

    def go_away(self) -> None:
        self.directory.down = True

    def source(self, *groups: str) -> DirectorySource:
        return self.directory.source(*groups)

    def writer(self, *owned: str) -> DirectorySource:
        return FakeWriter(self.directory, frozenset(owned), owned=frozenset(owned))

    def held(self, group: str) -> set[str]:
        return {self.directory.people[one].user_name for one in self.directory.groups[group]}

    def hide_members(self, group: str) -> None:
        self.directory.hidden.add(group)


class TestFakeDirectory(DirectorySourceContract, DirectoryChangesContract):
    @pytest.fixture
    def world(self) -> DirectoryWorld:
        return FakeWorld()


class TestFakeWriting(GroupWritingContract):
    @pytest.fixture
    def world(self) -> WritingWorld:
        return FakeWorld()

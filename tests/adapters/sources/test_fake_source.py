"""The fake directory keeps the contract, so that tests which use it mean something."""

from collections.abc import Iterable

import pytest

from idpsync.core.ports import DirectorySource
from tests.contracts.directory_changes import DirectoryChangesContract
from tests.contracts.directory_source import DirectorySourceContract, DirectoryWorld, Sample
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


class TestFakeDirectory(DirectorySourceContract, DirectoryChangesContract):
    @pytest.fixture
    def world(self) -> DirectoryWorld:
        return FakeWorld()

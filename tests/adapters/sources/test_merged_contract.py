"""Several directories read as one keep the contract of a directory."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from idpsync.core.ports import DirectorySource
from tests.adapters.sources.ldap_world import SlapdWorld
from tests.adapters.sources.merged_world import (
    DeclaringFileWorld,
    SplitWorld,
    WritingWorlds,
    merged_of,
)
from tests.adapters.sources.test_fake_source import FakeWorld
from tests.contracts.directory_changes import DirectoryChangesContract
from tests.contracts.directory_source import DirectorySourceContract, DirectoryWorld
from tests.contracts.group_writing import GroupWritingContract, WritingWorld
from tests.slapd import running_slapd


class Merged(DirectorySourceContract):
    @pytest.mark.skip(reason="one group of several directories has an id in each, and none as a whole")
    def test_a_group_may_be_mentioned_by_its_id_whatever_it_is_called(self) -> None:  # type: ignore[override]
        pass


class TestTwoFakes(Merged, DirectoryChangesContract):
    @pytest.fixture
    def world(self) -> DirectoryWorld:
        return SplitWorld(FakeWorld(), FakeWorld())


class LacksAGroup(SplitWorld):
    """The second directory has one group fewer, which nobody is in anywhere."""

    def source(self, *groups: str) -> DirectorySource:
        asked = (*groups, "Only in the first")
        self.first.put_group("Only in the first", [])
        return merged_of(self.first.source(*asked), self.second.source(*asked), groups=asked)


class TestOneLacksAGroup(DirectoryChangesContract):
    @pytest.fixture
    def world(self) -> DirectoryWorld:
        return LacksAGroup(FakeWorld(), FakeWorld())


class TestWriting(GroupWritingContract):
    """Through directories that nobody has read yet."""

    @pytest.fixture(
        params=[(True, False), (True, True), (False, False), (False, True)],
        ids=["groups in the first", "people in both", "groups in the second", "groups there, both know"],
    )
    def world(self, request: pytest.FixtureRequest) -> WritingWorld:
        leading, in_both = request.param
        return WritingWorlds(leading=leading, in_both=in_both)


class WithFiles(Merged):
    @pytest.mark.skip(reason="a file knows no ids of groups, so it cannot tell their new names")
    def test_a_renamed_group_is_told_under_its_id_where_groups_have_one(self) -> None:  # type: ignore[override]
        pass


class TestTwoFiles(WithFiles):
    @pytest.fixture
    def world(self, tmp_path: Path) -> DirectoryWorld:
        folders = tmp_path / "first", tmp_path / "second"
        for folder in folders:
            folder.mkdir()
        return SplitWorld(*(DeclaringFileWorld(folder / "people.csv") for folder in folders))


@pytest.mark.server
class TestFileAndSlapd(WithFiles):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[DirectoryWorld]:
        with running_slapd(tmp_path, people=0, size_limit=2) as slapd:
            yield SplitWorld(DeclaringFileWorld(tmp_path / "people.csv"), SlapdWorld(slapd))


@pytest.mark.server
class TestSlapdAndFile(WithFiles):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[DirectoryWorld]:
        with running_slapd(tmp_path, people=0, size_limit=2) as slapd:
            world = SplitWorld(SlapdWorld(slapd), DeclaringFileWorld(tmp_path / "people.csv"))
            two_are_in_it = partial(slapd.cap_reader, 1)
            world.cut = two_are_in_it  # type: ignore[method-assign]
            yield world

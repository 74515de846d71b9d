"""Okta keeps the contracts, whichever way its people are read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.sources.okta_world import OktaWorld, okta_world
from tests.contracts.directory_changes import DirectoryChangesContract
from tests.contracts.directory_source import DirectorySourceContract
from tests.contracts.group_writing import GroupWritingContract


class TestPeopleOfAnApplication(DirectorySourceContract, DirectoryChangesContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[OktaWorld]:
        with okta_world(tmp_path, app=True) as world:
            yield world


class TestMembersOfGroups(DirectorySourceContract, DirectoryChangesContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[OktaWorld]:
        with okta_world(tmp_path) as world:
            yield world


class TestWriting(GroupWritingContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[OktaWorld]:
        with okta_world(tmp_path) as world:
            yield world

"""Entra ID keeps the contracts of a directory: direct, nested, and for those who are assigned."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.sources.entra_world import GraphWorld
from tests.contracts.directory_changes import DirectoryChangesContract
from tests.contracts.directory_source import DirectorySourceContract
from tests.contracts.group_writing import GroupWritingContract
from tests.twins.graph.server import running_graph


class TestEntra(DirectorySourceContract, DirectoryChangesContract, GroupWritingContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[GraphWorld]:
        with running_graph() as twin:
            yield GraphWorld(twin, tmp_path)


class TestEntraNested(DirectorySourceContract, DirectoryChangesContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[GraphWorld]:
        with running_graph() as twin:
            yield GraphWorld(twin, tmp_path, nested_groups=True)

"""Entra ID keeps the contracts of a directory: direct, nested, and for those who are assigned."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.sources.entra_world import GraphWorld
from tests.contracts.directory_changes import DirectoryChangesContract
from tests.contracts.directory_source import DirectorySourceContract, Sample
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


class AssignedWorld(GraphWorld):
    """Everybody is assigned to one application by name, and only they are read."""

    def put(self, person: Sample) -> None:
        known = self.twin.tenant.named(person.uid)
        super().put(person)
        if known is None:
            self.twin.tenant.assign(self.twin.tenant.people[self.twin.tenant.id_of(person.uid)])


class TestEntraAssigned(DirectorySourceContract, DirectoryChangesContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[GraphWorld]:
        with running_graph() as twin:
            yield AssignedWorld(twin, tmp_path, service_principal_id=twin.tenant.application)


class TestEntraAssignedNested(DirectorySourceContract, DirectoryChangesContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[GraphWorld]:
        with running_graph() as twin:
            application = twin.tenant.application_id
            yield AssignedWorld(twin, tmp_path, service_principal_id=application, nested_groups=True)

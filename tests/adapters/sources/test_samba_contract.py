"""Active Directory keeps the contracts of a directory: tried against a Samba domain controller."""

from collections.abc import Iterator

import pytest

from tests.adapters.sources.samba_world import SambaWorld
from tests.contracts.directory_changes import DirectoryChangesContract
from tests.contracts.directory_source import DirectorySourceContract, DirectoryWorld
from tests.samba import Samba

pytestmark = pytest.mark.server


@pytest.fixture
def world(samba: Samba) -> Iterator[DirectoryWorld]:
    world = SambaWorld(samba)
    yield world
    world.close()


class TestSamba(DirectorySourceContract):
    """Everything is read."""


class TestSambaChanges(DirectoryChangesContract):
    """DirSync tells what changed."""

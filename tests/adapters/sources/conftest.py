"""One domain controller for all tests that need Active Directory; each works in a folder of its own."""

from collections.abc import Iterator

import pytest

from tests.samba import Samba, running_samba


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    with running_samba(tmp_path_factory.mktemp("ad")) as server:
        yield server

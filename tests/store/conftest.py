"""Where the stores under test live: memory, a file per test, one private PostgreSQL cluster."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from idpsync.core.seats import Ladder, Tier
from idpsync.store import Store, open_store
from tests.people import LADDER, StoppedClock
from tests.postgres import cluster, new_database

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    with cluster() as address:
        yield address


@pytest.fixture(scope="session")
def postgres_url(postgres_cluster: str) -> str:
    """One database with all tables; tests keep apart by organisation."""
    url = new_database(postgres_cluster, "contracts")
    store = open_store(url, organization="x", ladder=LADDER, reserved={}, clock=StoppedClock())
    store.upgrade()
    store.close()
    return url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


class StoreOpener:
    """Opens stores of organisations nobody has used yet, and closes them all."""

    def __init__(self, url: str) -> None:
        self.url, self.organization = url, ""
        self.opened: list[Store] = []

    def __call__(
        self,
        clock: StoppedClock,
        *,
        ladder: Ladder = LADDER,
        reserved: Mapping[Tier, int] | None = None,
    ) -> Store:
        self.organization = f"acme-{next(_numbers)}"
        store = open_store(
            self.url,
            organization=self.organization,
            ladder=ladder,
            reserved=reserved or {},
            clock=clock,
        )
        self.opened.append(store)
        return store

    def close(self) -> None:
        for store in self.opened:
            store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def url(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def opener(url: str) -> Iterator["StoreOpener"]:
    """Opens stores on each engine in turn."""
    opener = StoreOpener(url)
    yield opener
    opener.close()


@pytest.fixture
def sqlite_opener(sqlite_url: str) -> Iterator[StoreOpener]:
    opener = StoreOpener(sqlite_url)
    yield opener
    opener.close()


@pytest.fixture
def postgres_opener(postgres_url: str) -> Iterator[StoreOpener]:
    opener = StoreOpener(postgres_url)
    yield opener
    opener.close()

"""The SQLite store keeps every promise of the store ports."""

import pytest

from tests.contracts import all_stores as contracts
from tests.contracts.stores import Opener
from tests.store.conftest import StoreOpener


@pytest.fixture
def open_fresh(sqlite_opener: StoreOpener) -> Opener:
    return sqlite_opener


class TestAccountCache(contracts.AccountCacheContract): ...


class TestAccountShelf(contracts.AccountShelfContract): ...


class TestAlertBook(contracts.AlertBookContract): ...


class TestAssignments(contracts.AssignmentsContract): ...


class TestContractBook(contracts.ContractBookContract): ...


class TestInviteBook(contracts.InviteBookContract): ...


class TestLease(contracts.LeaseContract): ...


class TestLedger(contracts.LedgerContract): ...


class TestOnceOnly(contracts.OnceOnlyContract): ...


class TestOutbox(contracts.OutboxContract): ...


class TestReadCache(contracts.ReadCacheContract): ...


class TestRegistry(contracts.RegistryContract): ...


class TestRunBook(contracts.RunBookContract): ...


class TestSeatBook(contracts.SeatBookContract): ...


class TestSeatMirror(contracts.SeatMirrorContract): ...


class TestSeatTicket(contracts.SeatTicketContract): ...


class TestWaitList(contracts.WaitListContract): ...

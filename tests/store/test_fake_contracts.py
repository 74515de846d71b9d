"""The in-memory store keeps every promise of the store ports."""

from collections.abc import Mapping

import pytest

from idpsync.core.seats import Ladder, Tier
from tests.contracts import all_stores as contracts
from tests.contracts.stores import Opener
from tests.fakes.store import FakeStore
from tests.people import LADDER, StoppedClock


class FakeOpener:
    def __call__(
        self,
        clock: StoppedClock,
        *,
        ladder: Ladder = LADDER,
        reserved: Mapping[Tier, int] | None = None,
    ) -> FakeStore:
        return FakeStore(ladder, clock, reserved or {})


@pytest.fixture
def open_fresh() -> Opener:
    return FakeOpener()


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

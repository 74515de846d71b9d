"""Every contract of the store ports in one list, for whoever has a store to try."""

from tests.contracts.account_cache import AccountCacheContract
from tests.contracts.account_shelf import AccountShelfContract
from tests.contracts.alert_book import AlertBookContract
from tests.contracts.assignments import AssignmentsContract
from tests.contracts.contract_book import ContractBookContract
from tests.contracts.invite_book import InviteBookContract
from tests.contracts.lease import LeaseContract
from tests.contracts.ledger import LedgerContract
from tests.contracts.once_only import OnceOnlyContract
from tests.contracts.outbox import OutboxContract
from tests.contracts.read_cache import ReadCacheContract
from tests.contracts.registry import RegistryContract
from tests.contracts.run_book import RunBookContract
from tests.contracts.seat_book import SeatBookContract
from tests.contracts.seat_mirror import SeatMirrorContract
from tests.contracts.seat_ticket import SeatTicketContract
from tests.contracts.wait_list import WaitListContract

__all__ = [
    "AccountCacheContract",
    "AccountShelfContract",
    "AlertBookContract",
    "AssignmentsContract",
    "ContractBookContract",
    "InviteBookContract",
    "LeaseContract",
    "LedgerContract",
    "OnceOnlyContract",
    "OutboxContract",
    "ReadCacheContract",
    "RegistryContract",
    "RunBookContract",
    "SeatBookContract",
    "SeatMirrorContract",
    "SeatTicketContract",
    "WaitListContract",
]

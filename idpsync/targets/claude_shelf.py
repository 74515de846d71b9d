"""The shelf of a Claude organisation by address too: Claude knows people by nothing else."""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from idpsync.core.books import AccountShelf
from idpsync.core.model import Account, Standing
from idpsync.core.ports import Clock
from idpsync.targets.claude_people import address

FRESH = timedelta(minutes=1)
"""Other processes write to the shelf too: so long what was read of it counts."""


class AddressedShelf:
    """An `AccountShelf` that finds who else has an address, without reading everybody each time."""

    def __init__(self, shelf: AccountShelf, clock: Clock) -> None:
        self._shelf, self._clock = shelf, clock
        self._lock = threading.Lock()
        self._ids: dict[str, set[str]] = {}
        self._read_at: datetime | None = None

    def all(self) -> tuple[Account, ...]:
        now, found = self._clock.now(), self._shelf.all()
        with self._lock:
            self._ids, self._read_at = _by_address(found), now
        return found

    def get(self, account_id: str) -> Account | None:
        return self._shelf.get(account_id)

    def find(self, user_name: str) -> Account | None:
        return self._shelf.find(user_name)

    def put(self, account: Account) -> None:
        self._shelf.put(account)
        with self._lock:
            self._ids.setdefault(address(account.profile), set()).add(account.id)

    def remove(self, account_id: str) -> None:
        self._shelf.remove(account_id)

    def other_at(self, record: Account) -> Account | None:
        """Somebody else who has the address of `record`, and whom we did not let go."""
        email = address(record.profile)
        for account_id in self._with(email) - {record.id}:
            other = self._shelf.get(account_id)  # as it is now: it may have moved
            if other is None or address(other.profile) != email or _is_same(other, record):
                continue
            if other.standing is not Standing.DEACTIVATED:
                return other
        return None

    def _with(self, email: str) -> frozenset[str]:
        if self._read_at is None or self._clock.now() - self._read_at > FRESH:
            self.all()
        with self._lock:
            return frozenset(self._ids.get(email, ()))


def _is_same(other: Account, record: Account) -> bool:
    return bool(other.external_id) and other.external_id == record.external_id


def _by_address(accounts: Iterable[Account]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for account in accounts:
        ids.setdefault(address(account.profile), set()).add(account.id)
    return ids

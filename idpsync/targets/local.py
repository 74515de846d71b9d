"""idpsync's own account store as a target: for forward auth, and for trying things out."""

from datetime import timedelta

from idpsync.core.books import AccountShelf
from idpsync.core.model import Account
from idpsync.core.plan import Action
from idpsync.core.records import Health
from idpsync.targets.shelved import SYSTEM, ShelvedAccounts


class LocalTarget:
    """Accounts on a shelf of the store; Conflict and NotFound as `ShelvedAccounts`."""

    name = "local"
    kind = "local"

    def __init__(self, shelf: AccountShelf) -> None:
        self._shelf, self._kept = shelf, ShelvedAccounts(shelf)

    def accounts(self) -> tuple[Account, ...]:
        return self._shelf.all()

    def find(self, user_name: str) -> Account | None:
        return self._shelf.find(user_name)

    def probe(self) -> Health:
        return Health(SYSTEM, ok=True, detail=f"{len(self._shelf.all())} accounts", latency=timedelta(0))

    def apply(self, action: Action) -> Account:
        return self._kept.apply(action)

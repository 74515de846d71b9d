"""A target in memory: keeps state, counts calls, and fails for whom it is told to."""

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import replace

from idpsync.core.errors import Conflict, RemoteError, UnknownOutcome
from idpsync.core.model import Account, fold
from idpsync.core.plan import KIND, Action
from idpsync.core.records import Health
from idpsync.core.seats import Tier
from idpsync.targets.local import LocalTarget


class DictShelf:
    """Accounts by id, in the order in which they came."""

    def __init__(self) -> None:
        self.by_id: dict[str, Account] = {}

    def all(self) -> tuple[Account, ...]:
        return tuple(self.by_id.values())

    def get(self, account_id: str) -> Account | None:
        return self.by_id.get(account_id)

    def find(self, user_name: str) -> Account | None:
        return next((a for a in self.by_id.values() if a.member == fold(user_name)), None)

    def put(self, account: Account) -> None:
        holder = self.find(account.user_name)
        if holder and holder.id != account.id:
            raise Conflict("shelf", "put account", "the user name is taken", "uniqueness")
        self.by_id[account.id] = account

    def remove(self, account_id: str) -> None:
        self.by_id.pop(account_id, None)


class FakeTarget:
    """Behaves like any target; `calls` counts verbs and action kinds, `applied` keeps the actions."""

    name = "fake"
    kind = "fake"

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        self.shelf = DictShelf()
        self.calls: Counter[str] = Counter()
        self.applied: list[Action] = []
        self._inner = LocalTarget(self.shelf)
        self._lock = threading.Lock()
        self._faults: defaultdict[str, deque[RemoteError]] = defaultdict(deque)
        self._reading_faults: deque[RemoteError] = deque()
        self._lost: set[str] = set()
        self._given: dict[str, Tier | None] = {}
        for account in accounts:
            self.shelf.put(account)

    # what a test may arrange

    def fail(self, user_name: str, error: RemoteError, times: int = 1) -> None:
        """The next `times` actions on this user raise `error` and change nothing."""
        self._faults[fold(user_name)].extend([error] * times)

    def fail_reading(self, error: RemoteError, times: int = 1) -> None:
        """The next `times` listings and look-ups raise `error`."""
        self._reading_faults.extend([error] * times)

    def lose_answer(self, user_name: str) -> None:
        """The next action on this user is carried out, and nobody is told."""
        self._lost.add(fold(user_name))

    def give(self, user_name: str, tier: Tier | None) -> None:
        """Whatever is asked for this user, this tier is what the target gives."""
        self._given[fold(user_name)] = tier

    # the port

    def accounts(self) -> tuple[Account, ...]:
        self._read("accounts")
        return self._inner.accounts()

    def find(self, user_name: str) -> Account | None:
        self._read("find")
        return self._inner.find(user_name)

    def probe(self) -> Health:
        self.calls["probe"] += 1
        return Health("fake target", ok=True, detail=f"{len(self.shelf.by_id)} accounts")

    def apply(self, action: Action) -> Account:
        with self._lock:
            member = fold(action.profile.user_name)
            self.calls["apply"] += 1
            self.calls[KIND[type(action)]] += 1
            if self._faults[member]:
                raise self._faults[member].popleft()
            account = self._inner.apply(action)
            if member in self._given and account.id in self.shelf.by_id:
                account = replace(account, tier=self._given[member])
                self.shelf.put(account)
            self.applied.append(action)
            if member in self._lost:
                self._lost.discard(member)
                raise UnknownOutcome("fake target", KIND[type(action)], "the answer was lost")
            return account

    def _read(self, verb: str) -> None:
        self.calls[verb] += 1
        if self._reading_faults:
            raise self._reading_faults.popleft()

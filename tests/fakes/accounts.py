"""The accounts of the target as last known, in memory."""

from collections.abc import Iterable
from datetime import datetime

from idpsync.core.drift import IN_DOUBT, Drift, facts_of
from idpsync.core.model import Account
from idpsync.core.ports import Clock
from idpsync.core.records import Cause, LastKnown
from tests.fakes.ledger import FakeLedger


class FakeAccountCache:
    def __init__(self, clock: Clock, ledger: FakeLedger) -> None:
        self.clock, self.ledger = clock, ledger
        self.rows: dict[str, tuple[str, datetime]] = {}
        self.saved = self.taken_over = False

    def recall(self, sure_since: datetime) -> LastKnown:
        lines = {
            key: line if noted_at <= sure_since else IN_DOUBT
            for key, (line, noted_at) in self.rows.copy().items()
        }
        return LastKnown(lines, saved=self.saved, taken_over=self.taken_over)

    def note(self, account: Account) -> None:
        self.rows[account.id] = (facts_of(account), self.clock.now())

    def doubt(self, key: str) -> None:
        self.rows[key] = (IN_DOUBT, self.clock.now())

    def forget(self, account_id: str) -> None:
        self.rows.pop(account_id, None)

    def replace(
        self, accounts: Iterable[Account], seen: Iterable[Drift], cause: Cause, read_at: datetime
    ) -> None:
        self.ledger.lease.fence(cause)
        newer = {key: row for key, row in self.rows.items() if row[1] > read_at}
        self.rows = {account.id: (facts_of(account), read_at) for account in accounts} | newer
        self.saved = True
        for one in seen:
            self.ledger.record(
                "drift.seen",
                cause,
                one.member,
                account_id=one.account_id,
                because=(str(one),),
                detail=one.detail,
            )

    def take_over(self, cause: Cause) -> None:
        self.ledger.lease.fence(cause)
        if not self.taken_over:
            self.taken_over = True
            self.ledger.record("target.adopted", cause)

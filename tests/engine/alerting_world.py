"""A small organisation whose alerts are watched: the store in memory, receivers that keep count."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from idpsync.core.alerts import Alert, AlertState, HeadroomRule, Threshold
from idpsync.core.records import Cause, HeldPlan, HoldState, LedgerEntry, RunRecord, RunState
from idpsync.core.seats import Claim, Tier, WaitEntry
from idpsync.engine.alerting import Alerting, AlertPolicy, AlertPorts
from tests.fakes.notify import FakeNotifier
from tests.fakes.store import FakeStore
from tests.people import LADDER, NOW, PREMIUM, STANDARD, StoppedClock

CAUSE = Cause("sync")
MINUTE = timedelta(minutes=1)
PREMIUM_RULE = HeadroomRule("premium", Threshold(5), Threshold(1), clear_margin=2)
POLICY = AlertPolicy("acme", (PREMIUM_RULE,), stale_after=3, reconcile_every=10 * MINUTE)


@dataclass
class Watched:
    """The world under `alerting`; every change is one call, time passes only when told."""

    receivers: list[FakeNotifier] = field(default_factory=lambda: [FakeNotifier("it")])
    policy: AlertPolicy = POLICY
    clock: StoppedClock = field(default_factory=StoppedClock)

    def __post_init__(self) -> None:
        self.store = FakeStore(LADDER, self.clock, seats_purchased={PREMIUM: 20, STANDARD: 100})
        self.start()

    def start(self) -> None:
        """A new process on the same store."""
        ports = AlertPorts(
            book=self.store.alerts,
            outbox=self.store.outbox,
            seats=self.store.seats,
            waits=self.store.waiting,
            runs=self.store.runs,
            ledger=self.store.ledger,
        )
        self.alerting = Alerting(
            ports, self.policy, self.receivers, clock=self.clock, jitter=lambda: 1.0
        )

    def tick(self, after: timedelta = MINUTE) -> tuple[Alert, ...]:
        """Time passes; look and tell, as the daemon does each minute."""
        self.clock.advance(after)
        alerts = self.alerting.evaluate(self.clock.now())
        self.alerting.deliver(self.clock.now())
        return alerts

    def firing(self) -> set[str]:
        return {
            key.removeprefix("idpsync/acme/")
            for key, state in self.store.alerts.states().items()
            if state.firing_since
        }

    def state(self, rule: str) -> AlertState:
        return self.store.alerts.states()[f"idpsync/acme/{rule}"]

    # --- what happens ----------------------------------------------------------------------------

    def seat(self, many: int, tier: Tier = PREMIUM, name: str = "user") -> None:
        for number in range(many):
            member = f"{name}{number}@acme.example"
            self.store.seats.hold(Claim(member, member, (tier,)), CAUSE)
            self.store.seats.settle(member, f"account-{member}", CAUSE)

    def leave(self, *members: str) -> None:
        for member in members:
            self.store.seats.release(member, CAUSE)

    def wait(self, *members: str) -> None:
        entries = [WaitEntry(m, m, PREMIUM, NOW, accepts=(PREMIUM,)) for m in members]
        self.store.waiting.replace(entries, CAUSE)

    def run(
        self,
        state: RunState = RunState.DONE,
        error: str | None = None,
        problems: tuple[str, ...] = (),
        **counts: int,
    ) -> RunRecord:
        """A run that began and ended now."""
        now = self.clock.now()
        record = RunRecord(
            id=f"run-{now.isoformat()}",
            started_at=now,
            state=state,
            trigger="schedule",
            ended_at=now,
            counts=counts,
            error=error,
            problems=problems,
        )
        self.store.runs.finish(record, [])
        return record

    def hold(self, digest: str, *tripped: str) -> None:
        held = HeldPlan(digest, self.clock.now(), HoldState.HELD, tripped, {})
        self.store.runs.hold_plan(held, CAUSE)

    def refuse_login(self, member: str, reason: str = "no_seat", *because: str) -> None:
        row = LedgerEntry(self.clock.now(), "jit", "login.refused", member, outcome="refused")
        self.store.ledger.append([replace(row, because=because, detail={"reason": reason})])

    def refuse_action(self, run: RunRecord, member: str, why: str) -> None:
        row = LedgerEntry(self.clock.now(), "sync", "account.created", member, outcome="failed")
        because = ("group 'Claude Premium' → premium", why)
        self.store.ledger.append([replace(row, because=because, run_id=run.id)])

"""Sample states of a store, for the tests and for looking at the page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import Flask, Request

from idpsync.console import ConsolePorts, Organization, Viewer, create_console, create_health
from idpsync.core.alerts import AlertState, Phase, Severity
from idpsync.core.errors import StoreError
from idpsync.core.membership import Invite
from idpsync.core.model import Link
from idpsync.core.records import (
    Cause,
    HeadroomSample,
    HeldPlan,
    HoldState,
    LedgerEntry,
    RunRecord,
    RunState,
    Seated,
)
from idpsync.core.seats import Claim, Door, Tier, WaitEntry
from tests.fakes.store import FakeStore
from tests.people import LADDER, NOW, PREMIUM, STANDARD, StoppedClock

SYNC = Cause("sync")
ADA = Viewer("Ada@acme.example", admin=True)
BOB = Viewer("bob@acme.example", admin=False)
DIGEST = "sha256:" + "4f" * 32


def store(purchased: Mapping[Tier, int] | None = None, **reserved: int) -> FakeStore:
    """An empty store with so many seats; `reserved` by tier name."""
    kept = {LADDER.named(name): number for name, number in reserved.items()}
    seats = {PREMIUM: 20, STANDARD: 100} if purchased is None else purchased
    return FakeStore(LADDER, StoppedClock(), kept, seats)


def seat(into: FakeStore, tier: Tier, *names: str) -> None:
    """Give these people a seat of `tier`, beyond the contract where it is full."""
    there = [
        Seated(holding.member, holding.account_id, holding.tier)
        for holding in into.seats.holdings()
        if holding.account_id
    ]
    new = [Seated(f"{name}@acme.example", f"acc-{name}", tier) for name in names]
    into.seats.mirror([*there, *new], SYNC)


def wait(into: FakeStore, *entries: WaitEntry) -> None:
    into.waiting.replace([*into.waiting.entries(), *entries], SYNC)


def invite(into: FakeStore, tier: Tier, name: str) -> None:
    """Ask somebody in by hand; a seat is held for them."""
    email = f"{name}@acme.example"
    placement = into.seats.hold(Claim(email, email, (tier,), door=Door.MANUAL), SYNC)
    assert placement.ticket is not None
    sent = Invite(f"inv-{name}", email, email, tier, "cli:root", NOW, NOW + timedelta(21))
    into.invites.open(sent, placement.ticket, SYNC)


def wish(
    user_name: str, wants: Tier = PREMIUM, *, hours: int = 1, because: str = "premium is full"
) -> WaitEntry:
    since = NOW - timedelta(hours=hours)
    return WaitEntry(user_name.lower(), user_name, wants, since, because=(because,), accepts=(wants,))


def fire(into: FakeStore, rule: str, summary: str, severity: Severity = Severity.CRITICAL) -> AlertState:
    state = AlertState(
        key=f"idpsync/acme/{rule}",
        phase=Phase.FIRING,
        severity=severity,
        summary=summary,
        runbook=rule.split("/", maxsplit=1)[0].replace(".", "-"),
        firing_since=NOW - timedelta(minutes=12),
    )
    into.alerts.save([state], [])
    return state


def ran(into: FakeStore, state: RunState, *, minutes: int = 4, **facts: object) -> RunRecord:
    """A run that began so many minutes ago and took 12 seconds."""
    began = NOW - timedelta(minutes=minutes)
    ended = None if state is RunState.RUNNING else began + timedelta(seconds=12)
    run = RunRecord(f"run-{minutes}", began, state, "schedule", ended, **facts)  # type: ignore[arg-type]
    into.runs.finish(run, ())
    return run


def counted(tier: Tier, free: int, **ago: int) -> HeadroomSample:
    """So many free seats, so long ago."""
    return HeadroomSample(_ago(**ago), tier.name, 20, 20 - free, 0, free, 0)


def hold_plan(into: FakeStore, kinds: Mapping[str, int], digest: str = DIGEST) -> HeldPlan:
    actions = [
        {"kind": kind, "user_name": f"member{n:02}@acme.example"}
        for kind, number in kinds.items()
        for n in range(number)
    ]
    held = HeldPlan(
        digest=digest,
        held_at=NOW - timedelta(minutes=14),
        state=HoldState.HELD,
        tripped=("removals.percent: allowed 10 %, seen 25.4 % (30/118)",),
        plan={"actions": actions},
    )
    into.runs.hold_plan(held, SYNC)
    return held


def row(event: str, member: str | None, *because: str, outcome: str = "done") -> LedgerEntry:
    return LedgerEntry(NOW - timedelta(minutes=4), "sync", event, member, None, outcome, because)


@dataclass
class Stage:
    """A console over one store, seen by one viewer (None: nobody is signed in)."""

    store: FakeStore
    viewer: Viewer | None = ADA
    problems: list[str] = field(default_factory=list)
    contact: str | None = "it@acme.example"
    login_path: str | None = "/saml/login"
    who: Callable[[Request], Viewer | None] | None = None
    ready: Callable[[], list[str]] | None = None

    def ports(self) -> ConsolePorts:
        return ConsolePorts(
            organization=Organization("acme", "Acme Ltda"),
            ladder=LADDER,
            seats=self.store.seats,
            waiting=self.store.waiting,
            invites=self.store.invites,
            runs=self.store.runs,
            alerts=self.store.alerts,
            ledger=self.store.ledger,
            registry=self.store.registry,
            clock=self.store.clock,
            viewer=self.who or (lambda request: self.viewer),
            ready=self.ready or (lambda: self.problems),
            metrics=lambda: b"idpsync_seats_free 3\n",
            login_path=self.login_path,
            contact=self.contact,
        )

    def app(self) -> Flask:
        app = Flask("stage", static_folder=None)
        ports = self.ports()
        app.register_blueprint(create_console(ports))
        app.register_blueprint(create_health(ports.ready, ports.metrics))
        return app

    def get(self, path: str) -> "Answer":
        with self.app().test_client().get(path) as answer:
            return Answer(answer.status_code, answer.get_data(as_text=True), dict(answer.headers))


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: Mapping[str, str]


def store_is_gone() -> StoreError:
    return StoreError("the store cannot be reached")


def calm() -> FakeStore:
    """A good day."""
    into = store(standard=2)
    seat(into, PREMIUM, *(f"person{n:02}" for n in range(11)))
    seat(into, STANDARD, *(f"worker{n:02}" for n in range(63)), "bob")
    for n in range(74):
        into.registry.link(Link(f"acc-{n}", "people", f"id-{n}", NOW), SYNC)
    for minutes in (4, 14, 24):
        ran(into, RunState.DONE, minutes=minutes, counts={"people": 75, "actions": 0, "done": 0})
    return into


def busy() -> FakeStore:
    """A bad night: full, over the contract, a held plan, a failing directory, people waiting."""
    into = store(standard=2)
    seat(into, PREMIUM, *(f"person{n:02}" for n in range(21)))
    seat(into, STANDARD, *(f"worker{n:02}" for n in range(94)))
    for name in ("newcomer", "latecomer"):
        into.seats.hold(Claim(f"{name}@acme.example", f"{name}@acme.example", (STANDARD,)), Cause("jit"))
    _queue(into)
    _alerts(into)
    hold_plan(into, {"deactivate_account": 30, "create_account": 1, "change_tier": 2})
    _runs(into)
    _ledger(into)
    samples = [
        sample
        for days in reversed(range(28))
        for sample in (
            counted(PREMIUM, max(0, days // 2 - 2 + (days % 3 == 0)), days=days),
            counted(STANDARD, 4 + days + (days % 5) * 2, days=days),
        )
    ]
    into.runs.finish(into.runs.runs(1)[0], samples)
    return into


def _queue(into: FakeStore) -> None:
    full = "premium is full (21 of 20)"
    wait(
        into,
        WaitEntry("carla@acme.example", "carla@acme.example", PREMIUM, _ago(days=2), STANDARD, 10,
                  ("group 'Claude Premium' → premium", full)),
        wish("Dmitri.Anderson-Montgomery@acme.example", hours=20, because=full),
        wish("eve@acme.example", STANDARD, hours=1, because="the last seats are kept for logins"),
    )  # fmt: skip


def _alerts(into: FakeStore) -> None:
    fire(
        into,
        "headroom/premium",
        "premium: 0 of 20 seats free, 1 over the contract, 2 waiting; add seats: "
        "`idpsync seats add premium=4`",
    )
    fire(
        into,
        "plan.held",
        "plan held by the guard, nothing was written: "
        "removals.percent: allowed 10 %, seen 25.4 % (30/118); "
        f"`idpsync approve {DIGEST}` lets exactly it pass once, `idpsync reject {DIGEST}` drops it, "
        "`idpsync holds` shows it",
    )
    fire(into, "headroom/total", "all tiers: 4 of 120 seats free, 3 waiting", Severity.WARNING)
    state = fire(into, "login.refused", "refused at login: mallory@other.example", Severity.WARNING)
    into.alerts.acknowledge(state.key, Cause("cli:ada"))


def _runs(into: FakeStore) -> None:
    counts = {"people": 120, "actions": 33, "done": 0, "failed": 0, "waiting": 3, "refused": 1}
    ran(into, RunState.HELD, minutes=4, counts=counts)
    ran(
        into,
        RunState.FAILED,
        minutes=14,
        error="ldap directory: read: credentials rejected: invalid bind",
    )
    ran(into, RunState.INCOMPLETE, minutes=24, counts={**counts, "actions": 2, "done": 2},
        problems=("group 'Claude Users': size limit reached at 1,500 rows",))  # fmt: skip
    ran(
        into,
        RunState.DONE,
        minutes=34,
        counts={**counts, "actions": 6, "done": 5, "failed": 1, "refused": 0},
    )
    ran(into, RunState.DONE, minutes=44, counts={"people": 120, "actions": 0})


def _ledger(into: FakeStore) -> None:
    into.ledger.rows.clear()
    into.ledger.append(
        [
            row("account.created", "frida@acme.example", "group 'Claude Users' → standard"),
            row("account.tier_changed", "gil@acme.example", "group 'Claude Premium' → premium",
                "a premium seat was given back by hana@acme.example"),
            row("account.created", "ivo@acme.example", "the target has no seat left", outcome="failed"),
            row("login.refused", "mallory@other.example", "other.example is not a verified domain",
                outcome="refused"),
            row("seat.held", "newcomer@acme.example", "no rule names a tier → lowest_available"),
            row("run.ended", None, outcome="held"),
        ]
    )  # fmt: skip


def empty() -> FakeStore:
    """The first minute of a new organisation."""
    return store({})


def _ago(**span: int) -> datetime:
    return NOW - timedelta(**span)


SCENES: Mapping[str, Callable[[], FakeStore]] = {"calm": calm, "busy": busy, "empty": empty}

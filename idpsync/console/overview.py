"""Everything the console page shows, read once and put in the order in which it matters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from idpsync.console.headroom import Gauge, Mood, gauges
from idpsync.console.ports import ConsolePorts
from idpsync.console.trend import WINDOW, Trend, trends
from idpsync.console.words import changes, count, relative
from idpsync.core.alerts import AlertState, Phase, Severity, key_of
from idpsync.core.records import HeldPlan, HoldState, LedgerEntry, RunRecord, RunState
from idpsync.core.seats import Holding, WaitEntry
from idpsync.engine.watch import HELD

RUNS_SHOWN = 10
ROWS_SHOWN = 50
QUEUE_SHOWN = 100
MEMBERS_SHOWN = 200
NAMED = 5
"""So many alerts are named in the verdict; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Queued:
    """One person on the wait list; `position` counts per wished tier and starts at 1."""

    position: int
    entry: WaitEntry


@dataclass(frozen=True, slots=True)
class Firing:
    """One firing alert. `calm` says why nobody is called any more: acknowledged or silenced."""

    state: AlertState
    mood: Mood
    calm: str

    @property
    def what(self) -> str:
        """What is wrong; summaries name the remedy after it."""
        return self.state.summary.partition("; ")[0]

    @property
    def remedy(self) -> str:
        return self.state.summary.partition("; ")[2]

    @property
    def tells_of_plan(self) -> bool:
        """Whether it is about a held plan, which has a section of its own."""
        return self.state.key.endswith(f"/{HELD}")


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of one organisation at one instant."""

    now: datetime
    gauges: tuple[Gauge, ...]
    queue: tuple[Queued, ...]
    alerts: tuple[Firing, ...]
    held: tuple[HeldPlan, ...]
    runs: tuple[RunRecord, ...]
    rows: tuple[LedgerEntry, ...]
    holdings: tuple[Holding, ...]
    trends: tuple[Trend, ...]
    links: int
    problems: tuple[str, ...]

    @property
    def troubles(self) -> tuple[tuple[Mood, str, str], ...]:
        """What a person should look at: how bad, what, and the section that tells more."""
        found = (*_alert_troubles(self.alerts), *self._other_troubles())
        return tuple(sorted(found, key=lambda trouble: -trouble[0]))

    def _other_troubles(self) -> Iterable[tuple[Mood, str, str]]:
        for problem in self.problems:
            yield Mood.CRITICAL, f"not ready: {problem}", "runs"
        if any(plan.state is HoldState.HELD for plan in self.held):
            yield Mood.CRITICAL, "a plan is held: nothing is written until you decide", "held"
        last = next((run for run in self.runs if run.state is not RunState.RUNNING), None)
        if last and last.state in {RunState.FAILED, RunState.INCOMPLETE}:
            yield Mood.WARNING, _RUN_TROUBLE[last.state], "runs"
        for gauge in self.gauges[:-1]:
            if gauge.mood > gauge.alarm:
                waiting = f", {gauge.waiting:,} waiting" if gauge.waiting else ""
                yield Mood.WARNING, f"{gauge.name}: {gauge.verdict}{waiting}", "headroom"

    @property
    def mood(self) -> Mood:
        return max((mood for mood, _, _ in self.troubles), default=Mood.CALM)

    @property
    def headline(self) -> str:
        """The verdict of the whole page."""
        if self.mood is Mood.CALM and not self.runs:
            return "Nothing has run yet"
        return {
            Mood.CRITICAL: "Act now",
            Mood.WARNING: "Worth a look",
            Mood.CALM: "All is well",
        }[self.mood]

    @property
    def facts(self) -> tuple[str, ...]:
        """Three things that are always worth knowing."""
        total = self.gauges[-1]
        waits = f"{count(len(self.queue), 'person waits', 'people wait')} for a seat"
        return (
            _free(total),
            waits if self.queue else "nobody waits",
            self._last_run(),
        )

    def _last_run(self) -> str:
        if not self.runs:
            return "no run yet"
        last = self.runs[0]
        began = relative(last.started_at, self.now)
        if last.state is RunState.RUNNING:
            return f"a run is under way, begun {began}"
        return f"last run {began}: {changes(last) if last.state is RunState.DONE else last.state.value}"


_RUN_TROUBLE = {
    RunState.FAILED: "the last run failed",
    RunState.INCOMPLETE: (
        "the last run could not read the whole directory: nothing was removed for what is missing"
    ),
}


def _free(total: Gauge) -> str:
    if not total.purchased:
        return "no seat is purchased"
    return f"{total.free:,} of {count(total.purchased, 'seat')} free"


def _alert_troubles(alerts: Sequence[Firing]) -> Iterable[tuple[Mood, str, str]]:
    fresh = [alert for alert in alerts if not alert.calm and not alert.tells_of_plan]
    for alert in fresh[:NAMED]:
        yield alert.mood, alert.what, "alerts"
    if len(fresh) > NAMED:
        worst = max(alert.mood for alert in fresh[NAMED:])
        yield worst, f"{count(len(fresh) - NAMED, 'more alert')}", "alerts"
    known = sum(bool(alert.calm) for alert in alerts)
    if known:
        yield Mood.WARNING, f"{count(known, 'alert')} acknowledged or silenced", "alerts"


def look(ports: ConsolePorts) -> Overview:
    """Read the books once. StoreError when they cannot be read."""
    now = ports.clock.now()
    waiting = ports.waiting.entries()
    firing = [state for state in ports.alerts.states().values() if state.phase is Phase.FIRING]
    return Overview(
        now=now,
        gauges=gauges(ports.seats.pool(), waiting, _alarms(ports, firing)),
        queue=queue(waiting),
        alerts=tuple(sorted((_firing(state, now) for state in firing), key=_urgency)),
        held=tuple(plan for plan in ports.runs.held_plans() if plan.state in _UNDECIDED),
        runs=ports.runs.runs(RUNS_SHOWN),
        rows=ports.ledger.entries(limit=ROWS_SHOWN)[::-1],
        holdings=ports.seats.holdings(),
        trends=trends(ports.runs.samples(now - WINDOW), ports.ladder, now),
        links=len(ports.registry.links()),
        problems=tuple(ports.ready()),
    )


_UNDECIDED = {HoldState.HELD, HoldState.APPROVED}


def queue(waiting: Iterable[WaitEntry]) -> tuple[Queued, ...]:
    """The wait list with positions, in queue order."""
    positions: dict[str, int] = {}
    rows = []
    for entry in waiting:
        position = positions[entry.wants.name] = positions.get(entry.wants.name, 0) + 1
        rows.append(Queued(position, entry))
    return tuple(rows)


def _alarms(ports: ConsolePorts, firing: Iterable[AlertState]) -> Mapping[str, Severity]:
    prefix = key_of(ports.organization.id, "headroom/")
    return {
        state.key.removeprefix(prefix): state.severity
        for state in firing
        if state.severity and state.key.startswith(prefix)
    }


def _firing(state: AlertState, now: datetime) -> Firing:
    if state.silenced_until and now < state.silenced_until:
        calm = f"silenced, speaks again {relative(state.silenced_until, now)}"
    else:
        calm = f"acknowledged by {state.acknowledged_by}" if state.acknowledged_by else ""
    return Firing(state, Mood.of(state.severity), calm)


def _urgency(alert: Firing) -> tuple[bool, int, str, str]:
    since = alert.state.firing_since
    return (bool(alert.calm), -alert.mood, since.isoformat() if since else "", alert.state.key)

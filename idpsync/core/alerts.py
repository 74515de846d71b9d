"""Alerts: what is wrong, for whom, and what to do. `judge` decides what is said and when."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from idpsync.core.contract import Item
from idpsync.core.seats import SeatPool, Tier, WaitEntry
from idpsync.core.statement import enough_for_waiting

TOTAL = "total"
"""The name under which a rule watches all tiers together."""

RUNBOOK = "deploy/RUNBOOK.md"

STEPS = 200  # enough for any percentage that buying seats can clear in earnest


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """1 for a warning, 2 for critical; the words themselves do not sort."""
        return 1 if self is Severity.WARNING else 2


class Phase(StrEnum):
    """Where one alert is in its life."""

    OK = "ok"
    PENDING = "pending"  # beyond the threshold, `for` not yet over
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class Alert:
    """One message for people. `key` is the dedup key: the same trouble has the same key.

    `summary` says what is wrong and what to do in one line; `facts` are label → text;
    `runbook` is the anchor of the section in RUNBOOK.md.
    """

    key: str
    severity: Severity
    firing: bool
    summary: str
    facts: Mapping[str, str]
    runbook: str
    at: datetime

    @property
    def guide(self) -> str:
        """Where the runbook says what to do."""
        return f"{RUNBOOK}#{self.runbook}"


@dataclass(frozen=True, slots=True)
class AlertState:
    """What the store keeps of one alert between evaluations, every field of it.

    `told` is when each severity was last said to the receivers since the alert began; whoever was told
    is owed a resolution, also while a silence delays it. Empty: nobody heard of the present trouble.
    """

    key: str
    phase: Phase = Phase.OK
    severity: Severity | None = None
    summary: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    runbook: str = ""
    pending_since: datetime | None = None
    firing_since: datetime | None = None
    last_sent_at: datetime | None = None
    acknowledged_by: str | None = None
    silenced_until: datetime | None = None
    told: Mapping[Severity, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one rule sees now: `severity` is the worst firing threshold reached, None for none.

    `keeps` is the worst threshold that is not yet left behind by the clear margin: an alert that fires
    at up to that severity stays there, a quiet one stays quiet. No observation at all (no data) leaves
    the state as it is. `key` is the rule's own part of the dedup key: "headroom/premium".
    """

    key: str
    severity: Severity | None
    summary: str
    facts: Mapping[str, str]
    runbook: str
    hold_for: timedelta = timedelta(0)
    keeps: Severity | None = None

    @property
    def clearing(self) -> bool:
        """Better than every firing threshold, but not yet by the clear margin."""
        return self.severity is None and self.keeps is not None


def key_of(organization: str, rule: str) -> str:
    """The dedup key: `idpsync/<organization>/<rule>[/<tier>]`."""
    return f"idpsync/{organization}/{rule}"


# --- judging -----------------------------------------------------------------------------------


def judge(
    state: AlertState, seen: Observation | None, now: datetime, repeat: timedelta
) -> tuple[AlertState, tuple[Alert, ...]]:
    """The next state of one alert, and what has to be said about it now.

    A severity is said when it is first reached, and again each `repeat` until somebody acknowledges.
    Falling from critical to warning is not said. Whoever was told hears of the resolution once. A
    silence holds messages back, not states: what still stands when it ends is said then. `seen` None
    (no data) changes nothing.
    """
    if seen is None:
        return state, ()
    moved = _moved(state, seen, now)
    if moved.silenced_until is not None and now < moved.silenced_until:
        return moved, ()
    if moved.phase is Phase.FIRING and moved.severity is not None:
        return _say_firing(moved, moved.severity, now, repeat)
    if moved.phase is Phase.OK and moved.told:
        worst = max(moved.told, key=lambda severity: severity.rank)
        return replace(moved, told={}, last_sent_at=now), (_message(moved, worst, now),)
    return moved, ()


def _moved(state: AlertState, seen: Observation, now: datetime) -> AlertState:
    severity = _standing(state, seen)
    text = replace(
        state, severity=severity, summary=seen.summary, facts=seen.facts, runbook=seen.runbook
    )
    if severity is None:
        quiet = replace(text, phase=Phase.OK, pending_since=None, firing_since=None)
        return replace(quiet, acknowledged_by=None)
    if state.phase is Phase.FIRING:
        return text
    since = state.pending_since or now
    if now - since < seen.hold_for:
        return replace(text, phase=Phase.PENDING, pending_since=since)
    return replace(text, phase=Phase.FIRING, pending_since=since, firing_since=now)


def _standing(state: AlertState, seen: Observation) -> Severity | None:
    """The severity that holds: a firing alert only falls below what `keeps` lets go."""
    if state.phase is not Phase.FIRING:
        return seen.severity
    kept = min(_rank(state.severity), _rank(seen.keeps))
    return seen.severity if _rank(seen.severity) >= kept else _BY_RANK[kept]


def _say_firing(
    state: AlertState, severity: Severity, now: datetime, repeat: timedelta
) -> tuple[AlertState, tuple[Alert, ...]]:
    heard = [at for said, at in state.told.items() if said.rank >= severity.rank]
    if heard and (state.acknowledged_by is not None or now - max(heard) < repeat):
        return state, ()
    # an acknowledgement was for what was known then; worse than that needs its own
    acknowledged = state.acknowledged_by if heard or not state.told else None
    told = {**state.told, severity: now}
    said = replace(state, told=told, last_sent_at=now, acknowledged_by=acknowledged)
    return said, (_message(said, severity, now),)


def _message(state: AlertState, severity: Severity, now: datetime) -> Alert:
    firing = state.phase is Phase.FIRING
    return Alert(state.key, severity, firing, state.summary, state.facts, state.runbook, now)


_BY_RANK: tuple[Severity | None, ...] = (None, Severity.WARNING, Severity.CRITICAL)


def _rank(severity: Severity | None) -> int:
    return 0 if severity is None else severity.rank


# --- headroom ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Threshold:
    """Reached when free seats are at or below `seats`, or at or below `percent` of the purchased."""

    seats: int | None = None
    percent: float | None = None

    def __post_init__(self) -> None:
        if self.seats is not None and self.seats < 0:
            raise ValueError("a number of seats is not below 0")
        if self.percent is not None and not 0 <= self.percent <= 100:
            raise ValueError("a percentage is from 0 to 100")

    def free_seats(self, purchased: int) -> int:
        """The highest number of free seats that still reaches the threshold; -1 for never."""
        absolute = -1 if self.seats is None else self.seats
        relative = -1 if self.percent is None else math.floor(purchased * self.percent / 100)
        return max(absolute, relative)


@dataclass(frozen=True, slots=True)
class HeadroomRule:
    """Warn before the seats of `tier` run out; `total` is all tiers together.

    Recovery needs `clear_margin` seats more than the threshold, so that one person coming and going
    does not ring twice. `hold_for` is how long the trouble must last before it is said.
    """

    tier: str
    warn: Threshold | None = None
    critical: Threshold | None = None
    clear_margin: int = 1
    hold_for: timedelta = timedelta(0)

    @property
    def name(self) -> str:
        return f"headroom/{self.tier}"


@dataclass(frozen=True, slots=True)
class _Headroom:
    """What one rule looks at: `needed` is what those who wait for several tiers wish for, `leaving` how
    many of them leave a seat behind, and `spare` the tier of which more than that is bought.
    """

    purchased: int
    free: int
    waiting: int
    over: int
    needed: tuple[Item, ...]
    leaving: int
    spare: Tier

    @property
    def added(self) -> int:
        return sum(item.quantity for item in self.needed if item.upgraded_from is None)


def observe_headroom(
    rules: Sequence[HeadroomRule], pool: SeatPool, waiting: Sequence[WaitEntry]
) -> tuple[Observation, ...]:
    """One observation per rule whose tier the pool has."""
    known = {tier.name: (tier,) for tier in pool.ladder} | {TOTAL: tuple(pool.ladder)}
    return tuple(
        _observed(rule, _headroom(known[rule.tier], pool, waiting))
        for rule in rules
        if rule.tier in known
    )


def _headroom(tiers: Sequence[Tier], pool: SeatPool, waiting: Sequence[WaitEntry]) -> _Headroom:
    queue = tuple(entry for entry in waiting if entry.wants in tiers)
    wants = [entry.wants for entry in queue]
    several = len(tiers) > 1
    return _Headroom(
        purchased=sum(pool.purchased.get(tier, 0) for tier in tiers),
        free=sum(pool.free(tier) for tier in tiers),
        waiting=len(queue),
        over=sum(max(0, -pool.balance(tier)) for tier in tiers),
        needed=enough_for_waiting(replace(pool, waiting=queue)) if several else (),
        leaving=sum(entry.holds in tiers for entry in queue) if several else 0,
        spare=max(reversed(tiers), key=wants.count),  # nobody waits: the lowest tier
    )


def _observed(rule: HeadroomRule, room: _Headroom) -> Observation:
    severity = _worst(rule, room.purchased, room.free, margin=0)
    keeps = _worst(rule, room.purchased, room.free, margin=rule.clear_margin)
    if room.free == room.purchased and not room.waiting and not room.over:
        severity = keeps = None  # nobody uses a seat: a small contract is not a shortage
    return Observation(
        rule.name,
        severity,
        _told_headroom(rule, room) if keeps else _room_text(rule, room),
        {
            "tier": rule.tier,
            "purchased": str(room.purchased),
            "free": str(room.free),
            "waiting": str(room.waiting),
            **({"over the contract": str(room.over)} if room.over else {}),
        },
        "headroom",
        rule.hold_for,
        keeps,
    )


def _worst(rule: HeadroomRule, purchased: int, free: int, margin: int) -> Severity | None:
    """The worst threshold that is reached; with a margin, that is not yet left behind by so much."""
    for severity, threshold in ((Severity.CRITICAL, rule.critical), (Severity.WARNING, rule.warn)):
        limit = -1 if threshold is None else threshold.free_seats(purchased)
        if limit >= 0 and (free <= limit or free < limit + margin):
            return severity
    return None


def _room_text(rule: HeadroomRule, room: _Headroom) -> str:
    name = "all tiers" if rule.tier == TOTAL else rule.tier
    over = f", {room.over} over the contract" if room.over else ""
    waits = "nobody waits" if not room.waiting else f"{room.waiting} waiting"
    return f"{name}: {room.free} of {room.purchased} seats free{over}, {waits}"


def _told_headroom(rule: HeadroomRule, room: _Headroom) -> str:
    return f"{_room_text(rule, room)}; add seats: {' and '.join(_commands(rule, room))}"


def _commands(rule: HeadroomRule, room: _Headroom) -> Iterator[str]:
    """What to buy: what each of those who wait wishes for, and what clears the alert besides."""
    added = Counter({item.tier: item.quantity for item in room.needed if item.upgraded_from is None})
    added[room.spare] += _enough(rule, room) - room.added
    if orders := [f"{tier}={number}" for tier, number in sorted(added.items()) if number]:
        yield f"`idpsync seats add {' '.join(orders)}`"
    for item in room.needed:
        if item.upgraded_from:
            order = f"{item.upgraded_from}:{item.tier}={item.quantity}"
            yield f"`idpsync seats upgrade {order}`"


def _enough(rule: HeadroomRule, room: _Headroom) -> int:
    """How many more seats serve everybody who waits and clear the alert.

    A percentage of purchased seats grows with each purchase; one near 100 can never be cleared so.
    """
    limits = [threshold for threshold in (rule.warn, rule.critical) if threshold is not None]
    more = room.added
    for _ in range(STEPS):
        free = room.free - room.over - room.waiting + room.leaving + more
        clear = max(t.free_seats(room.purchased + more) for t in limits) + max(1, rule.clear_margin)
        if free >= clear:
            return more
        more += clear - free
    return max(1, room.added, room.over + room.waiting)

"""Every metric by name, in one list, and the one collector that shows them.

Everything is read from the store when somebody scrapes, so that a replica that did nothing still tells
the truth, a restart loses nothing, and it does not matter which of several web workers answers.
Names follow https://prometheus.io/docs/practices/naming/: base units.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Kind(StrEnum):
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One metric: its name as scraped, what it counts, and its labels."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


TIER = ("organization", "tier")

PURCHASED = Meaning("idpsync_seats_purchased", Kind.GAUGE, "Seats in the contract.", TIER)
ASSIGNED = Meaning("idpsync_seats_assigned", Kind.GAUGE, "Seats of accounts that exist.", TIER)
HELD = Meaning(
    "idpsync_seats_held", Kind.GAUGE, "Seats held for accounts on their way, invites included.", TIER
)
FREE = Meaning("idpsync_seats_free", Kind.GAUGE, "Seats that nobody has.", TIER)
WAITING = Meaning("idpsync_seats_waiting", Kind.GAUGE, "People who wait for the tier.", TIER)
LAST_SUCCESS = Meaning(
    "idpsync_reconcile_last_success_timestamp_seconds",
    Kind.GAUGE,
    "When the last good reconciliation ended, Unix time; absent before the first.",
    ("organization",),
)
RUNS = Meaning(
    "idpsync_reconcile_recent_runs",
    Kind.GAUGE,
    "The latest runs that the store remembers, by how they ended.",
    ("organization", "state"),
)
PENDING = Meaning(
    "idpsync_outbox_pending", Kind.GAUGE, "Messages about alerts not yet delivered.", ("organization",)
)
FIRING = Meaning(
    "idpsync_alert_firing",
    Kind.GAUGE,
    "1 while the alert fires, 0 while it is known and quiet.",
    ("organization", "alert", "severity"),
)
HELD_PLANS = Meaning(
    "idpsync_plans_held", Kind.GAUGE, "Plans that wait for somebody's decision.", ("organization",)
)
METRICS = (
    *(PURCHASED, ASSIGNED, HELD, FREE, WAITING),
    *(LAST_SUCCESS, RUNS, PENDING, FIRING, HELD_PLANS),
)


@dataclass(frozen=True, slots=True)
class TierCount:
    """The seats of one tier, in plain numbers."""

    purchased: int
    assigned: int
    held: int
    free: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What the store knows of one organisation at the moment of a scrape.

    `last_success` is Unix time; `firing` maps each known alert to its severity, "" for a quiet one.
    None for a number means that nobody can say: the metric is left out, rather than shown as 0.
    """

    organization: str
    tiers: Mapping[str, TierCount] = field(default_factory=dict)
    last_success: float | None = None
    runs: Mapping[str, int] = field(default_factory=dict)
    outbox_pending: int | None = None
    firing: Mapping[str, str] = field(default_factory=dict)
    plans_held: int | None = None


class StoreCollector(Collector):
    """Asks `read` at every scrape. An error of `read` fails the scrape: no number beats an old one."""

    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering does not already read the store."""
        return ()

    def collect(self) -> Iterator[Metric]:
        readings = tuple(self._read())
        for meaning, samples in _SAMPLES.items():
            family = GaugeMetricFamily(meaning.name, meaning.help, labels=meaning.labels)
            for reading in readings:
                for labels, value in samples(reading):
                    family.add_metric((reading.organization, *labels), value)
            yield family


Samples = Iterable[tuple[tuple[str, ...], float]]


def _per_tier(number: Callable[[TierCount], int]) -> Callable[[Reading], Samples]:
    return lambda reading: [((name,), number(count)) for name, count in reading.tiers.items()]


def _single(number: Callable[[Reading], float | None]) -> Callable[[Reading], Samples]:
    def samples(reading: Reading) -> Samples:
        value = number(reading)
        return [] if value is None else [((), value)]

    return samples


_SAMPLES: Mapping[Meaning, Callable[[Reading], Samples]] = {
    PURCHASED: _per_tier(lambda count: count.purchased),
    ASSIGNED: _per_tier(lambda count: count.assigned),
    HELD: _per_tier(lambda count: count.held),
    FREE: _per_tier(lambda count: count.free),
    WAITING: _per_tier(lambda count: count.waiting),
    LAST_SUCCESS: _single(lambda reading: reading.last_success),
    RUNS: lambda reading: [((state,), many) for state, many in reading.runs.items()],
    PENDING: _single(lambda reading: reading.outbox_pending),
    FIRING: lambda reading: [
        ((alert, severity), float(bool(severity))) for alert, severity in reading.firing.items()
    ],
    HELD_PLANS: _single(lambda reading: reading.plans_held),
}


class Metrics:
    """The metrics of one organisation, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry, read: Callable[[], Iterable[Reading]]) -> None:
        self._registry = registry
        registry.register(StoreCollector(read))

    def text(self) -> bytes:
        """The answer to a scrape, in Prometheus' text format."""
        return generate_latest(self._registry)

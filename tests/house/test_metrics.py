"""What a scrape shows: every metric of the list, documented, in a registry of its own."""

import pytest
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from idpsync.metrics import METRICS, Metrics, Reading, TierCount

ACME = Reading(
    organization="acme",
    tiers={"premium": TierCount(20, 17, 2, 1, 3), "standard": TierCount(100, 50, 0, 50, 0)},
    last_success=1772359200.0,
    runs={"done": 18, "failed": 2},
    outbox_pending=4,
    firing={"headroom/premium": "critical", "plan.held": ""},
    plans_held=0,
)


def scraped(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return scraped(metrics).get((name, frozenset(labels.items())))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), lambda: [ACME])


def test_seats_are_shown_per_tier(metrics: Metrics) -> None:
    shown = {
        name: value(metrics, f"idpsync_seats_{name}", organization="acme", tier="premium")
        for name in ("purchased", "assigned", "held", "free", "waiting")
    }
    assert shown == {"purchased": 20, "assigned": 17, "held": 2, "free": 1, "waiting": 3}


def test_runs_alerts_and_outbox_are_shown(metrics: Metrics) -> None:
    assert value(metrics, "idpsync_reconcile_recent_runs", organization="acme", state="failed") == 2
    assert value(metrics, "idpsync_outbox_pending", organization="acme") == 4
    assert value(metrics, "idpsync_plans_held", organization="acme") == 0
    alert = {"organization": "acme", "alert": "headroom/premium", "severity": "critical"}
    assert value(metrics, "idpsync_alert_firing", **alert) == 1
    quiet = {"organization": "acme", "alert": "plan.held", "severity": ""}
    assert value(metrics, "idpsync_alert_firing", **quiet) == 0
    at = value(metrics, "idpsync_reconcile_last_success_timestamp_seconds", organization="acme")
    assert at == 1772359200.0


def test_what_nobody_knows_is_left_out_and_not_shown_as_zero() -> None:
    metrics = Metrics(CollectorRegistry(), lambda: [Reading("acme")])
    names = {name for name, _ in scraped(metrics)}
    assert "idpsync_reconcile_last_success_timestamp_seconds" not in names
    assert "idpsync_outbox_pending" not in names


def test_every_scrape_reads_anew() -> None:
    free = iter([5, 4])
    metrics = Metrics(
        CollectorRegistry(),
        lambda: [Reading("acme", {"premium": TierCount(20, 0, 0, next(free), 0)})],
    )
    seen = [value(metrics, "idpsync_seats_free", organization="acme", tier="premium") for _ in range(2)]
    assert seen == [5, 4]


def test_a_store_that_cannot_be_read_fails_the_scrape() -> None:
    def unreadable() -> list[Reading]:
        raise OSError("locked")

    metrics = Metrics(CollectorRegistry(), unreadable)
    with pytest.raises(OSError, match="locked"):
        metrics.text()


def test_several_organisations_stand_side_by_side() -> None:
    other = Reading("other", {"premium": TierCount(1, 1, 0, 0, 0)})
    metrics = Metrics(CollectorRegistry(), lambda: [ACME, other])
    assert value(metrics, "idpsync_seats_free", organization="acme", tier="premium") == 1
    assert value(metrics, "idpsync_seats_free", organization="other", tier="premium") == 0


def test_the_list_names_everything_that_is_shown_and_nothing_else(metrics: Metrics) -> None:
    shown = {
        family.name: (family.type, family.documentation)
        for family in text_string_to_metric_families(metrics.text().decode())
    }
    assert shown == {one.name: (one.kind.value, one.help) for one in METRICS}


def test_nothing_reaches_the_registry_that_the_library_shares() -> None:
    Metrics(CollectorRegistry(), lambda: [ACME])
    assert not [family.name for family in REGISTRY.collect() if family.name.startswith("idpsync")]

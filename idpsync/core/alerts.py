"""Alerts: what is wrong, for whom, and what to do. `judge` decides what is said and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


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

"""Alerts: what is wrong, for whom, and what to do. `judge` decides what is said and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"


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
    """What the store keeps of one alert between evaluations."""

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


@dataclass(frozen=True, slots=True)
class Observation:
    """What one rule sees now. `severity` None means: inside the *recovery* threshold.

    `clearing` means better than the firing threshold but not yet by the clear margin: a firing alert
    stays, a quiet one stays quiet. No observation at all (no data) leaves the state as it is.
    """

    key: str
    severity: Severity | None
    summary: str
    facts: Mapping[str, str]
    runbook: str
    clearing: bool = False
    hold_for: timedelta = timedelta(0)

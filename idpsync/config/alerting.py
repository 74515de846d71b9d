"""`alerts`: when people are told that seats run short, and through what."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from idpsync.config.sections import ALL_TIERS, Count, Name, Percent, Section, Span
from idpsync.notify import ReceiverConfig
from idpsync.settings import Duration, Secret


class ThresholdConfig(Section):
    """Fires when free seats are at or below either bound."""

    seats: Count | None = None
    percent: Percent | None = None
    """Of the purchased seats."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.seats is None and self.percent is None:
            raise ValueError("must have seats, percent or both")
        return self


class HeadroomConfig(Section):
    """When free seats of one tier, or of all together, are worth a message."""

    tier: Name
    """A tier of the ladder, or `total`: all of them together."""
    warn: ThresholdConfig | None = None
    critical: ThresholdConfig | None = None
    clear_margin: Count = 1
    """Seats beyond the bound that must be free again before the alert is over."""
    hold_for: Annotated[Duration, Field(alias="for")] = timedelta(0)
    """How long the trouble must last before anybody hears of it."""

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.warn is None and self.critical is None:
            raise ValueError("must have warn, critical or both")
        if self.warn and self.critical:
            for unit in ("seats", "percent"):
                low, high = getattr(self.critical, unit), getattr(self.warn, unit)
                if low is not None and high is not None and low > high:
                    raise ValueError(f"critical.{unit} is above warn.{unit}: it would be told first")
        return self


class RunOutConfig(Section):
    """The forecast: when will the seats be gone?"""

    warn_within: Duration = timedelta(days=30)
    lead_time: Duration = timedelta(days=7)
    """How long it takes to buy seats; a run-out sooner than this is critical."""


def _web_address(text: str) -> str:
    if not text.startswith(("https://", "http://", "env:", "file:")):
        raise ValueError("must be an https:// address, or env:NAME or file:/path of one")
    return text


_DEFAULT_HEADROOM = (
    HeadroomConfig(
        tier=ALL_TIERS, warn=ThresholdConfig(percent=10.0), critical=ThresholdConfig(seats=0)
    ),
)


class AlertsConfig(Section):
    """What people are told, and how often."""

    headroom: tuple[HeadroomConfig, ...] = _DEFAULT_HEADROOM
    run_out: RunOutConfig = RunOutConfig()
    stale_after: Annotated[int, Field(strict=True, ge=1)] = 3
    """Reconcile intervals without a good run."""
    certificate_days: Count = 30
    """Days before a certificate ends."""
    renewal_days: tuple[Count, ...] = (90, 60, 30)
    """Days before the term ends."""
    repeat: Span = timedelta(hours=12)
    """A trouble that goes on is told again after so long, not sooner."""
    receivers: tuple[ReceiverConfig, ...] = ()
    heartbeat_url: Annotated[str, AfterValidator(_web_address)] | None = None
    """Dead man's switch, called after each good run."""

    def heartbeat(self) -> str | None:
        """The address of the dead man's switch, read through its reference if it is one."""
        url = self.heartbeat_url
        return Secret(url).reveal() if url and url.startswith(("env:", "file:")) else url

"""What a scrape of the metrics shows of one organisation, read from the ports."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from idpsync.core.alerts import Phase, key_of
from idpsync.core.books import SeatBook
from idpsync.core.journals import AlertBook, RunBook
from idpsync.core.records import HoldState
from idpsync.engine.watch import is_good
from idpsync.metrics import Reading, TierCount

LOOK_BACK = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """`read` is what `metrics.Metrics` asks at each scrape. `pending` counts the outbox, if it can."""

    organization: str
    seats: SeatBook
    runs: RunBook
    alerts: AlertBook
    pending: Callable[[], int] | None = None

    def read(self) -> Reading:
        """Everything, now. Raises what the store raises."""
        runs = self.runs.runs(LOOK_BACK)
        good = next((run.ended_at for run in runs if is_good(run) and run.ended_at), None)
        held = sum(plan.state is HoldState.HELD for plan in self.runs.held_plans())
        return Reading(
            organization=self.organization,
            tiers=self._tiers(),
            last_success=good.timestamp() if good else None,
            runs=Counter(run.state.value for run in runs),
            outbox_pending=self.pending() if self.pending else None,
            firing=self._firing(),
            plans_held=held,
        )

    def _tiers(self) -> dict[str, TierCount]:
        pool = self.seats.pool()
        return {
            tier.name: TierCount(
                purchased=pool.purchased.get(tier, 0),
                assigned=pool.assigned.get(tier, 0),
                held=pool.held.get(tier, 0),
                free=pool.free(tier),
                waiting=sum(entry.wants == tier for entry in pool.waiting),
            )
            for tier in pool.ladder
        }

    def _firing(self) -> dict[str, str]:
        prefix = key_of(self.organization, "")
        return {
            key.removeprefix(prefix): state.severity.value
            if state.phase is Phase.FIRING and state.severity
            else ""
            for key, state in self.alerts.states().items()
        }

"""The schedule of `run`: reconcile, alerts, deliveries, each as one job that never overlaps itself.

The job store is memory and every trigger is UTC; what must not run twice across replicas or restarts
is one row per slot in the store, and the lease decides who leads.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from idpsync.core.errors import IdpSyncError, LeaseLost
from idpsync.core.journals import Lease, RunBook
from idpsync.core.ports import Clock
from idpsync.core.records import RunState
from idpsync.engine.alerting import Alerting
from idpsync.engine.leadership import JUDGE, lead
from idpsync.engine.outcome import Outcome
from idpsync.engine.reconcile import Order, Reconciler

log = structlog.get_logger()

RECONCILE, ALERTS, DELIVERY = "reconcile", "alerts", "delivery"
ALERTS_EVERY = timedelta(seconds=15)
DELIVERY_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often to reconcile, and how far a start may be moved so that replicas do not knock at once."""

    every: timedelta
    jitter: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What the daemon works with."""

    reconciler: Reconciler
    alerting: Alerting
    runs: RunBook
    lease: Lease
    clock: Clock
    heartbeat: Callable[[], object] = lambda: None


class Halt(threading.Event):
    """Set when the program stops, or when this run must stop for a reason of its own."""

    def __init__(self, program: threading.Event) -> None:
        super().__init__()
        self._program = program

    def is_set(self) -> bool:
        return super().is_set() or self._program.is_set()


class Daemon:
    """Keeps the schedule until it is stopped; a person half written is finished first."""

    def __init__(self, duties: Duties, schedule: Schedule) -> None:
        self.duties, self.schedule = duties, schedule
        self.stopping = threading.Event()
        self._busy = threading.Lock()
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(3)},
            timezone=UTC,
        )
        self._scheduler.add_listener(_tell, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """Start all jobs; the first reconciliation at once."""
        self._add(RECONCILE, self.reconcile_slot, self.schedule.every, self.schedule.jitter)
        self._add(ALERTS, self.watch, ALERTS_EVERY)
        self._add(DELIVERY, self.deliver, DELIVERY_EVERY)
        self._scheduler.start()
        log.info("daemon.started", reconcile_every=str(self.schedule.every))

    def stop(self, patience: float = 45.0) -> bool:
        """Take no new work and let the present person finish; False when `patience` was not enough."""
        self.stopping.set()
        if not self._scheduler.running:
            return True
        self._scheduler.pause()
        # the scheduler waits for its jobs without end; we only so long
        waiting = threading.Thread(target=self._scheduler.shutdown, daemon=True)
        waiting.start()
        waiting.join(patience)
        quiet = not waiting.is_alive()
        log.info("daemon.stopped", quiet=quiet)
        return quiet

    def _add(
        self, name: str, job: Callable[[], None], every: timedelta, jitter: timedelta = timedelta(0)
    ) -> None:
        seconds = every.total_seconds()
        apart = round(min(jitter, every / 10).total_seconds()) or None
        self._scheduler.add_job(
            job,
            IntervalTrigger(seconds=seconds, timezone=UTC, jitter=apart),
            id=name,
            next_run_time=self.duties.clock.now(),
            misfire_grace_time=max(1, int(seconds)),  # the library's default of 1 s drops runs silently
            coalesce=True,
            max_instances=1,
        )

    # --- jobs -------------------------------------------------------------------------------------

    def reconcile_slot(self) -> None:
        """Reconcile if nobody has done this slot yet and nobody else leads now."""
        if self.stopping.is_set() or not self._busy.acquire(blocking=False):
            return
        try:
            now = self.duties.clock.now()
            if self._unfinished() or self.duties.runs.claim_slot(RECONCILE, self._slot(now)):
                self._reconcile()
            else:
                log.info("reconcile.done_already", slot=self._slot(now).isoformat())
        except LeaseLost as error:
            log.info("reconcile.left", reason=str(error))
        finally:
            self._busy.release()

    def _slot(self, now: datetime) -> datetime:
        """The nominal time, whatever the jitter made of it."""
        seconds = int(self.schedule.every.total_seconds())
        return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)

    def _unfinished(self) -> bool:
        """Whether the last run was cut short: then its slot may be done again."""
        last = next(iter(self.duties.runs.runs(1)), None)
        return last is not None and last.state in {RunState.RUNNING, RunState.STOPPED}

    def _reconcile(self) -> None:
        halt = Halt(self.stopping)
        with lead(self.duties.lease, on_lost=halt.set) as token:
            order = Order(
                actor="sync", trigger="schedule", token=token, stopping=halt, from_changes=True
            )
            outcome = self.duties.reconciler.reconcile(order)
        self.watch()
        if _good(outcome):
            self._beat()

    def _beat(self) -> None:
        try:
            self.duties.heartbeat()
        except IdpSyncError as error:
            log.warning("heartbeat.failed", reason=str(error))

    def watch(self) -> None:
        """Judge the alerts, unless another process is at it."""
        if self.stopping.is_set():
            return
        try:
            with lead(self.duties.lease, patience=5.0, name=JUDGE):
                self.duties.alerting.evaluate(self.duties.clock.now())
        except LeaseLost:
            log.debug("alerts.left")

    def deliver(self) -> None:
        """Send what the outbox holds."""
        if not self.stopping.is_set():
            self.duties.alerting.deliver(self.duties.clock.now())


def _good(outcome: Outcome) -> bool:
    return outcome.run.state is RunState.DONE


def _tell(event: JobEvent) -> None:
    """A job that raised, was missed or overlapped: never silent."""
    fault = getattr(event, "exception", None)
    if fault is not None:
        log.error("job.failed", job=event.job_id, reason=str(fault), kind=type(fault).__name__)
    else:
        log.warning("job.missed", job=event.job_id)

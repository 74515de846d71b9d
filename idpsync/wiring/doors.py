"""The doors of one house: the schedule, and the web application."""

from collections.abc import Callable
from functools import partial

from flask import Flask, Request
from prometheus_client import CollectorRegistry

from idpsync.config import Config
from idpsync.console import ConsolePorts, Organization, Viewer, create_console, create_health
from idpsync.core.errors import IdpSyncError
from idpsync.daemon import Daemon, Duties, Schedule
from idpsync.engine.gauges import Gauges
from idpsync.http import HttpClient
from idpsync.jit.door import LoginDoor
from idpsync.metrics import Metrics
from idpsync.web import compose
from idpsync.wiring.clock import CLOCK
from idpsync.wiring.house import House
from idpsync.wiring.login import login_door


def daemon(house: House) -> Daemon:
    """The schedule of `run`."""
    duties = Duties(
        reconciler=house.reconciler,
        alerting=house.alerting,
        runs=house.store.runs,
        lease=house.store.lease,
        clock=house.clock,
        heartbeat=_heartbeat(house.config),
    )
    schedule = house.config.schedule
    return Daemon(duties, Schedule(schedule.reconcile, schedule.jitter))


def _heartbeat(config: Config) -> Callable[[], object]:
    url = config.alerts.heartbeat()
    if url is None:
        return lambda: None
    client = HttpClient("heartbeat", clock=CLOCK)
    return partial(client.request, "GET", url, operation="report a good run")


def web(house: House) -> Flask:
    """The web application of one organisation."""
    jit, store = house.config.jit, house.store
    door, pages = login_door(house, jit) if jit else (None, ())
    gauges = Gauges(
        organization=house.config.organization.id,
        seats=store.seats,
        runs=store.runs,
        alerts=store.alerts,
        pending=store.outbox.pending,
    )
    metrics = Metrics(CollectorRegistry(), lambda: [gauges.read()])
    ready = partial(_problems, house)
    console = create_console(
        ConsolePorts(
            organization=Organization(
                house.config.organization.id,
                house.config.organization.name or house.config.organization.id,
            ),
            ladder=house.config.ladder(),
            seats=store.seats,
            waiting=store.waiting,
            invites=store.invites,
            runs=store.runs,
            alerts=store.alerts,
            ledger=store.ledger,
            registry=store.registry,
            clock=house.clock,
            viewer=partial(_viewer, door),
            ready=ready,
            metrics=metrics.text,
            contact=jit.no_seat_contact if jit else None,
            login_path="/saml/login" if jit else None,
            logout_path="/saml/slo" if jit else None,
        )
    )
    return compose((create_health(ready, metrics.text), console, *pages))


def _problems(house: House) -> list[str]:
    try:
        house.store.check()
    except IdpSyncError as error:
        return [str(error)]
    return []


def _viewer(door: LoginDoor | None, request: Request) -> Viewer | None:
    visitor = door.sessions.visitor(request.cookies) if door else None
    return Viewer(visitor.user_name, admin=visitor.admin) if visitor else None

"""From a configuration to a house: every part built and joined. No logic here but `which kind`."""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from flask import Flask, Request

from idpsync import notify, sources, targets
from idpsync.config import Config
from idpsync.config.alerting import HeadroomConfig, ThresholdConfig
from idpsync.console import ConsolePorts, Viewer, create_console, create_health
from idpsync.core.admission import Presence
from idpsync.core.alerts import HeadroomRule, Threshold
from idpsync.core.errors import ConfigError, IdpSyncError, Problem
from idpsync.core.guard import Limits
from idpsync.core.model import Login, fold
from idpsync.core.ports import Cause, Clock, Health, Notifier
from idpsync.core.seats import Door
from idpsync.daemon import Daemon, Duties, Schedule
from idpsync.demo import create_demo_idp, demo_people
from idpsync.engine.admit import Admitter, DoorRule
from idpsync.engine.alerting import Alerting, AlertPolicy, AlertPorts
from idpsync.engine.reconcile import Reconciler, Rule
from idpsync.engine.rooms import Rooms
from idpsync.http import HttpClient
from idpsync.jit.app import login_blueprint
from idpsync.jit.door import LoginDoor, Parts
from idpsync.jit.settings import JitConfig
from idpsync.jit.trust import trusted_idp
from idpsync.metrics import Metrics
from idpsync.store import Store, open_store
from idpsync.web import compose

SESSION_KEY = "IDPSYNC_SESSION_KEY"
"""Where `run` leaves a session key for its web workers when none is configured."""


class SystemClock:
    """The clock of the machine, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


CLOCK: Clock = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One organisation, ready to work."""

    config: Config
    clock: Clock
    store: Store
    rooms: Rooms
    reconciler: Reconciler
    admitter: Admitter
    alerting: Alerting
    receivers: tuple[Notifier, ...]


# --- store --------------------------------------------------------------------------------------------


def open_unchecked(config: Config) -> Store:
    """The store as it is, whatever its version: for `store upgrade`."""
    return open_store(
        config.store.reveal(),
        organization=config.organization.id,
        ladder=config.ladder(),
        reserved=config.reserved(),
        clock=CLOCK,
    )


def open_books(config: Config) -> Store:
    """The store, checked, and seeded with the seats of the contract when it has none."""
    store = open_unchecked(config)
    store.check()
    purchased = config.purchased()
    if not any(store.seats.pool().purchased.values()) and any(purchased.values()):
        because = ("the contract of the configuration seeds an empty store",)
        store.seats.resize(purchased, Cause("config", because))
    return store


# --- house --------------------------------------------------------------------------------------------


def build(config: Config, store: Store) -> House:
    """Everything of one organisation; ConfigError names what this version cannot build."""
    rooms = _rooms(config, store)
    policy = config.rulebook()
    receivers = _receivers(config)
    guard = config.guard
    limits = Limits(
        removals=guard.removals.limit(),
        tier_drops=guard.tier_drops.limit(),
        group_losses=guard.group_losses.limit(),
        changes=guard.changes.limit(),
    )
    concurrency = getattr(config.target, "concurrency", 4)
    rule = Rule(policy, limits, frozenset(guard.must_contain), concurrency)
    return House(
        config=config,
        clock=CLOCK,
        store=store,
        rooms=rooms,
        reconciler=Reconciler(rooms, rule),
        admitter=Admitter(rooms, policy, _door_rule(config)),
        alerting=_alerting(config, store, receivers),
        receivers=receivers,
    )


def _rooms(config: Config, store: Store) -> Rooms:
    return Rooms(
        organization=config.organization.id,
        source=sources.build(config.directory, clock=CLOCK, groups=config.rule_groups()),
        target=targets.build(config.target, clock=CLOCK, ladder=config.ladder(), shelf=store.shelf),
        seats=store.seats,
        registry=store.registry,
        waiting=store.waiting,
        ledger=store.ledger,
        runs=store.runs,
        cache=store.cache,
        clock=CLOCK,
    )


def _receivers(config: Config) -> tuple[Notifier, ...]:
    """Those that this version can deliver to; `check` names the others."""
    built = [r for r in config.alerts.receivers if not notify.not_built([r])]
    name = config.organization.id
    return tuple(notify.build(r, organization=name, clock=CLOCK) for r in built)


def not_built(config: Config) -> tuple[Problem, ...]:
    """What the configuration names and this version does not have."""
    problems = [*notify.not_built(config.alerts.receivers)]
    problems += sources.not_built(config.directory)
    problems += targets.not_built(config.target)
    return tuple(problems)


def _alerting(config: Config, store: Store, receivers: tuple[Notifier, ...]) -> Alerting:
    alerts = config.alerts
    policy = AlertPolicy(
        organization=config.organization.id,
        headroom=tuple(_headroom(rule) for rule in alerts.headroom),
        stale_after=alerts.stale_after,
        reconcile_every=config.schedule.reconcile,
        repeat=alerts.repeat,
    )
    ports = AlertPorts(
        book=store.alerts,
        outbox=store.outbox,
        seats=store.seats,
        waits=store.waiting,
        runs=store.runs,
        ledger=store.ledger,
    )
    return Alerting(ports, policy, receivers, clock=CLOCK)


def _headroom(rule: HeadroomConfig) -> HeadroomRule:
    return HeadroomRule(
        tier=rule.tier,
        warn=_threshold(rule.warn),
        critical=_threshold(rule.critical),
        clear_margin=rule.clear_margin,
        hold_for=rule.hold_for,
    )


def _threshold(config: ThresholdConfig | None) -> Threshold | None:
    return Threshold(seats=config.seats, percent=config.percent) if config else None


def _door_rule(config: Config) -> DoorRule:
    admins = config.web.admins
    owner = config.organization.primary_owner
    return DoorRule(
        open=Door.JIT in config.organization.doors,
        require_group=config.jit.require_group if config.jit else None,
        any_tier=config.rulebook().login_tier_sticks,
        admins=frozenset(fold(name) for name in (*admins.emails, *((owner,) if owner else ()))),
        admin_groups=frozenset(admins.groups),
    )


# --- check --online -----------------------------------------------------------------------------------


def probe(config: Config) -> Iterator[Health]:
    """Ask every system of the configuration, read-only; one line each, whatever the others say."""
    try:
        store = open_books(config)
    except IdpSyncError as error:
        yield Health("store", False, str(error))
        return
    yield Health("store", True, f"version {store.version()}")
    groups, ladder = config.rule_groups(), config.ladder()
    yield _probed("directory", lambda: sources.build(config.directory, clock=CLOCK, groups=groups).probe())
    yield _probed(
        "target",
        lambda: targets.build(
            config.target, clock=CLOCK, ladder=ladder, shelf=store.shelf
        ).probe(),
    )
    for receiver in config.alerts.receivers:
        name = config.organization.id
        made = partial(notify.build, receiver, organization=name, clock=CLOCK)
        yield _probed(f"receiver {receiver.name}", lambda made=made: made().probe())  # type: ignore[misc]


def _probed(system: str, ask: Callable[[], Health]) -> Health:
    try:
        return ask()
    except IdpSyncError as error:
        return Health(system, False, str(error))


# --- doors --------------------------------------------------------------------------------------------


def daemon(house: House) -> Daemon:
    """The schedule of `run`."""
    schedule = house.config.schedule
    duties = Duties(
        reconciler=house.reconciler,
        alerting=house.alerting,
        runs=house.store.runs,
        lease=house.store.lease,
        clock=house.clock,
        heartbeat=_heartbeat(house.config),
    )
    return Daemon(duties, Schedule(schedule.reconcile, schedule.jitter))


def _heartbeat(config: Config) -> Callable[[], None]:
    url = config.alerts.heartbeat()
    if url is None:
        return lambda: None
    client = HttpClient("heartbeat", clock=CLOCK)
    return lambda: (client.request("GET", url, operation="report a good run"), None)[1]


def web(house: House) -> Flask:
    """The web application of one organisation."""
    jit = house.config.jit
    door = _login_door(house, jit) if jit else None
    metrics = Metrics(house.store, house.clock)
    ports = ConsolePorts(
        organization=house.config.organization.id,
        name=house.config.organization.name or house.config.organization.id,
        ladder=house.config.ladder(),
        seats=house.store.seats,
        waiting=house.store.waiting,
        runs=house.store.runs,
        alerts=house.store.alerts,
        ledger=house.store.ledger,
        registry=house.store.registry,
        clock=house.clock,
        viewer=partial(_viewer, house, door),
        ready=partial(_problems, house),
        metrics=metrics.text,
    )
    blueprints = [create_health(ports), create_console(ports)]
    blueprints += [login_blueprint(door)] if door else []
    if jit and jit.idp.demo:
        blueprints.append(door.demo)  # type: ignore[union-attr]
    return compose(blueprints, proxies=len(house.config.web.trusted_proxies))


def _problems(house: House) -> list[str]:
    try:
        house.store.check()
    except IdpSyncError as error:
        return [str(error)]
    return []


def session_key(config: Config) -> str:
    """The configured key, or the one `run` made for this start."""
    if config.web.session_key:
        return config.web.session_key.reveal()
    return os.environ.setdefault(SESSION_KEY, secrets.token_urlsafe(32))


def _login_door(house: House, jit: JitConfig) -> LoginDoor:
    raise ConfigError(f"not joined yet: {jit.base_url} {Login} {Parts} {trusted_idp} {Presence}")


def _viewer(house: House, door: LoginDoor | None, request: Request) -> Viewer | None:
    visitor = door.sessions.visitor(request.cookies) if door else None
    if visitor is None:
        return None
    rule = house.admitter.rule
    admin = bool({fold(visitor.user_name), fold(visitor.email)} & rule.admins)
    return Viewer(visitor.user_name, admin or bool(set(visitor.groups) & rule.admin_groups))


__all__ = ["CLOCK", "House", "build", "create_demo_idp", "daemon", "demo_people", "open_books", "web"]

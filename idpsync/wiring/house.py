"""One organisation's parts, built and joined."""

from dataclasses import dataclass
from datetime import timedelta

from idpsync import notify, sources, targets
from idpsync.config import Config
from idpsync.config.alerting import HeadroomConfig, ThresholdConfig
from idpsync.core.alerts import HeadroomRule, Threshold
from idpsync.core.errors import ConfigError, Problem
from idpsync.core.model import fold
from idpsync.core.ports import CanWriteGroups, Clock, DirectorySource, Notifier, Target
from idpsync.core.records import Cause
from idpsync.core.seats import Door
from idpsync.engine.admit import Admitter, DoorRule
from idpsync.engine.alerting import Alerting, AlertPolicy, AlertPorts
from idpsync.engine.manual import ManualDoor, ManualRule
from idpsync.engine.reconcile import Reconciler
from idpsync.engine.remembering import Remembering
from idpsync.engine.rooms import LastShown, Rooms, Rule
from idpsync.store import Store, open_store
from idpsync.wiring.clock import CLOCK
from idpsync.wiring.mail import courier

SERIAL = 4
"""People written side by side at targets that name no width of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One organisation, ready to work."""

    config: Config
    clock: Clock
    store: Store
    rooms: Rooms
    reconciler: Reconciler
    admitter: Admitter
    manual: ManualDoor
    alerting: Alerting
    receivers: tuple[Notifier, ...]


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
    """The store, checked, and with a contract. What is due by today is booked by those who write."""
    store = open_unchecked(config)
    store.check()
    because = ("the contract of the configuration seeds a store that has none",)
    store.contracts.seed(config.agreement(), Cause("config", because))
    return store


def build(config: Config, store: Store) -> House:
    """Everything of one organisation; ConfigError names what this version cannot build."""
    rooms, policy = _rooms(config, store), config.rulebook()
    receivers = _receivers(config)
    rule = Rule(
        policy=policy,
        limits=config.guard.limits(),
        canaries=frozenset(config.guard.must_contain),
        concurrency=_width(config),
        full_read=config.schedule.full_read,
    )
    return House(
        config=config,
        clock=CLOCK,
        store=store,
        rooms=rooms,
        reconciler=Reconciler(rooms, rule),
        admitter=Admitter(rooms, policy, _door_rule(config)),
        manual=ManualDoor(rooms, policy, _manual_rule(config), courier(config)),
        alerting=_alerting(config, store, receivers),
        receivers=receivers,
    )


def _rooms(config: Config, store: Store) -> Rooms:
    source, shown = build_source(config), LastShown()
    target = build_target(config, store, source, shown)
    return Rooms(
        organization=config.organization.id,
        source=source,
        shown=shown if targets.owned_groups(config.target) else None,
        target=Remembering(target, store.known),
        seats=store.seats,
        contracts=store.contracts,
        invites=store.invites,
        assignments=store.assignments,
        registry=store.registry,
        waiting=store.waiting,
        ledger=store.ledger,
        lease=store.lease,
        runs=store.runs,
        cache=store.cache,
        known=store.known,
        clock=CLOCK,
    )


def build_source(config: Config) -> DirectorySource:
    """The directory; it writes the groups that the target's seats hang on, and no other."""
    return sources.build_all(
        config.directory,
        clock=CLOCK,
        groups=config.rule_groups(),
        verified=config.verified,
        owned=targets.owned_groups(config.target),
    )


def build_target(config: Config, store: Store, source: DirectorySource, shown: LastShown) -> Target:
    """The target, which knows accounts by people whom the directory showed."""

    def directory() -> CanWriteGroups:
        if isinstance(source, CanWriteGroups):
            return source
        what = f"writes groups of the directory, and a directory of kind {source.kind} has none to write"
        raise ConfigError(Problem("target.kind", what))

    surroundings = targets.Surroundings(
        clock=CLOCK,
        ladder=config.ladder(),
        shelf=store.shelf,
        directory=directory,
        people=shown.people,
        purchased=lambda: store.seats.pool().total_purchased,
    )
    return targets.build(config.target, surroundings)


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


def _manual_rule(config: Config) -> ManualRule:
    owner = config.organization.primary_owner
    return ManualRule(
        open=Door.MANUAL in config.organization.doors,
        invite_lasts=timedelta(days=config.contract.invite_days),
        primary_owner=fold(owner) if owner else None,
        protected=config.protected(),
        language=config.mail.language if config.mail else "en",
        concurrency=_width(config),
    )


def _width(config: Config) -> int:
    """How many people are written side by side."""
    width: int = getattr(config.target, "concurrency", SERIAL)
    return width


# --- alerts -------------------------------------------------------------------------------------------


def _receivers(config: Config) -> tuple[Notifier, ...]:
    """Those that this version can deliver to; `check` names the others."""
    built = [r for r in config.alerts.receivers if not notify.not_built([r])]
    name = config.organization.id
    return tuple(notify.build(r, organization=name, clock=CLOCK) for r in built)


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

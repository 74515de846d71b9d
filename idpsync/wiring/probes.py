"""`check`: what this version cannot build, and whether every system of the configuration answers."""

from collections.abc import Callable, Iterator

from idpsync import notify, sources, targets
from idpsync.config import Config
from idpsync.core.errors import ConfigError, IdpSyncError, Problem
from idpsync.core.records import Health
from idpsync.settings import Settings
from idpsync.store import Store
from idpsync.wiring.clock import CLOCK
from idpsync.wiring.house import open_books


def not_built(config: Config) -> tuple[Problem, ...]:
    """Kinds that the configuration names and this version only validates."""
    unbuilt = (sources.not_built(config.directory), targets.not_built(config.target))
    return (
        *(p for problems in unbuilt for p in problems),
        *notify.not_built(config.alerts.receivers),
        *_unused(config),
    )


def _unused(config: Config) -> list[Problem]:
    """Keys that were written down and that nothing in this version looks at."""
    alerts, schedule = config.alerts, config.schedule
    keys = [f"alerts.{k}" for k in ("run_out", "certificate_days", "renewal_days") if _set(alerts, k)]
    keys += [f"schedule.{k}" for k in ("full_read",) if _set(schedule, k)]
    keys += ["mail"] if config.mail else []
    return [Problem(key, "has no effect yet: not built in this version") for key in keys]


def _set(section: Settings, key: str) -> bool:
    return key in section.model_fields_set


def probe(config: Config) -> Iterator[Health]:
    """Ask every system, read-only; one line each, whatever the others say."""
    name, groups, ladder = config.organization.id, config.rule_groups(), config.ladder()
    try:
        store = open_books(config)
        yield Health("store", ok=True, detail=f"version {store.version()}")
    except (IdpSyncError, ConfigError) as error:
        yield Health("store", ok=False, detail=str(error))
        return

    yield _contract(config, store)

    def directory() -> Health:
        return sources.build(config.directory, clock=CLOCK, groups=groups).probe()

    def target() -> Health:
        return targets.build(config.target, clock=CLOCK, ladder=ladder, shelf=store.shelf).probe()

    yield _probed("directory", directory)
    yield _probed("target", target)
    for receiver in config.alerts.receivers:

        def notifier(receiver: notify.ReceiverConfig = receiver) -> Health:
            return notify.build(receiver, organization=name, clock=CLOCK).probe()

        yield _probed(f"receiver {receiver.name}", notifier)


def _contract(config: Config, store: Store) -> Health:
    """The configuration seeds an empty store; afterwards the store is the record."""
    bought = store.seats.pool().purchased
    differ = [
        f"{tier} {bought.get(tier, 0)} (the configuration says {seats})"
        for tier, seats in config.purchased().items()
        if bought.get(tier, 0) != seats
    ]
    told = f"the store is the record: {', '.join(differ)}" if differ else "as the configuration says"
    return Health("contract", ok=True, detail=told)


def _probed(system: str, ask: Callable[[], Health]) -> Health:
    try:
        return ask()
    except IdpSyncError as error:
        return Health(system, ok=False, detail=str(error))

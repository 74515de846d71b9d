"""`check`: what this version cannot build, and whether every system of the configuration answers."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from idpsync import notify, sources, targets
from idpsync.config import Config
from idpsync.core.errors import IdpSyncError, Problem
from idpsync.core.records import Health
from idpsync.core.statement import differences
from idpsync.engine.rooms import LastShown
from idpsync.settings import Settings
from idpsync.store import Store, is_there
from idpsync.wiring.clock import CLOCK
from idpsync.wiring.house import build_source, build_target, open_unchecked
from idpsync.wiring.mail import postman


def not_built(config: Config) -> tuple[Problem, ...]:
    """Kinds that the configuration names and this version only validates."""
    unbuilt = (sources.not_built(*config.directory), targets.not_built(config.target))
    return (
        *(p for problems in unbuilt for p in problems),
        *notify.not_built(config.alerts.receivers),
        *_unused(config),
    )


def _unused(config: Config) -> list[Problem]:
    """Keys that were written down and that nothing in this version looks at."""
    alerts, schedule = config.alerts, config.schedule
    keys = [f"alerts.{k}" for k in ("run_out", "certificate_days") if _set(alerts, k)]
    told = [Problem(key, "has no effect yet: not built in this version") for key in keys]
    if _set(alerts, "renewal_days"):
        only = "`contract` warns by it; an alert for it is not built in this version"
        told.append(Problem("alerts.renewal_days", only))
    if _set(schedule, "full_read") and not sources.tells_changes(*config.directory):
        kinds = " and ".join(sorted({directory.kind for directory in config.directory}))
        only = f"has no effect: a directory of kind {kinds} cannot tell what changed"
        told.append(Problem("schedule.full_read", f"{only}; everything is read each time"))
    return told


def _set(section: Settings, key: str) -> bool:
    return key in section.model_fields_set


def contract_differences(config: Config, *, online: bool) -> tuple[Problem, ...]:
    """Where the contract of the configuration is not the one on record: the store counts.

    A store that is not there is not made; a database server is asked only `online`.
    """
    if not online and not config.store.url.startswith("sqlite:"):
        return ()
    try:
        if not is_there(config.store.reveal()):
            return ()
        with closing(open_unchecked(config)) as store:
            store.check()
            recorded = store.contracts.contract()
    except IdpSyncError as error:
        # online the store has a line of its own, which says so
        return () if online else (Problem("contract", f"not compared with the store: {error}"),)
    told = differences(recorded, config.agreement()) if recorded else ()
    return tuple(Problem(path, sentence) for path, sentence in told)


def probe(config: Config) -> Iterator[Health]:
    """Ask every system, read-only; one line each, whatever the others say.

    A store that is not there yet is not made: an empty one in a folder of its own stands in for it.
    """
    with TemporaryDirectory(prefix="idpsync-check-") as folder:
        try:
            store, health = _store(config, Path(folder))
        except IdpSyncError as error:
            yield Health("store", ok=False, detail=str(error))
            return
        with closing(store):
            yield health
            yield from _systems(config, store)


def _store(config: Config, folder: Path) -> tuple[Store, Health]:
    url = config.store.reveal()
    if is_there(url):
        store = open_unchecked(config)
        store.check()
        return store, Health("store", ok=True, detail=f"version {store.version()}")
    place = config.store.model_copy(update={"url": f"sqlite:///{folder}/empty.db"})
    store = open_unchecked(config.model_copy(update={"store": place}))
    return store, Health("store", ok=True, detail="not there yet: the first verb that needs it makes it")


def _systems(config: Config, store: Store) -> Iterator[Health]:
    name = config.organization.id

    def target() -> Health:
        return build_target(config, store, build_source(config), LastShown()).probe()

    yield from _directories(config)
    yield _probed("target", target)
    for receiver in config.alerts.receivers:

        def notifier(receiver: notify.ReceiverConfig = receiver) -> Health:
            return notify.build(receiver, organization=name, clock=CLOCK).probe()

        yield _probed(f"receiver {receiver.name}", notifier)
    if carrier := postman(config):
        yield _probed("mail", carrier.probe)


def _directories(config: Config) -> Iterator[Health]:
    """A line for each. Of several one alone need not have every group, but one of them has to."""
    groups = config.rule_groups()
    if len(config.directory) == 1:
        yield _probed("directory", lambda: build_source(config).probe())
        return
    missing = groups
    for name, directory in zip(sources.names_of(config.directory), config.directory, strict=True):
        asked = partial(_directory, directory, groups)
        health = _probed(f"directory {name}", asked)
        missing &= health.missing if health.ok or health.missing else frozenset()
        if health.missing and not health.ok:
            without = partial(_directory, directory, groups - health.missing)
            sound = _probed(f"directory {name}", without).ok
            health = replace(health, ok=sound)
        yield replace(health, system=f"directory {name}")
    if missing:
        told = f"no directory has {', '.join(sorted(missing))}; change the rules that name them"
        yield Health("directories", ok=False, detail=told, missing=missing)


def _directory(config: sources.DirectoryConfig, groups: frozenset[str]) -> Health:
    return sources.build(config, clock=CLOCK, groups=groups).probe()


def _probed(system: str, ask: Callable[[], Health]) -> Health:
    try:
        return ask()
    except IdpSyncError as error:
        return Health(system, ok=False, detail=str(error))

"""The Graph twin as a world for the directory contracts, and sources that read it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from idpsync.pace import Timer
from idpsync.sources import EntraConfig
from idpsync.sources.entra.source import EntraSource
from tests.contracts.directory_source import Sample
from tests.fakes.source import SteadyClock
from tests.twins.graph.faults import Fault
from tests.twins.graph.server import Asked, GraphTwin


class FastTime:
    """Nobody waits: sleeping moves the clock on. `slept` is all of it."""

    def __init__(self) -> None:
        self.at = self.slept = 0.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.slept += seconds

    @property
    def timer(self) -> Timer:
        return Timer(self.now, self.sleep)


def config_of(twin: GraphTwin, folder: Path, **changes: object) -> EntraConfig:
    secret = folder / "entra.secret"
    if not secret.exists():
        secret.write_text(twin.door.secret)
    settings: dict[str, object] = {
        "kind": "entra",
        "tenant_id": twin.door.tenant,
        "login_url": twin.url,
        "graph_url": twin.url,
        "auth": {
            "kind": "client_secret",
            "client_id": twin.door.client_id,
            "secret": f"file:{secret}",
        },
    }
    return EntraConfig.model_validate(settings | changes)


def source_of(
    twin: GraphTwin,
    folder: Path,
    *groups: str,
    owned: Iterable[str] = (),
    time: FastTime | None = None,
    clock: SteadyClock | None = None,
    **changes: object,
) -> EntraSource:
    return EntraSource(
        config_of(twin, folder, **changes),
        clock=clock or SteadyClock(),
        groups=frozenset(groups),
        owned=frozenset(owned),
        timer=(time or FastTime()).timer,
    )


class GraphWorld:
    """The twin as a backend; pages are small, so that everything goes over several of them."""

    def __init__(self, twin: GraphTwin, folder: Path, **changes: Any) -> None:
        self.twin, self.folder, self.changes = twin, folder, changes
        twin.page = twin.delta_page = 2

    def put(self, person: Sample) -> None:
        self.twin.tenant.put(
            person.uid,
            mail=person.email,
            givenName=person.given_name,
            surname=person.family_name,
        )

    def remove(self, uid: str) -> None:
        self.twin.tenant.purge(uid)

    def put_group(self, name: str, members: Iterable[str]) -> None:
        tenant = self.twin.tenant
        known = [team for team in tenant.standing() if team.name == name]
        team = known[0] if known else tenant.make(name)
        tenant.set_members(team, [tenant.id_of(uid) for uid in members])

    def rename_group(self, name: str, to: str) -> None:
        self.twin.tenant.rename(self.twin.tenant.team(name), to)

    def cut(self) -> None:
        def fault(_number: int, asked: Asked) -> Fault | None:
            return Fault.TRUNCATED if "$skiptoken" in asked.query else None

        self.twin.fault = fault

    def go_away(self) -> None:
        self.twin.fault = lambda _number, _asked: Fault.DOWN

    def source(self, *groups: str) -> EntraSource:
        return source_of(self.twin, self.folder, *groups, **self.changes)

    def writer(self, *owned: str) -> EntraSource:
        return source_of(self.twin, self.folder, owned=owned, **self.changes)

    def held(self, group: str) -> set[str]:
        found = [team for team in self.twin.tenant.standing() if team.name == group]
        if not found:
            raise KeyError(group)
        people = self.twin.tenant.people
        return {people[key].properties["userPrincipalName"] for key in found[0].members}

    def hide_members(self, group: str) -> None:
        self.twin.tenant.team(group).hides = True

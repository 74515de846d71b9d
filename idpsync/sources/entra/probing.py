"""`check --online`: who we are at Entra, what we would read, and what is missing for it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import TypeVar

from idpsync.core.errors import NotFound, RemoteError, Transient
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.sources.entra.assigned import Application
from idpsync.sources.entra.auth import expires
from idpsync.sources.entra.errors import READ_ASSIGNED, READ_MEMBERS, READ_PEOPLE, SYSTEM
from idpsync.sources.entra.graph import Graph, query
from idpsync.sources.entra.names import Resolved, is_id
from idpsync.sources.entra.settings import EntraConfig

T = TypeVar("T")

WARN_BEFORE = timedelta(days=30)
ALL = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
# what stands in for the least role, learn.microsoft.com "Microsoft Graph permissions reference"
ENOUGH: Mapping[str, frozenset[str]] = {
    READ_MEMBERS: ALL | {"GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"},
    READ_PEOPLE: ALL | {"User.ReadWrite.All"},
    READ_ASSIGNED: ALL | {"Application.ReadWrite.All"},
}


class Probe:
    """One look at a tenant; it changes nothing."""

    def __init__(
        self, graph: Graph, config: EntraConfig, application: Application | None, clock: Clock
    ) -> None:
        self._graph, self._config, self._application = graph, config, application
        self._clock = clock

    def told(self, resolve: Callable[[], Resolved]) -> Health:
        """Raises when signing in fails; an app role that is missing is told by its name."""
        started = self._clock.now()
        lacking = [f"the app role {role} is missing" for role in self._lacking()]
        faults: list[str] = []
        found = self._checked(self._tried(resolve, faults) or Resolved(), faults)
        who = f"signed in to {self._config.place.graph_url} as application {self._config.auth.client_id}"
        people = self._tried(self._people, faults)
        doubts = [*(f"no group {name}" for name in sorted(found.absent)), *found.doubtful.values()]
        told = [who, people, *lacking, *doubts, *dict.fromkeys(faults), self._graph.skew]
        latency = max(self._clock.now() - started, timedelta(0))
        facts = [f"{name} → {key}" for name, key in sorted(found.ids.items())]
        return Health(
            SYSTEM,
            not (lacking or doubts or faults),
            "; ".join(filter(None, told)),
            latency,
            facts=(*facts, *self._ending()),
            missing=frozenset(found.absent),
        )

    def _lacking(self) -> list[str]:
        """The least app roles that the token does not claim; none where it cannot be read."""
        roles = self._graph.roles()
        if roles is None:
            return []
        needed = [READ_MEMBERS, READ_PEOPLE, *([READ_ASSIGNED] if self._application else [])]
        return [role for role in needed if role not in roles and not ENOUGH[role] & roles]

    def _checked(self, found: Resolved, faults: list[str]) -> Resolved:
        """Groups that are given by id are looked for, too."""
        for name, key in list(found.ids.items()):
            if is_id(name) and self._tried(partial(self._has, key), faults) is False:
                del found.ids[name]
                found.absent.add(name)
        return found

    def _has(self, group: str) -> bool:
        try:
            self._graph.get(query(f"/groups/{group}", select="id"), "look at group", role=READ_MEMBERS)
        except NotFound:
            return False
        return True

    def _people(self) -> str:
        if self._application is None:
            count = self._graph.count("/users/$count", "count people", role=READ_PEOPLE)
            return f"reads all {count} people of the tenant"
        assigned = self._application.assigned()
        assigned.pages.whole()
        people, groups = len(assigned.people), len(assigned.groups)
        return f"reads {people} people and the members of {groups} groups, who are assigned"

    def _ending(self) -> Iterator[str]:
        """What we sign in with, when its end is near."""
        end, now = expires(self._config.auth), self._clock.now()
        if end and end - now < WARN_BEFORE:
            ended = "ended" if end <= now else "ends"
            yield f"the certificate {ended} on {end:%Y-%m-%d}: make a new one and upload it"

    def _tried(self, ask: Callable[[], T], faults: list[str]) -> T | None:
        """What `ask` gives; None where it is refused, which `faults` then says."""
        try:
            return ask()
        except Transient:
            raise
        except RemoteError as error:
            faults.append(str(error))
            return None

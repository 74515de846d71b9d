"""Microsoft Entra ID as a source, by Graph."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import structlog

from idpsync.core.changes import DirectoryChanges
from idpsync.core.errors import Malformed
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, fold
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.pace import Timer
from idpsync.sources.entra.assigned import Application
from idpsync.sources.entra.changes import Known, carry_on, cursor_of, links_of
from idpsync.sources.entra.errors import READ_MEMBERS, READ_PEOPLE, SYSTEM, StateLost
from idpsync.sources.entra.graph import MOST, Graph, query, quoted
from idpsync.sources.entra.names import Resolved, is_id, resolve
from idpsync.sources.entra.people import SELECT, user_of
from idpsync.sources.entra.probing import Probe
from idpsync.sources.entra.reading import ask, snapshot_of
from idpsync.sources.entra.settings import EntraConfig
from idpsync.sources.entra.writing import OwnedGroups
from idpsync.sources.pages import Row, text
from idpsync.sources.remembered import Remembered

log = structlog.get_logger()

TOLD = 10
LINKS_LIVE = timedelta(days=6)  # Graph keeps them for seven


class EntraSource:
    """`directory.kind: entra`. With an application given, only people who are assigned to it are read.

    `owned` are groups that may be written, by name or id.
    """

    kind = "entra"

    def __init__(
        self,
        config: EntraConfig,
        *,
        clock: Clock,
        groups: frozenset[str],
        owned: frozenset[str] = frozenset(),
        timer: Timer | None = None,
    ) -> None:
        self.name = "entra"
        self._config, self._clock, self._wanted = config, clock, groups
        self._graph = Graph(config, clock=clock, timer=timer)
        self._owned = OwnedGroups(self._graph, owned)
        given = config.service_principal_id
        self._application = Application(self._graph, given) if given else None
        self._pinned: dict[str, str] = {}  # names to ids, as they were resolved last
        self._sizes: dict[str, int] = {}  # members of each group at the last complete read, by id
        self._known: Known | None = None

    def read(self, since: str | None = None) -> DirectorySnapshot:  # noqa: ARG002
        """People and the groups that policy mentions.

        Raises when Entra cannot be reached or rejects us, anywhere. Whatever else is cut is PARTIAL;
        a wanted group that is not there, or is called otherwise by now, is GONE.
        """
        with self._graph.deadline.within(self._config.read_deadline.total_seconds()):
            return self._read()

    def _read(self) -> DirectorySnapshot:
        taken_at, meter = self._clock.now(), self._graph.meter
        requests, throttled = meter.requests, meter.throttled
        self._known = None
        asked, resolved = ask(
            self._graph,
            self._application,
            self._resolved,
            source=self.name,
            nests=self._config.nested_groups,
            sizes=self._sizes,
        )
        snapshot = snapshot_of(self._graph, asked, resolved, scope=self._config.scope, taken_at=taken_at)
        self._pinned = {
            group.name: group.external_id
            for group in snapshot.groups
            if group.external_id and group.coverage is not Coverage.GONE and not is_id(group.name)
        }
        links = links_of(asked)
        snapshot = replace(
            snapshot,
            cursor=cursor_of(taken_at, links) if snapshot.complete and all(links) else None,
            requests=meter.requests - requests,
            throttled=meter.throttled - throttled,
        )
        if remembered := Remembered.of(snapshot):
            self._known = Known(taken_at, asked, remembered)
            groups = asked.membership.groups
            self._sizes = {key: len(found.users) for key, found in groups.items()}
        if not snapshot.complete:
            log.warning("directory.incomplete", source=self.name, problems=snapshot.problems[:TOLD])
        return snapshot

    def changes(self, since: str) -> DirectoryChanges | None:
        """What changed since the last read or the last changes; None where only a whole read can tell:
        the links are older than six days, Graph has lost them, or what it tells is odd.
        """
        known, now = self._known, self._clock.now()
        if known is None or since != known.remembered.cursor or now - known.at > LINKS_LIVE:
            return None
        try:
            with self._graph.deadline.within(self._config.read_deadline.total_seconds()):
                return carry_on(
                    self._graph, known, self._application, now, nests=self._config.nested_groups
                )
        except StateLost:
            self._known = None
            return None

    def find(self, user_name: str) -> tuple[DirectoryUser, frozenset[str]] | None:
        """One person by user name or e-mail, and those of their groups that policy mentions.

        None for nobody, and for somebody who is not assigned. Malformed when several are so called.
        """
        row = self._row_of(user_name)
        if row is None:
            return None
        user = user_of(row, self.name)
        theirs = self._groups_of(user.external_id)
        if self._application:
            assigned = self._application.assigned()
            assigned.pages.whole()
            if user.external_id not in assigned.people and not theirs & assigned.groups.keys():
                return None
        ids = self._resolved({}).ids
        return user, frozenset(name for name, key in ids.items() if key in theirs)

    def probe(self) -> Health:
        """Sign in, look for each group, count people. Not ok when a group or an app role is missing."""
        probe = Probe(self._graph, self._config, self._application, self._clock)
        return probe.told(lambda: resolve(self._graph, self._wanted, {}))

    def members_of(self, group: str) -> frozenset[str]:
        """See `OwnedGroups`, as for the two verbs below."""
        return self._owned.members_of(group)

    def add_member(self, group: str, external_id: str) -> None:
        self._owned.add_member(group, external_id)

    def remove_member(self, group: str, external_id: str) -> None:
        self._owned.remove_member(group, external_id)

    def _resolved(self, known: Mapping[str, str]) -> Resolved:
        """Ids of the wanted groups. A direct read tells names anew, so they are asked for once."""
        pinned = {} if self._config.nested_groups else self._pinned
        found = resolve(self._graph, self._wanted - pinned.keys(), known)
        found.ids |= pinned
        return found

    def _row_of(self, user_name: str) -> Row | None:
        name = quoted(user_name.strip())
        chosen = f"userPrincipalName eq {name} or mail eq {name}"
        path = query("/users", filter=chosen, select=SELECT, top=str(MOST))
        rows = self._graph.listing(path, "find person", role=READ_PEOPLE).pages.whole()
        for key in ("userPrincipalName", "mail"):
            same = [row for row in rows if fold(text(row, key)) == fold(user_name)]
            if len(same) > 1:
                raise Malformed(SYSTEM, "find person", f"{len(same)} people have this {key}")
            if same:
                return same[0]
        return None

    def _groups_of(self, person: str) -> set[str]:
        how = "transitiveMemberOf" if self._config.nested_groups else "memberOf"
        path = query(f"/users/{person}/{how}", select="id", top=str(MOST))
        rows = self._graph.listing(path, "read groups of person", role=READ_MEMBERS).pages.whole()
        return {text(row, "id") for row in rows}

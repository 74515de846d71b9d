"""Active Directory as a source: `directory.kind: ldap` with `flavor: ad`. Tried against Samba AD DC."""

from datetime import timedelta

import structlog

from idpsync.core.changes import DirectoryChanges
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, fold
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.sources.ldap.ad_following import AdFollowing, following, start
from idpsync.sources.ldap.ad_groups import AdGroup, AdGroups
from idpsync.sources.ldap.ad_people import AdMarks
from idpsync.sources.ldap.ad_probe import facts
from idpsync.sources.ldap.ad_reader import AdReader, whole_groups
from idpsync.sources.ldap.ad_writing import AdWrittenGroups
from idpsync.sources.ldap.errors import SYSTEM
from idpsync.sources.ldap.following import Uncertain
from idpsync.sources.ldap.judging import Judge
from idpsync.sources.ldap.people import People, PlainMarks
from idpsync.sources.ldap.queries import check_filters
from idpsync.sources.ldap.session import Listing, Session, Unreadable
from idpsync.sources.ldap.settings import LdapConfig
from idpsync.sources.ldap.snapshots import PeopleRead, only_one_called, snapshot_of

log = structlog.get_logger()


class AdSource:
    """Reads everything, or what changed since where the account may be told that.

    `requests` is what the last of the two cost.
    """

    kind = "ldap"

    def __init__(
        self,
        config: LdapConfig,
        *,
        clock: Clock,
        groups: frozenset[str],
        owned: frozenset[str] = frozenset(),
    ) -> None:
        self.name = "ldap"
        self._config, self._clock, self._wanted = config, clock, groups
        self._followed: AdFollowing | None = None
        self._proven = False
        self._unknown = frozenset[str]()
        self._written = AdWrittenGroups(config, owned)
        self.requests = 0
        check_filters(config)

    def read(self, since: str | None = None) -> DirectorySnapshot:  # noqa: ARG002
        """People and the groups that policy mentions, over one connection.

        Raises when the server cannot be reached, rejects us, or shows nothing of `user_base`. A cut in
        the middle gives a PARTIAL snapshot; a mapped group that is not there is GONE.
        """
        self._followed = None
        people, marks = self._people()
        with Session(self._config, "read directory") as session:
            begun, _ = start(session, self._config, proven=self._proven)
            reader = AdReader(session, self._config, people)
            read = PeopleRead.of(session.read_each(reader.everybody(), people.person), people)
            ids = frozenset(user.external_id for user in read.users)
            groups = self._groups(reader, ids)
            judge = Judge(self._config, groups, people_whole=read.whole, before=self._unknown)
            found = AdGroups(
                self._config, groups.entries, marks.primary, ids, people_whole=read.whole
            ).resolve(self._wanted, judge, reader)
            self._unknown = found.unknown
            gone = any(group.coverage is Coverage.GONE for group in found.groups)
            other_groups = reader.every_group() if gone else {}
        self.requests = session.requests
        snapshot = snapshot_of(
            self._config,
            read,
            found,
            source=self.name,
            taken_at=marks.now,
            other_groups=other_groups,
            requests=self.requests,
        )
        if begun:
            self._proven = True
            snapshot, self._followed = following(
                snapshot, config=self._config, start=begun, groups=groups.entries, marks=marks
            )
        return snapshot

    def changes(self, since: str) -> DirectoryChanges | None:
        """What DirSync tells since the last read or the last changes; one search where nothing did.

        None where that is not certain: another domain controller, a cookie that is not accepted, a
        group that counts renamed. RemoteError where the server cannot be asked.
        """
        followed, self._followed = self._followed, None
        if followed is None or since != followed.cursor:
            return None
        people, marks = self._people()
        try:
            with Session(self._config, "read changes") as session:
                changes = followed.changes(session, people, marks)
                self.requests = session.requests
        except (Uncertain, Unreadable) as reason:
            log.info("changes.uncertain", source=self.name, reason=str(reason))
            return None
        self._followed = followed
        return changes

    def find(self, user_name: str) -> tuple[DirectoryUser, frozenset[str]] | None:
        """One person and those of their groups that policy mentions; None when nobody is so called.

        Raises when the answer is not certain: a cut read, several people of that name.
        """
        people, _ = self._people()
        with Session(self._config, "find person") as session:
            reader = AdReader(session, self._config, people)
            entries = session.read_all(reader.person(user_name)).whole()
            found = only_one_called(user_name, entries, people)
            if not found:
                return None
            user, entry = found
            wanted = {fold(name): name for name in self._wanted}
            names = reader.names_of_groups(entry) if wanted else frozenset()
            return user, frozenset(wanted[name] for name in names if name in wanted)

    def probe(self) -> Health:
        """Log in, count the people, look for the groups and for the right to be told of changes."""
        started = self._clock.now()
        people, _ = self._people()
        with Session(self._config, "probe") as session:
            reader = AdReader(session, self._config, people)
            known = AdGroups(self._config, self._groups(reader, frozenset()).whole(), {}, ())
            roots = {name: known.roots(name) for name in sorted(self._wanted)}
            count = len(session.read_all(reader.ids_of_people()).whole())
            told = facts(session, self._config, roots, self._clock.now())
        missing = frozenset(name for name, found in roots.items() if len(found) != 1)
        told_of = [
            f"logged in to {session.server.url} as {self._config.bind_dn or 'anonymous'}",
            f"would read {count} people" if count else f"sees nobody under {self._config.user_base}",
            f"does not see exactly one group called {', '.join(sorted(missing))}" if missing else "",
        ]
        return Health(
            SYSTEM,
            ok=bool(count) and not missing,
            detail="; ".join(filter(None, told_of)),
            latency=max(self._clock.now() - started, timedelta(0)),
            facts=told,
            missing=missing,
        )

    def members_of(self, group: str) -> frozenset[str]:
        """Ids of the people directly in an owned group."""
        return self._written.members_of(group, self._people()[0])

    def add_member(self, group: str, external_id: str) -> None:
        """Put somebody into an owned group; done already is done."""
        self._written.add_member(group, external_id, self._people()[0])

    def remove_member(self, group: str, external_id: str) -> None:
        """Take somebody out of an owned group; done already is done."""
        self._written.remove_member(group, external_id, self._people()[0])

    def _people(self) -> tuple[People, AdMarks]:
        """What entries mean at this moment: an account may end tomorrow."""
        marks = AdMarks(self._config, self._clock.now(), PlainMarks(self._config))
        return People(self._config, self.name, marks), marks

    def _groups(self, reader: AdReader, people: frozenset[str]) -> Listing[AdGroup]:
        listing = whole_groups(reader.groups(self._wanted, people), self._config.group_base)
        groups = reader.completed(listing.entries, self._wanted, people)
        return Listing(tuple(groups), listing.coverage, listing.error, listing.pages)

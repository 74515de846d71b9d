"""An LDAP directory (RFC 4511) as a source; tried against OpenLDAP."""

import structlog

from idpsync.core.changes import DirectoryChanges
from idpsync.core.errors import CredentialsRejected, RemoteError, Transient
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, fold
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.sources.ldap.following import Following, Uncertain, following, start
from idpsync.sources.ldap.members import Found, Groups, Roster, Row, Rows
from idpsync.sources.ldap.people import People
from idpsync.sources.ldap.probing import probed
from idpsync.sources.ldap.queries import Queries, check_filters
from idpsync.sources.ldap.session import Entry, Listing, Session, Unreadable, escaped
from idpsync.sources.ldap.settings import LdapConfig
from idpsync.sources.ldap.snapshots import PeopleRead, only_one_called, snapshot_of
from idpsync.sources.ldap.strangers import SecondLook
from idpsync.sources.ldap.writing import WrittenGroups

log = structlog.get_logger()


class LdapSource:
    """`directory.kind: ldap`; a server with syncprov also tells what changed since the last read."""

    kind = "ldap"

    def __init__(
        self,
        config: LdapConfig,
        *,
        clock: Clock,
        groups: frozenset[str],
        owned: frozenset[str] = frozenset(),
    ) -> None:
        check_filters(config)
        self.name = "ldap"
        self._config, self._clock, self._wanted = config, clock, groups
        self._people = People(config, self.name)
        self._queries = Queries(
            config,
            wanted=groups,
            people=self._people.attributes,
            groups=Rows(config).attributes,
        )
        self._written = WrittenGroups(config, owned)
        self._following: Following | None = None
        self._unknown = frozenset[str]()

    # --- everything -------------------------------------------------------------------------------

    def read(self, since: str | None = None) -> DirectorySnapshot:  # noqa: ARG002
        """People and the groups that policy mentions, over one connection to one server.

        Raises when no server can be reached, one rejects us, or shows nothing of `user_base`. A cut in
        the middle gives a PARTIAL snapshot; a mapped group that is not there is GONE.
        """
        self._following = None
        taken_at = self._clock.now()
        with Session(self._config, "read directory") as session:
            begun = start(session, self._queries, self._config)
            listing = session.read_each(self._queries.everybody(), self._people.person)
            people = PeopleRead.of(listing, self._people)
            rows = self._rows(session)
            found = self._found(session, people, rows)
            gone = any(group.coverage is Coverage.GONE for group in found.groups)
            other_groups = self._other_groups(session) if gone else {}
        snapshot = snapshot_of(
            self._config,
            people,
            found,
            source=self.name,
            taken_at=taken_at,
            other_groups=other_groups,
            requests=session.requests,
        )
        if begun is None:
            return snapshot
        snapshot, self._following = following(
            snapshot,
            config=self._config,
            queries=self._queries,
            start=begun,
            dns=people.dns,
            rows=rows.entries,
            wanted=self._wanted,
            settled=found.settled,
        )
        return snapshot

    def _found(self, session: Session, people: PeopleRead, rows: Listing[Row]) -> Found:
        roster = Roster.of(people.users, people.dns, rows.entries, whole=people.whole)
        found = Groups(rows, self._config).resolve(
            self._wanted, roster, SecondLook(session, self._config), before=self._unknown
        )
        self._unknown = found.unknown
        return found

    # --- what changed -----------------------------------------------------------------------------

    def changes(self, since: str) -> DirectoryChanges | None:
        """What is other since the last read or the last changes, whose cursor is `since`."""
        known = self._following
        if known is None or since != known.cursor:
            return None
        taken_at = self._clock.now()
        try:
            with Session(self._config, "read changes") as session:
                return known.changes(
                    session,
                    taken_at=taken_at,
                    person=self._people.person,
                    row=Rows(self._config).row,
                    look=SecondLook(session, self._config),
                )
        except Uncertain as reason:
            log.info("changes.uncertain", source=self.name, reason=str(reason))
        except (Transient, CredentialsRejected):
            raise
        except RemoteError as error:
            log.info("changes.uncertain", source=self.name, reason=str(error))
        return None

    # --- one person -------------------------------------------------------------------------------

    def find(self, user_name: str) -> tuple[DirectoryUser, frozenset[str]] | None:
        """One person and those of their groups that policy mentions; None when nobody is so called.

        Raises when the answer is not certain: a cut read, several people of that name.
        """
        with Session(self._config, "find person") as session:
            entries = session.read_all(self._queries.person(user_name)).whole()
            found = only_one_called(user_name, entries, self._people)
            return (found[0], self._groups_of(session, found[0], found[1].dn)) if found else None

    def _groups_of(self, session: Session, user: DirectoryUser, dn: str) -> frozenset[str]:
        """Names of mapped groups that lead to this person, climbing up from them."""
        wanted = {fold(name): name for name in self._wanted}
        ours: set[str] = set()
        seen: set[str] = set()
        level = [f"(memberUid={escaped(user.user_name)})", *_holding(dn)]
        while level:
            search = self._queries.groups_by("find groups of person", f"(|{''.join(level)})")
            level = []
            for row in session.read_each(search, Rows(self._config).row).whole():
                if row.key in seen:
                    continue
                seen.add(row.key)
                ours |= {wanted[name] for name in row.called if name in wanted}
                if self._config.nested_groups:
                    level += _holding(row.dn)
        return frozenset(ours)

    # --- groups of ours ---------------------------------------------------------------------------

    def members_of(self, group: str) -> frozenset[str]:
        """Ids of the people directly in an owned group."""
        return self._written.members_of(group)

    def add_member(self, group: str, external_id: str) -> None:
        """Put somebody into an owned group; done already is done."""
        self._written.add_member(group, external_id)

    def remove_member(self, group: str, external_id: str) -> None:
        """Take somebody out of an owned group; done already is done."""
        self._written.remove_member(group, external_id)

    # --- parts ------------------------------------------------------------------------------------

    def probe(self) -> Health:
        """Log in, look at both bases, the people and the groups. Not ok when anything is missing."""
        return probed(self._config, self._queries, self._wanted, clock=self._clock)

    def _rows(self, session: Session) -> Listing[Row]:
        if not self._wanted:
            return Listing(())
        return session.read_each(self._queries.groups(), Rows(self._config).row)

    def _other_groups(self, session: Session) -> dict[str, str]:
        named = (self._config.id_attribute, self._config.group_name_attribute)
        groups: dict[str, str] = {}
        for entry in session.read_all(self._queries.every_group()).entries:
            ids, names = (_readable(entry, attribute) for attribute in named)
            groups |= {external_id: name for external_id in ids[:1] for name in names[:1]}
        return groups


def _holding(dn: str) -> list[str]:
    return [f"(member={escaped(dn)})", f"(uniqueMember={escaped(dn)})"]


def _readable(entry: Entry, attribute: str) -> tuple[str, ...]:
    try:
        return entry.texts(attribute)
    except Unreadable:
        return ()

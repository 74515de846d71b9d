"""One read of an LDAP directory as a snapshot, whatever its flavour: what came, how far to trust it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from idpsync.core.errors import Malformed
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, fold
from idpsync.sources.ldap.errors import SYSTEM
from idpsync.sources.ldap.members import Found
from idpsync.sources.ldap.people import TOLD, People, Person
from idpsync.sources.ldap.session import Entry, Listing
from idpsync.sources.ldap.settings import LdapConfig

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PeopleRead:
    """The people of one read: who could be told apart, their ids by DN, and what could not be read."""

    listing: Listing[Person | str]
    users: Sequence[DirectoryUser]
    dns: dict[str, str]
    problems: Sequence[str]

    @classmethod
    def of(cls, listing: Listing[Person | str], people: People) -> "PeopleRead":
        """Raises what went wrong where nobody came."""
        if listing.error and not listing.entries:
            raise listing.error
        users, dns, problems = people.told_apart(listing)
        return cls(listing, users, dns, problems)

    @property
    def whole(self) -> bool:
        return not self.problems

    def coverage(self, *, hidden: bool) -> Coverage:
        """`hidden`: the groups name people who may be out of our sight."""
        if self.listing.error or any(self.problems):
            return Coverage.PARTIAL
        return Coverage.SUSPECT if hidden or not self.users else Coverage.COMPLETE


def snapshot_of(
    config: LdapConfig,
    read: PeopleRead,
    found: Found,
    *,
    source: str,
    taken_at: datetime,
    other_groups: Mapping[str, str],
    requests: int,
) -> DirectorySnapshot:
    """The snapshot; one that is not complete is logged."""
    coverage = read.coverage(hidden=found.people_hidden)
    snapshot = DirectorySnapshot(
        source=source,
        taken_at=taken_at,
        users=tuple(read.users),
        groups=found.groups,
        users_coverage=coverage,
        problems=(*read.problems, *_doubts(config, read, coverage), *found.problems),
        scope=config.scope,
        other_groups=other_groups,
        users_proof=read.listing.proof,
        requests=requests,
    )
    if not snapshot.complete:
        log.warning("directory.incomplete", source=source, problems=snapshot.problems[:TOLD])
    return snapshot


def _doubts(config: LdapConfig, read: PeopleRead, coverage: Coverage) -> tuple[str, ...]:
    if not read.users:
        return (f"nobody matches {config.user_filter} under {config.user_base}",)
    if coverage is Coverage.SUSPECT:
        return ("people may be hidden from this bind DN: its groups are not whole",)
    return ()


def only_one_called(
    user_name: str, entries: Iterable[Entry], people: People
) -> tuple[DirectoryUser, Entry] | None:
    """The person of that name, None for nobody; Malformed where several are so called."""
    read = ((people.user(entry), entry) for entry in entries)
    named = [(user, entry) for user, entry in read if fold(user.user_name) == fold(user_name)]
    if len(named) > 1:
        raise Malformed(SYSTEM, "find person", f"{len(named)} people have this user name")
    return named[0] if named else None

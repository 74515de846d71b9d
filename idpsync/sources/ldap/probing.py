"""What `check --online` tells of an LDAP directory: who we are there, and what we would see."""

import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from ldap3 import Connection

from idpsync.core.errors import RemoteError
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.sources.ldap.connection import LIBRARY_ERRORS
from idpsync.sources.ldap.errors import SYSTEM
from idpsync.sources.ldap.members import Groups, Row, Rows
from idpsync.sources.ldap.queries import Queries
from idpsync.sources.ldap.session import Listing, Search, Session
from idpsync.sources.ldap.settings import LdapConfig
from idpsync.sources.ldap.sync import first_cookie

SOON = timedelta(days=14)  # so long before its end a certificate is spoken of


def probed(config: LdapConfig, queries: Queries, wanted: frozenset[str], *, clock: Clock) -> Health:
    """The health of this directory, read as a run would read it. RemoteError where a run would raise."""
    started = clock.now()
    with Session(config, "probe") as session:
        _must_exist(session, (config.user_base, config.group_base))
        people = session.read_each(_bare(queries.everybody()), lambda _: None)
        rows: Listing[Row] = Listing(())
        if wanted:
            rows = session.read_each(queries.groups(), Rows(config).row)
        groups = Groups(rows, config)
        found = {name: groups.called(name) for name in sorted(wanted)}
        facts = (
            *encryption(session.connection, clock.now()),
            *(
                f"{name} → {', '.join(r.external_id for r in found[name])}"
                for name in found
                if found[name]
            ),
            _changes(session, queries),
        )
        who = _who(session.connection) or config.bind_dn or "anonymous"
    missing = frozenset(name for name, all_called in found.items() if not all_called)
    doubled = [name for name, all_called in found.items() if len(all_called) > 1]
    told = [
        f"logged in to {session.server.url} as {who}",
        _people(people, config),
        f"does not see the groups {', '.join(sorted(missing))}" if missing else "",
        f"several groups are called {', '.join(doubled)}" if doubled else "",
        f"groups could not be read whole: {rows.reason}" if rows.error else "",
    ]
    ok = bool(people.entries) and not (people.error or rows.error or missing or doubled)
    latency = max(clock.now() - started, timedelta(0))
    return Health(SYSTEM, ok, "; ".join(filter(None, told)), latency, facts, missing)


def _must_exist(session: Session, bases: Iterable[str]) -> None:
    for base in bases:
        search = Search("probe", base, "(objectClass=*)", ("1.1",), whole_tree=False)
        session.read_all(search).whole()


def _bare(search: Search) -> Search:
    return Search("count people", search.base, search.filter, ("1.1",))


def _people(people: Listing[None], config: LdapConfig) -> str:
    count = len(people.entries)
    if people.error:
        return f"would read {count} people and no more: {people.reason}"
    return f"would read {count} people" if count else f"sees nobody under {config.user_base}"


def _who(connection: Connection) -> str:
    """Whom the server takes us for (RFC 4532), "" where it does not say."""
    try:
        told = connection.extend.standard.who_am_i()
    except LIBRARY_ERRORS:
        return ""
    return str(told or "").removeprefix("dn:").removeprefix("u:")


def encryption(connection: Connection, now: datetime) -> tuple[str, ...]:
    """TLS version, and how long the server's certificate is still good."""
    if not isinstance(connection.socket, ssl.SSLSocket):
        return ("not encrypted",)
    certificate = connection.socket.getpeercert() or {}
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    days = (until - now).days
    hint = ": renew it" if until - now < SOON else ""
    return (f"{connection.socket.version()}, certificate good for {days} days{hint}",)


def _changes(session: Session, queries: Queries) -> str:
    try:
        first_cookie(session, queries.all_that_counts()[0])
    except RemoteError as error:
        return f"tells no changes, everything is read each time: {error.reason}"
    return "tells changes (syncprov)"

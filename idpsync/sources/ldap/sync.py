"""What changed since a cookie: content synchronization, refresh only (RFC 4533; OpenLDAP's syncprov).

The cookie is the server's own and only handed back. A server without syncprov refuses the control.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from idpsync.core.errors import Malformed
from idpsync.sources.ldap.ber import BOOLEAN, ENUMERATED, OCTETS, SEQUENCE, SET, element, elements, only
from idpsync.sources.ldap.connection import LIBRARY_ERRORS
from idpsync.sources.ldap.errors import SYSTEM, translated
from idpsync.sources.ldap.session import Search, Session

REQUEST, STATE, DONE, INFO = (f"1.3.6.1.4.1.4203.1.9.1.{n}" for n in (1, 2, 3, 4))
REFRESH_ONLY = b"\x01"
ID_SET = 0xA3  # the other kinds of Sync Info (§2.5) are of refreshes in several phases
PRESENT, ADD, MODIFY, DELETE = range(4)  # §2.2


@dataclass(frozen=True, slots=True)
class Refresh:
    """What the server named, as entryUUIDs. `cookie` is None where the old one goes on to count.

    `present` are those who are there and did not change: in a `by_absence` refresh whoever is neither
    there nor changed is gone; in any other only the `deleted` are.
    """

    cookie: bytes | None
    changed: frozenset[str]
    deleted: frozenset[str]
    present: frozenset[str]
    by_absence: bool

    @property
    def nothing(self) -> bool:
        return not (self.changed or self.deleted or self.by_absence)


def first_cookie(session: Session, search: Search) -> bytes:
    """The cookie of this moment, without the content that belongs to it.

    RemoteError when the server gives none. The base alone is asked for: syncprov's cookie is the state
    of its database, whatever was asked.
    """
    bare = replace(search, filter="(objectClass=*)", whole_tree=False)
    if cookie := refresh(session, bare, None).cookie:
        return cookie
    raise Malformed(SYSTEM, search.operation, "the server gives no cookie (RFC 4533)")


def refresh(session: Session, search: Search, cookie: bytes | None) -> Refresh:
    """What changed in the content of `search` since `cookie`. RemoteError as of any search."""
    since = element(OCTETS, cookie) if cookie else b""
    value = element(SEQUENCE, element(ENUMERATED, REFRESH_ONLY), since)
    asked = replace(search, attributes=("1.1",), controls=((REQUEST, True, value),))
    result, response = session.exchange(asked)
    try:
        return _read(result, response, search.operation)
    except LIBRARY_ERRORS as error:
        raise translated(error, search.operation) from error


def _read(result: Mapping[str, Any], response: Iterable[Mapping[str, Any]], operation: str) -> Refresh:
    done = (result.get("controls") or {}).get(DONE)
    if done is None:
        raise Malformed(SYSTEM, operation, "the answer does not say that it is done (RFC 4533 §2.4)")
    cookie, deletes = _done(done["value"])
    named: dict[int, set[str]] = {state: set() for state in (PRESENT, ADD, MODIFY, DELETE)}
    for answer in response:
        match answer["type"]:
            case "searchResEntry":
                state, uuid = _state(answer["controls"][STATE]["value"])
                named[state].add(uuid)
            case "intermediateResponse" if answer.get("responseName") == INFO:
                state, uuids = _id_set(answer["responseValue"], operation)
                named[state] |= uuids
            case other:
                raise Malformed(SYSTEM, operation, f"{other} in a refresh")
    return Refresh(
        cookie=cookie,
        changed=frozenset(named[ADD] | named[MODIFY]),
        deleted=frozenset(named[DELETE] - named[ADD] - named[MODIFY]),
        present=frozenset(named[PRESENT]),
        by_absence=not deletes,
    )


def _done(value: bytes) -> tuple[bytes | None, bool]:
    """The cookie if there is one, and whether whoever is gone was named (refreshDeletes)."""
    cookie, deletes = None, False
    for tag, inner in elements(only(SEQUENCE, value)):
        if tag == OCTETS:
            cookie = inner
        elif tag == BOOLEAN:
            deletes = inner != b"\x00"
    return cookie, deletes


def _state(value: bytes) -> tuple[int, str]:
    (_, state), (_, uuid), *_ = elements(only(SEQUENCE, value))
    return int.from_bytes(state, "big"), _text(uuid)


def _id_set(value: bytes, operation: str) -> tuple[int, set[str]]:
    """Several who are all gone, or all there and unchanged. The set's own cookie is of its middle."""
    ((kind, content),) = elements(value)
    if kind != ID_SET:
        raise Malformed(
            SYSTEM, operation, "a refresh in several phases, which this version does not read"
        )
    state, uuids = PRESENT, set[str]()
    for tag, inner in elements(content):
        if tag == BOOLEAN and inner != b"\x00":
            state = DELETE
        elif tag == SET:
            uuids = {_text(uuid) for _, uuid in elements(inner)}
    return state, uuids


def _text(uuid: bytes) -> str:
    return str(UUID(bytes=uuid))

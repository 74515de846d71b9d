"""What changed in a naming context since a cookie: the DirSync control (MS-ADTS 3.1.1.3.4.1.3).

It tells each object that is other now, of it only the attributes that are other, and of a group's
members only those who came and those who left. It does not tell of a group that a member left by being
deleted. The cookie says nothing of base, filter or attributes, so one is had for the price of one search
that finds nobody.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from ldap3.protocol.microsoft import dir_sync_control

from idpsync.core.errors import Malformed, RemoteError
from idpsync.sources.ldap.ad_values import EXTENDED_DN, guid_of, named, plain_dn
from idpsync.sources.ldap.errors import SYSTEM
from idpsync.sources.ldap.session import Entry, Search, Session, entries_of

DIRSYNC = "1.2.840.113556.1.4.841"
OPERATION = "read changes"
MAX_ANSWERS = 10_000
BYTES_AT_ONCE = 2**31 - 1  # the server has a limit of its own below it
NOBODY = "(cn=idpsync-finds-nobody-by-this-name)"
THE_DELETED = "(&(isDeleted=TRUE)(objectClass=user)(!(objectClass=computer)))"

SIGNATURE, CONTROLLER_AT = b"MSDS", 52  # octets before it: signature, version, times, USNs

CAME, LEFT = "member;range=1-1", "member;range=0-0"
ALWAYS_TOLD = frozenset({"objectguid", "instancetype"})


@dataclass(slots=True)
class Told:
    """What is other about one object. `changed` are attributes by lower-case name, `joined` the members
    who came, with their DN, `left` those who went.
    """

    guid: str
    dn: str
    changed: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)

    @property
    def deleted(self) -> bool:
        return self.changed.get("isdeleted") == (b"TRUE",)

    @property
    def new(self) -> bool:
        """Whether it was made since; a class never changes afterwards."""
        return bool(self.changed.get("objectclass"))

    @property
    def moved(self) -> bool:
        """Whether it has another name or another place."""
        return bool(self.changed.keys() & {"name", "parentguid"})

    @property
    def classes(self) -> frozenset[str]:
        return frozenset(value.decode().lower() for value in self.changed.get("objectclass", ()))

    def texts(self, attribute: str) -> tuple[str, ...]:
        values = self.changed.get(attribute.lower(), ())
        return tuple(value.decode("utf-8", "backslashreplace") for value in values)

    def take(self, entry: Entry) -> None:
        """Add what one more entry says of it; what is said last counts."""
        for name, values in entry.values.items():
            if name == CAME:
                came = dict(map(named, values or ()))
                self.joined |= came
                self.left -= came.keys()
            elif name == LEFT:
                went = {guid for guid, _ in map(named, values or ())}
                self.left |= went
                self.joined = {guid: dn for guid, dn in self.joined.items() if guid not in went}
            elif name.startswith("member"):
                raise Malformed(SYSTEM, OPERATION, f"{plain_dn(entry.dn)} tells of members as {name}")
            elif name not in ALWAYS_TOLD:
                self.changed[name] = tuple(values or ())


def controller_of(cookie: bytes) -> str:
    """Which domain controller gave the cookie, by the id of its copy (MS-ADTS 3.1.1.3.4.1.3, Cookie).

    "" where the cookie has another form.
    """
    if not cookie.startswith(SIGNATURE) or len(cookie) < CONTROLLER_AT + 16:
        return ""
    return str(uuid.UUID(bytes_le=cookie[CONTROLLER_AT : CONTROLLER_AT + 16]))


class DirSync:
    """Asks over one session for one naming context.

    With `object_security` an account needs no right beyond reading, and is told what it may see.
    """

    def __init__(self, session: Session, naming_context: str, *, object_security: bool) -> None:
        self._session, self._context = session, naming_context
        self._object_security = object_security

    def now(self, *, proven: bool) -> tuple[bytes, bool]:
        """A cookie from which changes are told that are made from now on; whether deletions are told.

        Unless that is `proven`, somebody who was deleted some time ago has to be among what is told: an
        account that may not see the deleted is told nothing of them, with result 0.
        CredentialsRejected where the account lacks the right to be told anything.
        """
        cookie, more = b"", True
        for _ in range(MAX_ANSWERS):
            if not more:
                return cookie, proven
            found, cookie, more = self._ask(NOBODY if proven else THE_DELETED, ("isDeleted",), cookie)
            proven = proven or bool(found)
        raise _endless()

    def since(self, cookie: bytes, attributes: Iterable[str]) -> tuple[dict[str, Told], bytes]:
        """Everything that is other since `cookie`, by GUID, and the cookie to go on from."""
        told: dict[str, Told] = {}
        wanted, more = tuple(attributes), True
        for _ in range(MAX_ANSWERS):
            if not more:
                return told, cookie
            entries, cookie, more = self._ask("(!(objectClass=computer))", wanted, cookie)
            for entry in entries:
                guid = guid_of(entry)
                told.setdefault(guid, Told(guid, plain_dn(entry.dn))).take(entry)
        raise _endless()

    def _ask(
        self, chosen: str, attributes: tuple[str, ...], cookie: bytes
    ) -> tuple[list[Entry], bytes, bool]:
        """One answer: its entries, the next cookie, and whether there is more to be told."""
        control = dir_sync_control(  # type: ignore[no-untyped-call]
            criticality=True,
            object_security=self._object_security,
            ancestors_first=False,
            public_data_only=False,
            incremental_values=True,
            max_length=BYTES_AT_ONCE,
            cookie=cookie,
        )
        controls = (control, EXTENDED_DN)
        result, response = self._session.exchange(
            Search(OPERATION, self._context, chosen, attributes, controls=controls)
        )
        try:
            value = result["controls"][DIRSYNC]["value"]
            return entries_of(response), bytes(value["cookie"]), bool(value["more_results"])
        except (LookupError, TypeError) as error:
            raise Malformed(SYSTEM, OPERATION, "no DirSync control in the answer") from error


def _endless() -> RemoteError:
    return Malformed(SYSTEM, OPERATION, "the server's changes never end")

"""One bound LDAP connection, and a search that knows whether it saw everything.

ldap3's own paged search ends without any error where a server's size limit, a restart or a failed bind
cut it short; this loop calls a listing complete only after the server's own end mark (RFC 2696 §3: an
empty cookie with result 0).
"""

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from ldap3 import (
    ANONYMOUS,
    AUTO_BIND_NONE,
    BASE,
    DEREF_NEVER,
    IP_V4_PREFERRED,
    NONE,
    SIMPLE,
    SUBTREE,
    SYNC,
    Connection,
    Server,
    Tls,
)
from ldap3.core.exceptions import LDAPException
from ldap3.operation.search import parse_filter
from ldap3.utils.conv import escape_filter_chars
from pyasn1.error import PyAsn1Error

from idpsync.core.errors import CredentialsRejected, Malformed, NotFound, RemoteError
from idpsync.core.model import Coverage
from idpsync.sources.ldap.errors import NO_SUCH_OBJECT, SYSTEM, raise_result, result_error, translated
from idpsync.sources.ldap.lean import use_lean
from idpsync.sources.ldap.settings import LdapConfig

T = TypeVar("T")

PAGING = "1.2.840.113556.1.4.319"
MAX_PAGES = 100_000

LIBRARY_ERRORS = (
    LDAPException,
    OSError,
    PyAsn1Error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
)
"""What ldap3 lets through when a server answers with something else than LDAP."""


class Unreadable(ValueError):
    """One entry lacks what it needs; the text says what."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the server sent it: attribute names in lower case, values as bytes."""

    dn: str
    values: Mapping[str, Sequence[bytes]]

    def texts(self, attribute: str) -> tuple[str, ...]:
        """All values as text; Unreadable when one is not UTF-8 (RFC 4512 §2.5)."""
        try:
            return tuple(value.decode() for value in self.values.get(_lowered(attribute), ()))
        except UnicodeDecodeError as error:
            raise Unreadable(f"{attribute} of {self.dn} is not UTF-8") from error

    def text(self, attribute: str) -> str:
        """The first value without surrounding space; "" when there is none."""
        values = self.values.get(_lowered(attribute))
        if not values:
            return ""
        try:
            return values[0].decode().strip()
        except UnicodeDecodeError as error:
            raise Unreadable(f"{attribute} of {self.dn} is not UTF-8") from error


@lru_cache(maxsize=256)  # few names, asked for again in every entry, which share the result
def _lowered(attribute: str) -> str:
    return attribute.lower()


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """What one search gave, each entry as it was kept. `error` says why it is not COMPLETE."""

    entries: tuple[T, ...]
    coverage: Coverage = Coverage.COMPLETE
    error: RemoteError | None = None

    @property
    def reason(self) -> str:
        return self.error.reason if self.error else ""

    @property
    def base_missing(self) -> bool:
        return isinstance(self.error, NotFound)

    def whole(self) -> tuple[T, ...]:
        """The entries, if they are all; raises what went wrong otherwise."""
        if self.error:
            raise self.error
        return self.entries


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for. `operation` names it in errors."""

    operation: str
    base: str
    filter: str
    attributes: tuple[str, ...]
    whole_tree: bool = True
    page_size: int | None = None


def escaped(text: str) -> str:
    """`text` as an assertion value inside a filter (RFC 4515 §3)."""
    return escape_filter_chars(text)


def is_filter(text: str) -> bool:
    """Whether `text` is a filter in parentheses."""
    try:
        parse_filter(text, None, True, True, None, False)  # type: ignore[no-untyped-call]  # noqa: FBT003
    except LIBRARY_ERRORS:
        return False
    return True


class VerifiedTls(Tls):
    """TLS that leaves certificate and host name to OpenSSL.

    ldap3's default accepts any certificate, and its own name check does not know IP addresses on
    Python 3.12 and later.
    """

    def __init__(self, config: LdapConfig) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._ca_file, self._name = config.ca_file, config.server_name or config.host

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:  # noqa: ARG002, FBT002
        """Encrypt the connection; the handshake is part of it."""
        context = ssl.create_default_context(cafile=self._ca_file)
        connection.socket = context.wrap_socket(connection.socket, server_hostname=self._name)


class Session:
    """A context manager: inside, the connection is encrypted as configured and bound.

    CredentialsRejected, Refused (certificate, missing encryption), Transient (not reachable) on entry.
    """

    def __init__(self, config: LdapConfig, operation: str) -> None:
        self._config, self._operation = config, operation

    def __enter__(self) -> Self:
        try:
            self._connection = self._prepared()
        except LIBRARY_ERRORS as error:
            raise translated(error, self._operation) from error
        try:
            self._connect()
        except RemoteError:
            self._close()
            raise
        except LIBRARY_ERRORS as error:
            self._close()
            raise translated(error, self._operation) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(*LIBRARY_ERRORS):
            self._connection.unbind()
        self._close()

    def read_all(self, search: Search) -> Listing[Entry]:
        """Every entry of `search`, page by page; COMPLETE only with the end mark."""
        return self.read_each(search, lambda entry: entry)

    def read_each(self, search: Search, keep: Callable[[Entry], T]) -> Listing[T]:
        """What `keep` makes of every entry, so that no more than a page of entries is in memory."""
        entries: list[T] = []
        seen: set[bytes] = set()
        cookie: bytes | None = None
        for _ in range(MAX_PAGES):
            try:
                found, failure, cookie = self._page(search, cookie)
            except RemoteError as error:
                return _cut(entries, error)
            entries += map(keep, found)
            if failure:
                return _cut(entries, failure)
            if not cookie:
                return Listing(tuple(entries))
            # 389-ds gives one cookie for all pages, so only a page without entries proves a circle
            if cookie in seen and not found:
                break
            seen.add(cookie)
        circle = Malformed(SYSTEM, search.operation, "the server's pages never end")
        return _cut(entries, circle)

    def first(self, search: Search) -> Entry | None:
        """One entry that `search` finds, or None; raises when the search fails."""
        entries, failure, _ = self._page(replace(search, page_size=1), None)
        if failure:
            raise failure
        return entries[0] if entries else None

    def _page(
        self, search: Search, cookie: bytes | None
    ) -> tuple[list[Entry], RemoteError | None, bytes | None]:
        """The entries of one page, what is wrong with it, and the cookie of the next."""
        self._ask(search, cookie)
        result, response = self._connection.result, self._connection.response or []
        try:
            entries = [_entry(r) for r in response if r["type"] == "searchResEntry"]
            if result["result"] != 0:
                return entries, _failure(result, search), None
            if self._config.referrals == "fail" and (uri := _referral(response)):
                return entries, Malformed(SYSTEM, search.operation, f"referral to {uri}"), None
            control = (result.get("controls") or {}).get(PAGING)
            if control is None:
                what = "no paging control in the answer (RFC 2696)"
                return entries, Malformed(SYSTEM, search.operation, what), None
            return entries, None, control["value"]["cookie"]
        except (LookupError, TypeError) as error:
            raise translated(error, search.operation) from error

    def _ask(self, search: Search, cookie: bytes | None) -> None:
        try:
            self._connection.search(
                search.base,
                search.filter,
                SUBTREE if search.whole_tree else BASE,
                DEREF_NEVER,
                attributes=list(search.attributes),
                paged_size=search.page_size or self._config.page_size,
                paged_criticality=True,
                paged_cookie=cookie,
            )
        except LIBRARY_ERRORS as error:
            raise translated(error, search.operation) from error

    def _prepared(self) -> Connection:
        config = self._config
        server = Server(
            config.host,
            config.port,
            use_ssl=config.address.scheme == "ldaps",
            tls=VerifiedTls(config),
            get_info=NONE,  # with a schema values would change type
            mode=IP_V4_PREFERRED,
            connect_timeout=config.connect_timeout.total_seconds(),
        )
        return Connection(
            server,
            user=config.bind_dn,
            password=self._password(),
            authentication=SIMPLE if config.bind_dn else ANONYMOUS,
            client_strategy=SYNC,
            auto_bind=AUTO_BIND_NONE,
            receive_timeout=int(config.receive_timeout.total_seconds()),
            auto_range=False,
            auto_referrals=False,
            return_empty_attributes=False,
            check_names=False,
            read_only=True,
        )

    def _password(self) -> str | None:
        if self._config.password is None:
            return None
        password = self._config.password.reveal()
        if not password:
            # RFC 4513 §5.1.2: a name without a password is an anonymous bind that looks like success
            where = self._config.password.reference
            raise CredentialsRejected(SYSTEM, self._operation, f"the password at {where} is empty")
        return password

    def _connect(self) -> None:
        connection = self._connection
        connection.open(read_server_info=False)
        if self._config.start_tls and not connection.start_tls(read_server_info=False):
            raise Malformed(SYSTEM, self._operation, "StartTLS did not start")
        if not connection.bind(read_server_info=False):
            result = connection.result or {}
            raise_result(
                result.get("result", 80),
                result.get("description", "bind failed"),
                result.get("message", ""),
                self._operation,
            )

        use_lean(connection)

    def _close(self) -> None:
        """ldap3 leaves the socket open when a handshake fails."""
        if self._connection.socket is not None:
            with suppress(OSError):
                self._connection.socket.close()


def _cut(entries: Iterable[T], error: RemoteError) -> Listing[T]:
    kept = tuple(entries)
    return Listing(kept, Coverage.PARTIAL if kept else Coverage.FAILED, error)


def _failure(result: Mapping[str, Any], search: Search) -> RemoteError:
    if result["result"] == NO_SUCH_OBJECT:
        message = f"{search.base} does not exist, or this bind DN may not see it"
    else:
        message = str(result.get("message") or "")
    return result_error(result["result"], str(result["description"]), message, search.operation)


def _referral(response: Iterable[Mapping[str, Any]]) -> str:
    uris = (str(uri) for r in response if r["type"] == "searchResRef" for uri in r["uri"])
    return ", ".join(uris)


def _entry(response: Mapping[str, Any]) -> Entry:
    raw = response["raw_attributes"]
    return Entry(str(response["dn"]), {_lowered(name): values for name, values in raw.items()})

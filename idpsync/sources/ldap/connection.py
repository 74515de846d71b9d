"""One bound connection: the first server that can be reached, encrypted as configured, logged in.

A server whose certificate is not accepted, or that rejects us, is told and ends the search for one: what
another server says then could be somebody else's word, or hide a fault for months.
"""

import ssl
from contextlib import suppress
from typing import Literal

import structlog
from ldap3 import (
    ANONYMOUS,
    AUTO_BIND_NONE,
    EXTERNAL,
    IP_V4_PREFERRED,
    NONE,
    SASL,
    SIMPLE,
    SYNC,
    Connection,
    Server,
    Tls,
)
from ldap3.core.exceptions import LDAPException
from pyasn1.error import PyAsn1Error

from idpsync.core.errors import CredentialsRejected, Malformed, Refused, RemoteError, Transient
from idpsync.sources.ldap.address import Address
from idpsync.sources.ldap.errors import SYSTEM, raise_result, translated
from idpsync.sources.ldap.lean import use_lean
from idpsync.sources.ldap.settings import LdapConfig

log = structlog.get_logger()

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

AUTHENTICATION: dict[str, Literal["SIMPLE", "SASL", "ANONYMOUS"]] = {
    "simple": SIMPLE,
    "external": SASL,
    "anonymous": ANONYMOUS,
}


class VerifiedTls(Tls):
    """TLS that leaves certificate and host name to OpenSSL.

    ldap3's default accepts any certificate, and its own name check does not know IP addresses on
    Python 3.12 and later.
    """

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context, self._name = context, name

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:  # noqa: ARG002, FBT002
        """Encrypt the connection; the handshake is part of it."""
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._name)


def open_connection(
    config: LdapConfig, operation: str, *, writing: bool = False
) -> tuple[Connection, Address]:
    """A connection to the first server that can be reached, and which one that is.

    Transient when none can be; CredentialsRejected, Refused (certificate, missing encryption) by the
    first that answers.
    """
    password, context = _password(config, operation), _context(config, operation)
    unreachable: list[str] = []
    for address in config.servers:
        connection = _prepared(config, address, context, password, operation, read_only=not writing)
        try:
            _enter(connection, config, operation)
        except Transient as error:
            close(connection)
            if len(config.servers) == 1:
                raise
            unreachable.append(f"{address.url}: {error.reason}")
            log.warning("server.unreachable", url=address.url, reason=error.reason)
        except RemoteError:
            close(connection)
            raise
        else:
            return connection, address
    raise Transient(SYSTEM, operation, f"no server can be reached: {'; '.join(unreachable)}")


def close(connection: Connection) -> None:
    """ldap3 leaves the socket open when a handshake fails."""
    if connection.socket is not None:
        with suppress(OSError):
            connection.socket.close()


def _prepared(
    config: LdapConfig,
    address: Address,
    context: ssl.SSLContext | None,
    password: str | None,
    operation: str,
    *,
    read_only: bool,
) -> Connection:
    try:
        server = Server(
            address.url if address.is_local else address.host,
            address.port or None,
            use_ssl=address.is_encrypted,
            tls=VerifiedTls(context, config.server_name or address.host) if context else None,
            get_info=NONE,  # with a schema values would change type
            mode=IP_V4_PREFERRED,
            connect_timeout=config.connect_timeout.total_seconds(),
        )
        return Connection(
            server,
            user=config.bind_dn,
            password=password,
            authentication=AUTHENTICATION[config.login],
            sasl_mechanism=EXTERNAL if config.login == "external" else None,
            sasl_credentials="" if config.login == "external" else None,
            client_strategy=SYNC,
            auto_bind=AUTO_BIND_NONE,
            receive_timeout=int(config.receive_timeout.total_seconds()),
            auto_range=False,
            auto_referrals=False,
            return_empty_attributes=False,
            check_names=False,
            read_only=read_only,
        )
    except LIBRARY_ERRORS as error:
        raise translated(error, operation) from error


def _enter(connection: Connection, config: LdapConfig, operation: str) -> None:
    try:
        connection.open(read_server_info=False)
        if config.start_tls and not connection.start_tls(read_server_info=False):
            raise Malformed(SYSTEM, operation, "StartTLS did not start")
        if not connection.bind(read_server_info=False):
            result = connection.result or {}
            raise_result(
                result.get("result", 80),
                result.get("description", "bind failed"),
                result.get("message", ""),
                operation,
            )
    except LIBRARY_ERRORS as error:
        raise translated(error, operation) from error
    use_lean(connection)


def _context(config: LdapConfig, operation: str) -> ssl.SSLContext | None:
    """What every certificate is checked against, and our own; None where nothing is encrypted."""
    if not (config.start_tls or any(server.is_encrypted for server in config.servers)):
        return None
    context = _trusting(config, operation)
    if config.client_certificate:
        try:
            context.load_cert_chain(config.client_certificate, config.client_key)
        except OSError as error:
            where = f"client_certificate {config.client_certificate}, client_key {config.client_key}"
            raise CredentialsRejected(SYSTEM, operation, f"{where} cannot be used: {error}") from error
    return context


def _trusting(config: LdapConfig, operation: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except OSError as error:
        told = f"ca_file {config.ca_file} cannot be used: {error}"
        raise Refused(SYSTEM, operation, told) from error


def _password(config: LdapConfig, operation: str) -> str | None:
    if config.password is None:
        return None
    password = config.password.reveal()
    if not password:
        # RFC 4513 §5.1.2: a name without a password is an anonymous bind that looks like success
        where = config.password.reference
        raise CredentialsRejected(SYSTEM, operation, f"the password at {where} is empty")
    return password

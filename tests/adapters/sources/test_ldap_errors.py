"""No exception of ldap3 gets past the rim, and each becomes the error with the right remedy."""

import socket
from collections.abc import Iterator

import pytest
from ldap3.core import exceptions as ldap3_errors
from ldap3.core.exceptions import LDAPException, LDAPOperationResult

from idpsync.core.errors import (
    CredentialsRejected,
    Malformed,
    NotFound,
    Refused,
    RemoteError,
    Transient,
)
from idpsync.sources.ldap.errors import result_error, translated


def descendants(kind: type[LDAPException]) -> Iterator[type[LDAPException]]:
    for child in kind.__subclasses__():
        if child.__module__ == ldap3_errors.__name__:  # others are made up by ldap3 at run time
            yield child
            yield from descendants(child)


def test_every_exception_of_ldap3_is_translated() -> None:
    kinds: set[type[LDAPException]] = {LDAPException, *descendants(LDAPException)}
    assert len(kinds) > 100
    for kind in kinds:
        error = translated(kind("told"), "read people")
        assert isinstance(error, RemoteError), kind
        assert error.system == "ldap directory"
        assert type(error) is not RemoteError, kind


@pytest.mark.parametrize(
    ("kind", "becomes"),
    [
        (ldap3_errors.LDAPInvalidCredentialsResult, CredentialsRejected),
        (ldap3_errors.LDAPInsufficientAccessRightsResult, CredentialsRejected),
        (ldap3_errors.LDAPNoSuchObjectResult, NotFound),
        (ldap3_errors.LDAPBusyResult, Transient),
        (ldap3_errors.LDAPProtocolErrorResult, Malformed),
        (ldap3_errors.LDAPSizeLimitExceededResult, Refused),
        (ldap3_errors.LDAPSocketOpenError, Transient),
        (ldap3_errors.LDAPSessionTerminatedByServerError, Transient),
        (ldap3_errors.LDAPResponseTimeoutError, Transient),
        (ldap3_errors.LDAPUnknownResponseError, Malformed),
        (ldap3_errors.LDAPBindError, CredentialsRejected),
        (ldap3_errors.LDAPCertificateError, Refused),
        (ldap3_errors.LDAPInvalidFilterError, Refused),
    ],
)
def test_the_remedy_decides_the_error(kind: type[LDAPException], becomes: type[RemoteError]) -> None:
    assert type(translated(kind(), "read people")) is becomes


def test_layers_below_ldap3_are_translated_too() -> None:
    assert type(translated(ConnectionResetError(104, "reset by peer"), "x")) is Transient
    assert type(translated(socket.gaierror(-2, "Name or service not known"), "x")) is Transient
    assert type(translated(IndexError("index out of range"), "x")) is Malformed


def test_a_result_tells_code_message_and_remedy() -> None:
    error = result_error(13, "confidentialityRequired", "TLS confidentiality required", "log in")
    assert type(error) is Refused
    told = "confidentialityRequired (13): TLS confidentiality required: the server wants encryption"
    assert told in str(error)
    raised = LDAPOperationResult(49, "invalidCredentials", "", "go away")
    assert "invalidCredentials (49): go away: bind_dn or password is wrong" in str(
        translated(raised, "x")
    )

"""ldap3's exceptions and LDAP's result codes (RFC 4511 appendix A) as errors of ours."""

from typing import NoReturn

from ldap3.core import exceptions as ldap3_errors
from ldap3.core.exceptions import LDAPException, LDAPOperationResult

from idpsync.core.errors import (
    Conflict,
    CredentialsRejected,
    Malformed,
    NotFound,
    Refused,
    RemoteError,
    Transient,
    UnknownOutcome,
)
from idpsync.sources.ldap.ad_refusals import why_refused

SYSTEM = "ldap directory"

NO_SUCH_OBJECT = 32
TIME_LIMIT, SIZE_LIMIT, ADMIN_LIMIT = 3, 4, 11

_BY_CODE: dict[int, type[RemoteError]] = {
    2: Malformed,  # protocolError
    TIME_LIMIT: Transient,
    7: CredentialsRejected,  # authMethodNotSupported
    16: NotFound,  # noSuchAttribute
    NO_SUCH_OBJECT: NotFound,
    48: CredentialsRejected,  # inappropriateAuthentication
    49: CredentialsRejected,  # invalidCredentials
    50: CredentialsRejected,  # insufficientAccessRights
    51: Transient,  # busy
    52: Transient,  # unavailable
    68: Conflict,  # entryAlreadyExists
    118: Transient,  # canceled
    123: CredentialsRejected,  # authorizationDenied
}
"""Codes that are not here are Refused: asking again changes nothing."""

_BY_CLASS: dict[type[LDAPException], type[RemoteError]] = {
    ldap3_errors.LDAPCommunicationError: Transient,
    ldap3_errors.LDAPResponseTimeoutError: Transient,
    ldap3_errors.LDAPMaximumRetriesError: Transient,
    ldap3_errors.LDAPServerPoolExhaustedError: Transient,
    ldap3_errors.LDAPBindError: CredentialsRejected,
    ldap3_errors.LDAPUserNameIsMandatoryError: CredentialsRejected,
    ldap3_errors.LDAPUserNameNotAllowedError: CredentialsRejected,
    ldap3_errors.LDAPPasswordIsMandatoryError: CredentialsRejected,
    ldap3_errors.LDAPSASLPrepError: CredentialsRejected,
    ldap3_errors.LDAPUnknownResponseError: Malformed,
    ldap3_errors.LDAPControlError: Malformed,
    ldap3_errors.LDAPExtensionError: Malformed,
    ldap3_errors.LDAPTransactionError: Malformed,
    ldap3_errors.LDAPSignatureVerificationFailedError: Malformed,
    # a certificate we do not accept, a setting ldap3 does not accept: trying again changes nothing
    ldap3_errors.LDAPExceptionError: Refused,
}

_HINTS = {
    SIZE_LIMIT: "the server's size limit for this bind DN is too small; lift it (slapd: limits … "
    "size=unlimited)",
    10: "this server is a copy that cannot be written; put the one that can first in urls",
    8: "the server wants encryption: use ldaps:// or start_tls: true",
    12: "the server has no paged results (RFC 2696)",
    13: "the server wants encryption: use ldaps:// or start_tls: true",
    49: "bind_dn or password is wrong",
}

_CODE_OF: dict[type[LDAPException], int] = {
    kind: code for code, kind in ldap3_errors.exception_table.items()
}


def raise_result(code: int, description: str, message: str, operation: str) -> NoReturn:
    """The error for an answer whose result code is not 0."""
    raise result_error(code, description, message, operation)


def result_error(code: int, description: str, message: str, operation: str) -> RemoteError:
    """What an answer with this result code means for us."""
    kind = _BY_CODE.get(code, Refused)
    told = f"{description} ({code})"
    hint = why_refused(message) or _HINTS.get(code, "")
    details = [part for part in (message.strip().rstrip("\0"), hint) if part]
    return kind(SYSTEM, operation, ": ".join([told, *details]))


def translated(error: Exception, operation: str) -> RemoteError:
    """An exception of ldap3, or of a layer below that it lets through, as an error of ours."""
    if isinstance(error, LDAPOperationResult):
        code = error.result or _CODE_OF.get(type(error), 80)
        description = error.description or type(error).__name__
        return result_error(code, description, str(error.message or ""), operation)
    reason = _reason(error)
    if isinstance(error, ldap3_errors.LDAPCertificateError) or "certificate" in reason.lower():
        return Refused(SYSTEM, operation, f"the server's certificate is not accepted: {reason}")
    if isinstance(error, LDAPException):
        kinds = (_BY_CLASS[cls] for cls in type(error).__mro__ if cls in _BY_CLASS)
        return next(kinds, Refused)(SYSTEM, operation, reason)
    if isinstance(error, OSError):
        return Transient(SYSTEM, operation, reason)
    return Malformed(SYSTEM, operation, f"the answer is not LDAP ({reason})")


def lost(error: Exception, operation: str) -> RemoteError:
    """What it means that a write ended by this exception: it may have been carried out all the same.

    An answer that refuses is an answer, and what could not be sent whole never was carried out.
    """
    told = translated(error, operation)
    answered = isinstance(error, LDAPOperationResult)
    unsent = isinstance(error, ldap3_errors.LDAPSocketSendError | ldap3_errors.LDAPSocketOpenError)
    if answered or unsent or not isinstance(told, Transient | Malformed):
        return told
    return UnknownOutcome(SYSTEM, operation, f"nobody knows whether it was done: {told.reason}")


def _reason(error: Exception) -> str:
    text = " ".join(str(part) for part in error.args if part) or str(error)
    return text or type(error).__name__

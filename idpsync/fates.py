"""What becomes of a request that has no usable answer: our error for each of the libraries'."""

from collections.abc import Mapping
from enum import Enum, auto
from ssl import SSLCertVerificationError

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError
from urllib3.exceptions import InvalidHeader as PoolHeaderError
from urllib3.exceptions import SSLError as PoolTlsError

from idpsync.answers import Question, unanswered, unreadable
from idpsync.core.errors import Refused, RemoteError, Transient


class Fate(Enum):
    """How far a request got that has no usable answer."""

    UNSENT = auto()  # nothing left: any request may be made again
    UNSURE = auto()  # it may have been carried out
    UNREADABLE = auto()  # an answer came that cannot be read
    UNFIT = auto()  # it could not be made at all: the address or a header is wrong


FATES: Mapping[type[requests.RequestException], Fate] = {
    requests.ConnectTimeout: Fate.UNSENT,
    requests.exceptions.ProxyError: Fate.UNSENT,
    requests.exceptions.RetryError: Fate.UNSURE,
    requests.exceptions.SSLError: Fate.UNSURE,
    requests.ConnectionError: Fate.UNSURE,
    requests.Timeout: Fate.UNSURE,
    requests.exceptions.ChunkedEncodingError: Fate.UNSURE,
    requests.exceptions.ContentDecodingError: Fate.UNREADABLE,
    requests.exceptions.StreamConsumedError: Fate.UNREADABLE,
    requests.exceptions.InvalidJSONError: Fate.UNREADABLE,
    requests.HTTPError: Fate.UNREADABLE,
    requests.TooManyRedirects: Fate.UNREADABLE,
    requests.URLRequired: Fate.UNFIT,
    requests.exceptions.MissingSchema: Fate.UNFIT,
    requests.exceptions.InvalidSchema: Fate.UNFIT,
    requests.exceptions.InvalidURL: Fate.UNFIT,
    requests.exceptions.InvalidHeader: Fate.UNFIT,
    requests.exceptions.UnrewindableBodyError: Fate.UNFIT,
}


def fate_of(error: Exception) -> Fate:
    """How far the request got; UNSURE for what nobody foresaw."""
    reason: object = error.args[0] if error.args else None
    if isinstance(reason, MaxRetryError):
        reason = reason.reason
    if isinstance(reason, NewConnectionError | ConnectTimeoutError):  # name, refusal, no route
        return Fate.UNSENT
    if isinstance(reason, PoolTlsError) and isinstance(reason.args[0], SSLCertVerificationError):
        return Fate.UNSENT
    if isinstance(reason, PoolHeaderError):  # of the answer; requests has one name for both directions
        return Fate.UNREADABLE
    if isinstance(error, UnicodeError | ValueError) and not isinstance(error, OSError):
        return Fate.UNFIT
    known = (FATES[kind] for kind in type(error).__mro__ if kind in FATES)
    return next(known, Fate.UNSURE)


def translate(asked: Question, error: Exception) -> RemoteError:
    """Our error for one of requests or urllib3. Its own text is not repeated: it names the address."""
    reason = _why(error)
    match fate_of(error):
        case Fate.UNSENT:
            return Transient(asked.system, asked.operation, f"cannot be reached ({reason})")
        case Fate.UNFIT:
            return Refused(asked.system, asked.operation, f"the request cannot be made ({reason})")
        case Fate.UNREADABLE:
            return unreadable(asked, f"the answer cannot be read ({reason})")
        case Fate.UNSURE:
            return unanswered(asked, f"no usable answer ({reason})")


def _why(error: BaseException) -> str:
    """The deepest cause in words of the operating system or of TLS, without any address."""
    why, inner = type(error).__name__, error.__cause__ or error.__context__
    while inner is not None:
        if isinstance(inner, SSLCertVerificationError):
            return f"TLS: {inner.verify_message}"
        if isinstance(inner, OSError) and inner.strerror:
            why = inner.strerror
        inner = inner.__cause__ or inner.__context__
    return why

"""What an HTTP answer means: strict JSON, pauses asked for, and the error that names the remedy."""

import base64
import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import NoReturn, Protocol
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from idpsync.core.errors import (
    ConfigError,
    Conflict,
    CredentialsRejected,
    Malformed,
    NotFound,
    RateLimited,
    Refused,
    RemoteError,
    Transient,
    UnknownOutcome,
)

LONGEST_PAUSE = timedelta(minutes=15)  # more is not believed
SHORTEST_PAUSE = timedelta(seconds=1)
EXCERPT = 200  # characters of somebody else's text that we repeat
EPOCH_FROM = 1e9  # a reset hint above this is an instant, below it a number of seconds

PORTS = {"http": 80, "https": 443}
TELLABLE = frozenset({"client_id", "scope", "grant_type", "client_assertion_type"})
SHORTEST_SECRET = 6  # shorter ones would be cut out of ordinary words

_UNCLEAR = re.compile(r"[\x00-\x20\x7f\\]")
_SIGNED = re.compile(r"\beyJ[\w-]{10,}(?:\.[\w-]*){0,2}")  # a signed statement (RFC 7515 §3.1)
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic|SSWS|DPoP)\s+[A-Za-z0-9+/=._~-]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Response:
    """One whole answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Verdict(Enum):
    """What somebody who knows the dialect says about an answer before it is retried."""

    ORDINARY = auto()
    FINAL = auto()  # the status says "later", the text says never
    THROTTLED = auto()  # a plea for a pause under another status


class Credential(Protocol):
    """Who we are."""

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        """What shows it for this request: some proofs are bound to method and address (RFC 9449)."""
        ...

    def renew(self, rejected: Mapping[str, str], answer: Response) -> bool:
        """After `answer`, a 401 for `rejected`: whether `headers` gives something better now."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """Texts that must never be shown."""
        ...


class NotJson(ValueError):
    """The body is not the one JSON object that was promised."""


def read_json(body: bytes) -> dict[str, object]:
    """The JSON object in `body` (RFC 8259); NotJson for NaN, infinities, deep nesting, others."""
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise NotJson("not UTF-8") from error
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except ValueError as error:
        raise NotJson(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise NotJson(f"a JSON {type(value).__name__}, not an object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotJson("a number out of range")
    return value


def pause_asked(response: Response, now: datetime) -> timedelta | None:
    """The pause this answer asks for, between 1 s and 15 min; None if it names none.

    Retry-After in seconds or as a date (RFC 9110 §10.2.3) counts; a reset hint only in its absence.
    An instant is counted from the answer's own Date: our clock may be wrong.
    """
    headers = response.headers
    asked = _retry_after(headers.get("retry-after", ""), now)
    if asked is None:
        hint = headers.get("ratelimit-reset") or headers.get("x-ratelimit-reset")
        hint = hint or headers.get("x-rate-limit-reset", "")
        asked = _reset(hint, sent_at(response) or now)
    if asked is None:
        return None
    return min(max(asked, SHORTEST_PAUSE), LONGEST_PAUSE)


def sent_at(response: Response) -> datetime | None:
    """When the other side says that it answered; None where it does not say so with a zone."""
    try:
        sent = parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return sent if sent.tzinfo else None


def _retry_after(text: str, now: datetime) -> timedelta | None:
    seconds = _seconds(text)
    if seconds is not None:
        return seconds
    try:
        return parsedate_to_datetime(text) - now
    except (ValueError, TypeError):  # TypeError: a date without zone
        return None


def _reset(text: str, now: datetime) -> timedelta | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if number > EPOCH_FROM:
        number -= now.timestamp()
    return _seconds(str(max(number, 0.0)))


def _seconds(text: str) -> timedelta | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if not 0 <= number < math.inf:
        return None
    return timedelta(seconds=min(number, LONGEST_PAUSE.total_seconds()))


def scrubbed(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The start of somebody else's text on one line, without credentials."""
    for secret in secrets:
        text = text.replace(secret, "[redacted]") if secret else text
    text = _SIGNED.sub("[redacted]", _AUTHORIZATION.sub(r"\1 [redacted]", text))
    return " ".join(text.split())[:EXCERPT]


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, as far as an error needs it. `writes`: it may have changed something."""

    system: str
    operation: str
    writes: bool


def refusal(
    asked: Question, response: Response, detail: str, after: timedelta | None = None
) -> RemoteError:
    """The error for an answer that is not a success; `detail` must be scrubbed already."""
    system, operation, status = asked.system, asked.operation, response.status
    reason = f"HTTP {status}: {detail}" if detail else f"HTTP {status}"
    match status:
        case 401:
            return CredentialsRejected(system, operation, reason)
        case 403:  # a right that is missing for reading is missing for everything
            return (Refused if asked.writes else CredentialsRejected)(system, operation, reason)
        case 404 | 410:
            return NotFound(system, operation, reason)
        case 409 | 412:
            return Conflict(system, operation, reason)
        case 429:
            return RateLimited(system, operation, reason, after or SHORTEST_PAUSE)
        case 503 if after is not None:
            return RateLimited(system, operation, reason, after)
        case 408 | 425:
            return Transient(system, operation, reason)
        case 501 | 505:
            return Refused(system, operation, reason)
        case _:
            return _by_class(asked, status, reason)


def _by_class(asked: Question, status: int, reason: str) -> RemoteError:
    system, operation = asked.system, asked.operation
    match status // 100:
        case 3:
            return Refused(system, operation, f"{reason} (a redirect, not followed: check the address)")
        case 4:
            return Refused(system, operation, reason)
        case 5 if asked.writes:  # it may have happened before the server stumbled
            return UnknownOutcome(system, operation, reason)
        case 5:
            return Transient(system, operation, reason)
        case _:
            return Malformed(system, operation, reason)


def unanswered(asked: Question, reason: str) -> RemoteError:
    """A write without a trustworthy answer may have happened; a read may simply be made again."""
    return (UnknownOutcome if asked.writes else Transient)(asked.system, asked.operation, reason)


def unreadable(asked: Question, reason: str) -> RemoteError:
    """An answer came and makes no sense: after a write that leaves the outcome open."""
    return (UnknownOutcome if asked.writes else Malformed)(asked.system, asked.operation, reason)


class Doubts:
    """What the attempts of one write left open: whatever is said to a later one proves nothing of it."""

    def __init__(self) -> None:
        self._first: UnknownOutcome | None = None

    def note(self, error: RemoteError) -> None:
        """An attempt failed; kept only if it may have been carried out all the same."""
        if self._first is None and isinstance(error, UnknownOutcome):
            self._first = error

    def confess(self, last: RemoteError | ConfigError) -> None:
        """UnknownOutcome instead of `last`, if an earlier attempt may have been carried out."""
        first = self._first
        if first is not None:
            later = last.reason if isinstance(last, RemoteError) else str(last)
            reason = f"{first.reason}; asked again: {later}"
            raise UnknownOutcome(first.system, first.operation, reason) from last


Origin = tuple[str, str, int]


def origin(url: str) -> Origin | None:
    """Scheme, host and port that a request to `url` goes to (RFC 6454 §4); None where that is not plain.

    It is read by the library that will connect. An address that others may read otherwise (a backslash,
    a control character, a user before the host) leads nowhere.
    """
    if _UNCLEAR.search(url):
        return None
    try:
        parts = parse_url(url)
    except LocationParseError:
        return None
    port = parts.port or PORTS.get(parts.scheme or "")
    if parts.auth is not None or not parts.host or not port:
        return None
    return parts.scheme or "", parts.host, port


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses share scheme, host and port (RFC 6454 §5)."""
    first = origin(one)
    return first is not None and first == origin(other)


def without_echo(body: bytes, form: bytes, authorization: str) -> bytes:
    """An answer without what we sent to be known by: some servers repeat what they refuse."""
    sent = [value for name, value in parse_qsl(form.decode("utf-8", "replace")) if name not in TELLABLE]
    kind, _, shown = authorization.partition(" ")
    if kind == "Basic":
        with suppress(ValueError):
            sent += base64.b64decode(shown).decode("utf-8", "replace").split(":")[1:]
    sent += [shown, *map(unquote_plus, sent)]
    for secret in sorted({one for one in sent if len(one) >= SHORTEST_SECRET}, key=len, reverse=True):
        for spelling in {secret, quote_plus(secret), quote(secret, safe="")}:
            body = body.replace(spelling.encode(), b"[redacted]")
    return body

"""Logging: one line per event to stderr, ids bound, secrets taken out.

Callers write `structlog.get_logger()` and events of the form `noun.verb`; ids that belong to every
line of a run or a request are bound with `structlog.contextvars.bind_contextvars(run_id=…)`.
The standard library's loggers (requests, APScheduler, the web server) come out of the same end.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

REDACTED = "[redacted]"
HANDLER = "idpsync"

# They speak about every request and every tick; below a warning that is only of use when debugging.
CHATTY = ("urllib3", "requests", "apscheduler", "werkzeug", "ldap3", "alembic")

GRANIAN_LOGGING: Mapping[str, Any] = {
    "handlers": {},
    "formatters": {},
    "loggers": {
        "_granian": {"handlers": [], "propagate": True},
        "granian.access": {"handlers": [], "propagate": True},
    },
}
"""For Granian's `log_dictconfig`: its own handlers would print to stdout, past all of this."""

_SECRETIVE = frozenset(
    {"apikey", "assertion", "authorization", "cookie", "cookies", "credential", "credentials", "key"}
    | {"passphrase", "passwd", "password", "secret", "secrets", "session", "token", "tokens"}
)
_SECRETIVE_WHOLE = frozenset({"samlresponse", "samlrequest", "setcookie", "proxyauthorization", "pwd"})
_TRAILING = frozenset({"value", "text", "header", "raw", "bytes", "pem"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_NOT_A_SECRET = r"(?!(?:auth\w*|token|credentials?|realm|scheme|settings)\b)"  # noqa: S105
_IN_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
        ),
        REDACTED,
    ),
    # the credentials of RFC 9110 §11.4, and Okta's own scheme
    (
        re.compile(rf"\b(bearer|basic|ssws|digest|negotiate)(\s+){_NOT_A_SECRET}[^\s,;'\"]{{6,}}", re.I),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"(?<=://)([^\s/?#:@]*):[^\s/?#]+@"), rf"\1:{REDACTED}@"),
    # form bodies, query strings, JSON and Python literals
    (
        re.compile(
            r"\b([\w-]*(?:password|passwd|secret|token|api[_-]?key|private[_-]?key|routing[_-]?key"
            r"|SAMLResponse|SAMLRequest|assertion|authorization|cookie))"
            r"(=['\"]?|['\"]\s*:\s*['\"])[^\s&'\"]+",
            re.I,
        ),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"\b((?:Set-|Proxy-)?(?:Cookie|Authorization):\s*)[^\r\n]+", re.I), rf"\1{REDACTED}"),
)


def is_secretive(name: str) -> bool:
    """Whether a key of that name may hold a secret: `client_secret`, `X-Api-Key`, `SAMLResponse`.

    `token_url`, `key_id` and the like are about a secret and do not hold one.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    while len(words) > 1 and words[-1] in _TRAILING:
        words.pop()
    return bool(words) and (words[-1] in _SECRETIVE or "".join(words) in _SECRETIVE_WHOLE)


def redact(text: str) -> str:
    """`text` without bearer and basic credentials, passwords in URLs and bodies, and private keys."""
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _cleaned(name: str, value: object) -> object:
    """Numbers and truth values stay: a fencing token and a count are no secrets."""
    if isinstance(value, Mapping):
        return {key: _cleaned(str(key), inner) for key, inner in value.items()}
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return REDACTED if value and is_secretive(name) else redact(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(name, inner) for inner in value]
    if isinstance(value, BaseException):
        return redact(f"{type(value).__name__}: {value}")
    return value


def redaction(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The structlog processor that takes secrets out, by key and by what the text looks like."""
    del logger, method
    return {key: _cleaned(key, value) for key, value in event.items()}


def configure(
    format: LogFormat = "auto", level: LogLevel = "info", stream: TextIO | None = None
) -> None:
    """Send structlog and the standard library's logging to `stream` (stderr), as `format` says.

    `auto` is for people on a terminal and JSON lines elsewhere. May be called again; the last wins.
    """
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_common()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redaction,
                *_renderer(format, out),
            ],
        )
    )
    _install(handler, level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.NOTSET if level == "debug" else logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_common(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _install(handler: logging.Handler, level: LogLevel) -> None:
    """Make `handler` ours on the root logger, in place of an earlier one; handlers of others stay."""
    root = logging.getLogger()
    for earlier in [h for h in root.handlers if h.get_name() == HANDLER]:
        root.removeHandler(earlier)
    handler.set_name(HANDLER)
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _renderer(format: LogFormat, out: TextIO) -> list[Processor]:
    if format == "console" or (format == "auto" and out.isatty()):
        # Rich tracebacks print local variables, and those may be secrets
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=plain)]
    return [_in_order, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _in_order(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The fields that every line has come first, so that lines can be read side by side."""
    del logger, method
    first = ("timestamp", "level", "logger", "event")
    return {**{key: event[key] for key in first if key in event}, **event}

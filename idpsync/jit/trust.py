"""The identity provider we trust, kept fresh: pinned by name, polled, with the last good copy kept."""

import base64
import hashlib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from idpsync.core.errors import ConfigError, Malformed, Problem, RemoteError
from idpsync.core.journals import OnceOnly
from idpsync.core.ports import Clock
from idpsync.jit.saml import IdpMetadata, read_idp_metadata
from idpsync.jit.settings import IdpConfig

log = structlog.get_logger()

SOONEST = timedelta(minutes=5)
"""After a failed read, or when an assertion was signed with a key nobody knows."""

_KIND = "idp.metadata"
_KEPT = timedelta(days=365)


class TrustedIdp:
    """The metadata of one identity provider, read by `read` and read again every `refresh`.

    A read that fails or names another identity provider changes nothing: logins go on with the last
    good copy, which outlives a restart in the store under `name`.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        once: OnceOnly,
        clock: Clock,
        *,
        name: str,
        refresh: timedelta,
    ) -> None:
        self._read = read
        self._once = once
        self._clock = clock
        self._copy = hashlib.sha256(name.encode()).hexdigest()
        self._refresh = refresh
        self._reading = threading.Lock()
        self._held: IdpMetadata | None = None
        self._due: datetime | None = None
        self._asked: datetime | None = None

    def current(self) -> IdpMetadata:
        """Whom to trust now. RemoteError when it was never read, or its validUntil has passed."""
        now = self._clock.now()
        if self._held is None:
            with self._reading:
                if self._held is None:
                    self._first(now)
        elif self._due is None or now >= self._due:
            self._again(now)
        held = self._held
        if held is None or (held.valid_until is not None and held.valid_until <= now):
            raise Malformed("identity provider", "read its metadata", "the copy at hand has expired")
        return held

    def renewed(self, than: IdpMetadata) -> IdpMetadata | None:
        """Newer metadata than `than`, asked for at most every five minutes; None when there is none."""
        now = self._clock.now()
        if self._asked is None or now - self._asked >= SOONEST:
            self._again(now)
        return self._held if self._held != than else None

    def _first(self, now: datetime) -> None:
        try:
            self._take(now)
        except RemoteError as error:
            copy = self._once.recall(_KIND, self._copy, now)
            if copy is None:
                raise
            log.warning("idp_metadata.copy_used", reason=str(error))
            self._held = read_idp_metadata(base64.b64decode(copy), now)
            self._due = now + SOONEST

    def _again(self, now: datetime) -> None:
        if not self._reading.acquire(blocking=False):
            return  # another thread reads; this login goes on with what is known
        try:
            self._take(now)
        except RemoteError as error:
            self._due = now + SOONEST
            log.warning("idp_metadata.unreadable", reason=str(error))
        finally:
            self._reading.release()

    def _take(self, now: datetime) -> None:
        self._asked = now
        document = self._read()
        found = read_idp_metadata(document, now)
        held = self._held
        if held is not None and held.entity_id != found.entity_id:
            raise Malformed(
                "identity provider",
                "read its metadata",
                f"it calls itself {found.entity_id} now, not {held.entity_id}: restart if that is right",
            )
        if held is not None and held.certificates != found.certificates:
            log.warning("idp_metadata.certificates_changed", entity_id=found.entity_id)
        self._once.remember(_KIND, self._copy, base64.b64encode(document).decode(), now + _KEPT)
        self._held = found
        self._due = now + self._refresh


def trusted_idp(
    config: IdpConfig,
    once: OnceOnly,
    clock: Clock,
    *,
    fetch: Callable[[str], bytes],
    demo: Callable[[], bytes] | None = None,
) -> TrustedIdp:
    """The identity provider of the configuration; `fetch` gets a URL, `demo` is the built-in one.

    `fetch` raises RemoteError, follows no redirect to http, and bounds time and size.
    """
    if config.metadata_url is not None:
        url = config.metadata_url
        return TrustedIdp(lambda: fetch(url), once, clock, name=url, refresh=config.refresh)
    if config.metadata_file is not None:
        path = config.metadata_file
        name = f"file:{path}"
        return TrustedIdp(lambda: _read_file(path), once, clock, name=name, refresh=config.refresh)
    if demo is None:
        raise ConfigError(Problem("jit.idp.demo", "the demo identity provider was not built"))
    # its key is new in every process: an old copy must never be used
    return TrustedIdp(demo, once, clock, name="demo", refresh=config.refresh)


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Malformed("identity provider", f"read {path}", error.strerror or "unreadable") from error

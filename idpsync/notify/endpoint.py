"""One HTTP address that takes messages; its answers in the words of the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from idpsync.answers import Response, scrubbed
from idpsync.core.errors import (
    ConfigError,
    CredentialsRejected,
    Refused,
    RemoteError,
    Transient,
    UnknownOutcome,
)
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.http import HttpClient, Limits
from idpsync.settings import Secret

# the outbox repeats, with longer breath than one call has; a slow receiver must not hold up others.
# Simple receivers say 200 and close; to doubt that would be to tell them again and again
ONE_TRY = Limits(
    connect=5.0, read=10.0, deadline=10.0, patience=0.0, attempts=1, body=64 * 1024, framed=False
)

LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY})
"""Client errors that pass by themselves."""

OPERATION = "deliver alert"


@dataclass(frozen=True, slots=True)
class Letter:
    """What is posted. `secrets` are texts that no error may repeat, the address perhaps among them."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    secrets: tuple[str, ...] = ()


class Endpoint:
    """Posts letters for one receiver, once each. Posting the same letter again does no harm."""

    def __init__(self, receiver: str, *, clock: Clock, limits: Limits = ONE_TRY) -> None:
        self.system, self._clock = f"receiver {receiver}", clock
        self._client = HttpClient(self.system, clock=clock, limits=limits)

    def post(self, letter: Letter) -> None:
        """Transient (5xx, no answer), RateLimited (429, from the client), else Refused but for 2xx."""
        try:
            answer = self._client.exchange(
                "POST", letter.url, operation=OPERATION, headers=letter.headers, body=letter.body
            )
        except UnknownOutcome as error:
            # perhaps it arrived: the receiver knows a repetition by the delivery id
            raise Transient(self.system, OPERATION, error.reason) from None
        if not answer.ok:
            raise self._refusal(answer, letter.secrets)

    def _refusal(self, answer: Response, secrets: tuple[str, ...]) -> RemoteError:
        said = scrubbed(answer.body[:2000].decode("utf-8", "replace"), secrets)
        reason = f"HTTP {answer.status}: {said}" if said else f"HTTP {answer.status}"
        later = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in LATER
        return (Transient if later else Refused)(self.system, OPERATION, reason)

    def reveal(self, secret: Secret) -> str:
        """The secret; CredentialsRejected when it is not where the reference says."""
        try:
            return secret.reveal()
        except ConfigError as error:
            raise CredentialsRejected(self.system, OPERATION, str(error)) from None

    def reach(self, url: str) -> Health:
        """Whether somebody answers there. Nothing is posted: only a test message proves more."""
        started = self._clock.now()
        try:
            answer = self._client.exchange("HEAD", url, operation="reach receiver")
        except RemoteError as error:
            return Health(self.system, ok=False, detail=error.reason)
        latency = self._clock.now() - started
        detail = f"{urlsplit(url).hostname} answers; `idpsync alerts test` shows whether it accepts"
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Health(self.system, ok=False, detail=f"HTTP {answer.status}", latency=latency)
        return Health(self.system, ok=True, detail=detail, latency=latency)

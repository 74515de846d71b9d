"""The only place that speaks HTTP: deadlines, pace, retries, size caps, and errors by remedy.

`requests` is used below its Session: a prepared request goes through one sized adapter. So nothing
is taken from the surroundings (no ~/.netrc, no proxy variables, no cookies) and no redirect is
followed but one 307/308 to the same origin (RFC 7644 §3.12).
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import structlog
from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as PoolError

from idpsync import __version__
from idpsync.answers import (
    Credential,
    Doubts,
    Question,
    Response,
    Verdict,
    pause_asked,
    read_json,
    refusal,
    same_origin,
    scrubbed,
    unanswered,
    unreadable,
    without_echo,
)
from idpsync.core.errors import ConfigError, RateLimited, RemoteError, Transient, UnknownOutcome
from idpsync.core.ports import Clock
from idpsync.fates import translate
from idpsync.pace import (
    Deadline,
    Limits,
    Pace,
    RetryBudget,
    Timer,
    Watch,
    Watchdog,
    backoff,
    watched_pools,
)

__all__ = ["Credential", "HttpClient", "Limits", "Response", "Verdict", "read_json"]

log = structlog.get_logger()

READS = frozenset({"GET", "HEAD", "OPTIONS"})
REPEATABLE = READS | {"PUT", "DELETE"}  # RFC 9110 §9.2.2
CHUNK = 65_536
OUT_OF_TIME = "the time for all of it is over"


class _Adapter(HTTPAdapter):
    """One pool as large as the concurrency, never retrying by itself."""

    def __init__(self, size: int, watchdog: Watchdog) -> None:
        super().__init__(pool_connections=2, pool_maxsize=size, max_retries=0, pool_block=True)
        self.poolmanager.pool_classes_by_scheme = watched_pools(watchdog)


@dataclass(frozen=True, slots=True)
class _Call:
    """One request as often as it is sent."""

    asked: Question
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    repeatable: bool


class HttpClient:
    """Requests to one system, from any number of threads.

    `base` is prefixed to paths; the credential goes to the origin of `base` and nowhere else, but to
    those that `trusts` names. `judge` may overrule what a status means; `quota` reads from any answer
    how long nothing may leave after it. Nothing here logs or raises a header or a secret.
    """

    def __init__(
        self,
        system: str,
        base: str = "",
        *,
        clock: Clock,
        credential: Credential | None = None,
        limits: Limits | None = None,
        ca_file: Path | None = None,
        timer: Timer | None = None,
        judge: Callable[[Response], Verdict] = lambda _: Verdict.ORDINARY,
        quota: Callable[[Response, datetime], timedelta | None] = lambda _answer, _now: None,
        trusts: Callable[[str], bool] = lambda _url: False,
        deadline: Deadline | None = None,
    ) -> None:
        self.system, self._base, self._clock = system, base.rstrip("/"), clock
        self._credential, self._judge, self._quota, self._trusts = credential, judge, quota, trusts
        self._limits, self._timer = limits or Limits(), timer or Timer()
        self._deadline = deadline or Deadline(self._timer)
        self._verify: bool | str = str(ca_file) if ca_file else True
        rate = self._limits.rate
        self.pace = Pace(rate, burst=max(1, round((rate or 0) / 5)), timer=self._timer)
        self._budget = RetryBudget()
        self._slots = threading.BoundedSemaphore(self._limits.concurrency)
        self._watchdog = Watchdog()
        self._adapter = _Adapter(self._limits.concurrency, self._watchdog)

    def request(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        repeatable: bool | None = None,
    ) -> Response:
        """A successful answer; RemoteError by remedy otherwise. `operation` is what errors call it."""
        response = self.exchange(
            method, url, operation=operation, headers=headers, body=body, repeatable=repeatable
        )
        if response.ok:
            return response
        raise self.refusal(self.question(method, operation), response)

    def exchange(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        repeatable: bool | None = None,
    ) -> Response:
        """The final answer whatever its status, after the pauses and retries that are safe.

        `repeatable` says that sending twice does no harm; by default the method decides. A write that
        was sent again after an attempt of unknown outcome ends in success or in UnknownOutcome: what
        is said to the repeat proves nothing about the attempt before it.
        """
        again = method in REPEATABLE if repeatable is None else repeatable
        asked = self.question(method, operation)
        target = url if urlsplit(url).scheme else self._base + url
        call, doubts = _Call(asked, method, target, headers or {}, body, again), Doubts()
        try:
            response = self._persist(call, doubts)
        except (RemoteError, ConfigError) as error:  # ConfigError: a secret that has gone meanwhile
            doubts.confess(error)
            raise
        if not response.ok and body and "urlencoded" in call.headers.get("Content-Type", ""):
            shown = call.headers.get("Authorization", "")
            response = replace(response, body=without_echo(response.body, body, shown))
        gone = method == "DELETE" and response.status in {404, 410}  # as it was asked for
        if not response.ok and not gone:
            doubts.confess(self.refusal(asked, response))
        return response

    def question(self, method: str, operation: str) -> Question:
        return Question(self.system, operation, method not in READS)

    def refusal(self, asked: Question, response: Response, detail: str | None = None) -> RemoteError:
        """The error for an unsuccessful answer; `detail` instead of the start of its body."""
        text = response.body[:2000].decode("utf-8", "replace") if detail is None else detail
        after = pause_asked(response, self._clock.now())
        return refusal(asked, response, self.scrub(text), after)

    def scrub(self, text: str) -> str:
        """The start of a remote text, fit to be shown."""
        return scrubbed(text, self._credential.secrets() if self._credential else ())

    def _persist(self, call: _Call, doubts: Doubts) -> Response:
        """The answer to the last attempt; `doubts` gets what left the outcome of a write open."""
        until = self._timer.now() + self._limits.patience
        if not call.asked.writes:
            until = min(until, self._deadline.at)
        failures = 0
        while True:
            self._await_turn(call, until)
            outcome = self._authorized(call)
            if isinstance(outcome, Response):
                if self._is_throttle(outcome):
                    self._pause_everybody(call, outcome, until)
                    continue
                if rest := self._quota(outcome, self._clock.now()):
                    self.pace.hold(rest.total_seconds())
            if not self._worth_repeating(call, outcome):
                break
            failures += 1
            pause = backoff(failures - 1)
            late = self._timer.now() + pause > until
            if failures >= self._limits.attempts or late or not self._budget.spend():
                break
            doubts.note(self.refusal(call.asked, outcome) if isinstance(outcome, Response) else outcome)
            log.debug("request.repeated", system=self.system, operation=call.asked.operation)
            self._timer.sleep(pause)
        if isinstance(outcome, RemoteError):
            raise outcome
        return outcome

    def _await_turn(self, call: _Call, until: float) -> None:
        if self._deadline.over and not call.asked.writes:
            raise Transient(self.system, call.asked.operation, OUT_OF_TIME)
        lacking = self.pace.admit(until)
        if lacking:
            reason = "asked for a pause, or too much is queued before this"
            after = timedelta(seconds=lacking)
            raise RateLimited(self.system, call.asked.operation, reason, after)
        self._budget.earn()

    def _is_throttle(self, response: Response) -> bool:
        verdict = self._judge(response)
        if verdict is not Verdict.ORDINARY:
            return verdict is Verdict.THROTTLED
        return response.status == 429 or (response.status == 503 and "retry-after" in response.headers)

    def _pause_everybody(self, call: _Call, response: Response, until: float) -> None:
        """Close the gate for all threads; RateLimited when it opens too late for this call."""
        now = self._clock.now()
        asked = self._quota(response, now) or pause_asked(response, now)
        after = asked or timedelta(seconds=1 + backoff(1))
        self.pace.pause(after.total_seconds())
        log.info("request.throttled", system=self.system, seconds=round(after.total_seconds(), 1))
        if self._timer.now() + after.total_seconds() > until:
            raise RateLimited(self.system, call.asked.operation, f"HTTP {response.status}", after)

    def _worth_repeating(self, call: _Call, outcome: Response | RemoteError) -> bool:
        if isinstance(outcome, Response):
            if self._judge(outcome) is Verdict.FINAL:
                return False
            return call.repeatable and outcome.status in {408, 425, 500, 502, 503, 504}
        if isinstance(outcome, UnknownOutcome):
            return call.repeatable
        return isinstance(outcome, Transient)

    def _authorized(self, call: _Call) -> Response | RemoteError:
        """Send with the credential; once more after a 401, if it could be renewed."""
        if self._credential is None or not self._is_ours(call.url):
            return self._at_its_place(call)
        shown = self._credential.headers(call.method, call.url)
        outcome = self._at_its_place(replace(call, headers={**call.headers, **shown}))
        if not isinstance(outcome, Response) or outcome.status != 401:
            return outcome
        if not self._credential.renew(shown, outcome):
            return outcome
        anew = self._credential.headers(call.method, call.url)
        return self._at_its_place(replace(call, headers={**call.headers, **anew}))

    def _is_ours(self, url: str) -> bool:
        return same_origin(url, self._base) or self._trusts(url)

    def _at_its_place(self, call: _Call) -> Response | RemoteError:
        """Send, and follow one 307/308 within the origin: same method, same body."""
        outcome = self._send(call)
        if not isinstance(outcome, Response) or outcome.status not in {307, 308}:
            return outcome
        place = urljoin(call.url, outcome.headers.get("location", ""))
        return self._send(replace(call, url=place)) if same_origin(place, call.url) else outcome

    def _send(self, call: _Call) -> Response | RemoteError:
        request = PreparedRequest()
        agent = {"User-Agent": f"idpsync/{__version__}", "Accept-Encoding": "gzip, deflate"}
        with self._slots, self._watchdog.watch(self._limits.deadline) as watch:
            try:
                request.prepare(
                    method=call.method, url=call.url, headers={**agent, **call.headers}, data=call.body
                )
                outcome = self._receive(call, request)
            except (OSError, PoolError, ValueError) as error:
                outcome = translate(call.asked, error)
        return _doubted(call, outcome, watch, framed=self._limits.framed)

    def _receive(self, call: _Call, request: PreparedRequest) -> Response | RemoteError:
        limits = self._limits
        answer = self._adapter.send(
            request, stream=True, timeout=(limits.connect, limits.read), verify=self._verify
        )
        body = bytearray()
        for chunk in answer.iter_content(CHUNK):
            body += chunk
            if len(body) > limits.body:
                answer.close()
                return unreadable(call.asked, f"the answer is larger than {limits.body} bytes")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, bytes(body))


def _doubted(
    call: _Call, outcome: Response | RemoteError, watch: Watch, *, framed: bool
) -> Response | RemoteError:
    """The outcome, unless the answer was cut where HTTP libraries do not notice."""
    if watch.fired:
        return unanswered(call.asked, "no whole answer before the deadline")
    if isinstance(outcome, Response) and outcome.ok and call.method != "HEAD":
        ends = {"content-length", "transfer-encoding"} & set(outcome.headers)
        if framed and not (outcome.body or ends) and outcome.status != 204:
            return unanswered(call.asked, "the answer ends inside its headers")
    return outcome

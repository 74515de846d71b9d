"""A real little HTTP receiver on loopback: records what it got, answers as it is told to.

with receiving() as receiver:
    receiver.answer(500)              # from now on
    receiver.answer(429, {"Retry-After": "7"}, b"slow down", times=1)   # for the next request only
    ... receiver.url, receiver.received ...
"""

import json
import random
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EVERYBODY_ELSE = 32768  # above it the system hands out ports by itself


@dataclass(frozen=True, slots=True)
class Received:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    hang: bool = False


class Receiver:
    """What the server knows. `received` is in order of arrival; HEAD requests stand in `looked`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.looked: list[Received] = []
        self.url = ""
        self._always = Answer()
        self._next: deque[Answer] = deque()
        self._released = threading.Event()

    def answer(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        times: int | None = None,
    ) -> None:
        """Answer so from now on, or to the next `times` requests."""
        self._plan(Answer(status, headers or {}, body), times)

    def hang(self, times: int | None = None) -> None:
        """Take requests and never answer, until the receiver is closed."""
        self._plan(Answer(hang=True), times)

    def _plan(self, answer: Answer, times: int | None) -> None:
        if times is None:
            self._always = answer
        else:
            self._next.extend([answer] * times)

    def take(self, request: Received) -> Answer:
        if request.method == "HEAD":
            self.looked.append(request)
            return self._always
        self.received.append(request)
        answer = self._next.popleft() if self._next else self._always
        if answer.hang:
            self._released.wait()
        return answer

    def release(self) -> None:
        """Let hanging requests go."""
        self._released.set()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A running receiver on a free port of 127.0.0.1."""
    receiver = Receiver()
    server = _served(receiver)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.release()
        server.shutdown()
        thread.join()
        server.server_close()


def _served(receiver: Receiver) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.command, self.path, headers, self.rfile.read(length))
            answer = receiver.take(request)
            if answer.hang:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """The tests speak for themselves."""

    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._serve)

    for _ in range(50):
        try:
            return ThreadingHTTPServer(("127.0.0.1", random.randrange(20000, EVERYBODY_ELSE)), Handler)
        except OSError:
            continue
    raise OSError("no free port on 127.0.0.1 between 20000 and 32767")

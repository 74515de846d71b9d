"""A server that answers with a script of raw bytes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.twins.sockets import Connection, Wire, listening


class Server:
    """Answers with raw bytes, one script entry per request; the last one again and again."""

    def __init__(self, *script: bytes | Callable[[Connection], None]) -> None:
        self.script, self.seen = list(script), list[Wire]()
        self.url = ""
        self._lock = threading.Lock()

    def serve(self, connection: Connection, wire: Wire) -> bool:
        with self._lock:
            self.seen.append(wire)
            entry = self.script[0] if len(self.script) == 1 else self.script.pop(0)
        if isinstance(entry, bytes):
            connection.send(entry)
            return b"Content-Length" in entry
        entry(connection)
        return False


@contextmanager
def serving(*script: bytes | Callable[[Connection], None]) -> Iterator[Server]:
    server = Server(*script)
    with listening(server.serve) as port:
        server.url = f"http://127.0.0.1:{port}"
        yield server


def ok(body: bytes = b"{}", head: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def status(code: int, head: str = "") -> bytes:
    return f"HTTP/1.1 {code} Whatever\r\n{head}Content-Length: 0\r\n\r\n".encode()

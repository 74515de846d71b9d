"""Just enough of an HTTP/1.1 server to misbehave with: every byte that leaves is the twin's own."""

import random
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

EVERYBODY_ELSE = 32768  # above it the system hands out ports by itself


@dataclass(frozen=True)
class Wire:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """One accepted socket; `closing` is set when the twin shuts down."""

    def __init__(self, sock: socket.socket, closing: threading.Event) -> None:
        self.sock, self._closing = sock, closing
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, content: bytes) -> None:
        with suppress(OSError):  # the client may have gone
            self.sock.sendall(content)

    def waits(self, seconds: float) -> bool:
        """Pause; True when the twin is being shut down."""
        return self._closing.wait(seconds)


Serve = Callable[[Connection, Wire], bool]


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """Accept on loopback, one thread per connection, until the block ends; the port."""
    server, closing = _bound(), threading.Event()
    live: set[socket.socket] = set()
    acceptor = threading.Thread(target=_accept, args=(server, serve, closing, live), daemon=True)
    acceptor.start()
    try:
        yield server.getsockname()[1]
    finally:
        closing.set()
        for sock in (server, *live):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        server.close()
        acceptor.join(timeout=5)


def _bound() -> socket.socket:
    for _ in range(50):
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", random.randrange(20000, EVERYBODY_ELSE)))
        except OSError:
            server.close()
        else:
            server.listen(128)
            return server
    raise RuntimeError("no free port on loopback")


def _accept(
    server: socket.socket, serve: Serve, closing: threading.Event, live: set[socket.socket]
) -> None:
    while not closing.is_set():
        try:
            sock, _ = server.accept()
        except OSError:
            return
        live.add(sock)
        threading.Thread(target=_talk, args=(sock, serve, closing, live), daemon=True).start()


def _talk(sock: socket.socket, serve: Serve, closing: threading.Event, live: set[socket.socket]) -> None:
    with sock, sock.makefile("rb") as stream:
        connection = Connection(sock, closing)
        with suppress(OSError):
            while (wire := _read(stream)) and serve(connection, wire):
                pass
            sock.shutdown(socket.SHUT_RDWR)
    live.discard(sock)


def _read(stream: BinaryIO) -> Wire | None:
    line = stream.readline().decode("latin-1")
    if not line.strip():
        return None
    method, target, _ = line.split(" ", 2)
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Wire(method, target, headers, body)

"""A loopback forwarder between a client and a server that can break the wire on purpose."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.slapd import free_port


class Wire:
    """Forwards to the port `upstream` of `host`. Answers stop for good after `answer_limit` bytes;
    `before_request(n)` is called before the n-th request of a connection (bind is the first) goes up.
    """

    def __init__(
        self,
        upstream: int,
        answer_limit: int | None = None,
        before_request: Callable[[int], None] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.port, self._upstream = free_port(), (host, upstream)
        self._limit, self._before = answer_limit, before_request
        self.answered = 0
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._start(self._accept)

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    def cut_after(self, size: int) -> None:
        """So many more bytes are answered, then no more."""
        self._limit = self.answered + size

    def close(self) -> None:
        for end in (self._listener, *self._sockets):
            self._drop(end)
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._upstream)
                self._sockets += [client, server]
                self._start(self._requests, client, server)
                self._start(self._answers, server, client)

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        number = 0
        with suppress(OSError):
            while content := client.recv(65536):
                number += 1
                if self._before:
                    self._before(number)
                server.sendall(content)
        self._drop(server)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while content := server.recv(65536):
                if self._limit is not None:
                    content = content[: self._limit - self.answered]
                client.sendall(content)
                self.answered += len(content)
                if self.answered == self._limit:
                    break
        self._drop(client)
        self._drop(server)

    @staticmethod
    def _drop(end: socket.socket) -> None:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextmanager
def broken_wire(
    upstream: int,
    answer_limit: int | None = None,
    before_request: Callable[[int], None] | None = None,
    host: str = "127.0.0.1",
) -> Iterator[Wire]:
    wire = Wire(upstream, answer_limit, before_request, host)
    try:
        yield wire
    finally:
        wire.close()

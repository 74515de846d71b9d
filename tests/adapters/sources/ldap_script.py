"""Servers that answer LDAP from a script: bytes by hand, faults at will, over real sockets."""

import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.slapd import free_port

SUCCESS = b"\x0a\x01\x00\x04\x00\x04\x00"

BIND, SEARCH, MODIFY = 0x60, 0x63, 0x66

HANG_UP = b"--hang up--"  # at the end of an answer: what stands before it is sent


def element(tag: int, *content: bytes) -> bytes:
    inner = b"".join(content)
    return bytes([tag, 0x82]) + len(inner).to_bytes(2, "big") + inner


def message(number: int, operation: bytes, controls: bytes = b"") -> bytes:
    return element(0x30, element(0x02, number.to_bytes(4, "big")), operation, controls)


def person(number: int, uid: str) -> bytes:
    value = element(0x30, element(0x04, b"uid"), element(0x31, element(0x04, uid.encode())))
    dn = element(0x04, f"uid={uid},ou=people,dc=x".encode())
    return message(number, element(0x64, dn, element(0x30, value)))


def done(number: int, cookie: bytes | None) -> bytes:
    if cookie is None:
        return message(number, element(0x65, SUCCESS))
    value = element(0x30, element(0x02, b"\x00"), element(0x04, cookie))
    control = element(0x30, element(0x04, b"1.2.840.113556.1.4.319"), element(0x04, value))
    return message(number, element(0x65, SUCCESS), element(0xA0, control))


def id_of(request: bytes) -> int:
    """The message id of a request; ldap3 counts them through the whole process."""
    at = _inside(request)
    return int.from_bytes(request[at + 2 : at + 2 + request[at + 1]], "big")


def operation_of(request: bytes) -> int:
    """The tag of what is asked for (RFC 4511 §4.2 and after)."""
    at = _inside(request)
    return request[at + 2 + request[at + 1]]


def _inside(request: bytes) -> int:
    return 2 + (request[1] & 0x7F if request[1] >= 0x80 else 0)


@contextmanager
def scripted_server(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """Takes binds, then says `answer(request)` to each search; after HANG_UP it hangs up. The port."""
    port = free_port()
    listener = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, suppress(OSError):
                    while request := client.recv(65536):
                        if request.endswith(b"\x42\x00"):  # unbind
                            break
                        bound = message(id_of(request), element(0x61, SUCCESS))
                        reply = bound if operation_of(request) == BIND else answer(request)
                        client.sendall(reply.removesuffix(HANG_UP))
                        if reply.endswith(HANG_UP):
                            break

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield port
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


@contextmanager
def odd_server(answer: Callable[[int, int], bytes]) -> Iterator[int]:
    """Takes one bind, then says `answer(n, message id)` to the n-th search; the port."""
    port = free_port()
    listener = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        with suppress(OSError):
            client, _ = listener.accept()
            with client:
                number = 0
                while request := client.recv(65536):
                    message_id = id_of(request)
                    reply = message(message_id, element(0x61, SUCCESS)) if number == 0 else b""
                    client.sendall(reply or answer(number, message_id))
                    number += 1

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield port
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


@dataclass
class ScriptedDirectory:
    """People and groups in pages of three. At search number `at`, `fault` makes something of the answer.

    A fault gets the message id, the entries of the page and the whole answer.
    """

    people: Sequence[str]
    groups: Mapping[str, Sequence[str]]
    at: int = 0
    fault: Callable[[int, bytes, bytes], bytes] | None = None
    searches: int = field(default=0)
    page: int = 3

    def __call__(self, request: bytes) -> bytes:
        self.searches += 1
        number = id_of(request)
        if b"1.3.6.1.4.1.4203.1.9.1.1" in request:
            entries, whole = b"", result(number, 12)
        else:
            entries, whole = self._page(number, request)
        if self.searches == self.at and self.fault:
            return self.fault(number, entries, whole)
        return whole

    def _page(self, number: int, request: bytes) -> tuple[bytes, bytes]:
        rows = (
            [person_entry(number, uid) for uid in self.people]
            if b"ou=people" in request[:60]
            else [group_entry(number, name, uids) for name, uids in self.groups.items()]
        )
        asked = re.search(rb"page-(\d+)", request)
        begin = int(asked[1]) if asked else 0
        following = begin + self.page
        cookie = b"page-%d" % following if following < len(rows) else b""
        entries = b"".join(rows[begin:following])
        return entries, entries + done(number, cookie)


def result(number: int, code: int) -> bytes:
    """A search that ends with this result code."""
    return message(number, element(0x65, bytes([0x0A, 1, code]) + SUCCESS[3:]))


def person_entry(number: int, uid: str) -> bytes:
    said = {"entryUUID": [f"id-{uid}"], "uid": [uid], "mail": [f"{uid}@acme.example"], "sn": [uid]}
    return entry(number, f"uid={uid},ou=people,dc=x", said)


def group_entry(number: int, name: str, uids: Sequence[str]) -> bytes:
    members = [f"uid={uid},ou=people,dc=x" for uid in uids]
    said = {
        "entryUUID": [f"id-{name}"],
        "cn": [name],
        "objectClass": ["groupOfNames"],
        "member": members,
    }
    return entry(number, f"cn={name},ou=groups,dc=x", said)


def entry(number: int, dn: str, attributes: Mapping[str, Sequence[str]]) -> bytes:
    lists = [
        element(
            0x30,
            element(0x04, name.encode()),
            element(0x31, *(element(0x04, value.encode()) for value in values)),
        )
        for name, values in attributes.items()
    ]
    return message(number, element(0x64, element(0x04, dn.encode()), element(0x30, *lists)))

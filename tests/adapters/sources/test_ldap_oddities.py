"""Servers that answer oddly: pages without end, one cookie for all pages, no paging, wrong numbers."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from idpsync.core.errors import Malformed, RemoteError, Transient
from idpsync.core.model import Coverage
from idpsync.sources import LdapConfig
from idpsync.sources.ldap.session import Entry, Listing, Search, Session
from tests.slapd import free_port

SUCCESS = b"\x0a\x01\x00\x04\x00\x04\x00"
EVERYBODY = Search("read people", "ou=people,dc=x", "(uid=*)", ("uid",))


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
    at = 2 + (request[1] & 0x7F if request[1] >= 0x80 else 0)
    return int.from_bytes(request[at + 2 : at + 2 + request[at + 1]], "big")


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


def listing(answer: Callable[[int, int], bytes]) -> Listing[Entry]:
    with odd_server(answer) as port:
        config = LdapConfig(
            kind="ldap", url=f"ldap://127.0.0.1:{port}", user_base="dc=x", group_base="dc=x"
        )
        with Session(config, "read directory") as session:
            return session.read_all(EVERYBODY)


def test_pages_that_never_end_are_given_up() -> None:
    found = listing(lambda n, number: person(number, f"u{n}") * (n < 3) + done(number, b"again"))
    assert len(found.entries) == 2
    assert found.coverage is Coverage.PARTIAL
    assert "never end" in found.reason


def test_one_cookie_for_all_pages_is_no_circle_while_people_come() -> None:
    found = listing(lambda n, number: person(number, f"u{n}") + done(number, b"0" if n < 5 else b""))
    assert (len(found.entries), found.coverage) == (5, Coverage.COMPLETE)


def test_an_empty_page_is_not_the_end() -> None:
    found = listing(
        lambda n, number: (
            (b"" if n == 2 else person(number, f"u{n}")) + done(number, b"%d" % n if n < 3 else b"")
        )
    )
    assert (len(found.entries), found.coverage) == (2, Coverage.COMPLETE)


def test_an_answer_without_paging_control_is_not_the_end() -> None:
    found = listing(lambda n, number: person(number, f"u{n}") + done(number, None))
    assert found.coverage is Coverage.PARTIAL
    assert "no paging control" in found.reason


@pytest.mark.parametrize(
    ("answer", "becomes"),
    [
        (lambda n, number: b"HTTP/1.1 400 Bad Request\r\n\r\n", Malformed),
        (lambda n, number: done(number + 1, b""), Transient),
        (lambda n, number: message(0, element(0x78, SUCCESS)), Transient),
        (lambda n, number: message(number, element(0x65, b"\x0a\x01\x63\x04\x00\x04\x00")), Malformed),
        (lambda n, number: message(number, b"\x7e\x00"), Malformed),
        (lambda n, number: message(number, element(0x64, b"\x04\x7f")), Malformed),
    ],
)
def test_nonsense_is_an_error_of_ours(
    answer: Callable[[int, int], bytes], becomes: type[RemoteError]
) -> None:
    found = listing(answer)
    assert (found.entries, found.coverage) == ((), Coverage.FAILED)
    assert type(found.error) is becomes, found.error

"""Servers that answer oddly: pages without end, one cookie for all pages, no paging, wrong numbers."""

from collections.abc import Callable

import pytest

from idpsync.core.errors import Malformed, RemoteError, Transient
from idpsync.core.model import Coverage
from idpsync.sources import LdapConfig
from idpsync.sources.ldap.session import Entry, Listing, Search, Session
from tests.adapters.sources.ldap_script import SUCCESS, done, element, message, odd_server, person

EVERYBODY = Search("read people", "ou=people,dc=x", "(uid=*)", ("uid",))


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


@pytest.mark.parametrize("people", [1, 2])
def test_the_same_pages_again_and_again_are_given_up(people: int) -> None:
    """As many kinds of page as people, in turn, and one cookie."""
    found = listing(lambda n, number: person(number, f"u{n % people}") + done(number, b"again"))
    assert len(found.entries) <= 2 * people + 1
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

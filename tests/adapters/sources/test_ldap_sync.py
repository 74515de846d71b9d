"""The parts that following a server is made of: its encoding, what a refresh says, groups in circles."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idpsync.core.errors import Malformed, RemoteError
from idpsync.sources import LdapConfig
from idpsync.sources.ldap.ber import NotBer, element, elements, only
from idpsync.sources.ldap.nesting import circles
from idpsync.sources.ldap.session import Search, Session
from idpsync.sources.ldap.sync import DONE, INFO, STATE, Refresh, first_cookie, refresh
from tests.adapters.sources.ldap_script import SUCCESS, entry, id_of, message, scripted_server
from tests.adapters.sources.ldap_script import element as long_element

ASKED = Search("read changes", "ou=people,dc=x", "(uid=*)", ())
ONE, TWO = bytes(range(16)), bytes(range(1, 17))
NAMES = {ONE: "00010203-0405-0607-0809-0a0b0c0d0e0f", TWO: "01020304-0506-0708-090a-0b0c0d0e0f10"}


def control(oid: str, value: bytes) -> bytes:
    return element(0xA0, element(0x30, element(0x04, oid.encode()), element(0x04, value)))


def ended(number: int, *parts: bytes) -> bytes:
    """A search that ends with this Sync Done value."""
    done = long_element(0x65, SUCCESS)
    return message(number, done, control(DONE, element(0x30, *parts)))


def named(number: int, state: int, uuid: bytes) -> bytes:
    whole = entry(number, "uid=x,dc=x", {})
    value = element(0x30, element(0x0A, bytes([state])), element(0x04, uuid))
    inner = whole[4:] + control(STATE, value)
    return long_element(0x30, inner)


def told(number: int, tag: int, *parts: bytes) -> bytes:
    """A Sync Info message."""
    value = element(0x81, element(tag, *parts))
    return message(number, long_element(0x79, element(0x80, INFO.encode()), value))


def set_of(number: int, uuids: list[bytes], *, deletes: bool) -> bytes:
    flag = element(0x01, b"\xff") if deletes else b""
    return told(number, 0xA3, flag, element(0x31, *(element(0x04, uuid) for uuid in uuids)))


COOKIE, DELETES = element(0x04, b"cookie 2"), element(0x01, b"\xff")


def refreshed(*answers: object) -> Refresh:
    """What one refresh makes of these answers, each made for the number of the request."""

    def answer(request: bytes) -> bytes:
        return b"".join(one(id_of(request)) for one in answers)  # type: ignore[operator]

    with scripted_server(answer) as port:
        config = LdapConfig(
            kind="ldap", url=f"ldap://127.0.0.1:{port}", user_base="dc=x", group_base="dc=x"
        )
        with Session(config, "read changes") as session:
            return refresh(session, ASKED, b"cookie 1")


def test_added_and_modified_entries_are_changed_and_the_cookie_is_the_last() -> None:
    found = refreshed(
        lambda n: named(n, 1, ONE), lambda n: named(n, 2, TWO), lambda n: ended(n, COOKIE, DELETES)
    )
    assert (set(found.changed), set(found.deleted)) == ({NAMES[ONE], NAMES[TWO]}, set())
    assert (found.cookie, found.by_absence) == (b"cookie 2", False)


def test_a_refresh_without_cookie_keeps_the_old_one() -> None:
    assert refreshed(lambda n: ended(n, DELETES)).cookie is None
    assert refreshed(lambda n: ended(n, DELETES)).nothing


def test_those_who_are_gone_are_named_in_sets_or_by_state() -> None:
    by_set = refreshed(
        lambda n: set_of(n, [ONE, TWO], deletes=True), lambda n: ended(n, COOKIE, DELETES)
    )
    assert by_set.deleted == set(NAMES.values())
    by_state = refreshed(lambda n: named(n, 3, ONE), lambda n: ended(n, COOKIE, DELETES))
    assert by_state.deleted == {NAMES[ONE]}


def test_without_deletes_whoever_is_not_named_is_gone() -> None:
    found = refreshed(
        lambda n: set_of(n, [ONE], deletes=False), lambda n: named(n, 0, TWO), lambda n: ended(n, COOKIE)
    )
    assert found.by_absence
    assert found.present == set(NAMES.values())
    assert not found.nothing


@pytest.mark.parametrize(
    "answers",
    [
        [lambda n: message(n, long_element(0x65, SUCCESS))],
        [lambda n: told(n, 0xA2, COOKIE), lambda n: ended(n, COOKIE)],
        [lambda n: entry(n, "uid=x,dc=x", {}), lambda n: ended(n, COOKIE, DELETES)],
        [lambda n: named(n, 1, b"short"), lambda n: ended(n, COOKIE, DELETES)],
        [lambda n: named(n, 9, ONE), lambda n: ended(n, COOKIE, DELETES)],
        [lambda n: message(n, long_element(0x65, SUCCESS), control(DONE, b"\x30\x7f"))],
    ],
    ids=["no end", "phases", "no state", "short id", "unknown state", "cut control"],
)
def test_what_cannot_be_understood_is_an_error(answers: list[object]) -> None:
    with pytest.raises(Malformed):
        refreshed(*answers)


def test_an_empty_cookie_is_none_to_begin_with() -> None:
    def answer(request: bytes) -> bytes:
        return ended(id_of(request), element(0x04, b""), DELETES)

    with scripted_server(answer) as port:
        config = LdapConfig(
            kind="ldap", url=f"ldap://127.0.0.1:{port}", user_base="dc=x", group_base="dc=x"
        )
        with Session(config, "read") as session, pytest.raises(RemoteError, match="no cookie"):
            first_cookie(session, ASKED)


@given(st.lists(st.tuples(st.integers(1, 0xFE), st.binary(max_size=300)), max_size=5))
def test_what_is_encoded_is_read_back(parts: list[tuple[int, bytes]]) -> None:
    assert list(elements(b"".join(element(tag, inner) for tag, inner in parts))) == parts


@given(st.binary(max_size=40))
def test_any_bytes_are_elements_or_refused(content: bytes) -> None:
    with suppress(NotBer):
        assert sum(2 + len(inner) for _, inner in elements(content)) <= len(content)
    with pytest.raises(NotBer):
        only(0x30, b"\x04\x00" + content)


@given(st.dictionaries(st.integers(0, 9), st.sets(st.integers(0, 9)), min_size=1))
def test_groups_that_lead_to_each_other_are_one_circle_and_inner_ones_come_first(
    graph: dict[int, set[int]],
) -> None:
    inner = {str(k): {str(v) for v in held} for k, held in graph.items()}

    def reached(start: str) -> set[str]:
        seen, left = {start}, [start]
        while left:
            more = inner.get(left.pop(), set()) - seen
            seen |= more
            left += more
        return seen

    found = [set(circle) for circle in circles(inner, lambda one: inner.get(one, set()))]
    everything = set().union(*map(reached, inner))
    assert sorted(one for circle in found for one in circle) == sorted(everything)
    for at, circle in enumerate(found):
        for one in circle:
            assert {
                other for other in everything if other in reached(one) and one in reached(other)
            } == (circle)
            assert reached(one) <= set().union(*found[: at + 1])


def test_a_thousand_groups_inside_each_other_are_no_trouble() -> None:
    chain = {str(n): [str(n + 1)] for n in range(5000)}
    assert len(list(circles(["0"], lambda one: chain.get(one, [])))) == 5001

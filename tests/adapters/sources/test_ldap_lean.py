"""Our receive loop gives what ldap3's own gives, and survives every broken byte."""

from collections.abc import Iterator
from typing import Any

import ldap3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idpsync.sources.ldap.ber import NotBer
from idpsync.sources.ldap.lean import LeanSync, agrees, entry_of, message_size, use_lean
from tests.slapd import GROUPS, PEOPLE, SUFFIX, LdapGroup, Slapd, running_slapd


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """300 people and a group whose one message is longer than any chunk."""
    members = tuple(f"user{n:04d}" for n in range(8000))
    with running_slapd(
        tmp_path_factory.mktemp("lean"), people=300, groups=[LdapGroup("Ünïversal", members)]
    ) as server:
        yield server


def search(slapd: Slapd, base: str, *, lean: bool, page: int = 100) -> list[dict[str, Any]]:
    server = ldap3.Server("127.0.0.1", slapd.port, get_info=ldap3.NONE)
    connection = ldap3.Connection(
        server, slapd.bind_dn, slapd.password, auto_bind=True, return_empty_attributes=False
    )
    if lean:
        assert use_lean(connection)
    found: list[dict[str, Any]] = []
    cookie = None
    while cookie != b"":
        connection.search(
            base, "(objectClass=*)", attributes=["*", "+"], paged_size=page, paged_cookie=cookie
        )
        found += connection.response or []
        cookie = connection.result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
    connection.unbind()
    return found


def lowered(attributes: dict[str, list[bytes]]) -> dict[str, list[bytes]]:
    """Names compare without case, so ours come in one."""
    return {name.lower(): values for name, values in attributes.items()}


@pytest.mark.server
@pytest.mark.parametrize("base", [PEOPLE, GROUPS, SUFFIX])
def test_the_same_entries_as_the_stock_strategy(slapd: Slapd, base: str) -> None:
    stock, lean = search(slapd, base, lean=False), search(slapd, base, lean=True)
    assert len(stock) > 1
    assert [(e["type"], e["dn"], lowered(e["raw_attributes"])) for e in stock] == [
        (e["type"], e["dn"], e["raw_attributes"]) for e in lean
    ]


@pytest.mark.server
def test_it_is_used_only_where_it_was_tried(slapd: Slapd) -> None:
    server = ldap3.Server("127.0.0.1", slapd.port, get_info=ldap3.NONE)
    other = ldap3.Connection(server, client_strategy=ldap3.SAFE_SYNC)
    assert not use_lean(other)
    assert not isinstance(other.strategy, LeanSync)


def element(tag: int, *content: bytes) -> bytes:
    inner = b"".join(content)
    if len(inner) < 0x80:
        return bytes([tag, len(inner)]) + inner
    size = len(inner).to_bytes(4, "big")
    return bytes([tag, 0x84]) + size + inner


def entry(dn: str, attributes: dict[str, list[bytes]]) -> bytes:
    lists = [
        element(0x30, element(0x04, name.encode()), element(0x31, *(element(0x04, v) for v in values)))
        for name, values in attributes.items()
    ]
    return element(0x64, element(0x04, dn.encode()), element(0x30, *lists))


entries = st.tuples(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9;-]{0,10}", fullmatch=True),
        st.lists(st.binary(max_size=300), max_size=4),
        max_size=4,
    ),
)


@given(entries)
def test_any_entry_is_read_back(sample: tuple[str, dict[str, list[bytes]]]) -> None:
    dn, attributes = sample
    found = entry_of(entry(dn, attributes), 0)
    assert found == {"type": "searchResEntry", "dn": dn, "raw_attributes": attributes}


def test_values_of_every_length_are_read_back() -> None:
    """The shortcut for short values ends where lengths take a second byte."""
    for size in range(300):
        sample = {"a": [b"x" * size], "description": [b"y" * size], "b": [b"z"]}
        assert entry_of(entry("uid=x", sample), 0)["raw_attributes"] == sample


def test_controls_of_an_entry_are_read() -> None:
    state = element(0x30, element(0x04, b"1.2.3"), element(0x01, b"\xff"), element(0x04, b"told"))
    found = entry_of(entry("uid=x", {"uid": [b"x"]}) + element(0xA0, state), 0)
    assert found["controls"] == {"1.2.3": {"value": b"told"}}


@given(entries, st.data())
def test_an_entry_cut_anywhere_is_not_read(
    sample: tuple[str, dict[str, list[bytes]]], data: st.DataObject
) -> None:
    whole = entry(*sample)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(NotBer):
        entry_of(whole[:cut], 0)


@given(entries, st.data())
def test_a_changed_byte_raises_or_is_read_but_never_anything_else(
    sample: tuple[str, dict[str, list[bytes]]], data: st.DataObject
) -> None:
    whole = bytearray(entry(*sample))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = entry_of(bytes(whole), 0)
    except NotBer:
        return
    assert found["type"] == "searchResEntry"


@given(st.binary(max_size=12))
def test_the_size_of_a_message_is_known_as_soon_as_its_head_is_there(tail: bytes) -> None:
    message = element(0x30, tail * 30)
    sizes = [message_size(message[:n]) for n in range(len(message) + 1)]
    known = next(n for n, size in enumerate(sizes) if size is not None)
    assert set(sizes[known:]) == {len(message)}
    assert known <= 6


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 400", b"\x30\x80", b"\x30\x89", b"\x30\x84\xff\xff\xff\xff"]
)
def test_what_is_no_ldap_message_is_refused(head: bytes) -> None:
    with pytest.raises(NotBer):
        message_size(head)


def test_a_decoder_that_differs_from_the_librarys_own_is_not_used() -> None:
    def forgetful(message: bytes, at: int) -> dict[str, Any]:
        found = entry_of(message, at)
        return found | {"raw_attributes": {k: v[:1] for k, v in found["raw_attributes"].items()}}

    def broken(message: bytes, at: int) -> dict[str, Any]:
        raise NotBer("not understood")

    assert agrees(entry_of)
    assert not agrees(forgetful)
    assert not agrees(broken)


def test_the_library_is_still_the_one_that_was_tried() -> None:
    assert ldap3.__version__ == "2.9.1"  # type: ignore[attr-defined]

"""One e-mail address, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idpsync.core.policy import domain_of
from idpsync.mailbox import mailbox, on_one_line


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("ada@acme.example", "", "ada@acme.example"),
        (" ada@acme.example ", "", "ada@acme.example"),
        ("idpsync <idpsync@acme.example>", "idpsync", "idpsync@acme.example"),
        ("<ada@acme.example>", "", "ada@acme.example"),
        ('"Lovelace, Ada" <ada@acme.example>', "Lovelace, Ada", "ada@acme.example"),
        ("João (TI) <joão@ação.example>", "João (TI)", "joão@xn--ao-siap.example"),
        ("o'neil+seats@Acme.Example", "", "o'neil+seats@acme.example"),
        ("root@localhost", "", "root@localhost"),
    ],
)
def test_an_address_with_a_name_or_without(text: str, name: str, address: str) -> None:
    found = mailbox(text)
    assert (found.display_name, found.addr_spec) == (name, address)


@pytest.mark.parametrize(
    "text",
    [
        *("", "ada", "@acme.example", "ada@", "a@b@c", "a@b, c@d", "a@b c@d", "a b@c.example"),
        *("group: a@b, c@d;", "Lovelace, Ada <a@b> <c@d>", '"a b"@c.example', "a@[192.0.2.1]"),
        *("a@b..c", "a@.b", "a@b.", "a@b\nc", "a\x00@b", "=?utf-8?q?a?=@b", "=?utf-8?q?Bcc=3a?= <a@b>"),
        *("a>@b", "<a@b", "a@b>", f"{'a' * 65}@b", f"a@{'b' * 64}", f"{'x' * 500} <a@b>"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"line break|is not one e-mail address"):
        mailbox(text)


@given(st.text(max_size=60) | st.from_regex(r"[^@]{0,20}<?[^@]{1,20}@[^@]{1,20}>?", fullmatch=True))
def test_whatever_is_accepted_is_one_address_in_the_domain_that_is_compared(text: str) -> None:
    try:
        found = mailbox(text)
    except ValueError:
        return
    assert on_one_line(str(found))
    assert found.domain.isascii()
    assert found.domain == domain_of(found.addr_spec)
    assert mailbox(str(found)) == found

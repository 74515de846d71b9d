"""E-mail addresses as letters carry them: one at a time, on one line, the domain as DNS knows it."""

import re
import unicodedata
from email.headerregistry import Address

from idpsync.core.policy import domain_of

LONGEST = 400  # characters, name included; a path of SMTP has at most 256 (RFC 5321 §4.5.3.1)

_FORM = re.compile(r'(?:"?(?P<name>[^<>"]*)"?\s?<(?P<inner>[^<>]*)>|(?P<bare>[^<>]*))')
_LOCAL = re.compile(r'[^\s<>()\[\]:;,\\"@]{1,64}')  # unquoted: nobody in the field has a quoted one
_DOMAIN = re.compile(r"(?=.{1,255}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")


def mailbox(text: str) -> Address:
    """`ada@acme.example` or `Ada Example <ada@acme.example>`; ValueError says what else it is.

    The domain is that of `domain_of`, so a letter goes where the verified domains say. A line break
    would start a header of its own (RFC 5322 §2.2) and `=?` would be read as something else (RFC 2047
    §2): neither is accepted.
    """
    shown = repr(text[:80])
    if not on_one_line(text):
        raise ValueError(f"{shown} has a line break or another control character in it")
    form = _FORM.fullmatch(text.strip()) if len(text) <= LONGEST and "=?" not in text else None
    address = (form["bare"] or form["inner"] or "") if form else ""
    local, domain = address.rpartition("@")[0], domain_of(address)
    if form is None or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise ValueError(f"{shown} is not one e-mail address such as ada@acme.example")
    return Address((form["name"] or "").strip(), local, domain)


def on_one_line(text: str) -> bool:
    """Whether `text` has nothing in it that could end a line or hide in one."""
    return not any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in text)

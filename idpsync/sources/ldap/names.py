"""Distinguished names in one comparable form (RFC 4514, RFC 4518 as far as people's names need it).

ldap3's `safe_dn` keeps case and rejects legal spellings; servers spell one DN in several ways.
"""

import re
import unicodedata

_UNUSUAL = re.compile(r'[\\"+#;]|  | [,=]|[,=] |^ | $')
_ODD = re.compile(r'[\\"+#; ]')  # all that is unusual has one of these, and one class is found fast
_ESCAPE = re.compile(r"((?:\\[0-9a-f]{2})+)|\\(.)", re.DOTALL)
_OPTIONAL_UID = re.compile(r"#'[01]*'B$")  # uniqueMember is a Name And Optional UID (RFC 4517 §3.3.21)
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_SPECIAL = ',+"\\;'


def normal(dn: str) -> str:
    """`dn` as a text that is equal for every spelling of the same name.

    Case, space around separators, runs of space, escapes, quotes and the order inside a multi-valued
    RDN make no difference. A text that is no DN comes back folded; it never raises.
    """
    folded = _folded(dn)
    if not _ODD.search(folded) or not _UNUSUAL.search(folded):
        return folded
    return ",".join(_rdn(rdn) for rdn in _split(_unquoted(folded), ",;"))


def without_uid(value: str) -> str:
    """A uniqueMember value without its optional UID."""
    return _OPTIONAL_UID.sub("", value)


def lies_under(dn: str, base: str) -> bool:
    """Whether the entry `dn` is inside the subtree of `base`; both in normal form."""
    return not base or dn == base or dn.endswith("," + base)


def parent(dn: str) -> str:
    """Of a DN in normal form, where a comma inside a value is a pair of hex digits."""
    return dn.partition(",")[2]


def _rdn(text: str) -> str:
    return "+".join(sorted(_value_pair(pair) for pair in _split(text, "+")))


def _value_pair(pair: str) -> str:
    kind, equals, value = pair.partition("=")
    if not equals:
        return _space(pair)
    value = value.lstrip(" ")
    return f"{kind.strip(' ')}={value if value.startswith('#') else _escaped(_plain(value))}"


def _plain(value: str) -> str:
    """The value without its escapes: a comma may be a pair of hex digits or stand behind a backslash."""
    return _space(_folded(_ESCAPE.sub(_meant, value)))


def _meant(escape: re.Match[str]) -> str:
    if escape[1]:
        return bytes.fromhex(escape[1].replace("\\", "")).decode("utf-8", "backslashreplace")
    return escape[2]


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _space(text: str) -> str:
    return re.sub(" +", " ", text).strip(" ")


def _escaped(text: str) -> str:
    safe = "".join(f"\\{ord(c):02x}" if c in _SPECIAL else c for c in text)
    return f"\\23{safe[1:]}" if safe.startswith("#") else safe


def _unquoted(text: str) -> str:
    """RFC 2253 §4 let a value stand in quotes."""
    return _QUOTED.sub(lambda quoted: re.sub(r"([,+;=<>#])", r"\\\1", quoted[1]), text)


def _split(text: str, separators: str) -> list[str]:
    """Cut at separators that no backslash precedes."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] in separators:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]]

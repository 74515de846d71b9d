"""The basic encoding of control values, read and written (X.690; definite lengths, RFC 4511 §5.1)."""

from collections.abc import Iterator

BOOLEAN, OCTETS, ENUMERATED, SEQUENCE, SET = 0x01, 0x04, 0x0A, 0x30, 0x31


class NotBer(ValueError):
    """The bytes are not the definite-length BER that LDAP allows (RFC 4511 §5.1)."""


def element(tag: int, *content: bytes) -> bytes:
    """One element with this content."""
    inner = b"".join(content)
    if len(inner) < 0x80:
        return bytes([tag, len(inner)]) + inner
    digits = (len(inner).bit_length() + 7) // 8
    return bytes([tag, 0x80 | digits]) + len(inner).to_bytes(digits, "big") + inner


def elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element in `content`; NotBer where the lengths do not add up."""
    at = 0
    while at < len(content):
        tag, size, at = _head(content, at)
        if at + size > len(content):
            raise NotBer("an element longer than what holds it")
        yield tag, content[at : at + size]
        at += size


def only(tag: int, content: bytes) -> bytes:
    """The content of the one element that `content` is."""
    match list(elements(content)):
        case [(found, inner)] if found == tag:
            return inner
        case others:
            tags = ", ".join(f"0x{other:02x}" for other, _ in others)
            raise NotBer(f"elements {tags or 'none'} where one 0x{tag:02x} belongs")


def _head(content: bytes, at: int) -> tuple[int, int, int]:
    """Tag, size, and where the content begins."""
    try:
        tag, size = content[at], content[at + 1]
    except IndexError as error:
        raise NotBer("the bytes end inside an element") from error
    at += 2
    if size < 0x80:
        return tag, size, at
    digits = size & 0x7F
    if not 0 < digits <= 8:
        raise NotBer("an element without definite length")
    return tag, int.from_bytes(content[at : at + digits], "big"), at + digits

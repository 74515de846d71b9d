"""How Active Directory writes ids, times, members and parts of long lists (MS-DTYP, MS-ADTS). Pure."""

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from idpsync.sources.ldap.names import normal
from idpsync.sources.ldap.session import Entry, Unreadable

EXTENDED_DN = ("1.2.840.113556.1.4.529", True, bytes.fromhex("3003020101"))
"""Control: DNs are told with GUID and SID before them, as text (MS-ADTS 3.1.1.3.4.1.5)."""

DOMAIN_SCOPE = ("1.2.840.113556.1.4.1339", False, None)
"""Control: what other domains and partitions hold is not pointed to (MS-ADTS 3.1.1.3.4.1.4)."""

VALUES_AT_ONCE = 1500  # MaxValRange of a domain controller (MS-ADTS 3.1.1.3.4.6)
NEVER = frozenset({0, 2**63 - 1})
DOMAIN_SUBAUTHORITIES = 5  # S-1-5-21-a-b-c-RID; groups of the machine itself have two

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_EXTENDED = re.compile(rb"<GUID=([0-9a-fA-F-]{36})>;(?:<SID=[^>]*>;)?(.*)", re.DOTALL)
_RANGE = re.compile(r"member;range=(\d+)-(\d+|\*)")
_DOMAIN = re.compile(r"(?:^|,)((?:dc=[^,]+)(?:,dc=[^,]+)*)$")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a group's members from `start` on. `following` is where the next begins, None after
    the last.
    """

    values: Sequence[bytes]
    start: int = 0
    following: int | None = None


def guid_of(entry: Entry) -> str:
    """The objectGUID as text, as the tools of Windows write it; Unreadable when it is hidden."""
    values = entry.values.get("objectguid") or ()
    if len(values) != 1 or len(values[0]) != 16:
        raise Unreadable(f"{plain_dn(entry.dn)} shows no objectGUID")
    return str(uuid.UUID(bytes_le=values[0]))


def guid_filter(guid: str) -> str:
    """The filter that finds the object with this id."""
    escapes = (rf"\{octet:02x}" for octet in uuid.UUID(guid).bytes_le)
    return f"(objectGUID={''.join(escapes)})"


def is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def rid_of(sid: bytes) -> int | None:
    """The last number of a SID of this domain; None for a SID of another kind (MS-DTYP 2.4.2.2)."""
    if len(sid) != 8 + 4 * DOMAIN_SUBAUTHORITIES or sid[1] != DOMAIN_SUBAUTHORITIES:
        return None
    return int.from_bytes(sid[-4:], "little")


def moment(ticks: int) -> datetime | None:
    """A time in units of 100 ns since 1601; None for never, and for what no calendar has."""
    if ticks in NEVER:
        return None
    try:
        return _EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None


def generalized(text: str) -> datetime:
    """A GeneralizedTime of a domain controller: 20260115093000.0Z; ValueError for anything else."""
    return datetime.strptime(text, "%Y%m%d%H%M%S.%fZ").replace(tzinfo=UTC)


def named(value: bytes) -> tuple[str, str]:
    """GUID and plain DN of a value told with EXTENDED_DN; Unreadable without a GUID."""
    found = _EXTENDED.match(value)
    if not found:
        raise Unreadable(f"{value[:80]!r} names nobody by GUID")
    return found[1].decode().lower(), found[2].decode("utf-8", "backslashreplace")


def plain_dn(dn: str) -> str:
    """The DN without the ids that EXTENDED_DN puts before it."""
    return dn[dn.rindex(">;") + 2 :] if dn.startswith("<") and ">;" in dn else dn


def part_of(entry: Entry) -> Part:
    """The members that an answer holds; Unreadable where they come in a way nobody asked for.

    A server that shows members without a range has shown them all (Samba, where few are).
    """
    parts = list(_parts(entry))
    whole = entry.values.get("member")
    if len(parts) + bool(whole) > 1:
        raise Unreadable(f"{plain_dn(entry.dn)} shows its members twice")
    return parts[0] if parts else Part(whole or ())


def _parts(entry: Entry) -> Iterator[Part]:
    for name, values in entry.values.items():
        if found := _RANGE.fullmatch(name):
            following = None if found[2] == "*" else int(found[2]) + 1
            yield Part(values or (), int(found[1]), following)


def domain_of(dn: str) -> str:
    """The naming context that holds the entry, in normal form; "" for a DN outside a domain."""
    found = _DOMAIN.search(normal(plain_dn(dn)))
    return found[1] if found else ""


def dns_name(naming_context: str) -> str:
    """dc=lab,dc=example → lab.example"""
    return ".".join(part.partition("=")[2] for part in naming_context.split(","))

"""What a test's slapd is filled with: people and groups as LDIF."""

import base64
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SUFFIX = "dc=acme,dc=example"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
ROOT_DN = f"cn=root,{SUFFIX}"
READER_DN = f"cn=idpsync,ou=services,{SUFFIX}"
CAPPED_DN = f"cn=capped,ou=services,{SUFFIX}"
LIMITED_DN = f"cn=limited,ou=services,{SUFFIX}"
WRITER_DN = f"cn=writer,ou=services,{SUFFIX}"
PASSWORD = "slapd-secret"
NOBODY = f"cn=nobody,{SUFFIX}"


def entry_uuid(name: str) -> str:
    """The entryUUID that a person or group of that name has on this server."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def dn_value(text: str) -> str:
    """`text` as an attribute value inside a DN (RFC 4514 §2.4)."""
    escaped = "".join(f"\\{c}" if c in ',+"\\<>;=' else c for c in text)
    if escaped.startswith(("#", " ")):
        escaped = "\\" + escaped
    return escaped[:-1] + "\\ " if escaped.endswith(" ") else escaped


@dataclass(frozen=True)
class LdapPerson:
    """One inetOrgPerson. Empty attributes are left out; `extra` adds any other."""

    uid: str
    mail: str = ""
    given_name: str = "Ada"
    family_name: str = "Example"
    title: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def dn(self) -> str:
        return f"uid={dn_value(self.uid)},{PEOPLE}"

    def attributes(self) -> dict[str, list[str]]:
        pairs = {
            "uid": self.uid,
            "cn": f"{self.given_name} {self.family_name}".strip(),
            "sn": self.family_name or self.uid,
            "givenName": self.given_name,
            "mail": self.mail,
            "title": self.title,
            **self.extra,
        }
        return {"objectClass": ["inetOrgPerson"]} | {k: [v] for k, v in pairs.items() if v}


@dataclass(frozen=True)
class LdapGroup:
    """One group. `members` are uids, `member_groups` names of groups, `member_dns` anything else.

    A groupOfNames must have a member (RFC 4519 §3.5): without any it names `cn=nobody`.
    """

    name: str
    members: tuple[str, ...] = ()
    member_groups: tuple[str, ...] = ()
    member_dns: tuple[str, ...] = ()
    object_class: str = "groupOfNames"

    @property
    def dn(self) -> str:
        return group_dn(self.name)

    def attributes(self) -> dict[str, list[str]]:
        shape = {"objectClass": [self.object_class], "cn": [self.name]}
        if self.object_class == "posixGroup":
            uids = {"memberUid": list(self.members)} if self.members else {}
            return shape | uids | {"gidNumber": [str(10_000 + zlib.crc32(self.name.encode()) % 10_000)]}
        attribute = "uniqueMember" if self.object_class == "groupOfUniqueNames" else "member"
        return shape | {attribute: self.member_values()}

    def member_values(self) -> list[str]:
        people = [f"uid={dn_value(uid)},{PEOPLE}" for uid in self.members]
        return [*people, *map(group_dn, self.member_groups), *self.member_dns] or [NOBODY]


def group_dn(name: str) -> str:
    return f"cn={dn_value(name)},{GROUPS}"


def person_number(n: int) -> LdapPerson:
    """The n-th of the people whom `people=N` makes."""
    uid = f"user{n:04d}"
    return LdapPerson(
        uid, f"{uid}@acme.example", f"Given{n}", f"Family{n % 97}", title=f"Engineer {n % 17}"
    )


def ldif(people: Iterable[LdapPerson], groups: Iterable[LdapGroup]) -> str:
    """Everything as LDIF, entryUUIDs included."""
    blocks = [
        _block(SUFFIX, {"objectClass": ["dcObject", "organization"], "dc": ["acme"], "o": ["Acme"]}),
        *(
            _block(f"ou={ou},{SUFFIX}", {"objectClass": ["organizationalUnit"], "ou": [ou]})
            for ou in ("people", "groups", "services")
        ),
        *(_block(dn, _service(dn)) for dn in (READER_DN, CAPPED_DN, LIMITED_DN, WRITER_DN)),
        *(_block(p.dn, p.attributes() | {"entryUUID": [entry_uuid(p.uid)]}) for p in people),
        *(_block(g.dn, g.attributes() | {"entryUUID": [entry_uuid(g.name)]}) for g in groups),
    ]
    return "\n".join(blocks)


def _service(dn: str) -> dict[str, list[str]]:
    name = dn.partition(",")[0].removeprefix("cn=")
    return {
        "objectClass": ["applicationProcess", "simpleSecurityObject"],
        "cn": [name],
        "userPassword": [PASSWORD],
    }


def _block(dn: str, attributes: Mapping[str, Sequence[str]]) -> str:
    lines = [_line("dn", dn)]
    lines += [_line(name, value) for name, values in attributes.items() for value in values]
    return "\n".join(lines) + "\n"


def _line(name: str, value: str) -> str:
    plain = value.isascii() and value.isprintable() and not value.startswith((" ", ":", "<"))
    if plain and not value.endswith(" "):
        return f"{name}: {value}"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"

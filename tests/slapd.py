"""A real OpenLDAP server for tests: private, on loopback, with its own certificates, gone afterwards.

    with running_slapd(tmp_path, people=1000, groups={"Claude Premium": ["user0001"]}) as slapd:
        slapd.url, slapd.ldaps_url, slapd.ca_file    # the certificate names localhost and 127.0.0.1
        slapd.bind_dn, slapd.password, slapd.password_file    # reads everything, no size limit
        slapd.capped_dn             # same password, at most `size_limit` entries per search
        slapd.limited_dn            # same password, for `access` lines that hide things
        slapd.people_base, slapd.groups_base
        slapd.add_person(LdapPerson("ada", ...)); slapd.modify_person("ada", mail="x@acme.example")
        slapd.rename_person("ada", "ada2"); slapd.delete_person("ada")
        slapd.add_group("G", ["ada"]); slapd.set_members("G", [...]); slapd.rename_group("G", "H")
        slapd.delete_group("H"); slapd.restart(); slapd.freeze(); slapd.thaw(); slapd.stop()

`people` is a number (user0000, user0001, …) or a sequence of `LdapPerson`; `groups` maps a name to the
uids in it, or is a sequence of `LdapGroup` (nested members, other object classes). entryUUIDs are
`entry_uuid(uid)`, so tests know them beforehand. 20,000 people load in about a second (slapadd).
`access` are slapd.conf access lines put before the general one:

    HIDE_MEMBERS, hide_people("(title=Engineer 3)")

The caller is skipped, with the reason, where slapd is not installed.
"""

import base64
import os
import random
import shutil
import signal
import socket
import subprocess
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ldap3 import MODIFY_REPLACE, NONE, Connection, Server

from tests.slapd_certificates import make_certificates

SUFFIX = "dc=acme,dc=example"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
ROOT_DN = f"cn=root,{SUFFIX}"
READER_DN = f"cn=idpsync,ou=services,{SUFFIX}"
CAPPED_DN = f"cn=capped,ou=services,{SUFFIX}"
LIMITED_DN = f"cn=limited,ou=services,{SUFFIX}"
PASSWORD = "slapd-secret"
NOBODY = f"cn=nobody,{SUFFIX}"

HIDE_MEMBERS = f'access to attrs=member by dn.exact="{LIMITED_DN}" none by users read by * none'


def hide_people(filter: str) -> str:
    """An access line that hides the people of `filter` from `limited_dn`: result 0, entries missing."""
    return (
        f'access to dn.subtree="{PEOPLE}" filter="{filter}" '
        f'by dn.exact="{LIMITED_DN}" none by users read by * none'
    )


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


class Slapd:
    """One running server. Made by `running_slapd`; every write goes through LDAP as the root DN."""

    bind_dn = READER_DN
    capped_dn = CAPPED_DN
    limited_dn = LIMITED_DN
    password = PASSWORD
    people_base = PEOPLE
    groups_base = GROUPS

    def __init__(self, folder: Path, *, size_limit: int, access: Sequence[str]) -> None:
        self.folder = folder
        self.ca_file = folder / "tls" / "ca.pem"
        self.password_file = folder / "password"
        self.port, self.tls_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "db").mkdir(parents=True)
        make_certificates(folder / "tls")
        self.password_file.write_text(PASSWORD)
        self._conf = folder / "slapd.conf"
        self._conf.write_text(slapd_conf(folder, size_limit, access))

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def ldaps_url(self) -> str:
        return f"ldaps://localhost:{self.tls_port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "slapd is not running"
        return self._process.pid

    def load(self, ldif: str) -> None:
        """Fill the empty database offline."""
        run = subprocess.run(
            ["/usr/sbin/slapadd", "-q", "-f", str(self._conf), "-b", SUFFIX],
            input=ldif.encode(),
            capture_output=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr.decode()

    def start(self) -> None:
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        with (self.folder / "slapd.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/usr/sbin/slapd", "-d", "0", "-f", str(self._conf), "-h", urls],
                stdout=log,
                stderr=log,
            )
        self._wait_until_up()

    def _wait_until_up(self) -> None:
        for _ in range(500):
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "slapd.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("slapd does not listen after 10 s")

    def stop(self) -> None:
        """End the server; the ports and the data stay, `start` brings it back."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """The process is there, the ports accept, nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)
        threads = Path(f"/proc/{self.pid}/task").glob("*/stat")
        while any(stat.read_text().rpartition(")")[2].split()[0] != "T" for stat in threads):
            time.sleep(0.01)  # the signal was sent, not every thread has stopped yet
            threads = Path(f"/proc/{self.pid}/task").glob("*/stat")

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    @contextmanager
    def root(self) -> Iterator[Connection]:
        """A connection that may do everything and raises when a write fails."""
        server = Server("127.0.0.1", self.port, get_info=NONE)
        connection = Connection(server, ROOT_DN, PASSWORD, auto_bind=True, raise_exceptions=True)
        try:
            yield connection
        finally:
            connection.unbind()

    def add_person(self, person: LdapPerson) -> None:
        with self.root() as c:
            c.add(person.dn, attributes=person.attributes())  # type: ignore[no-untyped-call]

    def modify_person(self, uid: str, **attributes: str) -> None:
        """Replace attributes; an empty text removes one."""
        changes: dict[str, Any] = {
            name: [(MODIFY_REPLACE, [value] if value else [])] for name, value in attributes.items()
        }
        with self.root() as c:
            c.modify(LdapPerson(uid).dn, changes)  # type: ignore[no-untyped-call]

    def rename_person(self, uid: str, to: str) -> None:
        """Change the uid, and with it the DN; entryUUID stays, groups keep the old DN."""
        with self.root() as c:
            c.modify_dn(LdapPerson(uid).dn, f"uid={dn_value(to)}")

    def delete_person(self, uid: str) -> None:
        """Take the entry away; groups that name it are left dangling, as without refint."""
        with self.root() as c:
            c.delete(LdapPerson(uid).dn)  # type: ignore[no-untyped-call]

    def add_group(self, group: str | LdapGroup, members: Iterable[str] = ()) -> None:
        entry = LdapGroup(group, tuple(members)) if isinstance(group, str) else group
        with self.root() as c:
            c.add(entry.dn, attributes=entry.attributes())  # type: ignore[no-untyped-call]

    def set_members(self, name: str, members: Iterable[str]) -> None:
        """Replace the people of a groupOfNames."""
        values = LdapGroup(name, tuple(members)).member_values()
        with self.root() as c:
            c.modify(group_dn(name), {"member": [(MODIFY_REPLACE, values)]})  # type: ignore[no-untyped-call]

    def rename_group(self, name: str, to: str) -> None:
        with self.root() as c:
            c.modify_dn(group_dn(name), f"cn={dn_value(to)}")

    def delete_group(self, name: str) -> None:
        with self.root() as c:
            c.delete(group_dn(name))  # type: ignore[no-untyped-call]


@contextmanager
def running_slapd(
    folder: Path,
    *,
    people: int | Sequence[LdapPerson] = 10,
    groups: Mapping[str, Sequence[str]] | Sequence[LdapGroup] = (),
    size_limit: int = 500,
    access: Sequence[str] = (),
) -> Iterator[Slapd]:
    """A server with these people and groups; skips the test where slapd is not installed."""
    if not shutil.which("/usr/sbin/slapd"):
        pytest.skip("OpenLDAP is not installed: apt-get install slapd ldap-utils")
    entries = [person_number(n) for n in range(people)] if isinstance(people, int) else people
    sets = (
        [LdapGroup(name, tuple(uids)) for name, uids in groups.items()]
        if isinstance(groups, Mapping)
        else groups
    )
    slapd = Slapd(folder / f"slapd-{uuid.uuid4().hex[:8]}", size_limit=size_limit, access=access)
    slapd.load(ldif(entries, sets))
    slapd.start()
    try:
        yield slapd
    finally:
        slapd.stop()


def free_port() -> int:
    """A loopback port nobody listens on, below the range that clients are given (32768…)."""
    for port in random.sample(range(15_000, 32_000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port between 15000 and 32000")


def slapd_conf(folder: Path, size_limit: int, access: Sequence[str]) -> str:
    """The configuration: mdb, TLS, one unlimited reader, everybody else `size_limit` entries."""
    schemas = ("core", "cosine", "inetorgperson", "nis")
    return "\n".join(
        [
            *(f"include /etc/ldap/schema/{name}.schema" for name in schemas),
            "modulepath /usr/lib/ldap",
            "moduleload back_mdb",
            f"pidfile {folder}/slapd.pid",
            f"argsfile {folder}/slapd.args",
            f"TLSCACertificateFile {folder}/tls/ca.pem",
            f"TLSCertificateFile {folder}/tls/server.pem",
            f"TLSCertificateKeyFile {folder}/tls/server.key",
            f"sizelimit {size_limit}",
            "database mdb",
            f'suffix "{SUFFIX}"',
            f'rootdn "{ROOT_DN}"',
            f"rootpw {PASSWORD}",
            f"directory {folder}/db",
            "maxsize 1073741824",
            "dbnosync",
            "index objectClass eq",
            "index uid,mail,cn,member,entryUUID eq",
            f'limits dn.exact="{READER_DN}" size=unlimited time=unlimited',
            f'limits dn.exact="{LIMITED_DN}" size=unlimited time=unlimited',
            "access to attrs=userPassword by anonymous auth by * none",
            *access,
            "access to * by users read by * none",
            "",
        ]
    )


def ldif(people: Iterable[LdapPerson], groups: Iterable[LdapGroup]) -> str:
    """Everything as LDIF, entryUUIDs included."""
    blocks = [
        _block(SUFFIX, {"objectClass": ["dcObject", "organization"], "dc": ["acme"], "o": ["Acme"]}),
        *(
            _block(f"ou={ou},{SUFFIX}", {"objectClass": ["organizationalUnit"], "ou": [ou]})
            for ou in ("people", "groups", "services")
        ),
        *(_block(dn, _service(dn)) for dn in (READER_DN, CAPPED_DN, LIMITED_DN)),
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

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

`overlays` are slapd.conf lines after the database, their modules are loaded:

    SYNCPROV (tells changes), SYNCPROV_LOG (with a session log), REFINT (groups follow their people)

`slapd.writer_dn` (same password) may write groups. `slapd.client_certificate, slapd.client_key` log in
as the reader by SASL EXTERNAL; over `slapd.ldapi_url` the user who runs the tests is the reader.

The caller is skipped, with the reason, where slapd is not installed.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ldap3 import MODIFY_REPLACE, NONE, Connection, Server

from tests.slapd_certificates import make_certificates
from tests.slapd_entries import (
    CAPPED_DN,
    GROUPS,
    LIMITED_DN,
    NOBODY,
    PASSWORD,
    PEOPLE,
    READER_DN,
    ROOT_DN,
    SUFFIX,
    WRITER_DN,
    LdapGroup,
    LdapPerson,
    dn_value,
    entry_uuid,
    group_dn,
    ldif,
    person_number,
)

__all__ = [
    "GROUPS",
    "HIDE_MEMBERS",
    "PEOPLE",
    "REFINT",
    "SUFFIX",
    "SYNCPROV",
    "SYNCPROV_LOG",
    "LdapGroup",
    "LdapPerson",
    "Slapd",
    "entry_uuid",
    "free_port",
    "group_dn",
    "hide_people",
    "person_number",
    "running_slapd",
]

HIDE_MEMBERS = (
    f'access to attrs=member by dn.exact="{LIMITED_DN}" none by dn.exact="{WRITER_DN}" write '
    "by users read by * none"
)

SYNCPROV = ("overlay syncprov",)
SYNCPROV_LOG = ("overlay syncprov", "syncprov-sessionlog 100")
REFINT = ("overlay refint", "refint_attributes member", f'refint_nothing "{NOBODY}"')


def hide_people(filter: str) -> str:
    """An access line that hides the people of `filter` from `limited_dn`: result 0, entries missing."""
    return (
        f'access to dn.subtree="{PEOPLE}" filter="{filter}" '
        f'by dn.exact="{LIMITED_DN}" none by users read by * none'
    )


class Slapd:
    """One running server. Made by `running_slapd`; every write goes through LDAP as the root DN."""

    bind_dn = READER_DN
    capped_dn = CAPPED_DN
    limited_dn = LIMITED_DN
    writer_dn = WRITER_DN
    password = PASSWORD
    people_base = PEOPLE
    groups_base = GROUPS

    def __init__(
        self, folder: Path, *, size_limit: int, access: Sequence[str], overlays: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.ca_file = folder / "tls" / "ca.pem"
        self.client_certificate = folder / "tls" / "client.pem"
        self.client_key = folder / "tls" / "client.key"
        self.password_file = folder / "password"
        self.port, self.tls_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "db").mkdir(parents=True)
        make_certificates(folder / "tls")
        self.password_file.write_text(PASSWORD)
        self._conf = folder / "slapd.conf"
        self._conf.write_text(slapd_conf(folder, size_limit, access, overlays))

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def ldaps_url(self) -> str:
        return f"ldaps://localhost:{self.tls_port}"

    @property
    def ldapi_url(self) -> str:
        return f"ldapi://{quote(str(self.folder / 'ldapi'), safe='')}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "slapd is not running"
        return self._process.pid

    def load(self, ldif: str) -> None:
        """Fill the empty database offline."""
        self._loaded = ldif
        run = subprocess.run(
            ["/usr/sbin/slapadd", "-q", "-f", str(self._conf), "-b", SUFFIX],
            input=ldif.encode(),
            capture_output=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr.decode()

    def forget_everything(self) -> None:
        """The stopped server begins again with what it was loaded with."""
        for kept in (self.folder / "db").iterdir():
            kept.unlink()
        self.load(self._loaded)

    def start(self) -> None:
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/ {self.ldapi_url}"
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

    def cap_reader(self, size_limit: int) -> None:
        """From now on the reader gets at most so many entries per search."""
        conf = self._conf.read_text()
        unlimited = f'limits dn.exact="{READER_DN}" size=unlimited'
        assert unlimited in conf
        self._conf.write_text(conf.replace(unlimited, unlimited.replace("unlimited", str(size_limit))))
        self.restart()

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

    def members_of(self, name: str) -> set[str]:
        """Uids of the people in a groupOfNames; KeyError for no such group."""
        with self.root() as c:
            c.search(GROUPS, f"(cn={name})", attributes=["member"])
            for entry in c.response or []:
                members = entry["attributes"]["member"]
                return {dn[4:].partition(",")[0] for dn in members if dn.startswith("uid=")}
        raise KeyError(name)

    def wait_for_members(self, name: str, uids: set[str]) -> None:
        """Until refint, which works by itself, has written them."""
        for _ in range(200):
            if self.members_of(name) == uids:
                return
            time.sleep(0.02)
        raise AssertionError(f"{name} has {self.members_of(name)} after 4 s")

    def search_count(self) -> int:
        """How many searches the server was asked for since it started, this one included."""
        with self.root() as c:
            base = "cn=Search,cn=Operations,cn=Monitor"
            c.search(base, "(objectClass=*)", "BASE", attributes=["monitorOpInitiated"])
            (entry,) = c.response or []
            return int(entry["attributes"]["monitorOpInitiated"][0])

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
    overlays: Sequence[str] = (),
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
    place = folder / f"slapd-{uuid.uuid4().hex[:8]}"
    slapd = Slapd(place, size_limit=size_limit, access=access, overlays=overlays)
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


def slapd_conf(folder: Path, size_limit: int, access: Sequence[str], overlays: Sequence[str]) -> str:
    """The configuration: mdb, TLS, one unlimited reader, everybody else `size_limit` entries."""
    schemas = ("core", "cosine", "inetorgperson", "nis")
    modules = [line.split()[1] for line in overlays if line.startswith("overlay ")]
    peer = rf"gidNumber={os.getgid()}\\+uidNumber={os.getuid()},cn=peercred,cn=external,cn=auth"
    return "\n".join(
        [
            *(f"include /etc/ldap/schema/{name}.schema" for name in schemas),
            # a group that may be empty (draft-howard-rfc2307bis §2.2)
            "objectclass ( 1.3.6.1.4.1.99999.1 NAME 'groupOfMembers' SUP top MUST cn MAY member )",
            "modulepath /usr/lib/ldap",
            *(f"moduleload {module}" for module in ("back_mdb", "back_monitor", *modules)),
            f"pidfile {folder}/slapd.pid",
            f"argsfile {folder}/slapd.args",
            f"TLSCACertificateFile {folder}/tls/ca.pem",
            f"TLSCertificateFile {folder}/tls/server.pem",
            f"TLSCertificateKeyFile {folder}/tls/server.key",
            "TLSVerifyClient try",
            f'authz-regexp "^{peer}$" "{READER_DN}"',
            f'authz-regexp "^cn=idpsync reader$" "{READER_DN}"',
            f"sizelimit {size_limit}",
            "database monitor",
            f'access to * by dn.exact="{ROOT_DN}" read by * none',
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
            f'limits dn.exact="{WRITER_DN}" size=unlimited time=unlimited',
            f'limits dn.exact="{LIMITED_DN}" size=unlimited time=unlimited',
            "access to attrs=userPassword by anonymous auth by * none",
            *access,
            f'access to dn.subtree="{GROUPS}" by dn.exact="{WRITER_DN}" write by users read by * none',
            "access to * by users read by * none",
            *overlays,
            "",
        ]
    )

"""A real Samba AD domain controller for tests: private, on a loopback address of its own.

    with running_samba(tmp_path) as samba:
        samba.ldaps_url, samba.ldap_url, samba.ca_file, samba.server_name    # it says localhost
        samba.reader, samba.password_file    # may be told of changes, and no more than read
        samba.limited               # same password, an ordinary account of the domain
        samba.writer                # same password, may write the members of groups
        samba.base                  # the naming context
        samba.folder_of("claude")   # OU=claude,…, new and empty
        samba.clear()               # all such folders are gone
        samba.load(orders)          # straight into the database, 3 ms per object
        samba.admin                 # a connection that may do everything and raises

Provisioning takes about 5 s, starting 1 s. The ports of a domain controller are fixed (389, 636), so
each listens on an address 127.x.y.z that nobody else uses. It has to be root. The caller is skipped,
with the reason, where that is not so or Samba is not installed.
"""

import json
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from ldap3 import BASE as BASE_ONLY
from ldap3 import MODIFY_REPLACE, NONE, Connection, Server

from tests.slapd_certificates import make_certificates

REALM, BASE = "LAB.EXAMPLE.ORG", "DC=lab,DC=example,DC=org"
PASSWORD = "Passw0rd!lab"
PROGRAMS = ("samba", "samba-tool")
STEPS = "apt-get install samba-ad-dc samba-ad-provision"
WANTED_WITHIN = 60.0
TREE_DELETE = ("1.2.840.113556.1.4.805", True, None)
GET_CHANGES = (
    "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"  # "Replicating Directory Changes" (MS-ADTS 5.1.3.2.1)
)
MEMBER, GROUP = "bf9679c0-0de6-11d0-a285-00aa003049e2", "bf967a9c-0de6-11d0-a285-00aa003049e2"
"""An attribute and a class, as rights name them (schemaIDGUID)."""

Order = tuple[Any, ...]

STARTED = count()


class Samba:
    """One domain controller. Made by `running_samba`."""

    base, server_name = BASE, "localhost"
    domain = REALM.lower()
    admin_name = f"administrator@{domain}"
    reader, limited, writer = f"idpsync@{domain}", f"limited@{domain}", f"writer@{domain}"
    password = PASSWORD

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        number = os.getpid() % (250 * 250)
        # by process, and by how many it has started: several may run at once
        self.address = f"127.{88 + next(STARTED) % 100}.{number // 250 + 1}.{number % 250 + 1}"
        self.ca_file = folder / "tls" / "ca.pem"
        self.password_file = folder / "password"
        self._conf = folder / "etc" / "smb.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: Connection | None = None
        self._folders: set[str] = set()
        folder.mkdir(parents=True)
        make_certificates(folder / "tls")
        (folder / "tls" / "server.key").chmod(0o600)
        self.password_file.write_text(PASSWORD)
        self._provision()
        self.load(
            [
                *(order for name in ("idpsync", "limited", "writer") for order in _account(name)),
                ("allow", BASE, f"(OA;;CR;{GET_CHANGES};;@SID@)", "idpsync"),
                ("allow", f"CN=Deleted Objects,{BASE}", "(A;;LCRPLO;;;@SID@)", "idpsync"),
                ("allow", BASE, f"(OA;CIIO;RPWP;{MEMBER};{GROUP};@SID@)", "writer"),
            ]
        )

    @property
    def ldap_url(self) -> str:
        return f"ldap://{self.address}"

    @property
    def ldaps_url(self) -> str:
        return f"ldaps://{self.address}"

    def load(self, orders: Sequence[Order]) -> None:
        """Carry out `orders` of samba_fill.py, all or none; the server may be running."""
        script = Path(__file__).with_name("samba_fill.py")
        run = subprocess.run(
            ["/usr/bin/python3", "-I", str(script), str(self._conf)],
            input=json.dumps(orders).encode(),
            capture_output=True,
            timeout=WANTED_WITHIN,
            check=False,
        )
        assert run.returncode == 0, run.stderr.decode()

    def start(self) -> None:
        options = {
            "server services": "ldap",
            "pid directory": self.folder,
            "ncalrpc dir": self.folder / "ncalrpc",
            "log file": self.folder / "samba.log",
            "tls cafile": self.ca_file,
            "tls certfile": self.folder / "tls" / "server.pem",
            "tls keyfile": self.folder / "tls" / "server.key",
        }
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                ["samba", "-s", str(self._conf), "-i", "-M", "single", *_options(options)],
                stdin=subprocess.PIPE,  # it ends with us, whatever happens
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + WANTED_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex((self.address, 636)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"Samba did not start:\n{(self.folder / 'output').read_text()[-2000:]}")

    def stop(self) -> None:
        """End the server; the data stays, `start` brings it back."""
        if self._admin is not None:
            self._admin.unbind()
            self._admin = None
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdin:
                self._process.stdin.close()
            self._process = None

    @property
    def admin(self) -> Connection:
        """A connection that may do everything and raises when a write fails."""
        if self._admin is None:
            server = Server(self.address, use_ssl=True, get_info=NONE)
            self._admin = Connection(
                server,
                self.admin_name,
                PASSWORD,
                auto_bind=True,
                raise_exceptions=True,
                check_names=False,
            )
        return self._admin

    def folder_of(self, name: str, *, lasting: bool = False) -> str:
        """The DN of a new organisational unit; it is there until `clear`, a lasting one for good."""
        dn = f"OU={name},{BASE}"
        if dn in self._folders:
            self._delete(dn)
        self.admin.add(dn, "organizationalUnit")  # type: ignore[no-untyped-call]
        if not lasting:
            self._folders.add(dn)
        return dn

    def clear(self) -> None:
        """Account names are unique in a domain: a test may use them again after this."""
        while self._folders:
            self._delete(self._folders.pop())

    def _delete(self, dn: str) -> None:
        self._free_groups(dn)
        self.admin.delete(dn, controls=[TREE_DELETE])  # type: ignore[no-untyped-call]

    def _free_groups(self, dn: str) -> None:
        """A group cannot be deleted while it is somebody's primary group."""
        condition = "(&(sAMAccountType=805306368)(!(primaryGroupID=513)))"
        self.admin.search(dn, condition, attributes=["1.1"])
        for found in list(self.admin.response or ()):
            usual = {"primaryGroupID": [(MODIFY_REPLACE, ["513"])]}
            self.admin.modify(found["dn"], usual)  # type: ignore[no-untyped-call]

    def bury_somebody(self) -> None:
        """Somebody was deleted once, as in every domain that is in use."""
        dn = f"CN=former,CN=Users,{BASE}"
        self.admin.add(dn, "user", {"sAMAccountName": "former"})  # type: ignore[no-untyped-call]
        self.admin.delete(dn)  # type: ignore[no-untyped-call]

    def guid(self, dn: str) -> str:
        """The objectGUID of an entry, as our ids are written."""
        self.admin.search(dn, "(objectClass=*)", BASE_ONLY, attributes=["objectGUID"])
        (found,) = (r for r in self.admin.response or () if r["type"] == "searchResEntry")
        return str(uuid.UUID(bytes_le=found["raw_attributes"]["objectGUID"][0]))

    def _provision(self) -> None:
        options = {
            "posix:eadb": self.folder / "private" / "eadb.tdb",
            "interfaces": f"{self.address}/8",
            "bind interfaces only": "yes",
        }
        run = subprocess.run(
            [
                *("samba-tool", "domain", "provision", f"--realm={REALM}", "--domain=LAB"),
                *("--server-role=dc", "--dns-backend=NONE", f"--adminpass={PASSWORD}"),
                *(f"--host-ip={self.address}", "--host-name=dc1", f"--targetdir={self.folder}"),
                *_options(options),
            ],
            capture_output=True,
            timeout=2 * WANTED_WITHIN,
            check=False,
        )
        assert run.returncode == 0, run.stderr.decode()[-2000:]


@contextmanager
def running_samba(folder: Path) -> Iterator[Samba]:
    """A fresh domain with a controller that runs; skips the test where there can be none."""
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        pytest.skip(f"Samba AD DC is not installed ({', '.join(missing)}): {STEPS}")
    if os.geteuid() != 0:
        pytest.skip("a domain controller listens on ports 389 and 636: run the tests as root")
    samba = Samba(folder / "samba")
    try:
        samba.start()
        samba.bury_somebody()
        yield samba
    finally:
        samba.stop()


def _account(name: str) -> list[Order]:
    entry = {
        "dn": f"CN={name},CN=Users,{BASE}",
        "objectClass": "user",
        "sAMAccountName": name,
        "userPrincipalName": f"{name}@{REALM.lower()}",
        "userAccountControl": "66048",  # an ordinary account whose password does not end
    }
    return [("add", entry), ("password", name, PASSWORD)]


def _options(settings: dict[str, object]) -> list[str]:
    return [f"--option={key}={value}" for key, value in settings.items()]

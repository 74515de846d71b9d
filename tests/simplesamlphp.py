"""SimpleSAMLphp as an identity provider that is not ours, on a loopback port of its own.

Needs the Debian packages php-cli, php-xml, php-mbstring and simplesamlphp; skips loudly without them.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from random import SystemRandom

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_WWW = Path("/usr/share/simplesamlphp/www")
_CONFIG = Path("/etc/simplesamlphp/config.php")
_PATIENCE = 20.0
_EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"

Attributes = Mapping[str, Sequence[str]]

PEOPLE: Mapping[str, Attributes] = {
    "alice": {
        "email": ["Alice.Example@acme.example"],
        "firstName": ["Alice"],
        "lastName": ["Example"],
        "groups": ["Claude Premium", "All Staff"],
    },
    "bob": {
        "email": ["bob@acme.example"],
        "firstName": ["Bob"],
        "lastName": ["Builder"],
        "groups": ["Sales"],
    },
}
"""User → attributes; the password is the user's name and "pw"."""


@dataclass(frozen=True)
class Page:
    """What a browser ended on."""

    status: int
    url: str
    headers: Message
    body: str


@dataclass
class Journey:
    """One browser's whole way through a login; cookies stay, so a second one needs no password."""

    jar: CookieJar = field(default_factory=CookieJar)
    saml_response: str | None = None
    relay_state: str | None = None

    def open(self, url: str, form: Mapping[str, str] | None = None) -> Page:
        """GET, or POST a form; redirects are followed, error pages are pages too."""
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar)
        )
        body = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            with opener.open(url, body, timeout=_PATIENCE) as answer:
                return Page(answer.status, answer.url, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.code, error.url, error.headers, error.read().decode())


class _Form(HTMLParser):
    """The first form of a page: where it goes, and its fields."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._page = page
        self.feed(page.body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = urllib.parse.urljoin(self._page.url, said.get("action", ""))
        if tag == "input" and said.get("name"):
            self.fields[said["name"]] = said.get("value", "")


def form_of(page: Page) -> tuple[str, dict[str, str]]:
    """Where the first form of a page goes, and every field of the page."""
    form = _Form(page)
    return form.action or page.url, form.fields


@dataclass(frozen=True)
class SimpleSaml:
    """A running identity provider."""

    url: str
    entity_id: str
    folder: Path

    @property
    def metadata_url(self) -> str:
        return f"{self.url}saml2/idp/metadata.php"

    def metadata(self) -> bytes:
        with urllib.request.urlopen(self.metadata_url, timeout=_PATIENCE) as answer:
            document: bytes = answer.read()
            return document

    def login(self, start_url: str, user: str, journey: Journey | None = None) -> Page:
        """Sign `user` in, from the service provider's login URL to the page they end on."""
        walked = journey or Journey()
        return self.post(walked, self.approach(start_url, user, walked))

    def approach(self, start_url: str, user: str, journey: Journey) -> str:
        """As far as the form with the SAMLResponse, which `journey` then holds; where it goes to."""
        page = journey.open(start_url)
        form = _Form(page)
        if "username" in form.fields:
            filled = {**form.fields, "username": user, "password": f"{user}pw"}
            form = _Form(journey.open(form.action or page.url, filled))
        if "SAMLResponse" not in form.fields or form.action is None:
            raise AssertionError(f"no SAMLResponse for {user}: {page.status} {page.body[:2000]}")
        journey.saml_response = form.fields["SAMLResponse"]
        journey.relay_state = form.fields.get("RelayState")
        return form.action

    def post(self, journey: Journey, acs_url: str) -> Page:
        """What the browser's own script would do: hand the response to the service provider."""
        form = {"SAMLResponse": journey.saml_response or ""}
        if journey.relay_state is not None:
            form["RelayState"] = journey.relay_state
        return journey.open(acs_url, form)


def free_port() -> int:
    """A free loopback port below the kernel's own ephemeral range."""
    for port in SystemRandom().sample(range(20_000, 32_000), 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


@contextmanager
def running_simplesamlphp(
    folder: Path,
    sp_entity_id: str,
    acs_url: str,
    sp_certificate: str | None = None,
    users: Mapping[str, Attributes] = PEOPLE,
    *,
    encrypt: bool = False,
) -> Iterator[SimpleSaml]:
    """An identity provider that knows one service provider; ended when the block is left.

    `sp_certificate` is PEM; with it `encrypt` seals the assertions (AES-128-CBC).
    """
    if shutil.which("php") is None or not _CONFIG.exists() or not _WWW.exists():
        pytest.skip(
            "SimpleSAMLphp is missing: apt-get install php-cli php-xml php-mbstring simplesamlphp"
        )
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    _write(folder, url, _remote(sp_entity_id, acs_url, sp_certificate, encrypt=encrypt), users)
    environment = {**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": str(folder / "config")}
    sessions = f"session.save_path={folder / 'tmp'}"
    with (folder / "log" / "php.log").open("wb") as log:
        server = subprocess.Popen(
            [
                "php",
                "-d",
                sessions,
                "-S",
                f"127.0.0.1:{port}",
                "-t",
                str(_WWW),
            ],
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            _await(port, server)
            yield SimpleSaml(url=url, entity_id=f"{url}idp", folder=folder)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(_PATIENCE)


def _await(port: int, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if server.poll() is not None:
            raise AssertionError("php ended at once")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("php did not listen")


def _write(folder: Path, url: str, remote: str, users: Mapping[str, Attributes]) -> None:
    for name in ("config", "metadata", "cert", "log", "tmp", "data"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _write_key(folder / "cert")
    (folder / "config" / "config.php").write_text(_config(folder, url), encoding="utf-8")
    (folder / "config" / "authsources.php").write_text(_sources(users), encoding="utf-8")
    (folder / "metadata" / "saml20-idp-hosted.php").write_text(_hosted(url), encoding="utf-8")
    (folder / "metadata" / "saml20-sp-remote.php").write_text(remote, encoding="utf-8")


def _config(folder: Path, url: str) -> str:
    """Debian's own configuration, without the secrets that only its web server may read."""
    text = re.sub(r"^require_once.*$", "", _CONFIG.read_text(encoding="utf-8"), flags=re.MULTILINE)
    changed = {
        "baseurlpath": _php(url),
        "certdir": _php(f"{folder}/cert/"),
        "loggingdir": _php(f"{folder}/log/"),
        "datadir": _php(f"{folder}/data/"),
        "tempdir": _php(f"{folder}/tmp"),
        "metadatadir": _php(f"{folder}/metadata/"),
        "logging.handler": "'file'",
        "enable.saml20-idp": "true",
        "session.cookie.secure": "false",
        "admin.checkforupdates": "false",
        "secretsalt": "'a salt for tests only'",
        "auth.adminpassword": "'a password for tests only'",
        "module.enable": "['exampleauth' => true, 'core' => true, 'saml' => true]",
    }
    return text + "".join(f"\n$config['{key}'] = {value};" for key, value in changed.items())


def _sources(users: Mapping[str, Attributes]) -> str:
    rows = ",\n".join(
        f"{_php(f'{user}:{user}pw')} => ['uid' => [{_php(user)}], "
        + ", ".join(
            f"{_php(name)} => [{', '.join(_php(v) for v in values)}]" for name, values in said.items()
        )
        + "]"
        for user, said in users.items()
    )
    return f"<?php $config = ['users' => ['exampleauth:UserPass',\n{rows}]];\n"


def _hosted(url: str) -> str:
    return f"""<?php $metadata[{_php(url + "idp")}] = ['host' => '__DEFAULT__',
 'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'users',
 'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
 'saml20.sign.response' => true, 'saml20.sign.assertion' => true,
 'NameIDFormat' => {_php(_EMAIL)},
 'authproc' => [3 => ['class' => 'saml:AttributeNameID', 'attribute' => 'email',
  'identifyingAttribute' => 'email', 'Format' => {_php(_EMAIL)}]]];
"""


def _remote(sp_entity_id: str, acs_url: str, certificate: str | None, *, encrypt: bool) -> str:
    rows = [f"'AssertionConsumerService' => {_php(acs_url)}", f"'NameIDFormat' => {_php(_EMAIL)}"]
    if certificate is not None:
        rows.append(f"'certData' => {_php(''.join(certificate.split('-----')[2].split()))}")
    if encrypt:
        rows.append("'assertion.encryption' => true")
    return f"<?php $metadata[{_php(sp_entity_id)}] = [{', '.join(rows)}];\n"


def _php(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _write_key(folder: Path) -> None:
    private = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test identity provider")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(private, hashes.SHA256())
    )
    (folder / "idp.key").write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (folder / "idp.crt").write_bytes(certificate.public_bytes(Encoding.PEM))

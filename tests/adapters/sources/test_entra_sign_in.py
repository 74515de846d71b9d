"""Signing in to Entra: each kind of proof as the tenant checks it, and each refusal in one sentence."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from idpsync.core.errors import ConfigError, CredentialsRejected, Malformed
from idpsync.sources.entra.settings import CLOUDS, EntraConfig
from tests.adapters.sources.entra_world import config_of, source_of
from tests.fakes.source import SteadyClock
from tests.twins.graph.faults import Fault
from tests.twins.graph.server import GraphTwin, running_graph
from tests.twins.scripted import ok, serving


@pytest.fixture
def twin() -> Iterator[GraphTwin]:
    with running_graph() as twin:
        twin.tenant.put("ada")
        yield twin


@pytest.fixture
def clock() -> SteadyClock:
    return SteadyClock(datetime.now(UTC))


def certified(folder: Path, *, days: int = 100) -> tuple[Path, Path]:
    """A certificate and its key, in PEM files."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idpsync")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "entra.crt", folder / "entra.key"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, secret


def by_certificate(twin: GraphTwin, folder: Path, **how: Any) -> dict[str, object]:
    certificate, key = certified(folder, **how)
    twin.door.certificates.append(certificate.read_text())
    return {
        "kind": "certificate",
        "client_id": twin.door.client_id,
        "certificate": str(certificate),
        "key": f"file:{key}",
    }


def federated(twin: GraphTwin, folder: Path) -> dict[str, object]:
    file = folder / "token"
    file.write_text("first-token\n")
    twin.door.federated = "first-token"
    return {"kind": "federated", "client_id": twin.door.client_id, "token_file": str(file)}


def test_a_certificate_signs_what_entra_demands(
    twin: GraphTwin, tmp_path: Path, clock: SteadyClock
) -> None:
    auth = by_certificate(twin, tmp_path)
    source = source_of(twin, tmp_path, clock=clock, auth=auth)
    assert len(source.read().users) == 1
    clock.at += timedelta(hours=1)  # the token has ended: another assertion, with an id of its own
    twin.door.ahead = 3600
    assert len(source.read().users) == 1
    assert twin.counts["token"] == len(twin.door.seen) == 2


def test_a_certificate_that_is_not_uploaded_is_told(
    twin: GraphTwin, tmp_path: Path, clock: SteadyClock
) -> None:
    auth = by_certificate(twin, tmp_path)
    certified(tmp_path)
    with pytest.raises(CredentialsRejected, match="AADSTS700027: the certificate is not one of this"):
        source_of(twin, tmp_path, clock=clock, auth=auth).read()


def test_a_key_of_another_certificate_is_told(
    twin: GraphTwin, tmp_path: Path, clock: SteadyClock
) -> None:
    auth = by_certificate(twin, tmp_path)
    (tmp_path / "other").mkdir()
    _, other = certified(tmp_path / "other")
    with pytest.raises(CredentialsRejected, match="AADSTS700027"):
        source_of(twin, tmp_path, clock=clock, auth=auth | {"key": f"file:{other}"}).read()


def test_the_federated_token_is_read_anew_each_time(twin: GraphTwin, tmp_path: Path) -> None:
    source = source_of(twin, tmp_path, auth=federated(twin, tmp_path))
    assert len(source.read().users) == 1
    (tmp_path / "token").write_text("second-token")
    twin.door.federated = "second-token"
    twin.door.valid.clear()
    assert len(source.read().users) == 1


def test_a_federated_token_of_another_workload_is_told(twin: GraphTwin, tmp_path: Path) -> None:
    auth = federated(twin, tmp_path)
    (tmp_path / "token").write_text("of-somebody-else")
    with pytest.raises(CredentialsRejected, match=r"no federated credential .* subject") as caught:
        source_of(twin, tmp_path, auth=auth).read()
    assert "of-somebody-else" not in str(caught.value)


@pytest.mark.parametrize("content", [None, ""])
def test_a_federated_token_that_is_not_there_is_a_fault_of_the_configuration(
    twin: GraphTwin, tmp_path: Path, content: str | None
) -> None:
    auth = federated(twin, tmp_path)
    (tmp_path / "token").unlink()
    if content is not None:
        (tmp_path / "token").write_text(content)
    with pytest.raises(ConfigError, match=r"auth\.token_file"):
        source_of(twin, tmp_path, auth=auth).read()


def test_a_wrong_secret_is_told_and_not_shown(twin: GraphTwin, tmp_path: Path) -> None:
    (tmp_path / "entra.secret").write_text("hunter2")
    with pytest.raises(CredentialsRejected, match="AADSTS7000215: the client secret is wrong") as caught:
        source_of(twin, tmp_path).read()
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_expired_secret_says_what_to_do(twin: GraphTwin, tmp_path: Path) -> None:
    twin.door.secret_expired = True
    with pytest.raises(CredentialsRejected, match=r"AADSTS7000222: .*has expired: make a new one"):
        source_of(twin, tmp_path).read()


def test_a_wrong_tenant_is_told(twin: GraphTwin, tmp_path: Path) -> None:
    with pytest.raises(CredentialsRejected, match=r"AADSTS90002: .* check tenant_id and cloud"):
        source_of(twin, tmp_path, tenant_id="other.example").read()


def test_a_wrong_application_is_told(twin: GraphTwin, tmp_path: Path) -> None:
    auth = federated(twin, tmp_path) | {"client_id": "11111111-1111-1111-1111-111111111111"}
    with pytest.raises(CredentialsRejected, match=r"AADSTS700016: .* check auth\.client_id"):
        source_of(twin, tmp_path, auth=auth).read()


def test_a_wrong_clock_is_named_where_it_is_why(twin: GraphTwin, tmp_path: Path) -> None:
    auth = by_certificate(twin, tmp_path)
    clock = SteadyClock(datetime.now(UTC) - timedelta(hours=2))
    with pytest.raises(CredentialsRejected, match=r"AADSTS700024: .*this machine is 7\d\d\d s slow"):
        source_of(twin, tmp_path, clock=clock, auth=auth).read()


def test_a_page_of_a_proxy_is_no_token(twin: GraphTwin, tmp_path: Path) -> None:
    with serving(b"HTTP/1.1 400 Bad\r\nContent-Length: 6\r\n\r\n<html>") as proxy:
        source = source_of(twin, tmp_path, login_url=proxy.url)
        with pytest.raises(Malformed, match="no JSON: is login_url a sign-in server"):
            source.read()
    with serving(ok(b"<html>")) as proxy, pytest.raises(Malformed):
        source_of(twin, tmp_path, login_url=proxy.url).read()


def test_a_token_that_ends_in_the_middle_is_renewed_once(twin: GraphTwin, tmp_path: Path) -> None:
    for number in range(9):
        twin.tenant.put(f"p{number}")
    twin.delta_page = 2

    def revoke(number: int, _asked: object) -> None:
        if number == 3:
            twin.door.valid.clear()

    twin.fault = revoke
    assert len(source_of(twin, tmp_path).read().users) == 10
    assert twin.counts["token"] == 2


@pytest.mark.parametrize(
    "link",
    [
        "{other}/v1.0/users/delta?x",
        "{other}\\@{graph}/v1.0/users/delta?x",  # what others read as a name is the host it connects to
        "http://{graph}@{other_host}/v1.0/users/delta?x",
        "http://{graph}\t@{other_host}/v1.0/users/delta?x",
    ],
)
def test_the_token_never_goes_to_another_host(twin: GraphTwin, tmp_path: Path, link: str) -> None:
    with serving(ok(b'{"value": []}')) as other:
        hosts = {"graph": twin.url, "other_host": other.url}
        plain = {name: url.removeprefix("http://") for name, url in hosts.items()}
        twin.elsewhere = link.format(other=other.url, **plain)
        twin.fault = lambda _n, _asked: Fault.FOREIGN
        with pytest.raises(Malformed, match=r"leads to .*: not followed"):
            source_of(twin, tmp_path).read()
        assert other.seen == []


@pytest.mark.parametrize(
    "link", ["https://[x", "http://127.0.0.1:99999/v1.0/users/delta", "/v1.0/users/delta", ""]
)
def test_a_link_that_is_no_address_is_told(twin: GraphTwin, tmp_path: Path, link: str) -> None:
    twin.elsewhere = link
    twin.fault = lambda _n, _asked: Fault.FOREIGN
    with pytest.raises(Malformed, match="leads to no plain address"):
        source_of(twin, tmp_path).read()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"login_url": "http://login.example", "graph_url": "https://g.example"}, "in the clear"),
        ({"login_url": None}, "go together"),
        ({"cloud": "china"}, "either cloud"),
        ({"graph_url": "https://graph.example/v1.0"}, "names the server only"),
        ({"graph_url": "graph.example"}, "full URL"),
        ({"tenant_id": "a/b"}, "pattern"),
        ({"auth": {"kind": "client_secret", "client_id": "c", "secret": "hunter2"}}, "by reference"),
    ],
)
def test_mistakes_in_the_file_are_refused_in_words(
    twin: GraphTwin, tmp_path: Path, settings: dict[str, object], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        config_of(twin, tmp_path, **settings)


@pytest.mark.parametrize(
    ("cloud", "graph"),
    [
        ("global", "https://graph.microsoft.com"),
        ("usgov", "https://graph.microsoft.us"),
        ("usgov_dod", "https://dod-graph.microsoft.us"),
        ("china", "https://microsoftgraph.chinacloudapi.cn"),
    ],
)
def test_each_cloud_has_its_own_addresses(
    twin: GraphTwin, tmp_path: Path, cloud: str, graph: str
) -> None:
    config = config_of(twin, tmp_path)
    settings = config.model_dump(exclude={"login_url", "graph_url", "auth", "cloud"})
    auth = {"kind": "federated", "client_id": "c", "token_file": "/t"}
    other = type(config).model_validate(settings | {"cloud": cloud, "auth": auth})
    assert other.place.graph_url == graph
    assert other.scope != config.scope


def test_every_key_is_explained_in_the_checklist() -> None:
    text = (Path(__file__).parents[3] / "deploy/entra.md").read_text(encoding="utf-8")
    table = text.partition("### The keys")[2].partition("**Whom it reads.**")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = {name for cell in first for name in re.findall(r"`(\w+)`", cell)}
    assert told == set(EntraConfig.model_fields)
    for cloud in CLOUDS:
        assert f"`{cloud}`" in table

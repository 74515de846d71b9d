"""Metadata of the identity provider: what is read, what is refused, and what survives an outage."""

from datetime import timedelta
from pathlib import Path

import pytest

from idpsync.core.errors import ConfigError, Malformed, Transient
from idpsync.jit.saml import load_keys, read_idp_metadata
from idpsync.jit.settings import IdpConfig
from idpsync.jit.trust import TrustedIdp, trusted_idp
from tests.fakes.marks import FakeOnceOnly
from tests.jit.doors import Idp
from tests.jit.forge import IDP, NOW, SSO, key, metadata_xml
from tests.people import StoppedClock

ONE = key("idp").certificate_base64
TWO = key("next").certificate_base64


class Trust:
    def __init__(self) -> None:
        self.clock = StoppedClock(NOW)
        self.once = FakeOnceOnly(self.clock)
        self.idp = Idp()

    def opened(self) -> TrustedIdp:
        config = IdpConfig(metadata_url="https://idp.acme.example/m")
        return trusted_idp(config, self.once, self.clock, fetch=self.idp.fetch)


@pytest.fixture
def trust() -> Trust:
    return Trust()


# --- reading ----------------------------------------------------------------------------------


def test_name_address_and_every_signing_certificate_are_taken() -> None:
    read = read_idp_metadata(metadata_xml(ONE, TWO), NOW)
    assert (read.entity_id, read.sso_url) == (IDP, SSO)
    assert read.certificates == (key("idp").certificate, key("next").certificate)
    assert read.certificates_end == NOW + timedelta(days=365)


def test_an_encryption_certificate_is_not_trusted() -> None:
    document = metadata_xml(ONE, TWO).replace(b'use="signing"', b'use="encryption"', 1)
    assert read_idp_metadata(document, NOW).certificates == (key("next").certificate,)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"<", "not well-formed"),
        (b"<!DOCTYPE x><x/>", "document type"),
        (b"<x/>", "0 identity providers"),
        (b" " * 2_000_001, "larger than"),
        (metadata_xml(), "no signing certificate"),
        (metadata_xml("AAAA"), "cannot be read"),
        (metadata_xml(key("weak", 1024).certificate_base64), "2048 bits"),
        (metadata_xml(ONE, entity_id=""), "entityID"),
        (metadata_xml(ONE, entity_id="x" * 1025), "entityID"),
        (metadata_xml(ONE, sso="javascript:alert(1)"), "no single sign-on"),
        (metadata_xml(ONE).replace(b"HTTP-Redirect", b"SOAP"), "no single sign-on"),
        (metadata_xml(ONE, extra=' validUntil="2026-03-02T08:59:59Z"'), "valid until"),
        (metadata_xml(ONE, extra=' validUntil="always"'), "not an instant"),
        (b"<all>" + metadata_xml(ONE) * 2 + b"</all>", "2 identity providers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unusable_metadata_is_refused_with_its_reason(document: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        read_idp_metadata(document, NOW)


def test_one_identity_provider_inside_a_federation_is_found() -> None:
    wrapped = (
        b'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">'
        + metadata_xml(ONE)
        + b"</md:EntitiesDescriptor>"
    )
    assert read_idp_metadata(wrapped, NOW).entity_id == IDP


# --- keeping it fresh -------------------------------------------------------------------------


def test_it_is_read_once_and_again_when_it_is_due(trust: Trust) -> None:
    opened = trust.opened()
    opened.current()
    opened.current()
    assert trust.idp.reads == 1
    trust.clock.advance(timedelta(hours=24))
    trust.idp.document = metadata_xml(ONE, TWO)
    assert len(opened.current().certificates) == 2
    assert trust.idp.reads == 2


def test_an_outage_changes_nothing_and_is_tried_again_in_five_minutes(trust: Trust) -> None:
    opened = trust.opened()
    before = opened.current()
    trust.clock.advance(timedelta(hours=24))
    trust.idp.fault = Transient("http", "get", "unreachable")
    assert opened.current() == before
    opened.current()
    assert trust.idp.reads == 2
    trust.clock.advance(timedelta(minutes=5))
    opened.current()
    assert trust.idp.reads == 3


def test_the_last_good_copy_survives_a_restart(trust: Trust) -> None:
    before = trust.opened().current()
    trust.idp.fault = Transient("http", "get", "unreachable")
    assert trust.opened().current() == before


def test_without_any_copy_an_outage_is_told(trust: Trust) -> None:
    trust.idp.fault = Transient("http", "get", "unreachable")
    with pytest.raises(Transient):
        trust.opened().current()


def test_another_identity_provider_at_the_same_place_is_not_believed(trust: Trust) -> None:
    opened = trust.opened()
    opened.current()
    trust.clock.advance(timedelta(hours=24))
    trust.idp.document = metadata_xml(TWO, entity_id="https://evil.example")
    assert opened.current().entity_id == IDP


def test_a_copy_past_its_end_is_not_used(trust: Trust) -> None:
    trust.idp.document = metadata_xml(ONE, extra=' validUntil="2026-03-03T00:00:00Z"')
    opened = trust.opened()
    opened.current()
    trust.idp.fault = Transient("http", "get", "unreachable")
    trust.clock.advance(timedelta(days=1))
    with pytest.raises(Malformed, match="expired"):
        opened.current()


def test_an_unknown_key_makes_it_read_again_but_not_for_everybody(trust: Trust) -> None:
    opened = trust.opened()
    held = opened.current()
    trust.idp.document = metadata_xml(TWO)
    assert opened.renewed(held) is None  # it was read this very moment
    trust.clock.advance(timedelta(minutes=5))
    renewed = opened.renewed(held)
    assert renewed is not None
    assert renewed.certificates == (key("next").certificate,)
    assert opened.renewed(renewed) is None
    assert trust.idp.reads == 2


def test_a_file_is_read_and_a_missing_one_is_told(trust: Trust, tmp_path: Path) -> None:
    path = tmp_path / "idp.xml"
    config = IdpConfig(metadata_file=path)
    opened = trusted_idp(config, trust.once, trust.clock, fetch=trust.idp.fetch)
    with pytest.raises(Malformed, match="No such file"):
        opened.current()
    path.write_bytes(metadata_xml(ONE))
    assert opened.current().entity_id == IDP


def test_the_demo_needs_to_be_built(trust: Trust) -> None:
    with pytest.raises(ConfigError, match="was not built"):
        trusted_idp(IdpConfig(demo=True), trust.once, trust.clock, fetch=trust.idp.fetch)


# --- our own key ------------------------------------------------------------------------------


def test_a_key_and_its_certificate_belong_together() -> None:
    pair = load_keys(key("sp").private, key("sp").certificate)
    assert key("sp").private not in repr(pair)
    with pytest.raises(ConfigError, match="does not belong"):
        load_keys(key("sp").private, key("idp").certificate)
    with pytest.raises(ConfigError, match="not readable"):
        load_keys("no key", key("sp").certificate)

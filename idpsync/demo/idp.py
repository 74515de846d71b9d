"""An identity provider for trying things out: it believes whatever it is told.

It refuses to exist anywhere but on loopback. Its key lives as long as the process.
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree

from idpsync.core.errors import ConfigError, Problem
from idpsync.core.ports import Clock
from idpsync.demo.signing import DS, sign

_SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
_SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
_MD = "urn:oasis:names:tc:SAML:2.0:metadata"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody the demo identity provider can vouch for. `groups` None leaves the attribute out."""

    email: str
    given_name: str = ""
    family_name: str = ""
    groups: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip() or self.email


class DemoIdp:
    """Signs an assertion about anybody. ConfigError unless `base_url` can only be this machine."""

    def __init__(self, base_url: str, clock: Clock) -> None:
        host = urlsplit(base_url).hostname or ""
        if not on_this_machine(host):
            raise ConfigError(
                Problem("jit.idp.demo", f"the demo identity provider lets anybody in: not on {host!r}")
            )
        self.host = urlsplit(base_url).netloc
        self.entity_id = f"{base_url}/demo-idp/metadata"
        self.acs_url = f"{base_url}/saml/acs"
        self.sso_url = f"{base_url}/demo-idp/sso"
        self._audience = f"{base_url}/saml/metadata"
        self._clock = clock
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._certificate = _certificate_of(self._key, clock.now())

    def metadata(self) -> bytes:
        """What the login door trusts it by."""
        entity = etree.Element(f"{{{_MD}}}EntityDescriptor", nsmap={"md": _MD}, entityID=self.entity_id)
        role = etree.SubElement(entity, f"{{{_MD}}}IDPSSODescriptor", protocolSupportEnumeration=_SAMLP)
        key = etree.SubElement(role, f"{{{_MD}}}KeyDescriptor", use="signing")
        info = etree.SubElement(key, f"{{{DS}}}KeyInfo", nsmap={"ds": DS})
        data = etree.SubElement(info, f"{{{DS}}}X509Data")
        etree.SubElement(data, f"{{{DS}}}X509Certificate").text = self._certificate
        etree.SubElement(role, f"{{{_MD}}}SingleSignOnService", Binding=_REDIRECT, Location=self.sso_url)
        return etree.tostring(entity)

    def vouch(self, person: DemoPerson, request_id: str) -> str:
        """A signed SAMLResponse, base64, that answers `request_id` with `person`."""
        now = self._clock.now().replace(microsecond=0)
        response = _element(None, _SAMLP, "Response", **_message(now), Destination=self.acs_url)
        response.set("InResponseTo", request_id)
        _element(response, _SAML, "Issuer").text = self.entity_id
        status = _element(response, _SAMLP, "Status")
        _element(status, _SAMLP, "StatusCode", Value="urn:oasis:names:tc:SAML:2.0:status:Success")
        assertion = _element(response, _SAML, "Assertion", **_message(now))
        _element(assertion, _SAML, "Issuer").text = self.entity_id
        self._subject(assertion, person.email, request_id, now)
        conditions = _element(assertion, _SAML, "Conditions", NotOnOrAfter=_stamp(now + _LIFE))
        audience = _element(conditions, _SAML, "AudienceRestriction")
        _element(audience, _SAML, "Audience").text = self._audience
        statement = _element(assertion, _SAML, "AuthnStatement", AuthnInstant=_stamp(now))
        context = _element(statement, _SAML, "AuthnContext")
        _element(
            context, _SAML, "AuthnContextClassRef"
        ).text = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
        _attributes(assertion, person)
        sign(assertion, self._key, self._certificate)
        return base64.b64encode(etree.tostring(response)).decode()

    def _subject(self, assertion: etree._Element, name: str, request_id: str, now: datetime) -> None:
        subject = _element(assertion, _SAML, "Subject")
        _element(subject, _SAML, "NameID", Format=_EMAIL).text = name
        confirmation = _element(subject, _SAML, "SubjectConfirmation", Method=_BEARER)
        _element(
            confirmation,
            _SAML,
            "SubjectConfirmationData",
            NotOnOrAfter=_stamp(now + _LIFE),
            Recipient=self.acs_url,
            InResponseTo=request_id,
        )


def on_this_machine(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _attributes(assertion: etree._Element, person: DemoPerson) -> None:
    statement = _element(assertion, _SAML, "AttributeStatement")
    told: list[tuple[str, tuple[str, ...]]] = [
        ("email", (person.email,)),
        ("firstName", (person.given_name,)),
        ("lastName", (person.family_name,)),
    ]
    if person.groups is not None:
        told.append(("groups", person.groups))
    for name, values in told:
        attribute = _element(statement, _SAML, "Attribute", Name=name)
        for value in values:
            _element(attribute, _SAML, "AttributeValue").text = value


def _element(
    parent: etree._Element | None, namespace: str, name: str, **attributes: str
) -> etree._Element:
    tag = f"{{{namespace}}}{name}"
    if parent is None:
        return etree.Element(tag, attributes, nsmap={"saml": _SAML, "samlp": _SAMLP})
    return etree.SubElement(parent, tag, attributes)


def _message(now: datetime) -> dict[str, str]:
    return {"ID": f"_{secrets.token_hex(16)}", "Version": "2.0", "IssueInstant": _stamp(now)}


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _certificate_of(key: rsa.RSAPrivateKey, now: datetime) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idpsync demo identity provider")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()

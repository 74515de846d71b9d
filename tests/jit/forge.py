"""An identity provider under the test's control: honest responses, and every kind of dishonest one.

Signatures are made with xmlsec, which is not the code under test; the key is made anew in each run.
"""

import base64
import importlib
import uuid
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape, quoteattr

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree

from idpsync.jit.saml import IdpMetadata, read_idp_metadata

xmlsec: Any = importlib.import_module("xmlsec")  # its stubs name almost nothing
Element = Any  # lxml's xpath() and find() answer with unions that nobody narrows

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
NS = {"saml": SAML, "samlp": SAMLP, "ds": DS, "xenc": XENC}

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE = "https://sso.acme.example"
ACS = f"{BASE}/saml/acs"
AUDIENCE = f"{BASE}/saml/metadata"
IDP = "https://idp.acme.example/metadata"
SSO = "https://idp.acme.example/sso"
REQUEST = "_request-of-ours"


@dataclass(frozen=True)
class Key:
    """A private key and a certificate of it, PEM."""

    private: str
    certificate: str

    @property
    def certificate_base64(self) -> str:
        return "".join(self.certificate.split("-----")[2].split())


@lru_cache
def key(name: str, bits: int = 2048) -> Key:
    """The key of that name; the same one all through a run."""
    private = rsa.generate_private_key(65537, bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=365))
        .sign(private, hashes.SHA256())
    )
    return Key(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        certificate.public_bytes(Encoding.PEM).decode(),
    )


def metadata_xml(*certificates: str, entity_id: str = IDP, sso: str = SSO, extra: str = "") -> bytes:
    keys = "".join(
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data><ds:X509Certificate>'
        f"{text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for text in certificates
    )
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}"'
        f'{extra}><md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">{keys}'
        f'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"'
        f' Location="{sso}"/></md:IDPSSODescriptor></md:EntityDescriptor>'
    ).encode()


def idp_metadata(*keys: Key) -> IdpMetadata:
    held = keys or (key("idp"),)
    return read_idp_metadata(metadata_xml(*[k.certificate_base64 for k in held]), NOW)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


DAY_TO_DAY: Mapping[str, Sequence[str]] = {
    "email": ["Ada@acme.example"],
    "firstName": ["Ada"],
    "lastName": ["Lovelace"],
    "groups": ["Claude Premium", "All Staff"],
}


@dataclass(frozen=True)
class Draft:
    """A response before it is signed. None leaves the attribute or element out."""

    now: datetime = NOW
    issuer: str = IDP
    response_issuer: str | None = IDP
    destination: str | None = ACS
    response_in_response_to: str | None = REQUEST
    in_response_to: str | None = REQUEST
    recipient: str | None = ACS
    audiences: Sequence[Sequence[str]] = ((AUDIENCE,),)
    not_before: datetime | None = NOW - timedelta(seconds=30)
    ends: datetime | None = NOW + timedelta(minutes=5)
    confirmation_ends: datetime | None = NOW + timedelta(minutes=5)
    session_ends: datetime | None = None
    issued: datetime = NOW
    name_id: str = "Ada@acme.example"
    name_id_format: str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    attributes: Mapping[str, Sequence[str]] = field(default_factory=lambda: dict(DAY_TO_DAY))
    assertion_id: str = field(default_factory=lambda: f"_a{uuid.uuid4().hex}")
    response_id: str = field(default_factory=lambda: f"_r{uuid.uuid4().hex}")
    method: str = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
    status: str = "urn:oasis:names:tc:SAML:2.0:status:Success"
    raw_name_id: str | None = None
    raw_conditions: str = ""
    raw_attributes: str = ""
    raw_confirmation: str = ""
    confirmation_extra: str = ""

    def but(self, **changes: object) -> "Draft":
        return replace(self, **changes)  # type: ignore[arg-type]

    def xml(self) -> str:
        return (
            f'<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="{self.response_id}"'
            f' Version="2.0" IssueInstant="{stamp(self.issued)}"'
            f"{_attribute('Destination', self.destination)}"
            f"{_attribute('InResponseTo', self.response_in_response_to)}>"
            + (f"<saml:Issuer>{self.response_issuer}</saml:Issuer>" if self.response_issuer else "")
            + f'<samlp:Status><samlp:StatusCode Value="{self.status}"/></samlp:Status>'
            + self.assertion_xml()
            + "</samlp:Response>"
        )

    def assertion_xml(self) -> str:
        return (
            f'<saml:Assertion xmlns:saml="{SAML}" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
            f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{self.assertion_id}"'
            f' Version="2.0" IssueInstant="{stamp(self.issued)}">'
            f"<saml:Issuer>{self.issuer}</saml:Issuer>"
            f"{self._subject()}{self._conditions()}{self._authn()}{self._statement()}</saml:Assertion>"
        )

    def _subject(self) -> str:
        name = self.raw_name_id if self.raw_name_id is not None else escape(self.name_id)
        return (
            f'<saml:Subject><saml:NameID Format="{self.name_id_format}">{name}</saml:NameID>'
            f'<saml:SubjectConfirmation Method="{self.method}"><saml:SubjectConfirmationData'
            f"{_moment('NotOnOrAfter', self.confirmation_ends)}{_attribute('Recipient', self.recipient)}"
            f"{_attribute('InResponseTo', self.in_response_to)}{self.confirmation_extra}/>"
            f"</saml:SubjectConfirmation>{self.raw_confirmation}</saml:Subject>"
        )

    def _conditions(self) -> str:
        restrictions = "".join(
            "<saml:AudienceRestriction>"
            + "".join(f"<saml:Audience>{a}</saml:Audience>" for a in audiences)
            + "</saml:AudienceRestriction>"
            for audiences in self.audiences
        )
        return (
            f"<saml:Conditions{_moment('NotBefore', self.not_before)}"
            f"{_moment('NotOnOrAfter', self.ends)}>"
            f"{restrictions}{self.raw_conditions}</saml:Conditions>"
        )

    def _authn(self) -> str:
        return (
            f'<saml:AuthnStatement AuthnInstant="{stamp(self.issued)}"'
            f"{_moment('SessionNotOnOrAfter', self.session_ends)}><saml:AuthnContext>"
            "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
            "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
        )

    def _statement(self) -> str:
        rows = "".join(
            f"<saml:Attribute Name={quoteattr(name)}>"
            + "".join(
                f'<saml:AttributeValue xsi:type="xs:string">{escape(v)}</saml:AttributeValue>'
                for v in values
            )
            + "</saml:Attribute>"
            for name, values in self.attributes.items()
        )
        if not rows and not self.raw_attributes:
            return ""
        return f"<saml:AttributeStatement>{rows}{self.raw_attributes}</saml:AttributeStatement>"


def _attribute(name: str, value: str | None) -> str:
    return "" if value is None else f" {name}={quoteattr(value)}"


def _moment(name: str, value: datetime | None) -> str:
    return "" if value is None else f' {name}="{stamp(value)}"'


def sign(
    root: Element,
    which: str = ".//saml:Assertion",
    with_key: Key | None = None,
    *,
    method: Any = xmlsec.Transform.RSA_SHA256,
    digest: Any = xmlsec.Transform.SHA256,
    c14n: Any = xmlsec.Transform.EXCL_C14N,
    shape: Callable[[Element], None] | None = None,
) -> None:
    """Sign one element of `root` in place, the signature after its Issuer."""
    held = with_key or key("idp")
    element = root if which == "." else root.xpath(which, namespaces=NS)[0]
    signature = xmlsec.template.create(element, c14n, method, ns="ds")
    issuer = element.find(f"{{{SAML}}}Issuer")
    if issuer is None:
        element.insert(0, signature)
    else:
        issuer.addnext(signature)
    reference = xmlsec.template.add_reference(signature, digest, uri=f"#{element.get('ID')}")
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    if shape is not None:
        shape(signature)
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(held.private, xmlsec.KeyFormat.PEM, None)
    context.key.load_cert_from_memory(held.certificate, xmlsec.KeyFormat.PEM)
    context.sign(signature)


def tree(draft: Draft) -> Element:
    return etree.fromstring(draft.xml().encode())


def encode(root: Element) -> str:
    return base64.b64encode(etree.tostring(root)).decode()


def signed(draft: Draft | None = None, *, both: bool = False, with_key: Key | None = None) -> str:
    """An honest response: the assertion signed, with `both` the response too."""
    root = tree(draft or Draft())
    sign(root, with_key=with_key)
    if both:
        sign(root, ".", with_key)
    return encode(root)


def sealed(
    to: Key,
    draft: Draft | None = None,
    *,
    cipher: Any = xmlsec.Transform.AES128_GCM,
    change: Callable[[Element], None] | None = None,
) -> str:
    """A response whose signed assertion is encrypted to the key `to`."""
    root = tree(draft or Draft())
    if change is not None:
        change(root)
    sign(root)
    root = etree.fromstring(etree.tostring(root))
    assertion = root.find(f"{{{SAML}}}Assertion")
    data = xmlsec.template.encrypted_data_create(
        root, cipher, type=xmlsec.EncryptionType.ELEMENT, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    wrapped = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(wrapped)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(to.certificate, xmlsec.KeyFormat.CERT_PEM, None))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 128, xmlsec.KeyDataType.SESSION)
    data = context.encrypt_xml(data, assertion)
    wrapper = etree.Element(f"{{{SAML}}}EncryptedAssertion")
    data.getparent().replace(data, wrapper)
    wrapper.append(data)
    return encode(root)


def request_of(url: str) -> Element:
    """The AuthnRequest inside a redirect to the identity provider."""
    query = parse_qs(urlsplit(url).query)
    return etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15))

"""The identity provider's metadata: a bounded reader that takes three things and nothing else."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from idpsync.core.errors import Malformed
from idpsync.jit.saml import names

LARGEST = 2_000_000
SMALLEST_RSA = 2048
_SYSTEM, _OPERATION = "identity provider", "read its metadata"


@dataclass(frozen=True, slots=True)
class IdpMetadata:
    """Whom we trust: its name, where logins start, and the keys its assertions are signed with.

    `certificates` are PEM texts, never empty; `certificates_end` is when the first of them expires
    (SAML trusts the key, not the date, so this is for a warning only).
    """

    entity_id: str
    sso_url: str
    certificates: tuple[str, ...]
    certificates_end: datetime
    valid_until: datetime | None = None


def read_idp_metadata(document: bytes, now: datetime) -> IdpMetadata:
    """The one identity provider that `document` describes.

    Malformed when it is too large, has a DTD, is past its validUntil, describes none or several
    identity providers, offers no redirect binding, or holds no usable signing key.
    """
    entity, role = _the_identity_provider(_parse(document))
    valid_until = _valid_until(entity, role, now)
    certificates = _certificates(role)
    return IdpMetadata(
        entity_id=_entity_id(entity),
        sso_url=_sso_url(role),
        certificates=tuple(c.public_bytes(Encoding.PEM).decode() for c in certificates),
        certificates_end=min(c.not_valid_after_utc for c in certificates),
        valid_until=valid_until,
    )


def _parse(document: bytes) -> etree._Element:
    if len(document) > LARGEST:
        raise _malformed(f"larger than {LARGEST} bytes")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.LxmlError, ValueError) as error:
        raise _malformed("not well-formed XML") from error
    docinfo: Any = root.getroottree().docinfo  # its stubs know no attributes
    if docinfo.doctype:
        raise _malformed("a document type declaration is not allowed")
    return root


def _the_identity_provider(root: etree._Element) -> tuple[etree._Element, etree._Element]:
    roles = list(root.iter(f"{{{names.MD}}}IDPSSODescriptor"))
    if len(roles) != 1:
        raise _malformed(f"{len(roles)} identity providers in it, exactly one is wanted")
    entity = roles[0].getparent()
    if entity is None or entity.tag != f"{{{names.MD}}}EntityDescriptor":
        raise _malformed("the identity provider is not inside an EntityDescriptor")
    return entity, roles[0]


def _entity_id(entity: etree._Element) -> str:
    entity_id = str(entity.get("entityID") or "")
    if not 0 < len(entity_id) <= 1024:  # SAML core §8.3.6
        raise _malformed("entityID is missing or too long")
    return entity_id


def _valid_until(entity: etree._Element, role: etree._Element, now: datetime) -> datetime | None:
    ends = [_instant(v) for v in (entity.get("validUntil"), role.get("validUntil")) if v]
    if ends and min(ends) <= now:
        raise _malformed(f"it was valid until {min(ends).isoformat()}")
    return min(ends, default=None)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise _malformed("validUntil is not an instant") from None
    return instant.replace(tzinfo=instant.tzinfo or UTC)


def _sso_url(role: etree._Element) -> str:
    for service in role.findall(f"{{{names.MD}}}SingleSignOnService"):
        if service.get("Binding") == names.REDIRECT:
            url = str(service.get("Location") or "")
            if urlsplit(url).scheme in {"http", "https"} and urlsplit(url).hostname:
                return url
    raise _malformed("it offers no single sign-on by HTTP redirect")


def _certificates(role: etree._Element) -> tuple[x509.Certificate, ...]:
    found = [
        _certificate(text.text or "")
        for key in role.findall(f"{{{names.MD}}}KeyDescriptor")
        if key.get("use") in {None, "signing"}
        for text in key.iter(f"{{{names.DS}}}X509Certificate")
    ]
    if not found:
        raise _malformed("it holds no signing certificate")
    return tuple(dict.fromkeys(found))


def _certificate(text: str) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(
            base64.b64decode("".join(text.split()), validate=True)
        )
        key = certificate.public_key()
    except ValueError as error:
        raise _malformed("a signing certificate cannot be read") from error
    strong = isinstance(key, ec.EllipticCurvePublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA
    )
    if not strong:
        raise _malformed(f"a signing key is neither elliptic nor RSA of {SMALLEST_RSA} bits or more")
    return certificate


def _malformed(reason: str) -> Malformed:
    return Malformed(_SYSTEM, _OPERATION, reason)

"""XML Signature by hand: exclusive canonicalisation, SHA-256, RSA. Enough for one identity provider."""

import base64
import hashlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
_EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


def sign(element: etree._Element, key: rsa.RSAPrivateKey, certificate: str) -> None:
    """Sign `element` (which has an ID) in place: an enveloped signature after its first child.

    `certificate` is base64 without PEM lines. SAML core §5.4 wants the Signature after the Issuer.
    """
    digest = base64.b64encode(hashlib.sha256(_canonical(element)).digest()).decode()
    signature = _signature(str(element.get("ID")), digest)
    element.insert(1, signature)
    value = key.sign(_canonical(signature[0]), padding.PKCS1v15(), hashes.SHA256())
    etree.SubElement(signature, f"{{{DS}}}SignatureValue").text = base64.b64encode(value).decode()
    info = etree.SubElement(signature, f"{{{DS}}}KeyInfo")
    x509 = etree.SubElement(info, f"{{{DS}}}X509Data")
    etree.SubElement(x509, f"{{{DS}}}X509Certificate").text = certificate


def _signature(target: str, digest: str) -> etree._Element:
    signature = etree.Element(f"{{{DS}}}Signature", nsmap={"ds": DS})
    info = etree.SubElement(signature, f"{{{DS}}}SignedInfo")
    etree.SubElement(info, f"{{{DS}}}CanonicalizationMethod", Algorithm=_EXC)
    etree.SubElement(info, f"{{{DS}}}SignatureMethod", Algorithm=_RSA_SHA256)
    reference = etree.SubElement(info, f"{{{DS}}}Reference", URI=f"#{target}")
    transforms = etree.SubElement(reference, f"{{{DS}}}Transforms")
    for algorithm in (f"{DS}enveloped-signature", _EXC):
        etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=algorithm)
    etree.SubElement(reference, f"{{{DS}}}DigestMethod", Algorithm=_SHA256)
    etree.SubElement(reference, f"{{{DS}}}DigestValue").text = digest
    return signature


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)

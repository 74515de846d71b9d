"""The screen: a document is looked at, element by element, before anything acts on it.

A login needs a small part of SAML, XML Signature and XML Encryption. Every element must be one of
that part and stand where the standard puts it; everything else is refused unread.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from lxml import etree

from idpsync.core.errors import AssertionRejected
from idpsync.jit.saml import names
from idpsync.jit.saml.names import ds, saml, samlp, xenc

MOST_ELEMENTS = 5_000
_NCNAME = re.compile(r"[A-Za-z_][\w.\-]{0,255}", re.ASCII)
_KNOWN = frozenset({names.SAML, names.SAMLP, names.DS, names.XENC, names.EXC_C14N})
_NEVER = frozenset({names.XSL, "http://www.w3.org/2001/XInclude", "http://www.w3.org/2009/xmldsig11#"})
_FREE = frozenset(samlp("Extensions", "StatusDetail"))

Places = Mapping[str, frozenset[str]]
"""Element → the elements it may be a child of."""


def _below(parents: Iterable[str], children: Iterable[str]) -> dict[str, frozenset[str]]:
    return dict.fromkeys(children, frozenset(parents))


_PLAIN: dict[str, frozenset[str]] = {
    **_below(samlp("Response"), samlp("Status", "Extensions") + saml("Assertion")),
    **_below(samlp("Status", "StatusCode"), samlp("StatusCode")),
    **_below(samlp("Status"), samlp("StatusMessage", "StatusDetail")),
    **_below((names.RESPONSE, names.ASSERTION), (*saml("Issuer"), names.SIGNATURE)),
    **_below(saml("Assertion"), saml("Subject", "Conditions", "AuthnStatement", "AttributeStatement")),
    **_below(saml("Subject"), saml("NameID", "SubjectConfirmation")),
    **_below(saml("SubjectConfirmation"), saml("SubjectConfirmationData")),
    **_below(saml("Conditions"), saml("AudienceRestriction", "OneTimeUse", "ProxyRestriction")),
    **_below(saml("AudienceRestriction", "ProxyRestriction"), saml("Audience")),
    **_below(saml("AuthnStatement"), saml("SubjectLocality", "AuthnContext")),
    **_below(
        saml("AuthnContext"),
        saml("AuthnContextClassRef", "AuthnContextDeclRef", "AuthenticatingAuthority"),
    ),
    **_below(saml("AttributeStatement"), saml("Attribute")),
    **_below(saml("Attribute"), saml("AttributeValue")),
    **_below(ds("Signature"), ds("SignedInfo", "SignatureValue", "KeyInfo")),
    **_below(ds("SignedInfo"), ds("CanonicalizationMethod", "SignatureMethod", "Reference")),
    **_below(ds("Reference"), ds("Transforms", "DigestMethod", "DigestValue")),
    **_below(ds("Transforms"), ds("Transform")),
    **_below(ds("CanonicalizationMethod", "Transform"), [f"{{{names.EXC_C14N}}}InclusiveNamespaces"]),
    **_below(ds("KeyInfo"), ds("X509Data", "KeyName", "KeyValue")),
    **_below(ds("X509Data"), ds("X509Certificate", "X509IssuerSerial", "X509SubjectName", "X509SKI")),
    **_below(ds("X509IssuerSerial"), ds("X509IssuerName", "X509SerialNumber")),
    **_below(ds("KeyValue"), ds("RSAKeyValue")),
    **_below(ds("RSAKeyValue"), ds("Modulus", "Exponent")),
}

PLAIN: Places = MappingProxyType(_PLAIN)
"""What a readable response may hold."""

SEALED: Places = MappingProxyType(
    {
        **_PLAIN,
        **_below(samlp("Response"), saml("Assertion", "EncryptedAssertion")),
        **_below(saml("EncryptedAssertion"), xenc("EncryptedData")),
        **_below(xenc("EncryptedData", "EncryptedKey"), xenc("EncryptionMethod", "CipherData")),
        **_below(xenc("CipherData"), xenc("CipherValue")),
        **_below(ds("KeyInfo"), (*ds("X509Data", "KeyName", "KeyValue"), *xenc("EncryptedKey"))),
        **_below((names.SIGNATURE, *xenc("EncryptedData", "EncryptedKey")), ds("KeyInfo")),
        **_below((*ds("Reference"), *xenc("EncryptionMethod")), ds("DigestMethod")),
    }
)
"""What a response may hold whose assertion is still encrypted."""


def screen(root: etree._Element, places: Places) -> None:
    """AssertionRejected unless every element of `root` is known and in its place.

    Cost: one walk over the tree, linear; nothing is resolved, fetched, hashed or decrypted.
    """
    if root.tag != names.RESPONSE:
        raise AssertionRejected(f"the document is a {_short(root.tag)}, not a Response")
    assertions = 0
    ids: set[str] = set()
    for seen, element in enumerate(root.iter(), start=1):
        if seen > MOST_ELEMENTS:
            raise AssertionRejected(f"more than {MOST_ELEMENTS} elements")
        _check_place(element, root, places)
        _check_id(element, ids)
        _check_form(element)
        assertions += element.tag in (names.ASSERTION, names.ENCRYPTED_ASSERTION)
    if assertions != 1:
        raise AssertionRejected(f"{assertions} assertions, exactly one is wanted")


def _check_place(element: etree._Element, root: etree._Element, places: Places) -> None:
    if element is root:
        return
    parent = _parent(element)
    if parent.tag in places.get(element.tag, ()):
        return
    namespace = etree.QName(element).namespace
    if namespace in _NEVER or namespace in _KNOWN or not _is_free(parent):
        raise AssertionRejected(f"{_short(element.tag)} inside {_short(parent.tag)} is not allowed")


def _is_free(parent: etree._Element) -> bool:
    return parent.tag in _FREE or any(ancestor.tag in _FREE for ancestor in parent.iterancestors())


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    if parent is None:
        raise AssertionRejected(f"{_short(element.tag)} stands alone")
    return parent


def _check_id(element: etree._Element, ids: set[str]) -> None:
    for attribute in ("ID", "Id", "id", names.XML_ID):
        value = element.get(attribute)
        if value is None:
            continue
        if value in ids or not _NCNAME.fullmatch(value):
            raise AssertionRejected(f"{_short(element.tag)} has a repeated or malformed ID")
        ids.add(value)


def _check_form(element: etree._Element) -> None:
    check = _FORMS.get(element.tag)
    if check is not None:
        check(element)


def _signature(signature: etree._Element) -> None:
    signed = _parent(signature)
    if len(signed.findall(names.SIGNATURE)) != 1:
        raise AssertionRejected("more than one Signature in one place")
    _expect_children(signature, ds("SignedInfo", "SignatureValue"), ds("KeyInfo"))
    reference = signature[0].find(f"{{{names.DS}}}Reference")
    if reference is None or not signed.get("ID") or reference.get("URI") != f"#{signed.get('ID')}":
        raise AssertionRejected("the signature does not refer to the element that holds it")


def _signed_info(info: etree._Element) -> None:
    _expect_children(info, ds("CanonicalizationMethod", "SignatureMethod", "Reference"))


def _reference(reference: etree._Element) -> None:
    _expect_children(reference, ds("Transforms", "DigestMethod", "DigestValue"))


def _expect_children(
    element: etree._Element, wanted: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    children = tuple(child.tag for child in element)
    if children not in (wanted, wanted + optional):
        raise AssertionRejected(f"{_short(element.tag)} is not made of what it must be made of")


def _transforms(transforms: etree._Element) -> None:
    algorithms = [child.get("Algorithm") for child in transforms]
    if algorithms not in ([names.ENVELOPED], [names.ENVELOPED, names.EXC_C14N]):
        raise AssertionRejected("a transform other than enveloped and exclusive c14n")


def _canonicalization(method: etree._Element) -> None:
    _expect_algorithm(method, frozenset({names.EXC_C14N}))


def _signature_method(method: etree._Element) -> None:
    _expect_algorithm(method, names.SIGNATURE_METHODS)
    _expect_leaf(method)


def _digest_method(method: etree._Element) -> None:
    # inside EncryptionMethod it is the mask of RSA-OAEP, where SHA-1 is sound and customary
    if _parent(method).tag == f"{{{names.DS}}}Reference":
        _expect_algorithm(method, names.DIGEST_METHODS)


def _encryption_method(method: etree._Element) -> None:
    _expect_algorithm(method, names.ENCRYPTION_METHODS)


def _expect_algorithm(method: etree._Element, allowed: frozenset[str]) -> None:
    if method.get("Algorithm") not in allowed:
        raise AssertionRejected(f"{_short(method.tag)}: algorithm {str(method.get('Algorithm'))[:80]!r}")


def _expect_leaf(element: etree._Element) -> None:
    if len(element):
        raise AssertionRejected(f"{_short(element.tag)} must hold text only")


_FORMS = MappingProxyType(
    {
        names.SIGNATURE: _signature,
        **dict.fromkeys(ds("SignedInfo"), _signed_info),
        **dict.fromkeys(ds("Reference"), _reference),
        **dict.fromkeys(ds("Transforms"), _transforms),
        **dict.fromkeys(ds("CanonicalizationMethod"), _canonicalization),
        **dict.fromkeys(ds("SignatureMethod"), _signature_method),
        **dict.fromkeys(ds("DigestMethod"), _digest_method),
        **dict.fromkeys(xenc("EncryptionMethod"), _encryption_method),
        **dict.fromkeys(saml("NameID", "AttributeValue", "Issuer", "Audience"), _expect_leaf),
    }
)


def _short(tag: object) -> str:
    return str(tag).rpartition("}")[2][:60]

"""What must be refused: a table of dishonest or careless responses, and the words of the refusal.

`READ` are wrong in what they say though rightly signed; `SCREEN` are wrong in how they are built.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from lxml import etree

from tests.jit.forge import (
    ACS,
    AUDIENCE,
    DS,
    NOW,
    NS,
    SAML,
    SAMLP,
    XENC,
    Draft,
    Element,
    sign,
    tree,
)

HONEST = Draft()


@dataclass(frozen=True)
class Said:
    """A validly signed response that is not for us, and why."""

    draft: Draft
    reason: str


READ: Mapping[str, Said] = {
    "another issuer": Said(HONEST.but(issuer="https://evil.example"), "another issuer"),
    "another issuer of the response": Said(
        HONEST.but(response_issuer="https://evil.example"), "the response has another issuer"
    ),
    "issued tomorrow": Said(
        HONEST.but(issued=NOW + timedelta(minutes=2), ends=NOW + timedelta(minutes=9)),
        "issued in the future",
    ),
    "lives three hours": Said(HONEST.but(ends=NOW + timedelta(hours=3)), "lives longer"),
    "confirmation lives three hours": Said(
        HONEST.but(confirmation_ends=NOW + timedelta(hours=3)), "lives longer"
    ),
    "issued long ago, still in its time": Said(
        HONEST.but(issued=NOW - timedelta(days=30)), "lives longer"
    ),
    "no audience": Said(HONEST.but(audiences=()), "names no audience"),
    "another audience": Said(HONEST.but(audiences=(("https://other.example",),)), "another audience"),
    "one of two audience restrictions is not us": Said(
        HONEST.but(audiences=((AUDIENCE,), ("https://other.example",))), "another audience"
    ),
    "audience that begins like ours": Said(
        HONEST.but(audiences=((f"{AUDIENCE}.evil.example",),)), "another audience"
    ),
    "no recipient": Said(HONEST.but(recipient=None), "Recipient"),
    "another recipient": Said(HONEST.but(recipient="https://other.example/acs"), "Recipient"),
    "recipient that contains ours": Said(
        HONEST.but(recipient=f"https://evil.example/?u={ACS}"), "Recipient"
    ),
    "another destination": Said(HONEST.but(destination="https://other.example/acs"), "Destination"),
    "destination that begins like ours": Said(
        HONEST.but(destination=f"{ACS}.evil.example/"), "another Destination"
    ),
    "answers another request": Said(HONEST.but(in_response_to="_theirs"), "answers another request"),
    "answers no request": Said(
        HONEST.but(in_response_to=None, response_in_response_to=None), "answers another request"
    ),
    "answers our request only where nobody signed": Said(
        HONEST.but(in_response_to=None), "the confirmation answers another request"
    ),
    "response answers another request": Said(
        HONEST.but(response_in_response_to="_theirs"), "the response answers another request"
    ),
    "conditions have ended": Said(
        HONEST.but(ends=NOW - timedelta(seconds=61)), "NotOnOrAfter has passed"
    ),
    "confirmation has ended": Said(
        HONEST.but(confirmation_ends=NOW - timedelta(seconds=61)), "NotOnOrAfter has passed"
    ),
    "conditions never end": Said(HONEST.but(ends=None), "NotOnOrAfter is missing"),
    "confirmation never ends": Said(HONEST.but(confirmation_ends=None), "NotOnOrAfter is missing"),
    "not valid yet": Said(HONEST.but(not_before=NOW + timedelta(seconds=61)), "not valid yet"),
    "session has ended": Said(
        HONEST.but(session_ends=NOW - timedelta(seconds=61)), "SessionNotOnOrAfter has passed"
    ),
    "confirmation begins later": Said(
        HONEST.but(confirmation_extra=' NotBefore="2026-03-02T08:00:00Z"'), "has a NotBefore"
    ),
    "not a bearer": Said(
        HONEST.but(method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"), "bearer confirmations"
    ),
    "two bearers": Said(
        HONEST.but(
            raw_confirmation='<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            f'<saml:SubjectConfirmationData Recipient="{ACS}"/></saml:SubjectConfirmation>'
        ),
        "2 bearer confirmations",
    ),
    "empty NameID": Said(HONEST.but(name_id=" "), "NameID is empty"),
}


@dataclass(frozen=True)
class Built:
    """A change to an honest, signed tree, and the words with which the screen refuses it."""

    change: Callable[[Element], None]
    reason: str


def _first(root: Element, path: str) -> Element:
    return root.xpath(path, namespaces=NS)[0]


def _append(path: str, xml: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        _first(root, path).append(etree.fromstring(xml))

    return change


def _set(path: str, name: str, value: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        _first(root, path).set(name, value)

    return change


def _drop(path: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        element = _first(root, path)
        element.getparent().remove(element)

    return change


def _twice(path: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        element = _first(root, path)
        element.addnext(etree.fromstring(etree.tostring(element)))

    return change


def _transforms(*algorithms: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        transforms = _first(root, "//ds:Transforms")
        for child in list(transforms):
            transforms.remove(child)
        for algorithm in algorithms:
            etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=algorithm)

    return change


def _many(root: Element) -> None:
    attribute = _first(root, "//saml:Attribute")
    for _ in range(5_001):
        etree.SubElement(attribute, f"{{{SAML}}}AttributeValue").text = "x"


ENVELOPED = f"{DS}enveloped-signature"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"

SCREEN: Mapping[str, Built] = {
    "second reference in a signature": Built(_twice("//ds:Reference"), "not made of"),
    "second signed info": Built(_twice("//ds:SignedInfo"), "not made of"),
    "second signature value": Built(_twice("//ds:SignatureValue"), "not made of"),
    "second signature in one place": Built(_twice("//ds:Signature"), "more than one Signature"),
    "reference without transforms": Built(_drop("//ds:Transforms"), "not made of"),
    "no reference": Built(_drop("//ds:Reference"), "does not refer"),
    "reference to everything": Built(_set("//ds:Reference", "URI", ""), "does not refer"),
    "reference to a file": Built(_set("//ds:Reference", "URI", "file:///etc/passwd"), "does not refer"),
    "reference to somewhere else": Built(_set("//ds:Reference", "URI", "#other"), "does not refer"),
    "reference by xpointer": Built(
        _set("//ds:Reference", "URI", "#xpointer(id('x'))"), "does not refer"
    ),
    "xpath transform": Built(_transforms(ENVELOPED, XPATH), "a transform other than"),
    "xslt transform": Built(_transforms(XSLT), "a transform other than"),
    "many transforms": Built(_transforms(ENVELOPED, *[EXC] * 500), "a transform other than"),
    "no enveloped transform": Built(_transforms(EXC), "a transform other than"),
    "transform with contents": Built(
        _append("//ds:Transform", f'<ds:XPath xmlns:ds="{DS}">1</ds:XPath>'), "is not allowed"
    ),
    "stylesheet": Built(
        _append(
            "//ds:Transform",
            '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>',
        ),
        "is not allowed",
    ),
    "signature by hmac": Built(
        _set("//ds:SignatureMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
        "SignatureMethod: algorithm",
    ),
    "signature by sha1": Built(
        _set("//ds:SignatureMethod", "Algorithm", f"{DS}rsa-sha1"), "SignatureMethod: algorithm"
    ),
    "digest by sha1": Built(
        _set("//ds:DigestMethod", "Algorithm", f"{DS}sha1"), "DigestMethod: algorithm"
    ),
    "canonicalisation with comments": Built(
        _set("//ds:CanonicalizationMethod", "Algorithm", f"{EXC}WithComments"),
        "CanonicalizationMethod: algorithm",
    ),
    "truncated signature": Built(
        _append("//ds:SignatureMethod", f'<ds:HMACOutputLength xmlns:ds="{DS}">1</ds:HMACOutputLength>'),
        "must hold text only",
    ),
    "object in a signature": Built(
        _append("//ds:Signature", f'<ds:Object xmlns:ds="{DS}"/>'), "not made of"
    ),
    "manifest": Built(_append("//ds:KeyInfo", f'<ds:Manifest xmlns:ds="{DS}"/>'), "is not allowed"),
    "retrieval method": Built(
        _append("//ds:KeyInfo", f'<ds:RetrievalMethod xmlns:ds="{DS}" URI="file:///dev/zero"/>'),
        "is not allowed",
    ),
    "key info reference": Built(
        _append(
            "//ds:KeyInfo",
            '<dsig11:KeyInfoReference xmlns:dsig11="http://www.w3.org/2009/xmldsig11#" URI="#a"/>',
        ),
        "is not allowed",
    ),
    "second assertion": Built(
        _append("/samlp:Response", HONEST.but(assertion_id="_second").assertion_xml()), "2 assertions"
    ),
    "no assertion": Built(_drop("//saml:Assertion"), "0 assertions"),
    "assertion inside an assertion": Built(
        _append("//saml:Assertion", HONEST.but(assertion_id="_second").assertion_xml()), "is not allowed"
    ),
    "assertion inside extensions": Built(
        _append(
            "/samlp:Response",
            f'<samlp:Extensions xmlns:samlp="{SAMLP}">'
            f"{HONEST.but(assertion_id='_second').assertion_xml()}</samlp:Extensions>",
        ),
        "is not allowed",
    ),
    "stylesheet inside extensions": Built(
        _append(
            "/samlp:Response",
            f'<samlp:Extensions xmlns:samlp="{SAMLP}"><x:stylesheet'
            ' xmlns:x="http://www.w3.org/1999/XSL/Transform"/></samlp:Extensions>',
        ),
        "is not allowed",
    ),
    "repeated ID": Built(
        lambda root: root.set("ID", _first(root, "//saml:Assertion").get("ID")),
        "repeated or malformed ID",
    ),
    "ID that is no name": Built(_set("//saml:Assertion", "ID", "a b"), "malformed ID"),
    "advice": Built(
        _append("//saml:Assertion", f'<saml:Advice xmlns:saml="{SAML}"/>'), "is not allowed"
    ),
    "unknown condition": Built(
        _append("//saml:Conditions", f'<saml:Condition xmlns:saml="{SAML}"/>'), "is not allowed"
    ),
    "foreign element": Built(_append("//saml:Attribute", '<x xmlns="urn:x"/>'), "is not allowed"),
    "element inside a NameID": Built(
        _append("//saml:NameID", f'<saml:Audience xmlns:saml="{SAML}"/>'), "must hold text only"
    ),
    "element inside an attribute value": Built(
        _append("//saml:AttributeValue", f'<saml:NameID xmlns:saml="{SAML}">x</saml:NameID>'),
        "must hold text only",
    ),
    "encrypted NameID": Built(
        _append("//saml:Subject", f'<saml:EncryptedID xmlns:saml="{SAML}"/>'), "is not allowed"
    ),
    "encrypted assertion without a key of ours": Built(
        _append("/samlp:Response", f'<saml:EncryptedAssertion xmlns:saml="{SAML}"/>'), "is not allowed"
    ),
    "cipher reference": Built(
        _append(
            "//saml:AttributeValue",
            f'<xenc:CipherReference xmlns:xenc="{XENC}" URI="file:///dev/zero"/>',
        ),
        "must hold text only",
    ),
    "too many elements": Built(_many, "more than 5000 elements"),
}


def signed_tree(draft: Draft | None = None) -> Element:
    """As a parser gives it: names that xmlsec's templates made are in the document's dictionary."""
    root = tree(draft or Draft())
    sign(root)
    return etree.fromstring(etree.tostring(root))

"""Run by test_hostile_references: prints what became of each hostile document, as JSON."""

import base64
import json
import resource
import sys
from collections.abc import Callable
from datetime import timedelta

from lxml import etree
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from idpsync.core.errors import AssertionRejected
from idpsync.jit.saml import KeyPair, ServiceProvider
from idpsync.jit.saml.library import LIBRARY_FAULTS, at_moment
from tests.jit.forge import (
    ACS,
    AUDIENCE,
    BASE,
    DS,
    NOW,
    NS,
    REQUEST,
    XENC,
    Element,
    encode,
    idp_metadata,
    key,
    sealed,
    signed,
)
from tests.jit.shapes import ENVELOPED, EXC, XPATH, XSLT, signed_tree

ENDLESS = "file:///dev/zero"


def _added_reference(uri: str) -> Element:
    root = signed_tree()
    reference = root.xpath("//ds:Reference", namespaces=NS)[0]
    added: Element = etree.fromstring(etree.tostring(reference))
    added.set("URI", uri)
    added.remove(added.find(f"{{{DS}}}Transforms"))
    reference.addnext(added)
    return root


def _changed_reference(uri: str) -> Element:
    root = signed_tree()
    root.xpath("//ds:Reference", namespaces=NS)[0].set("URI", uri)
    return root


def _retrieval(uri: str) -> Element:
    root = signed_tree()
    info = root.xpath("//ds:KeyInfo", namespaces=NS)[0]
    etree.SubElement(info, f"{{{DS}}}RetrievalMethod", URI=uri, Type=f"{DS}X509Data")
    return root


def _cipher(uri: str) -> Element:
    root = etree.fromstring(base64.b64decode(sealed(key("sp"))))
    data: Element = root.find(f".//{{{XENC}}}EncryptedData/{{{XENC}}}CipherData")
    data.remove(data[0])
    etree.SubElement(data, f"{{{XENC}}}CipherReference", URI=uri)
    return root


def _transforms(*transforms: Element) -> Element:
    root = signed_tree()
    held = root.xpath("//ds:Transforms", namespaces=NS)[0]
    for child in list(held):
        held.remove(child)
    held.extend(transforms)
    return root


def _transform(algorithm: str, content: str = "") -> Element:
    return etree.fromstring(
        f'<ds:Transform xmlns:ds="{DS}" Algorithm="{algorithm}">{content}</ds:Transform>'
    )


def _stylesheet(depth: int) -> str:
    calls = "".join(
        f'<xsl:template name="t{i}"><xsl:call-template name="t{i + 1}"/>'
        f'<xsl:call-template name="t{i + 1}"/></xsl:template>'
        for i in range(depth)
    )
    return (
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        f'<xsl:template match="/"><xsl:call-template name="t0"/></xsl:template>{calls}'
        f'<xsl:template name="t{depth}">x</xsl:template></xsl:stylesheet>'
    )


def _ten_references() -> Element:
    root = signed_tree()
    reference = root.xpath("//ds:Reference", namespaces=NS)[0]
    for _ in range(10):
        reference.addnext(etree.fromstring(etree.tostring(reference)))
    return root


REFERENCES: dict[str, Callable[[], Element]] = {
    "added, endless": lambda: _added_reference(ENDLESS),
    "added, file": lambda: _added_reference("file:///etc/hostname"),
    "added, http": lambda: _added_reference("http://127.0.0.1:9/"),
    "added, relative": lambda: _added_reference("/dev/zero"),
    "only, endless": lambda: _changed_reference(ENDLESS),
    "cipher, endless": lambda: _cipher(ENDLESS),
    "cipher, file": lambda: _cipher("file:///etc/hostname"),
}
WORK: dict[str, Callable[[], Element]] = {
    "retrieval, endless": lambda: _retrieval(ENDLESS),
    "stylesheet": lambda: _transforms(_transform(XSLT, _stylesheet(40))),
    "path": lambda: _transforms(
        _transform(ENVELOPED),
        _transform(XPATH, f'<ds:XPath xmlns:ds="{DS}">count(//*[count(//*) > 0]) > 0</ds:XPath>'),
    ),
    "canonicalised 500 times": lambda: _transforms(
        _transform(ENVELOPED), *[_transform(EXC) for _ in range(500)]
    ),
    "ten references": _ten_references,
}


def _door(response: str, provider: ServiceProvider) -> str:
    try:
        provider.verify(idp_metadata(), response, REQUEST, NOW)
    except AssertionRejected as error:
        return f"refused: {error.reason}"
    return "accepted"


def _library(response: str, settings: OneLogin_Saml2_Settings) -> str:
    """python3-saml as `prepare_library` leaves it, with no screen before it."""
    request = {"http_host": "sso.acme.example", "https": "on", "script_name": "/saml/acs"}
    with at_moment(NOW):
        try:
            read = OneLogin_Saml2_Response(settings, response)
        except LIBRARY_FAULTS as error:
            return f"refused: {type(error).__name__}"
        return "accepted" if read.is_valid(request, REQUEST) else f"refused: {read.get_error()}"


def _settings() -> OneLogin_Saml2_Settings:
    idp = idp_metadata()
    return OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {
                "entityId": AUDIENCE,
                "assertionConsumerService": {"url": ACS},
                "x509cert": key("sp").certificate,
                "privateKey": key("sp").private,
            },
            "idp": {
                "entityId": idp.entity_id,
                "singleSignOnService": {"url": idp.sso_url},
                "x509cert": idp.certificates[0],
            },
            "security": {"wantAssertionsSigned": True},
        }
    )


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (45, 45))  # should the parent be gone, this ends by itself
    own = KeyPair(key("sp").private, key("sp").certificate)
    provider = ServiceProvider(BASE, own, skew=timedelta(seconds=60))
    plain = ServiceProvider(BASE, skew=timedelta(seconds=60))
    settings = _settings()
    outcomes = {"honest door": _door(signed(), provider), "honest library": _library(signed(), settings)}
    for name, build in {**REFERENCES, **WORK}.items():
        outcomes[f"door: {name}"] = _door(encode(build()), provider)
        outcomes[f"door: {name}, without a key"] = _door(encode(build()), plain)
    for name, build in REFERENCES.items():
        outcomes[f"library: {name}"] = _library(encode(build()), settings)
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()

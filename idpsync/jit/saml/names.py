"""The words of SAML 2.0, XML Signature and XML Encryption, as lxml spells them."""

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
XSL = "http://www.w3.org/1999/XSL/Transform"
XML_ID = "{http://www.w3.org/XML/1998/namespace}id"

RESPONSE = f"{{{SAMLP}}}Response"
ASSERTION = f"{{{SAML}}}Assertion"
ENCRYPTED_ASSERTION = f"{{{SAML}}}EncryptedAssertion"
SIGNATURE = f"{{{DS}}}Signature"

BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"

ENVELOPED = f"{DS}enveloped-signature"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
SIGNATURE_METHODS = frozenset(
    f"{_MORE}{key}-{digest}" for key in ("rsa", "ecdsa") for digest in ("sha256", "sha384", "sha512")
)
DIGEST_METHODS = frozenset({f"{XENC}sha256", f"{_MORE}sha384", f"{XENC}sha512"})
ENCRYPTION_METHODS = frozenset(
    {
        "http://www.w3.org/2009/xmlenc11#aes128-gcm",
        "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        f"{XENC}rsa-oaep-mgf1p",
    }
)
"""Authenticated ciphers only: a cipher without an authentication tag is a padding oracle."""


def saml(*locals_: str) -> tuple[str, ...]:
    return tuple(f"{{{SAML}}}{name}" for name in locals_)


def samlp(*locals_: str) -> tuple[str, ...]:
    return tuple(f"{{{SAMLP}}}{name}" for name in locals_)


def ds(*locals_: str) -> tuple[str, ...]:
    return tuple(f"{{{DS}}}{name}" for name in locals_)


def xenc(*locals_: str) -> tuple[str, ...]:
    return tuple(f"{{{XENC}}}{name}" for name in locals_)

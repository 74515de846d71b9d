"""The whole verification: what is accepted, what is refused, and that nothing else comes out."""

import base64
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from idpsync.core.errors import AssertionRejected
from idpsync.jit.saml import Assertion, IdpMetadata, KeyPair, ServiceProvider
from tests.jit.forge import (
    ACS,
    BASE,
    DS,
    NOW,
    NS,
    REQUEST,
    SAML,
    SAMLP,
    SSO,
    Draft,
    Element,
    encode,
    idp_metadata,
    key,
    request_of,
    sealed,
    sign,
    signed,
    tree,
    xmlsec,
)
from tests.jit.shapes import READ, SCREEN, signed_tree

SKEW = timedelta(seconds=60)


def _verify(
    response: str,
    *,
    at: datetime = NOW,
    idp: IdpMetadata | None = None,
    request_id: str | None = REQUEST,
    keys: KeyPair | None = None,
) -> Assertion:
    return ServiceProvider(BASE, keys, skew=SKEW).verify(idp or idp_metadata(), response, request_id, at)


def _own_keys() -> KeyPair:
    return KeyPair(key("sp").private, key("sp").certificate)


# --- accepted -----------------------------------------------------------------------------------


@pytest.mark.parametrize("both", [False, True], ids=["assertion signed", "both signed"])
def test_an_honest_response_is_accepted(both: bool) -> None:
    draft = Draft()
    assertion = _verify(signed(draft, both=both))
    assert assertion.name_id == "Ada@acme.example"
    assert assertion.assertion_id == draft.assertion_id
    assert assertion.not_on_or_after == NOW + timedelta(minutes=5)
    assert assertion.attributes["groups"] == ("Claude Premium", "All Staff")


def test_a_response_like_entras_is_accepted() -> None:
    """Assertion signed only, no Destination check to be made on signed parts, an hour of life."""
    draft = Draft().but(
        not_before=NOW - timedelta(minutes=5),
        ends=NOW + timedelta(minutes=60),
        confirmation_ends=NOW + timedelta(minutes=60),
        attributes={
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress": ["ada@acme.example"],
            "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups": ["8e2e", "11fa"],
        },
    )
    assert len(_verify(signed(draft)).attributes) == 2


def test_a_response_without_attributes_is_accepted() -> None:
    assert _verify(signed(Draft().but(attributes={}))).attributes == {}


def test_white_space_inside_the_base64_is_accepted() -> None:
    text = signed()
    lines = "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    assert _verify(lines) == _verify(text)


def test_either_of_two_certificates_is_good() -> None:
    both = idp_metadata(key("idp"), key("next"))
    for name in ("idp", "next"):
        assert _verify(signed(with_key=key(name)), idp=both).issuer == both.entity_id


@pytest.mark.parametrize("seconds", [-59, 0, 359])
def test_clocks_may_differ_by_the_skew(seconds: int) -> None:
    draft = Draft().but(not_before=NOW)
    at = NOW + timedelta(seconds=seconds)
    assert _verify(signed(draft), at=at).assertion_id == draft.assertion_id


@pytest.mark.parametrize("seconds", [-61, 361])
def test_clocks_may_not_differ_by_more(seconds: int) -> None:
    with pytest.raises(AssertionRejected):
        _verify(signed(Draft().but(not_before=NOW)), at=NOW + timedelta(seconds=seconds))


def test_an_encrypted_assertion_is_accepted_when_we_have_a_key() -> None:
    assert _verify(sealed(key("sp")), keys=_own_keys()).name_id == "Ada@acme.example"


@pytest.mark.parametrize(
    "raw",
    ["Ada@acme.example<!-- x -->.evil.example", "<![CDATA[Ada@acme.example]]>.evil.example"],
    ids=["comment", "cdata"],
)
def test_a_name_is_read_to_its_end(raw: str) -> None:
    """CVE-2017-11427 and its family cut the name at the comment."""
    assertion = _verify(signed(Draft().but(raw_name_id=raw)))
    assert assertion.name_id == "Ada@acme.example.evil.example"


# --- refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("both", [False, True], ids=["assertion signed", "both signed"])
def test_what_is_rightly_signed_but_not_for_us_is_refused(name: str, both: bool) -> None:
    with pytest.raises(AssertionRejected):
        _verify(signed(READ[name].draft, both=both))


@pytest.mark.parametrize("name", SCREEN)
def test_what_is_oddly_built_is_refused(name: str) -> None:
    root = signed_tree()
    SCREEN[name].change(root)
    with pytest.raises(AssertionRejected):
        _verify(encode(root))


def test_an_unsigned_response_is_refused() -> None:
    with pytest.raises(AssertionRejected):
        _verify(encode(tree(Draft())))


def test_a_signature_on_the_response_alone_is_refused() -> None:
    root = tree(Draft())
    sign(root, ".")
    with pytest.raises(AssertionRejected):
        _verify(encode(root))


def test_a_signature_by_another_key_is_refused() -> None:
    """The certificate that travels inside the signature is never trusted."""
    with pytest.raises(AssertionRejected, match="verification"):
        _verify(signed(with_key=key("mallory")))


def test_a_changed_name_is_refused() -> None:
    root = signed_tree()
    root.find(f".//{{{SAML}}}NameID").text = "mallory@acme.example"
    with pytest.raises(AssertionRejected, match="verification"):
        _verify(encode(root))


def test_one_bad_signature_of_two_is_refused() -> None:
    root = tree(Draft())
    sign(root)
    sign(root, ".", key("mallory"))
    with pytest.raises(AssertionRejected, match="verification"):
        _verify(encode(root))


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        (xmlsec.Transform.RSA_SHA1, xmlsec.Transform.SHA256),
        (xmlsec.Transform.RSA_SHA256, xmlsec.Transform.SHA1),
    ],
    ids=["signature", "digest"],
)
def test_sha1_is_refused_though_rightly_signed(method: object, digest: object) -> None:
    root = tree(Draft())
    sign(root, method=method, digest=digest)
    with pytest.raises(AssertionRejected, match="algorithm"):
        _verify(encode(root))


def test_a_signature_with_the_public_certificate_as_hmac_key_is_refused() -> None:
    root = tree(Draft())
    assertion = root.find(f"{{{SAML}}}Assertion")
    signature = xmlsec.template.create(
        assertion, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.HMAC_SHA256, ns="ds"
    )
    assertion.find(f"{{{SAML}}}Issuer").addnext(signature)
    reference = xmlsec.template.add_reference(
        signature, xmlsec.Transform.SHA256, uri=f"#{assertion.get('ID')}"
    )
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC, key("idp").certificate.encode())
    context.sign(signature)
    with pytest.raises(AssertionRejected, match="algorithm"):
        _verify(encode(root))


def test_a_failed_status_is_refused() -> None:
    denied = Draft().but(status="urn:oasis:names:tc:SAML:2.0:status:Responder")
    with pytest.raises(AssertionRejected, match="Responder"):
        _verify(signed(denied))


def test_an_encrypted_assertion_is_refused_without_a_key() -> None:
    with pytest.raises(AssertionRejected, match="not allowed"):
        _verify(sealed(key("sp")))


def test_a_cipher_without_authentication_is_refused() -> None:
    with pytest.raises(AssertionRejected, match="EncryptionMethod"):
        _verify(sealed(key("sp"), cipher=xmlsec.Transform.AES128), keys=_own_keys())


def test_what_was_encrypted_is_screened_too() -> None:
    def spoil(root: Element) -> None:
        root.find(f".//{{{SAML}}}AttributeStatement").append(
            etree.fromstring('<x xmlns="urn:x" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>')
        )

    with pytest.raises(AssertionRejected, match="not allowed"):
        _verify(sealed(key("sp"), change=spoil), keys=_own_keys())


# --- signature wrapping: the names are those of SAML Raider -------------------------------------


def _evil(root: Element) -> Element:
    """A copy of the signed assertion, unsigned, that says somebody else."""
    evil = deepcopy(root.find(f"{{{SAML}}}Assertion"))
    evil.remove(evil.find(f"{{{DS}}}Signature"))
    evil.set("ID", "_evil")
    evil.find(f".//{{{SAML}}}NameID").text = "mallory@acme.example"
    return evil


def _xsw1(root: Element) -> Element:
    return _wrapped_response(root, inside=True)


def _xsw2(root: Element) -> Element:
    return _wrapped_response(root, inside=False)


def _wrapped_response(root: Element, *, inside: bool) -> Element:
    sign(root, ".")
    original = deepcopy(root)
    original.remove(original.find(f"{{{DS}}}Signature"))
    root.set("ID", "_evil_response")
    signature = root.find(f"{{{DS}}}Signature")
    root.find(f".//{{{SAML}}}NameID").text = "mallory@acme.example"
    if inside:
        signature.append(original)
    else:
        signature.addprevious(original)
    return root


def _xsw3(root: Element) -> Element:
    root.find(f"{{{SAML}}}Assertion").addprevious(_evil(root))
    return root


def _xsw4(root: Element) -> Element:
    evil = _evil(root)
    original = root.find(f"{{{SAML}}}Assertion")
    original.addprevious(evil)
    evil.append(original)
    return root


def _xsw5(root: Element) -> Element:
    changed = root.find(f"{{{SAML}}}Assertion")
    original = deepcopy(changed)
    original.remove(original.find(f"{{{DS}}}Signature"))
    changed.set("ID", "_evil")
    changed.find(f".//{{{SAML}}}NameID").text = "mallory@acme.example"
    root.append(original)
    return root


def _xsw6(root: Element) -> Element:
    changed = root.find(f"{{{SAML}}}Assertion")
    original = deepcopy(changed)
    original.remove(original.find(f"{{{DS}}}Signature"))
    changed.set("ID", "_evil")
    changed.find(f".//{{{SAML}}}NameID").text = "mallory@acme.example"
    changed.find(f"{{{DS}}}Signature").append(original)
    return root


def _xsw7(root: Element) -> Element:
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    extensions.append(_evil(root))
    root.find(f"{{{SAML}}}Issuer").addnext(extensions)
    return root


def _xsw8(root: Element) -> Element:
    changed = root.find(f"{{{SAML}}}Assertion")
    original = deepcopy(changed)
    original.remove(original.find(f"{{{DS}}}Signature"))
    changed.set("ID", "_evil")
    changed.find(f".//{{{SAML}}}NameID").text = "mallory@acme.example"
    etree.SubElement(changed.find(f"{{{DS}}}Signature"), f"{{{DS}}}Object").append(original)
    return root


@pytest.mark.parametrize("wrap", [_xsw1, _xsw2, _xsw3, _xsw4, _xsw5, _xsw6, _xsw7, _xsw8])
def test_signature_wrapping_is_refused(wrap: Callable[[Element], Element]) -> None:
    with pytest.raises(AssertionRejected):
        _verify(encode(wrap(signed_tree())))


# --- nothing but a refusal comes out ------------------------------------------------------------

_ENTITIES = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 9))

RUBBISH = {
    "nothing": b"",
    "not xml": b"hello",
    "half a document": signed_tree().tag.encode()[:20],
    "document type": f'<!DOCTYPE r><samlp:Response xmlns:samlp="{SAMLP}"/>'.encode(),
    "external entity": b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
    "billion laughs": f'<!DOCTYPE r [<!ENTITY e0 "ha">{_ENTITIES}]><r>&e8;</r>'.encode(),
    "deep": b"<a>" * 5_000 + b"</a>" * 5_000,
    "empty response": f'<samlp:Response xmlns:samlp="{SAMLP}"/>'.encode(),
    "zeroes": b"\0" * 500,
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_is_refused(name: str) -> None:
    with pytest.raises(AssertionRejected):
        _verify(base64.b64encode(RUBBISH[name]).decode())


@pytest.mark.parametrize("text", ["", "%%%", "PHg+", "ÿþ", "=" * 10], ids=range(5))
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(AssertionRejected):
        _verify(text)


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 4_000), byte=st.integers(0, 255))
def test_one_changed_byte_never_changes_who_is_let_in(place: int, byte: int) -> None:
    honest = bytearray(base64.b64decode(signed(_FIXED)))
    honest[place % len(honest)] = byte
    try:
        assertion = _verify(base64.b64encode(honest).decode())
    except AssertionRejected:
        return
    assert assertion.name_id == _FIXED.name_id
    assert assertion.assertion_id == _FIXED.assertion_id


_FIXED = Draft()


# --- our side -----------------------------------------------------------------------------------


def test_the_request_asks_for_what_the_answer_is_checked_against() -> None:
    provider = ServiceProvider(BASE, skew=SKEW)
    start = provider.start(idp_metadata(), "token", NOW)
    request = request_of(start.url)
    assert start.url.startswith(f"{SSO}?")
    assert request.get("ID") == start.request_id
    assert not start.request_id[0].isdigit()
    assert request.get("AssertionConsumerServiceURL") == ACS
    assert request.get("IssueInstant") == "2026-03-02T09:00:00Z"
    assert request.find(f"{{{SAMLP}}}RequestedAuthnContext") is None
    assert "Signature=" not in start.url


def test_a_sign_on_url_with_a_query_stays_whole() -> None:
    idp = IdpMetadata(
        entity_id="urn:idp",
        sso_url="https://idp.acme.example/sso?a=1&b=2",
        certificates=idp_metadata().certificates,
        certificates_end=NOW,
    )
    start = ServiceProvider(BASE, skew=SKEW).start(idp, "token", NOW)
    assert start.url.startswith("https://idp.acme.example/sso?a=1&b=2&SAMLRequest=")
    assert request_of(start.url).get("Destination") == "https://idp.acme.example/sso?a=1&b=2"


def test_with_a_key_requests_are_signed_and_the_metadata_names_it() -> None:
    provider = ServiceProvider(BASE, _own_keys(), skew=SKEW)
    assert "Signature=" in provider.start(idp_metadata(), "token", NOW).url
    document = etree.fromstring(provider.metadata())
    md = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", **NS}
    certificates = document.xpath("//md:KeyDescriptor//ds:X509Certificate/text()", namespaces=md)
    assert {"".join(str(c).split()) for c in certificates} == {key("sp").certificate_base64}  # type: ignore[union-attr]


def test_our_metadata_does_not_expire_soon() -> None:
    document = etree.fromstring(ServiceProvider(BASE, skew=SKEW).metadata())
    assert document.get("entityID") == f"{BASE}/saml/metadata"
    assert str(document.get("validUntil")) > "2090"

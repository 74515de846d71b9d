"""Signed statements, checked by the library's own verification."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from idpsync import jws
from idpsync.core.errors import ConfigError

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SALT = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


def pem(key: jws.PrivateKey, encryption: KeySerializationEncryption | None = None) -> str:
    told = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return told.decode()


def decoded(part: str) -> bytes:
    assert "=" not in part
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def parts(token: str) -> tuple[bytes, dict[str, object], dict[str, object], bytes]:
    head, body, signature = token.split(".")
    return (
        f"{head}.{body}".encode(),
        json.loads(decoded(head)),
        json.loads(decoded(body)),
        decoded(signature),
    )


@pytest.mark.parametrize(("algorithm", "scheme"), [("RS256", padding.PKCS1v15()), ("PS256", SALT)])
def test_a_statement_signed_with_rsa_verifies(
    algorithm: jws.Algorithm, scheme: padding.PKCS1v15 | padding.PSS
) -> None:
    token = jws.sign({"sub": "Adá", "exp": 5}, RSA, algorithm=algorithm, headers={"kid": "k1"})
    text, head, claims, signature = parts(token)
    assert head == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
    assert claims == {"sub": "Adá", "exp": 5}
    RSA.public_key().verify(signature, text, scheme, hashes.SHA256())
    with pytest.raises(InvalidSignature):
        RSA.public_key().verify(signature, text + b"x", scheme, hashes.SHA256())


def test_a_statement_signed_on_p256_is_two_numbers_of_32_bytes_that_verify_with_the_jwk() -> None:
    key = jws.new_key()
    for _ in range(20):  # one number in 256 begins with a zero byte
        text, head, _, signature = parts(
            jws.sign({}, key, algorithm="ES256", headers={"typ": "dpop+jwt"})
        )
        assert head["typ"] == "dpop+jwt"
        assert len(signature) == 64
        jwk = jws.public_jwk(key)
        x, y = (int.from_bytes(decoded(jwk[name]), "big") for name in ("x", "y"))
        point = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        pair = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        point.verify(pair, text, ec.ECDSA(hashes.SHA256()))


def test_the_public_key_has_both_coordinates_in_full_length_and_nothing_private() -> None:
    for _ in range(20):
        jwk = jws.public_jwk(jws.new_key())
        assert set(jwk) == {"kty", "crv", "x", "y"}
        assert (jwk["kty"], jwk["crv"]) == ("EC", "P-256")
        assert all(len(decoded(jwk[name])) == 32 for name in ("x", "y"))


def test_keys_are_read_from_pem_of_either_kind() -> None:
    assert isinstance(jws.private_key(pem(RSA), where="file:/k"), rsa.RSAPrivateKey)
    elliptic = jws.private_key(pem(jws.new_key()), where="file:/k")
    assert isinstance(elliptic, ec.EllipticCurvePrivateKey)


WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not a key", "no private key in PEM form"),
        ("", "no private key in PEM form"),
        ("ключ", "no private key in PEM form"),
        (pem(RSA, BestAvailableEncryption(b"word")), "passphrase"),
        (pem(WEAK), "at least 2048 bits"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "elliptic on P-256"),
    ],
)
def test_a_key_that_cannot_serve_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        jws.private_key(text, where="env:OKTA_KEY")
    assert says in str(raised.value)
    assert "env:OKTA_KEY" in str(raised.value)
    assert not text or text not in str(raised.value)


def test_an_algorithm_for_another_kind_of_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="ES256 needs another kind of key"):
        jws.sign({}, RSA, algorithm="ES256")
    with pytest.raises(ConfigError, match="PS256 needs another kind of key"):
        jws.sign({}, jws.new_key(), algorithm="PS256")


def test_the_thumbprint_of_a_certificate_is_the_hash_of_its_der() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idpsync")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, RSA.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(RSA, hashes.SHA256())
    )
    text = certificate.public_bytes(Encoding.PEM).decode()
    told = decoded(jws.certificate_thumbprint(text, where="file:/c"))
    assert told == hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    assert told == certificate.fingerprint(hashes.SHA256())
    with pytest.raises(ConfigError, match="file:/c: holds no certificate in PEM form"):
        jws.certificate_thumbprint("nothing", where="file:/c")

"""Signed statements (JWS in compact form, RFC 7515): who we are, and that a key is ours."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from idpsync.core.errors import ConfigError, Problem

Algorithm = Literal["RS256", "PS256", "ES256"]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

LEAST_BITS = 2048  # RFC 7518 §3.3
COORDINATE = 32  # bytes of one number on P-256 (RFC 7518 §3.4)
CLAIMS = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def private_key(pem: str, *, where: str) -> PrivateKey:
    """The RSA key, or the one on P-256, in `pem`; ConfigError that names `where` it was looked for."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise ConfigError(Problem(where, "the private key has a passphrase: give one without")) from None
    except ValueError:  # its text may show the key
        raise ConfigError(Problem(where, "holds no private key in PEM form")) from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= LEAST_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    what = f"the key must be RSA of at least {LEAST_BITS} bits, or elliptic on P-256"
    raise ConfigError(Problem(where, what))


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for ES256 that nobody else has."""
    return ec.generate_private_key(ec.SECP256R1())


def sign(
    claims: Mapping[str, Any],
    key: PrivateKey,
    *,
    algorithm: Algorithm,
    headers: Mapping[str, Any] | None = None,
) -> str:
    """`claims` signed, `headers` beside `alg`; ConfigError if the key is of another kind."""
    head = {"alg": algorithm, "typ": "JWT", **(headers or {})}
    text = f"{_encoded(head)}.{_encoded(claims)}"
    return f"{text}.{base64url(_signature(text.encode(), key, algorithm))}"


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """What others check signatures of `key` with (RFC 7517, RFC 7518 §6.2.1)."""
    point = key.public_key().public_numbers()
    x, y = (base64url(number.to_bytes(COORDINATE, "big")) for number in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def certificate_thumbprint(pem: str, *, where: str) -> str:
    """`x5t#S256` of the first certificate in `pem` (RFC 7515 §4.1.8); ConfigError that names `where`."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise ConfigError(Problem(where, "holds no certificate in PEM form")) from None
    return base64url(hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest())


def base64url(value: bytes) -> str:
    """Without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _encoded(value: Mapping[str, Any]) -> str:
    return base64url(CLAIMS.encode(dict(value)).encode())


def _signature(text: bytes, key: PrivateKey, algorithm: Algorithm) -> bytes:
    match algorithm, key:
        case "RS256", rsa.RSAPrivateKey():
            return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        case "PS256", rsa.RSAPrivateKey():
            salted = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            return key.sign(text, salted, hashes.SHA256())
        case "ES256", ec.EllipticCurvePrivateKey():
            pair = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
            return b"".join(number.to_bytes(COORDINATE, "big") for number in pair)
        case _:
            raise ConfigError(f"{algorithm} needs another kind of key than the one given")

"""The token endpoint of a tenant: it checks what a client shows, and says no in Entra's own words."""

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

ALL_ROLES = (
    "GroupMember.Read.All",
    "User.Read.All",
    "Application.Read.All",
    "GroupMember.ReadWrite.All",
)
LONGEST = 600  # seconds that an assertion may live
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Denied(Exception):
    """Entra's answer to a client that is not let in."""

    def __init__(self, status: int, error: str, code: int, text: str) -> None:
        self.status = status
        self.body = {
            "error": error,
            "error_description": f"AADSTS{code}: {text} Trace ID: 0 Correlation ID: 0 Timestamp: 0",
            "error_codes": [code],
        }
        super().__init__(text)


@dataclass
class Door:
    """One app registration. `certificates` are in PEM; `federated` is the token of the workload."""

    tenant: str = "acme.example"
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    secret: str = "s3cr3t-value"
    secret_expired: bool = False
    certificates: list[str] = field(default_factory=list)
    federated: str = ""
    roles: tuple[str, ...] = ALL_ROLES
    life: int = 3599
    ahead: float = 0.0  # seconds by which this side's clock is ahead of the machine's
    seen: set[str] = field(default_factory=set)
    valid: set[str] = field(default_factory=set)
    given: int = 0

    def token(self, url: str, tenant: str, body: bytes, audience: str) -> dict[str, object]:
        """The answer to a client credentials request at `url`; Denied."""
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        if tenant != self.tenant:
            raise Denied(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if form.get("client_id") != self.client_id:
            told = f"Application with identifier '{form.get('client_id')}' was not found."
            raise Denied(400, "unauthorized_client", 700016, told)
        if (form.get("grant_type"), form.get("scope")) != ("client_credentials", f"{audience}/.default"):
            raise Denied(400, "invalid_scope", 70011, "The provided value for 'scope' is not valid.")
        self._check(form, url)
        self.given += 1
        value = _unsigned({"roles": list(self.roles), "appid": self.client_id, "jti": self.given})
        self.valid.add(value)
        return {"token_type": "Bearer", "expires_in": self.life, "access_token": value}

    def _check(self, form: dict[str, str], url: str) -> None:
        assertion = form.get("client_assertion", "")
        if not assertion:
            if form.get("client_secret") != self.secret:
                raise Denied(401, "invalid_client", 7000215, "Invalid client secret provided.")
            if self.secret_expired:
                raise Denied(401, "invalid_client", 7000222, "The client secret keys are expired.")
        elif form.get("client_assertion_type") != JWT_BEARER:
            raise Denied(400, "invalid_request", 900144, "client_assertion_type is missing.")
        elif self.certificates:
            self._check_signed(assertion, url)
        elif assertion != self.federated:
            raise Denied(401, "invalid_client", 700213, "No matching federated identity record found.")

    def _check_signed(self, assertion: str, url: str) -> None:
        head, claims, text, signature = _parts(assertion)
        known = {_thumbprint(pem): pem for pem in self.certificates}
        pem = known.get(str(head.get("x5t#S256")))
        if pem is None or head.get("alg") != "PS256":
            raise Denied(401, "invalid_client", 700027, "The certificate is not registered.")
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        salted = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        try:
            key.verify(signature, text, salted, hashes.SHA256())
        except InvalidSignature:
            raise Denied(401, "invalid_client", 700027, "Signature validation failed.") from None
        now = time.time() + self.ahead
        if not int(str(claims["nbf"])) - 300 <= now <= int(str(claims["exp"])) + 300:
            raise Denied(401, "invalid_client", 700024, "Client assertion is not within its time range.")
        right = claims["aud"] == url and claims["iss"] == claims["sub"] == self.client_id
        lives = int(str(claims["exp"])) - int(str(claims["iat"]))
        jti = str(claims["jti"])
        if not right or lives > LONGEST or jti in self.seen:
            raise Denied(401, "invalid_client", 50027, "JWT token is invalid or malformed.")
        self.seen.add(jti)


def _parts(assertion: str) -> tuple[dict[str, object], dict[str, object], bytes, bytes]:
    head, claims, signature = assertion.split(".")
    read = [json.loads(_plain(part)) for part in (head, claims)]
    return read[0], read[1], f"{head}.{claims}".encode(), _plain(signature)


def _plain(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _thumbprint(pem: str) -> str:
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def _unsigned(claims: dict[str, object]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])

"""Okta's token endpoint: assertions and proofs are verified, nonces are asked for."""

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.twins.sockets import Wire

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
Said = tuple[int, dict[str, Any], dict[str, str]]  # status, body, headers


class Bad(Exception):
    """A signed statement that is not accepted."""


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def opened(token: str, key: PublicKey | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWS that verifies: with `key`, or with the key in its header."""
    try:
        head_text, claims_text, signature_text = token.split(".")
        head, claims = json.loads(_decoded(head_text)), json.loads(_decoded(claims_text))
        signature, text = _decoded(signature_text), f"{head_text}.{claims_text}".encode()
    except ValueError:
        raise Bad("not a JWS") from None
    key = key or _from_jwk(head["jwk"])
    try:
        if isinstance(key, rsa.RSAPublicKey):
            assert head["alg"] == "RS256"
            key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        else:
            assert head["alg"] == "ES256"
            pair = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
            key.verify(pair, text, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Bad("the signature does not verify") from None
    return head, claims


def _from_jwk(jwk: dict[str, str]) -> PublicKey:
    if set(jwk) != {"kty", "crv", "x", "y"}:
        raise Bad("the jwk must be public, on P-256")
    x, y = (int.from_bytes(_decoded(jwk[name])) for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def thumbprint(jwk: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(jwk, sort_keys=True).encode()).hexdigest()


@dataclass
class Issued:
    scopes: frozenset[str]
    until: float
    bound_to: str | None


@dataclass
class Tokens:
    """One app, its key and its scopes; `bound` where it demands DPoP."""

    key: PublicKey
    client_id: str = "0oa2example"
    granted: frozenset[str] = frozenset(
        {"okta.users.read", "okta.groups.read", "okta.apps.read", "okta.groups.manage"}
    )
    bound: bool = False
    life: int = 3600
    nonce: str = "nonce-1"
    api_nonce: str | None = None  # where the API itself asks for one
    issued: dict[str, Issued] = field(default_factory=dict)
    seen_proofs: set[str] = field(default_factory=set)

    def answer(self, wire: Wire, url: str, now: datetime) -> Said:
        form = {name: values[0] for name, values in parse_qs(wire.body.decode()).items()}
        try:
            self._check_assertion(form, url, now.timestamp())
        except Bad as bad:
            return 401, {"error": "invalid_client", "error_description": str(bad)}, {}
        asked = frozenset(form.get("scope", "").split())
        if not asked <= self.granted:
            words = "One or more scopes are not configured for the authorization server resource."
            return 400, {"error": "invalid_scope", "error_description": words}, {}
        jkt = None
        if self.bound or "dpop" in wire.headers:
            try:
                jkt = self._proven(wire, url, now.timestamp(), nonce=self.nonce)
            except Bad as bad:
                error = "use_dpop_nonce" if "nonce" in str(bad) else "invalid_dpop_proof"
                named = {"dpop-nonce": self.nonce} if error == "use_dpop_nonce" else {}
                return 400, {"error": error, "error_description": str(bad)}, named
        token = f"access-{uuid.uuid4().hex}"
        self.issued[token] = Issued(asked, now.timestamp() + self.life, jkt)
        body = {
            "token_type": "DPoP" if jkt else "Bearer",
            "expires_in": self.life,
            "access_token": token,
            "scope": " ".join(sorted(asked)),
        }
        return 200, body, {}

    def _check_assertion(self, form: dict[str, str], url: str, now: float) -> None:
        if form.get("grant_type") != "client_credentials":
            raise Bad("grant_type must be client_credentials")
        _, claims = opened(form.get("client_assertion", ""), self.key)
        if {claims["iss"], claims["sub"]} != {self.client_id}:
            raise Bad("The client_id is unknown.")
        if claims["aud"] != url or claims["jti"] in self.seen_proofs:
            raise Bad("the audience is another, or the assertion was used before")
        if not claims["iat"] - 120 <= now < claims["exp"] <= now + 3600:
            raise Bad("The client_assertion token has expired or is not valid yet.")
        self.seen_proofs.add(claims["jti"])

    def _proven(
        self, wire: Wire, url: str, now: float, *, nonce: str | None, token: str | None = None
    ) -> str:
        """The thumbprint of the key that a fresh proof for this very request is made with."""
        proof = wire.headers.get("dpop")
        if not proof:
            raise Bad("The DPoP proof JWT header is missing.")
        head, claims = opened(proof, None)
        right = head["typ"] == "dpop+jwt" and claims["htm"] == wire.method and claims["htu"] == url
        if not right or claims["jti"] in self.seen_proofs or abs(claims["iat"] - now) > 60:
            raise Bad("The DPoP proof JWT is invalid.")
        if nonce and claims.get("nonce") != nonce:
            raise Bad("Authorization server requires nonce in DPoP proof.")
        if token:
            digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest())
            if claims.get("ath") != digest.decode().rstrip("="):
                raise Bad("'ath' claim in the DPoP proof JWT is invalid.")
        self.seen_proofs.add(claims["jti"])
        return thumbprint(head["jwk"])

    def refusal(self, wire: Wire, url: str, scopes: frozenset[str], now: datetime) -> Said | None:
        """Why a request may not be answered; None when it may. One of `scopes` is enough."""
        scheme, _, value = wire.headers.get("authorization", "").partition(" ")
        issued = self.issued.get(value)
        invalid: Said = (401, {"errorCode": "E0000011", "errorSummary": "Invalid token provided"}, {})
        if issued is None or now.timestamp() >= issued.until:
            return invalid
        if scheme != ("DPoP" if issued.bound_to else "Bearer"):
            return invalid
        if issued.bound_to:
            try:
                if self._proven(wire, url, now.timestamp(), nonce=self.api_nonce, token=value) != (
                    issued.bound_to
                ):
                    return invalid
            except Bad as bad:
                named = {
                    "www-authenticate": f'DPoP error="invalid_dpop_proof", error_description="{bad}"'
                }
                if "nonce" in str(bad) and self.api_nonce:
                    named = {"dpop-nonce": self.api_nonce}
                    return 400, {"error": "use_dpop_nonce", "error_description": str(bad)}, named
                return 401, invalid[1], named
        if not scopes & issued.scopes:
            named = {"www-authenticate": f'Bearer scope="{min(scopes)}", error="insufficient_scope"'}
            words = "The access token provided does not contain the required scopes."
            return 403, {"errorCode": "E0000015", "errorSummary": words}, named
        return None

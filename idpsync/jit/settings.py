"""The `jit:` section: the SAML service provider, its identity provider, and what a login gives."""

import ipaddress
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from idpsync.settings import Duration, Secret, Settings

LONGEST_SKEW = timedelta(seconds=180)


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address, without port) can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listens_on_loopback(listen: str) -> bool:
    """Whether `web.listen` ("127.0.0.1:8080", "[::1]:8080") is reachable from this machine only."""
    return is_loopback(listen.rpartition(":")[0])


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        raise ValueError("give a full URL: https://sso.example.org")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("a URL without credentials, query or fragment is wanted")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("http is for this machine only (127.0.0.1, localhost); elsewhere use https")
    return text.rstrip("/")


def _remote_url(text: str) -> str:
    parts = urlsplit(text)
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        raise ValueError("give a full URL: https://idp.example.org/metadata")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("metadata holds the keys that logins are trusted by: use https")
    return text


def _landing(text: str) -> str:
    if urlsplit(text).scheme not in {"http", "https"} or not urlsplit(text).hostname:
        raise ValueError("give a full URL: https://app.example.org/")
    return text


def _skew(value: timedelta) -> timedelta:
    if value > LONGEST_SKEW:
        raise ValueError("at most 180s; mend the clock instead of trusting old assertions")
    return value


class Preset(StrEnum):
    """Whose attribute names an assertion is expected to carry."""

    OKTA = "okta"
    ENTRA = "entra"


class LoginTier(StrEnum):
    """Which tier a first login may take."""

    POLICY = "policy"
    HIGHEST_AVAILABLE = "highest_available"


class IdpConfig(Settings):
    """Where the identity provider's metadata comes from: exactly one of the three ways.

    `demo: true` is the built-in identity provider that lets anybody in. It needs a base_url and a
    web.listen on loopback and a target of kind `local` (see `demo_problem`).
    """

    metadata_url: Annotated[str, AfterValidator(_remote_url)] | None = None
    metadata_file: Path | None = None
    refresh: Duration = timedelta(hours=24)
    demo: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.metadata_url is not None, self.metadata_file is not None, self.demo)
        if sum(ways) != 1:
            raise ValueError("give exactly one of metadata_url, metadata_file, demo: true")
        if self.refresh < timedelta(minutes=5):
            raise ValueError("refresh: at least 5m")
        return self


class AttributeNames(Settings):
    """Which SAML attribute carries what; the preset, then the usual names fill what is left out."""

    user_name: str | None = None
    email: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    display_name: str | None = None
    groups: str | None = None


class JitConfig(Settings):
    """The login door."""

    base_url: Annotated[str, AfterValidator(_public_url)]
    idp: IdpConfig
    sp_key: Secret | None = None
    sp_certificate: Path | None = None
    attributes: AttributeNames = AttributeNames()
    preset: Preset | None = None
    require_group: str | None = Field(default=None, min_length=1)
    tier: LoginTier = LoginTier.POLICY
    allow_idp_initiated: bool = False
    clock_skew: Annotated[Duration, AfterValidator(_skew)] = timedelta(seconds=60)
    landing_url: Annotated[str, AfterValidator(_landing)] | None = None
    no_seat_contact: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.sp_key is None) != (self.sp_certificate is None):
            raise ValueError("sp_key and sp_certificate belong together: give both or neither")
        if self.idp.demo and not self.on_loopback:
            raise ValueError("idp.demo lets anybody in: base_url must be on 127.0.0.1 or localhost")
        return self

    @property
    def on_loopback(self) -> bool:
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https:")


def demo_problem(jit: JitConfig, *, listen: str, target_kind: str) -> str | None:
    """Why the demo identity provider must not start with this configuration; None if it may.

    For the author of the root configuration: `listen` is web.listen, `target_kind` target.kind.
    """
    if not jit.idp.demo:
        return None
    if not jit.on_loopback:
        return "idp.demo lets anybody in: base_url must be on 127.0.0.1 or localhost"
    if not listens_on_loopback(listen):
        return "idp.demo lets anybody in: web.listen must be on 127.0.0.1 or localhost"
    if target_kind != "local":
        return "idp.demo lets anybody in: target.kind must be local"
    return None

"""What `directory:` may say of Okta."""

from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from idpsync.settings import Secret, Settings
from idpsync.sources.naming import DirectorySettings
from idpsync.sources.scope import scope

Share = Annotated[float, Field(gt=0, le=1)]


class View(StrEnum):
    """Who is read: the people assigned to an application, or the members of groups."""

    APP = "app"
    GROUPS = "groups"


class Claim(StrEnum):
    """What a status means for a seat: may have one, may have none, or nothing changes for now."""

    SEAT = "seat"
    WAIT = "wait"
    NONE = "none"


class Statuses(Settings):
    """What each of Okta's statuses means for a seat."""

    staged: Claim = Claim.NONE
    provisioned: Claim = Claim.SEAT
    active: Claim = Claim.SEAT
    recovery: Claim = Claim.SEAT
    password_expired: Claim = Claim.SEAT
    locked_out: Claim = Claim.SEAT
    suspended: Claim = Claim.NONE
    deprovisioned: Claim = Claim.NONE

    def of(self, status: str) -> Claim | None:
        """None for a status that Okta did not have when this was written."""
        claim: Claim | None = self.__dict__.get(status.casefold())
        return claim


class PrivateKeyAuth(Settings):
    """Okta API services app: client credentials with a signed assertion (RFC 7523).

    `key` is PEM, RSA or P-256; `key_id` is needed where the app has several keys.
    """

    kind: Literal["private_key_jwt"]
    client_id: str
    key: Secret
    key_id: str | None = None


class ApiTokenAuth(Settings):
    """Okta's long-lived token: it dies with the account of the person who made it."""

    kind: Literal["ssws"]
    token: Secret


class OktaConfig(DirectorySettings):
    """Okta by its management API. `rate_share` is our part of the organisation-wide limits.

    People are those assigned to `app_id`, or without one the members of `people_groups`, or without
    these the members of every group that is asked for. `statuses` overrule what a status means;
    `custom_domains` are further hosts of the same organisation, which links may name.
    """

    kind: Literal["okta"]
    url: str
    app_id: str | None = None
    view: View | None = None
    people_groups: tuple[str, ...] = ()
    statuses: Statuses = Statuses()
    auth: Annotated[PrivateKeyAuth | ApiTokenAuth, Field(discriminator="kind")]
    rate_share: Share = 0.5
    custom_domains: tuple[str, ...] = ()
    ca_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _names_an_organisation(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
            raise ValueError("give the organisation's address, as in https://acme.okta.com")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
            raise ValueError("must begin with https://: a token would leave in cleartext")
        return url.rstrip("/")

    @field_validator("custom_domains")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        if any("/" in host or ":" in host or not host for host in hosts):
            raise ValueError("name hosts only, as in login.acme.example")
        return tuple(host.casefold() for host in hosts)

    @model_validator(mode="after")
    def _says_who_is_read(self) -> "OktaConfig":
        if self.view is View.APP and not self.app_id:
            raise ValueError("view: app needs app_id")
        if self.view is View.GROUPS and self.app_id:
            raise ValueError("view: groups does not read app_id: leave one of them out")
        if self.people_groups and self.app_id:
            raise ValueError("people_groups does not go with app_id: the app says who is read")
        return self

    @property
    def scope(self) -> str:
        """What is asked for, in words that can be compared."""
        auth, chosen = self.auth, self.statuses.model_dump(exclude_defaults=True)
        return scope(
            "okta",
            url=self.url,
            app=self.app_id,
            people_groups=", ".join(self.people_groups),
            statuses=", ".join(f"{name} {claim}" for name, claim in chosen.items()),
            client=auth.client_id if isinstance(auth, PrivateKeyAuth) else auth.kind,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

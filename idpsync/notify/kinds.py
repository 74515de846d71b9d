"""The settings of every kind of receiver, as entries of `alerts.receivers` of the configuration."""

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from idpsync.core.alerts import Severity
from idpsync.settings import Secret, Settings

BOTH = (Severity.WARNING, Severity.CRITICAL)


class Receiver(Settings):
    """What every receiver says: what it is called, and which severities it wants to hear of."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    severities: tuple[Severity, ...] = Field(default=BOTH, min_length=1)


class PagerdutyConfig(Receiver):
    """PagerDuty Events API v2. Validated, not built in this version."""

    kind: Literal["pagerduty"]
    routing_key: Secret


class SlackConfig(Receiver):
    """A Slack incoming webhook. Who knows the address may post: it is a secret."""

    kind: Literal["slack"]
    url: Secret


class EmailConfig(Receiver):
    """E-mail. `smtp` is the server; without it `mail.smtp`. Validated, not built in this version."""

    kind: Literal["email"]
    smtp: str | None = Field(default=None, pattern=r"^smtps?://[^/\s@]+$")
    sender: str | None = Field(default=None, alias="from")
    to: tuple[str, ...] = Field(min_length=1)

    @field_validator("to")
    @classmethod
    def _are_addresses(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [address for address in to if address.count("@") != 1 or " " in address.strip()]
        if wrong:
            raise ValueError(f"no e-mail address: {', '.join(wrong)}")
        return to


class WebhookConfig(Receiver):
    """Any HTTP endpoint that takes CloudEvents 1.0, signed after Standard Webhooks with `secret`."""

    kind: Literal["webhook"]
    url: str
    secret: Secret | None = None

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("give an absolute http:// or https:// address")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a credential stands in the address; sign with `secret` instead")
        if parts.fragment:
            raise ValueError("the address must not have a # part")
        if not is_guarded(url):
            raise ValueError("http:// would send names of people in the clear: use https://")
        return url


ReceiverConfig = Annotated[
    PagerdutyConfig | SlackConfig | EmailConfig | WebhookConfig, Field(discriminator="kind")
]


def is_guarded(url: str) -> bool:
    """Whether nobody on the way can read what is sent there: https, or this machine itself."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host)))


def _is_here(host: str) -> bool:
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

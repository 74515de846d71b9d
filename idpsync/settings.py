"""What every room's settings are made of: a strict base, durations, rates, secrets by reference.

Also what stands in several rooms: how a SCIM service provider wants to know who we are.
"""

import ipaddress
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    field_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from idpsync.core.errors import ConfigError, Problem


class Secret:
    """A reference to a secret; the value is read each time it is needed, so that it may rotate."""

    __slots__ = ("reference",)

    def __init__(self, reference: str) -> None:
        scheme, colon, rest = reference.partition(":")
        if not colon or scheme not in {"env", "file"} or not rest:
            # the text given may be the secret itself: it is not repeated
            raise ValueError("give a secret by reference, env:NAME or file:/path, never inline")
        self.reference = reference

    def reveal(self) -> str:
        """The secret itself, without surrounding white space; ConfigError when it is not there."""
        scheme, _, rest = self.reference.partition(":")
        if scheme == "env":
            value = os.environ.get(rest)
            if value is None:
                raise ConfigError(Problem(self.reference, "environment variable is not set"))
            return value.strip()
        try:
            return Path(rest).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(Problem(self.reference, f"cannot be read: {error.strerror}")) from error

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reference == self.reference

    def __hash__(self) -> int:
        return hash(self.reference)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda s: s.reference),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": "^(env|file):.+",
            "description": "a reference to a secret: env:NAME or file:/path",
        }


class Settings(BaseModel):
    """Base of every configuration model: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=False)


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(\d+)\s*([smhd])")


def duration(text: object) -> timedelta:
    """`90s`, `10m`, `24h`, `30d`; ValueError for anything else."""
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(str(text).strip())
    if not match:
        raise ValueError("a duration is a whole number and one of s, m, h, d: 90s, 10m, 24h, 30d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+ ?[smhd]$", "examples": ["10m"]}),
]


def per_second(text: object) -> float:
    """`10/s`, `600/m` or `3000/h` as requests per second; ValueError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*/\s*([smh])", str(text).strip())
    if not match or float(match[1]) <= 0:
        raise ValueError("a rate is a number above 0 per s, m or h: 10/s, 600/m")
    return float(match[1]) / timedelta(**{_UNITS[match[2]]: 1}).total_seconds()


Rate = Annotated[
    float,
    BeforeValidator(per_second),
    WithJsonSchema({"type": "string", "pattern": "^[0-9.]+ ?/ ?[smh]$", "examples": ["10/s"]}),
]


class BearerAuth(Settings):
    """A long-lived token in the Authorization header (RFC 6750)."""

    kind: Literal["bearer"] = "bearer"
    token: Secret


class BasicAuth(Settings):
    """User name and password (RFC 7617)."""

    kind: Literal["basic"]
    username: str = Field(min_length=1)
    password: Secret


class ClientCredentialsAuth(Settings):
    """A short-lived token from an authorization server (RFC 6749 §4.4)."""

    kind: Literal["oauth2_client_credentials"]
    token_url: str
    client_id: str = Field(min_length=1)
    client_secret: Secret
    scope: str | None = None

    @field_validator("token_url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        return guarded(url, carries_credential=True)


ScimAuth = Annotated[BearerAuth | BasicAuth | ClientCredentialsAuth, Field(discriminator="kind")]


def guarded(url: str, *, carries_credential: bool) -> str:
    """The URL, if it is absolute and no credential would travel in the clear; ValueError otherwise."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give an absolute http:// or https:// address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a credential stands in the address: give it under `auth`, by reference")
    if parts.query or parts.fragment:
        raise ValueError("the address must end with its path, without ? or #")
    if parts.scheme == "http" and carries_credential and not _is_loopback(parts.hostname):
        raise ValueError("http:// would send the credential in the clear: use https://")
    return url


def _is_loopback(host: str) -> bool:
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""The settings of every kind of target, as `target:` of the configuration."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from idpsync.settings import Rate, ScimAuth, Secret, Settings, guarded


class EntitlementLever(Settings):
    """The tier is one element of `entitlements` (RFC 7643 §4.1.2).

    Without `type` our element is the one whose value is among `tier_values`.
    """

    kind: Literal["entitlement"] = "entitlement"
    type: str | None = None


class RoleLever(Settings):
    """The tier is the element of `roles` with this type (Figma: `seatType`)."""

    kind: Literal["role"]
    type: str = Field(min_length=1)


class AttributeLever(Settings):
    """The tier is a single-valued string: `userType`, or `urn:…:User:costCenter` of an extension."""

    kind: Literal["attribute"]
    path: str = Field(pattern=r"^(urn:[A-Za-z0-9.:_-]+:)?[A-Za-z][A-Za-z0-9_-]*$")


class GroupLever(Settings):
    """The tier follows from membership in a group at the service provider; `names` per tier."""

    kind: Literal["group"]
    names: dict[str, str] = Field(min_length=1)


SeatLever = Annotated[
    EntitlementLever | RoleLever | AttributeLever | GroupLever, Field(discriminator="kind")
]


class ScimConfig(Settings):
    """A SCIM 2.0 service provider (RFC 7644). `url` is the root under which /Users lies."""

    kind: Literal["scim"]
    url: str
    auth: ScimAuth | None = None
    seat_lever: SeatLever = EntitlementLever()
    tier_values: dict[str, str] = Field(
        default_factory=dict, description="tier name → value at the provider; the name itself if absent"
    )
    concurrency: int = Field(default=8, ge=1, le=128)
    rate: Rate = 10.0
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _url_is_safe(self) -> "ScimConfig":
        guarded(self.url, carries_credential=self.auth is not None)
        return self

    @field_validator("tier_values")
    @classmethod
    def _values_differ(cls, values: dict[str, str]) -> dict[str, str]:
        folded = [value.casefold() for value in values.values()]
        if len(set(folded)) != len(folded):
            raise ValueError("two tiers have the same value: the provider could not tell them apart")
        return values


class IdpGroupLever(Settings):
    """The seat tier follows from a group of the identity provider; `groups` per tier."""

    kind: Literal["idp_group"]
    groups: dict[str, str] = Field(min_length=1)


class ClaudeConfig(Settings):
    """A Claude Enterprise organisation."""

    kind: Literal["claude"]
    api_key: Secret
    api_version: Literal["2023-06-01", "2026-10-21"] = "2023-06-01"
    provisioning_mode: (
        Literal["login_only", "jit_permissive", "jit_advanced", "scim_permissive", "scim_advanced"]
        | None
    ) = Field(default=None, description="read from Claude where the key may; needed otherwise")
    seat_lever: IdpGroupLever
    tier_values: dict[str, str] = Field(
        default_factory=dict, description="tier name → Claude's word for it in the activity feed"
    )
    unknown_tier: str | None = Field(
        default=None,
        description="what members in no seat group count as, where the activity feed cannot be read",
    )
    url: str = "https://api.anthropic.com"
    rate: Rate = Field(default=1.5, description="the limit is 100 a minute for everybody together")
    ca_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        return guarded(url, carries_credential=True)


class IdpGroupsConfig(Settings):
    """Groups of the directory, one per tier, which the service maps to seats by itself."""

    kind: Literal["idp_groups"]
    groups: dict[str, str] = Field(min_length=1)


class LocalConfig(Settings):
    """idpsync's own account store."""

    kind: Literal["local"]


TargetConfig = Annotated[
    ScimConfig | ClaudeConfig | IdpGroupsConfig | LocalConfig, Field(discriminator="kind")
]

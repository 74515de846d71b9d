"""Settings of targets: what is accepted, and what a person is told otherwise."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from idpsync.core.errors import ConfigError
from idpsync.core.ports import CanWriteGroups
from idpsync.targets import LocalConfig, ScimConfig, Surroundings, TargetConfig, build
from idpsync.targets.scim_groups import GroupSeatedScimTarget
from tests.contracts.target import LADDER
from tests.fakes.target import DictShelf
from tests.people import StoppedClock

KINDS: TypeAdapter[TargetConfig] = TypeAdapter(TargetConfig)
BEARER = {"kind": "bearer", "token": "env:SCIM_TOKEN"}
SCIM = {"kind": "scim", "url": "https://app.example/scim/v2", "auth": BEARER}
CLAUDE = {
    "kind": "claude",
    "api_key": "env:KEY",
    "provisioning_mode": "scim_advanced",
    "seat_lever": {"kind": "idp_group", "groups": {"premium": "p"}},
}
GROUPS = {"kind": "idp_groups", "groups": {"premium": "seat-premium"}}


def built(settings: dict[str, Any]) -> object:
    config = KINDS.validate_python(settings)
    house = Surroundings(StoppedClock(), LADDER, DictShelf(), no_directory, dict, lambda: 0)
    return build(config, house)


def no_directory() -> CanWriteGroups:
    raise AssertionError("nothing was asked of the directory")


@pytest.mark.parametrize("settings", [SCIM, {"kind": "local"}, GROUPS, CLAUDE])
def test_built_kinds_are_built(settings: dict[str, Any]) -> None:
    assert getattr(built(settings), "kind", None) == settings["kind"]


def test_a_group_lever_is_built() -> None:
    lever = {"kind": "group", "names": {"premium": "p", "standard": "s"}}
    assert isinstance(built({**SCIM, "seat_lever": lever}), GroupSeatedScimTarget)


def test_tiers_that_the_ladder_does_not_have_are_named() -> None:
    with pytest.raises(ConfigError, match="no such tier: gold"):
        built({**SCIM, "tier_values": {"gold": "Gold"}})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "http://app.example/scim"}, "in the clear"),
        ({"url": "http://127.0.0.1.evil.example/scim"}, "in the clear"),
        ({"url": "ftp://app.example"}, "absolute"),
        ({"url": "/scim/v2"}, "absolute"),
        ({"url": "https://me:pw@app.example"}, "under `auth`"),
        ({"url": "https://app.example/scim?token=x"}, "without"),
        ({"auth": {"kind": "bearer", "token": "inline"}}, "by reference"),
        ({"auth": {"kind": "digest"}}, "bearer"),
        ({"tier_values": {"premium": "Seat", "standard": "seat"}}, "same value"),
        ({"tokken": "x"}, "extra"),
        ({"rate": "fast"}, "rate"),
    ],
)
def test_faults_are_told(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        KINDS.validate_python({**SCIM, **settings})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v2", "http://localhost/v2", "http://[::1]/v2"])
def test_loopback_needs_no_tls(url: str) -> None:
    config = KINDS.validate_python({**SCIM, "url": url})
    assert isinstance(config, ScimConfig)


def test_nothing_needs_tls_that_carries_no_credential() -> None:
    config = KINDS.validate_python({"kind": "scim", "url": "http://app.example/scim"})
    assert isinstance(config, ScimConfig)
    assert config.auth is None
    assert isinstance(KINDS.validate_python({"kind": "local"}), LocalConfig)

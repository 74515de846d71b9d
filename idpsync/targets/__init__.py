"""Targets: where accounts live. The kinds of the configuration, and `build`."""

from typing import assert_never

from idpsync.core.books import AccountShelf
from idpsync.core.errors import ConfigError, Problem
from idpsync.core.ports import Clock, Target
from idpsync.core.seats import Ladder
from idpsync.targets.kinds import (
    ClaudeConfig,
    IdpGroupsConfig,
    LocalConfig,
    ScimConfig,
    TargetConfig,
)
from idpsync.targets.local import LocalTarget
from idpsync.targets.scim import build_scim

__all__ = [
    "ClaudeConfig",
    "IdpGroupsConfig",
    "LocalConfig",
    "ScimConfig",
    "TargetConfig",
    "build",
    "not_built",
]

BUILT = ("local", "scim")


def build(config: TargetConfig, *, clock: Clock, ladder: Ladder, shelf: AccountShelf) -> Target:
    """The target that `config` describes; ConfigError for a kind that this version does not have."""
    match config:
        case ScimConfig():
            return build_scim(config, clock=clock, ladder=ladder)
        case LocalConfig():
            return LocalTarget(shelf)
        case ClaudeConfig() | IdpGroupsConfig():
            raise ConfigError(*not_built(config))
        case _:
            assert_never(config)


def not_built(config: TargetConfig) -> tuple[Problem, ...]:
    """What this version validates but has no adapter for; empty when `build` can build it."""
    if isinstance(config, ScimConfig) and config.seat_lever.kind == "group":
        return (Problem("target.seat_lever.kind", "group is not built in this version"),)
    if config.kind in BUILT:
        return ()
    what = f"{config.kind} is not built in this version; built are: {', '.join(BUILT)}"
    return (Problem("target.kind", what),)

"""Targets: where accounts live. The kinds of the configuration, and `build`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from idpsync.core.books import AccountShelf
from idpsync.core.errors import Problem
from idpsync.core.model import DirectoryUser
from idpsync.core.ports import CanWriteGroups, Clock, Target
from idpsync.core.seats import Ladder
from idpsync.targets.claude import build_claude
from idpsync.targets.idp_groups import IdpGroupsTarget
from idpsync.targets.kinds import (
    ClaudeConfig,
    IdpGroupsConfig,
    LocalConfig,
    ScimConfig,
    TargetConfig,
)
from idpsync.targets.local import LocalTarget
from idpsync.targets.scim_build import build_scim
from idpsync.targets.seat_groups import SeatGroups

__all__ = [
    "ClaudeConfig",
    "IdpGroupsConfig",
    "LocalConfig",
    "ScimConfig",
    "Surroundings",
    "TargetConfig",
    "build",
    "not_built",
    "owned_groups",
]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a target may need of the rest of the house.

    `directory` gives the directory, if its groups can be written; `people` whom it last showed, by
    external id; `purchased` how many seats the contract has by now, of all tiers.
    """

    clock: Clock
    ladder: Ladder
    shelf: AccountShelf
    directory: Callable[[], CanWriteGroups]
    people: Callable[[], Mapping[str, DirectoryUser]]
    purchased: Callable[[], int]


def build(config: TargetConfig, house: Surroundings) -> Target:
    """The target that `config` describes; ConfigError for a kind that this version does not have."""
    match config:
        case ScimConfig():
            return build_scim(config, clock=house.clock, ladder=house.ladder)
        case LocalConfig():
            return LocalTarget(house.shelf)
        case IdpGroupsConfig():
            groups = {house.ladder.named(tier): group for tier, group in config.groups.items()}
            return IdpGroupsTarget(SeatGroups(groups, house.directory), house.shelf, house.people)
        case ClaudeConfig():
            named = config.seat_lever.groups
            groups = {house.ladder.named(tier): group for tier, group in named.items()}
            return build_claude(
                config,
                SeatGroups(groups, house.directory),
                clock=house.clock,
                ladder=house.ladder,
                shelf=house.shelf,
                people=house.people,
                purchased=house.purchased,
            )
        case _:
            assert_never(config)


def owned_groups(config: TargetConfig) -> frozenset[str]:
    """Groups of the directory that idpsync writes for this target, and nobody else should."""
    match config:
        case IdpGroupsConfig():
            return frozenset(config.groups.values())
        case ClaudeConfig():
            return frozenset(config.seat_lever.groups.values())
        case _:
            return frozenset()


def not_built(config: TargetConfig) -> tuple[Problem, ...]:  # noqa: ARG001 -- as directories and receivers
    """What this version validates but has no adapter for: nothing, every kind is built."""
    return ()

"""The SCIM target of one configuration, put together."""

from typing import assert_never

from idpsync.core.errors import ConfigError, Problem
from idpsync.core.ports import Clock, Target
from idpsync.core.seats import Ladder
from idpsync.credentials import credential_of
from idpsync.http import HttpClient, Limits
from idpsync.pace import Timer
from idpsync.scim_client import ScimClient
from idpsync.scim_client.groups import ScimGroups
from idpsync.scim_client.levers import AttributeLever, ElementLever, Lever, NoLever
from idpsync.scim_client.refusals import judge
from idpsync.targets import kinds
from idpsync.targets.attributes import TierValues
from idpsync.targets.scim import NAME, ScimTarget
from idpsync.targets.scim_groups import GroupSeatedScimTarget
from idpsync.targets.seat_groups import SeatGroups


def build_scim(
    config: kinds.ScimConfig, *, clock: Clock, ladder: Ladder, timer: Timer | None = None
) -> Target:
    """The target that `config` describes; ConfigError for tiers that the ladder does not have."""
    unknown = sorted(set(config.tier_values) - {tier.name for tier in ladder})
    if unknown:
        raise ConfigError(Problem("target.tier_values", f"no such tier: {', '.join(unknown)}"))
    tiers = TierValues(ladder, config.tier_values)
    values = frozenset(str(tiers.value_of(tier)) for tier in ladder)
    timer = timer or Timer()
    client = ScimClient(_http(config, clock, timer), timer=timer)
    users = ScimTarget(client, _lever(config.seat_lever, values), tiers, timer)
    if not isinstance(config.seat_lever, kinds.GroupLever):
        return users
    groups = {ladder.named(tier): name for tier, name in config.seat_lever.names.items()}
    members = ScimGroups(client.reader, frozenset(groups.values()))
    return GroupSeatedScimTarget(users, SeatGroups(groups, lambda: members))


def _lever(config: kinds.SeatLever, values: frozenset[str]) -> Lever:
    match config:
        case kinds.EntitlementLever():
            return ElementLever("entitlements", values, config.type)
        case kinds.RoleLever():
            return ElementLever("roles", values, config.type)
        case kinds.AttributeLever():
            return AttributeLever(config.path)
        case kinds.GroupLever():
            return NoLever()
        case _:
            assert_never(config)


def _http(config: kinds.ScimConfig, clock: Clock, timer: Timer) -> HttpClient:
    return HttpClient(
        NAME,
        config.url,
        clock=clock,
        credential=credential_of(config.auth, NAME, clock),
        limits=Limits(concurrency=config.concurrency, rate=config.rate),
        ca_file=config.ca_file,
        timer=timer,
        judge=judge,
    )

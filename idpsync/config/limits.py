"""`guard`: how much one plan may take away before a person has to look at it."""

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from idpsync.config.sections import Count, Percent, Person, Section
from idpsync.core.guard import OFF, Limit, Limits

_OFF_SCHEMA = {"enum": ["off", False], "description": "switched off"}


def _off(value: object) -> object:
    """`off` reaches us as text or, from a reader of YAML 1.1, as False."""
    if value is None:
        raise ValueError("is empty: write a limit, `off`, or leave the key out for the default")
    return None if value is False or str(value).casefold() == "off" else value


_MaybeCount = Annotated[
    Count | None,
    BeforeValidator(_off),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, _OFF_SCHEMA]}),
]
_MaybePercent = Annotated[
    Percent | None,
    BeforeValidator(_off),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 100}, _OFF_SCHEMA]}),
]


class LimitConfig(Section):
    """Two bounds, both kept: a number and a share. 0 lets nothing pass, None is switched off."""

    count: _MaybeCount = None
    percent: _MaybePercent = None
    at_least: Count = 0
    """Fewer than this never trip the percentage, unless it is 0."""

    def limit(self) -> Limit:
        return Limit(count=self.count, percent=self.percent, at_least=self.at_least)


class RemovalsLimit(LimitConfig):
    """Accounts deactivated or deleted."""

    count: _MaybeCount = 25
    percent: _MaybePercent = 10.0


class TierDropsLimit(LimitConfig):
    """Per tier: seats taken away or lowered."""

    count: _MaybeCount = 25
    percent: _MaybePercent = 10.0


class GroupLossesLimit(LimitConfig):
    """Per group: members lost since the last complete read, or left without a seat by the plan."""

    percent: _MaybePercent = 50.0
    at_least: Count = 10


class ChangesLimit(LimitConfig):
    """Existing accounts touched in any way; creations are bounded by the seats and do not count."""

    percent: _MaybePercent = 60.0
    at_least: Count = 20


class GuardConfig(Section):
    """Over any limit nothing is written: the plan is held and an alert goes out.

    A limit of 0 means none, a limit that is left out has its default, `off` switches one off (None).
    """

    removals: Annotated[RemovalsLimit | None, BeforeValidator(_off)] = RemovalsLimit()
    tier_drops: Annotated[TierDropsLimit | None, BeforeValidator(_off)] = TierDropsLimit()
    group_losses: Annotated[GroupLossesLimit | None, BeforeValidator(_off)] = GroupLossesLimit()
    changes: Annotated[ChangesLimit | None, BeforeValidator(_off)] = ChangesLimit()
    must_contain: tuple[Person, ...] = ()
    """Canaries: people whose absence makes a read suspect."""

    def limits(self) -> Limits:
        """The limits as the guard takes them."""
        return Limits(
            removals=self.removals.limit() if self.removals else OFF,
            tier_drops=self.tier_drops.limit() if self.tier_drops else OFF,
            group_losses=self.group_losses.limit() if self.group_losses else OFF,
            changes=self.changes.limit() if self.changes else OFF,
        )

"""The guard: would this plan take or touch more than a person should see first?

Over any limit nothing is written; the plan is held until exactly that digest is approved.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil

from idpsync.core.model import Account, DirectorySnapshot, Standing
from idpsync.core.plan import (
    Action,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    Plan,
)
from idpsync.core.seats import Tier


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` and at most `percent` of what is there; None switches that half off.

    Below `at_least` changes the percentage is not looked at. A limit of 0 means none at all. A
    percentage is rounded up to whole people, so that the one leaver of a small team passes.
    """

    count: int | None = None
    percent: float | None = None
    at_least: int = 0

    def allowed_by_percent(self, of: int) -> int:
        """How many of `of` the percentage lets pass."""
        return ceil(of * (self.percent or 0) / 100 - 1e-9)


OFF = Limit()


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of the configuration, with its defaults."""

    removals: Limit = Limit(count=25, percent=10)
    tier_drops: Limit = Limit(count=25, percent=10)
    group_losses: Limit = Limit(percent=50, at_least=10)
    changes: Limit = Limit(percent=60, at_least=20)


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """One limit against one plan. `counted` is "2/120"; `people` are those counted, when tripped."""

    name: str
    allowed: float
    seen: float
    counted: str
    tripped: bool
    people: tuple[str, ...] = ()

    def __str__(self) -> str:
        unit = " %" if "percent" in self.name else ""
        return f"{self.name}: allowed {self.allowed:g}{unit}, seen {self.seen:g}{unit} ({self.counted})"


@dataclass(frozen=True, slots=True)
class GuardReport:
    """All limits, tripped or not."""

    checks: tuple[LimitCheck, ...] = field(default_factory=tuple)

    @property
    def held(self) -> bool:
        return any(check.tripped for check in self.checks)

    @property
    def tripped(self) -> tuple[LimitCheck, ...]:
        return tuple(check for check in self.checks if check.tripped)


def guard(
    plan: Plan,
    limits: Limits,
    *,
    accounts: tuple[Account, ...],
    snapshot: DirectorySnapshot,
    known: Mapping[str, frozenset[str]],
) -> GuardReport:
    """Judge a plan. `known` is group name → members at the last complete read."""
    working = [a for a in accounts if a.standing is not Standing.DEACTIVATED]
    removed = [a.profile.user_name for a in plan.actions if isinstance(a, _REMOVALS)]
    touched = sorted({a.profile.user_name for a in plan.actions if not isinstance(a, CreateAccount)})
    return GuardReport(
        (
            *_check("removals", limits.removals, removed, len(working)),
            *_tier_drops(plan, limits.tier_drops, working),
            *_group_losses(limits.group_losses, snapshot, known),
            *_check("changes", limits.changes, touched, len(accounts)),
        )
    )


_REMOVALS = (DeactivateAccount, DeleteAccount)


def _tier_drops(plan: Plan, limit: Limit, working: list[Account]) -> Iterator[LimitCheck]:
    assigned = Counter(account.tier for account in working)
    final = _final_tiers(plan.actions)
    lost: dict[Tier, list[str]] = {tier: [] for tier in plan.pool_before.ladder}
    for account in working:
        if account.tier is not None and _dropped(account, final):
            lost[account.tier].append(account.user_name)
    for tier, people in lost.items():
        yield from _check("tier_drops", limit, sorted(people), assigned[tier], f":{tier}")


def _final_tiers(actions: tuple[Action, ...]) -> dict[str, Tier | None]:
    """Account id → tier after the plan, for accounts whose seat the plan touches."""
    final: dict[str, Tier | None] = {}
    for action in actions:
        match action:
            case ChangeTier(account_id=account_id, tier=tier):
                final[account_id] = tier
            case DeactivateAccount(account_id=account_id) | DeleteAccount(account_id=account_id):
                final[account_id] = None
            case _:
                pass
    return final


def _dropped(account: Account, final: dict[str, Tier | None]) -> bool:
    if account.id not in final or account.tier is None:
        return False
    tier = final[account.id]
    return tier is None or tier > account.tier


def _group_losses(
    limit: Limit, snapshot: DirectorySnapshot, known: Mapping[str, frozenset[str]]
) -> Iterator[LimitCheck]:
    names = {user.external_id: user.user_name for user in snapshot.users}
    for group in sorted(snapshot.groups, key=lambda g: g.name):
        before = known.get(group.name)
        if before and group.members is not None and group.complete:
            lost = sorted(names.get(member, member) for member in before - group.members)
            yield from _check("group_losses", limit, lost, len(before), f":{group.name}")


def _check(name: str, limit: Limit, people: list[str], of: int, whose: str = "") -> Iterator[LimitCheck]:
    counted, number = f"{len(people)}/{of}", len(people)
    if limit.count is not None:
        tripped = number > limit.count
        named = tuple(people) if tripped else ()
        yield LimitCheck(f"{name}.count{whose}", limit.count, number, counted, tripped, named)
    if limit.percent is not None:
        seen = round(100 * number / of, 1) if of else 0.0
        tripped = number >= max(limit.at_least, 1) and number > limit.allowed_by_percent(of)
        named = tuple(people) if tripped else ()
        yield LimitCheck(f"{name}.percent{whose}", limit.percent, seen, counted, tripped, named)

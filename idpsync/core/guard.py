"""The guard: would this plan take or touch more than a person should see first?

Over any limit nothing is written; the plan is held until exactly that digest is approved. What was lost
is judged three times: all together, per tier, and per group. Cost follows what is lost; names are looked
up only for a limit that tripped.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from math import ceil

from idpsync.core.losses import Losses
from idpsync.core.model import Account, DirectorySnapshot, Group, Standing
from idpsync.core.plan import CreateAccount, Plan
from idpsync.core.policy import Mode
from idpsync.core.records import LastRead
from idpsync.core.suspicion import rescoped

SHOWN = 10
"""So many people are named in a sentence; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` and at most `percent` of what is there; None switches that half off.

    Below `at_least` changes the percentage is not looked at. A limit of 0 means none at all, whatever
    `at_least` says. Any other percentage is rounded up to whole people, so that the one leaver of a
    small team passes.
    """

    count: int | None = None
    percent: float | None = None
    at_least: int = 0

    def allowed_by_percent(self, of: int) -> int:
        """How many of `of` the percentage lets pass."""
        return ceil(of * (self.percent or 0) / 100 - 1e-9)

    def trips_percent(self, number: int, of: int) -> bool:
        if self.percent == 0:
            return number > 0
        return number >= self.at_least and number > self.allowed_by_percent(of)


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
        unit = " %" if self.name.partition(":")[0].endswith("percent") else ""
        return f"{self.name}: allowed {self.allowed:g}{unit}, seen {self.seen:g}{unit} ({self.counted})"


@dataclass(frozen=True, slots=True)
class GuardReport:
    """All limits, tripped or not. `scope` is what to remember as asked for once the plan has passed."""

    checks: tuple[LimitCheck, ...] = field(default_factory=tuple)
    scope: str = ""

    @property
    def held(self) -> bool:
        return any(check.tripped for check in self.checks)

    @property
    def tripped(self) -> tuple[LimitCheck, ...]:
        return tuple(check for check in self.checks if check.tripped)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What tripped and whom it counted, one sentence for limits that counted the same people."""
        by_people: dict[tuple[str, ...], list[LimitCheck]] = {}
        for check in self.tripped:
            by_people.setdefault(check.people, []).append(check)
        return tuple(
            f"{'; '.join(str(check) for check in checks)}: {some(people)}"
            for people, checks in by_people.items()
        )


def some(people: tuple[str, ...]) -> str:
    """The first ten, and how many more there are."""
    more = len(people) - SHOWN
    return ", ".join(people[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def guard(
    plan: Plan,
    limits: Limits,
    *,
    accounts: tuple[Account, ...],
    snapshot: DirectorySnapshot,
    last: LastRead,
) -> GuardReport:
    """Judge a plan made from `snapshot`; `last` is the last complete read before it."""
    losses = Losses(plan, accounts, snapshot)
    touched = {a.profile.user_name for a in plan.actions if not isinstance(a, CreateAccount)}
    working = len(accounts) - [a.standing for a in accounts].count(Standing.DEACTIVATED)
    removed = [action.profile.user_name for action in losses.removals]
    checks = (
        *_check("removals", limits.removals, removed, working),
        *_tier_drops(losses, limits.tier_drops),
        *_group_losses(losses, limits.group_losses, last),
        *_check("changes", limits.changes, touched, len(accounts)),
        *_replaced_groups(losses, last),
        *_scope(losses, last, working),
    )
    return GuardReport(checks, _settled_scope(losses, checks, last))


def _tier_drops(losses: Losses, limit: Limit) -> Iterator[LimitCheck]:
    pool = losses.plan.pool_before
    for tier in pool.ladder:
        people = [account.user_name for account in losses.dropped if account.tier == tier]
        yield from _check("tier_drops", limit, people, pool.assigned.get(tier, 0), whose=f":{tier}")


def _group_losses(losses: Losses, limit: Limit, last: LastRead) -> Iterator[LimitCheck]:
    """Members who left a group since the last complete read, or whom the plan leaves without a seat."""
    seatless = losses.external_ids
    for group in sorted(losses.snapshot.groups, key=lambda group: group.name):
        base = last.members_of(group) or group.members or frozenset()
        lost = _left(group, base) | (seatless & base)
        if lost:
            whose = f":{group.name}"
            yield from _check("group_losses", limit, lost, len(base), whose=whose, named=losses.named)


def _left(group: Group, base: frozenset[str]) -> frozenset[str]:
    return base - group.members if group.complete and group.members is not None else frozenset()


def _replaced_groups(losses: Losses, last: LastRead) -> Iterator[LimitCheck]:
    """A group of the same name that is not the same group, and has not all of its members."""
    for group in sorted(losses.snapshot.groups, key=lambda group: group.name):
        if not last.replaced(group):
            continue
        base = last.members.get(group.name, frozenset())
        if lost := _left(group, base):
            yield _none_at_all(f"group_replaced:{group.name}", losses.named(lost), len(base))


def _scope(losses: Losses, last: LastRead, working: int) -> Iterator[LimitCheck]:
    """Whoever loses something right after something else was asked for, now or after their grace."""
    if not rescoped(losses.snapshot, last):
        return
    people = [a.user_name for a in losses.accounts if a.id in losses.taken]
    people += [account.user_name for account in losses.in_grace()] if people else []
    yield _none_at_all("scope", people, working)


def _settled_scope(losses: Losses, checks: Iterable[LimitCheck], last: LastRead) -> str:
    """The new scope, once a person has approved it or nobody can lose anything by it any more."""
    approved = any(check.name == "scope" and check.tripped for check in checks)
    settled = losses.plan.mode is Mode.FULL and losses.snapshot.complete and not losses.in_grace()
    if approved or settled or not rescoped(losses.snapshot, last):
        return losses.snapshot.scope
    return last.scope


def _none_at_all(name: str, people: Sequence[str], of: int) -> LimitCheck:
    """A check that nobody sets a limit for: one person is too many."""
    who = tuple(sorted(people))
    return LimitCheck(name, 0, len(who), f"{len(who)}/{of}", bool(who), who)


def _check(
    name: str,
    limit: Limit,
    people: Sequence[str] | AbstractSet[str],
    of: int,
    *,
    whose: str = "",
    named: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> Iterator[LimitCheck]:
    """Both halves of one limit; `named` makes user names of `people`, asked only when it trips."""
    number = len(people)
    counted = f"{number}/{of}"
    if limit.count is not None:
        tripped = number > limit.count
        who = tuple(sorted(named(people))) if tripped else ()
        yield LimitCheck(f"{name}.count{whose}", limit.count, number, counted, tripped, who)
    if limit.percent is not None:
        tripped = limit.trips_percent(number, of)
        seen = round(100 * number / of, 1) if of else 0.0
        who = tuple(sorted(named(people))) if tripped else ()
        yield LimitCheck(f"{name}.percent{whose}", limit.percent, seen, counted, tripped, who)

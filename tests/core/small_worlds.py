"""Small organisations at random, as the planner sees them and as the oracle does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import strategies as st

from idpsync.core.model import Account
from idpsync.core.plan import Plan
from idpsync.core.planner import plan
from idpsync.core.policy import GroupRule, Policy, WhenFull
from idpsync.core.seats import Door, Holding, Ladder, Tier, WaitEntry
from idpsync.core.world import World
from tests.core.oracle import Office, Placement, Somebody, moved_for_nothing, wasted
from tests.people import NOW, account, group, snapshot, world

LADDER = Ladder.of("gold", "silver", "bronze")
NAMES = ("ada", "bob", "cy", "dan", "eve", "fay")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One person at random. `top` is the tier of their rule, None for whom no rule names.

    `seated` are the days they have had what they have: 0 is too fresh to be taken down.
    """

    name: str
    had: Tier | None
    top: Tier | None
    waits: bool
    priority: int
    waited: int | None
    seated: int

    @property
    def rule(self) -> tuple[GroupRule, ...]:
        when = WhenFull.WAIT if self.waits else WhenFull.SPILL_DOWN
        return (
            (GroupRule(self.name, self.top, priority=self.priority, when_full=when),) if self.top else ()
        )

    @property
    def account(self) -> tuple[Account, ...]:
        return (account(self.name, self.had),) if self.had else ()

    @property
    def holding(self) -> tuple[Holding, ...]:
        since = NOW - timedelta(days=self.seated)
        member = f"{self.name}@acme.example"
        return (Holding(member, self.had, Door.SYNC, since, f"acc-{self.name}"),) if self.had else ()

    @property
    def waiting(self) -> tuple[WaitEntry, ...]:
        if self.waited is None:
            return ()
        member, wanted = f"{self.name}@acme.example", self.top or LADDER.tiers[0]
        return (WaitEntry(member, member, wanted, NOW - timedelta(days=self.waited)),)

    def somebody(self, *, preempt: bool) -> Somebody:
        """The same person as the oracle sees them."""
        accepts = tuple(tier.rank for tier in self._accepts())
        fresh = self.had is not None and self.seated == 0
        had = self.had.rank if self.had else None
        if had is not None and (self.top is None or (fresh and had < accepts[0])):
            accepts = accepts[accepts.index(had) :] if had in accepts else (had,)
        return Somebody(
            self.name,
            had,
            accepts,
            priority=self.priority if self.top else 0,
            waited=self.waited,
            yields=preempt and had is not None and not fresh,
            seated=self.seated,
        )

    def _accepts(self) -> tuple[Tier, ...]:
        if self.top is None:
            return LADDER.tiers
        return (self.top,) if self.waits else LADDER.from_(self.top)


@dataclass(frozen=True, slots=True)
class Case:
    """One small organisation, as the planner and as the oracle see it."""

    people: tuple[Drawn, ...]
    seats: Mapping[Tier, int]
    kept: Mapping[Tier, int]
    preempt: bool

    def world(self) -> World:
        groups = [group(who.name, [who.name] if who.top else ()) for who in self.people]
        return world(
            snapshot([who.name for who in self.people], groups),
            [one for who in self.people for one in who.account],
            seats=self.seats,
            reserved=self.kept,
            waiting=[entry for who in self.people for entry in who.waiting],
            holdings=[holding for who in self.people for holding in who.holding],
        )

    def policy(self) -> Policy:
        rules = tuple(rule for who in self.people for rule in who.rule)
        return Policy(ladder=LADDER, rules=rules, preempt=self.preempt)

    def office(self) -> Office:
        people = tuple(who.somebody(preempt=self.preempt) for who in self.people)
        return Office(tuple(self.seats.values()), tuple(self.kept.values()), people)

    def placed(self, made: Plan) -> Placement:
        """Who sits where once the plan is carried out, step by step."""
        seats: dict[str, int | None] = {
            who.name: who.had.rank if who.had else None for who in self.people
        }
        for action in made.actions:
            tier: Tier | None = getattr(action, "tier", None)
            seats[action.profile.user_name.partition("@")[0]] = tier.rank if tier else None
        return seats


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    preempt: bool = False,
    leave: bool = False,
    spill: bool = False,
    over: bool = False,
) -> Case:
    """Up to six people around six seats. `leave`: some may not keep their tier; `spill`: nobody waits
    for one tier only, and no seat is kept; `over`: a tier may have more people than seats."""
    tiers = st.sampled_from(LADDER.tiers)
    people = [
        Drawn(
            name=name,
            had=draw(st.none() | tiers),
            top=draw(st.none() | tiers),
            waits=not spill and draw(st.booleans()),
            priority=draw(st.integers(0, 2)),
            waited=draw(st.none() | st.integers(0, 2)),
            seated=draw(st.integers(0, 3)),
        )
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    ]
    if not leave:
        people = [replace(p, top=min(p.top, p.had)) if p.top and p.had else p for p in people]
    seats = {tier: draw(st.integers(0, 2)) for tier in LADDER}
    if not over:
        seats = {tier: max(n, sum(p.had == tier for p in people)) for tier, n in seats.items()}
    kept = {tier: 0 if spill else draw(st.sampled_from([0, 0, 0, 1])) for tier in LADDER}
    return Case(tuple(people), seats, kept, preempt)


def decided(case: Case) -> tuple[Office, Placement]:
    """What the planner makes of it, once it has passed the laws that always hold."""
    office, placement = case.office(), case.placed(plan(case.world(), case.policy()))
    assert office.holds(placement)
    assert moved_for_nothing(office, placement) == []
    assert wasted(office, placement) is None
    return office, placement


def seated(placement: Placement) -> int:
    return sum(tier is not None for tier in placement.values())

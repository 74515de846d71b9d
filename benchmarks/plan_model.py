"""A small model of the planner that shares no code with it: slow, plain, and easy to follow.

It knows just what the benchmark's worlds have in them: rules with tiers, seats, links, a wait list, and
full tiers. It says who holds which tier in the end.
"""

from itertools import permutations

from idpsync.core.policy import Policy
from idpsync.core.seats import Tier
from idpsync.core.world import World

Turn = tuple[bool, int, bool, str, str]


def final_tiers(world: World, policy: Policy) -> dict[str, str | None]:
    """External id → name of the tier held in the end, for everybody in the directory."""
    return {who: tier.name if tier else None for who, tier in _Model(world, policy).run().items()}


class _Model:
    def __init__(self, world: World, policy: Policy) -> None:
        self.tiers = list(policy.ladder)
        names = {u.external_id: u.user_name for u in world.snapshot.users}
        rule_of = {rule.group: rule for rule in policy.rules}
        self.best: dict[str, tuple[int, int]] = {}
        for group in world.snapshot.groups:
            rule = rule_of.get(group.name)
            if rule is None or rule.tier is None:
                continue
            for who in group.members or ():
                said = (rule.tier.rank, -rule.priority)
                self.best[who] = min(said, self.best.get(who, said))
        self.holds: dict[str, Tier | None] = dict.fromkeys(names)
        for account in world.accounts:
            if account.external_id in self.holds:
                self.holds[account.external_id] = account.tier
        used = [tier for tier in self.holds.values() if tier]
        self.free = {tier: world.purchased[tier] - used.count(tier) for tier in self.tiers}
        since = {entry.member: entry.since.isoformat() for entry in world.waiting}
        self.queue: list[tuple[Turn, str]] = []
        for who, name in names.items():
            if self.wanted(who):
                held = self.holds[who]
                rank, priority = self.best.get(who, (0, 0))
                leaves = held is not None and held.rank < rank
                turn = (not leaves, priority, name not in since, since.get(name, ""), name)
                self.queue.append((turn, who))
        self.queue.sort()

    def wanted(self, who: str) -> list[Tier]:
        """What somebody would take instead of what they hold, the best first."""
        held = self.holds[who]
        if who not in self.best:  # no rule: content with any
            return [] if held else self.tiers
        mine = self.tiers[self.best[who][0] :]
        return mine[: mine.index(held)] if held in mine else mine

    def run(self) -> dict[str, Tier | None]:
        while self.fill() or self.swap():
            pass
        return self.holds

    def fill(self) -> bool:
        moved = False
        for tier in self.tiers:
            for _, who in self.queue if self.free[tier] > 0 else ():
                if self.free[tier] > 0 and tier in self.wanted(who):
                    self.give(who, tier)
                    moved = True
        return moved

    def give(self, who: str, tier: Tier) -> None:
        held = self.holds[who]
        self.free[tier] -= 1
        if held:
            self.free[held] += 1
        self.holds[who] = tier

    def swap(self) -> bool:
        """One exchange between full tiers, two at first, then three."""
        first: dict[tuple[Tier, Tier], str] = {}
        for _, who in self.queue:
            held = self.holds[who]
            for tier in self.wanted(who) if held else ():
                first.setdefault((held, tier), who)  # type: ignore[arg-type]
        for length in (2, 3):
            for ring in permutations(self.tiers, length):
                steps = list(zip(ring, (*ring[1:], ring[0]), strict=True))
                if all(step in first for step in steps):
                    for step in steps:
                        self.holds[first[step]] = step[1]
                    return True
        return False

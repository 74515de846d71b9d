"""A higher priority takes the tier of a lower one, never the access: the weakest steps down."""

from bisect import insort
from dataclasses import replace

from idpsync.core.seats import Tier
from idpsync.core.table import Table
from idpsync.core.wish import Strength

Steps = list[tuple[str, Tier]]


def preempt(table: Table) -> bool:
    """Let those who wait take the tier of weaker holders; False if nobody could."""
    return bool(table.yielding) and Preempting(table).take()


class Preempting:
    """Those at a table who may be put down now. `holders` names them by tier, the weakest last."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.holders: dict[Tier, list[Strength]] = {tier: [] for tier in table.tiers}
        for member in table.yielding:
            wish, held = table.wishes[member], table.holds[member]
            if held is not None and held in wish.options:
                insort(self.holders[held], wish.strength)

    def take(self) -> bool:
        """Give every tier to those with a better claim who find somebody to put down."""
        taken = False
        for tier in self.table.tiers:
            if self.table.is_over(tier):
                continue
            for _, member in sorted(self.table.waiting_for(tier)):
                if steps := self._way(member, tier):
                    self._walk(member, tier, steps)
                    taken = True
        return taken

    def _way(self, member: str, tier: Tier) -> Steps:
        """The steps down that free a seat of `tier` for `member`, the lowest first; [] without any."""
        wish, held = self.table.wishes[member], self.table.holds[member]
        if held is not None and wish.liking(tier) >= wish.liking(held):
            return []  # was seated on the way
        hopeless: set[tuple[Tier, ...]] = set()
        for _, _, weaker in reversed(self.holders[tier]):
            victim = self.table.wishes[weaker]
            if victim.priority >= wish.priority:
                break
            if victim.options not in hopeless and self.table.holds[weaker] == tier:
                if steps := self._landing(weaker, tier, held):
                    return steps
                hopeless.add(victim.options)
        return []

    def _landing(self, member: str, left: Tier, vacated: Tier | None) -> Steps:
        """How somebody put down from `left` comes to sit lower: a free seat, or a still weaker one's."""
        table = self.table
        for tier in table.wishes[member].options:
            if tier <= left or table.is_over(tier):
                continue
            if table.free[tier] > 0 or tier == vacated:
                return [(member, tier)]
            for _, _, weaker in reversed(self.holders[tier]):
                if table.wishes[weaker].priority >= table.wishes[member].priority:
                    break
                if table.holds[weaker] == tier:
                    if steps := self._landing(weaker, tier, vacated):
                        return [*steps, (member, tier)]
                    break
        return []

    def _walk(self, member: str, tier: Tier, steps: Steps) -> None:
        """Make the steps, then seat `member` where they lead to."""
        table = self.table
        takers = [*(who for who, _ in steps[1:]), member]
        for (who, to), taker in zip(steps, takers, strict=True):
            table.displaced[who] = taker
            insort(self.holders[to], table.wishes[who].strength)
            self._let_back(who)
            table.move(who, to)
        table.move(member, tier)

    def _let_back(self, member: str) -> None:
        """Who is content and put down wants nothing better than what they had."""
        wish = self.table.wishes[member]
        if wish.content and wish.current is not None:
            had = wish.options[wish.options.index(wish.current) :]
            self.table.wishes[member] = replace(wish, options=had, content=False)

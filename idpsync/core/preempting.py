"""A higher priority takes the tier of a lower one, never the access: the weakest steps down."""

from bisect import insort

from idpsync.core.seats import Tier
from idpsync.core.table import Table
from idpsync.core.wish import Strength

Steps = list[tuple[str, Tier]]


class Preempting:
    """Those at a table who may be put down, by tier and by what they may have, the weakest last.

    Where one of them finds no lower seat, nobody with the same options does: only the weakest of each
    kind is asked. The lists are made once and kept up with who moves; whoever has left is passed over.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._holders: dict[Tier, dict[tuple[Tier, ...], list[Strength]]] = {t: {} for t in table.tiers}
        table.yielders_moved[:] = sorted(table.yielding, key=lambda m: table.wishes[m].strength)
        self._keep_up()

    def take(self) -> bool:
        """Give every tier to those with a better claim who find somebody to put down; False for none."""
        self._keep_up()
        taken = False
        for tier in self.table.tiers:
            if self.table.is_over(tier) or not self._weaker(tier):
                continue
            for _, member in sorted(self.table.waiting_for(tier)):
                if steps := self._way(member, tier):
                    self._walk(member, tier, steps)
                    taken = True
        return taken

    def _keep_up(self) -> None:
        for member in self.table.yielders_moved:
            wish, held = self.table.wishes[member], self.table.holds[member]
            if held is not None and held in wish.options:
                insort(self._holders[held].setdefault(wish.options, []), wish.strength)
        self.table.yielders_moved.clear()

    def _weaker(self, tier: Tier, priority: int | None = None) -> list[str]:
        """Of each kind the weakest who sits in `tier` with a lower priority, the weakest first."""
        found = []
        for holders in self._holders[tier].values():
            while holders and self.table.holds[holders[-1][2]] != tier:
                holders.pop()
            if holders and (priority is None or -holders[-1][0] < priority):
                found.append(holders[-1])
        return [member for _, _, member in sorted(found, reverse=True)]

    def _way(self, member: str, tier: Tier) -> Steps:
        """The steps down that free a seat of `tier` for `member`, the lowest first; [] without any."""
        wish, held = self.table.wishes[member], self.table.holds[member]
        if held is not None and wish.liking(tier) >= wish.liking(held):
            return []  # was seated on the way
        for weaker in self._weaker(tier, wish.priority):
            if steps := self._landing(weaker, tier, held):
                return steps
        return []

    def _landing(self, member: str, left: Tier, vacated: Tier | None) -> Steps:
        """How somebody put down from `left` comes to sit lower: a free seat, or a still weaker one's."""
        table, wish = self.table, self.table.wishes[member]
        for tier in wish.options:
            if tier <= left or table.is_over(tier):
                continue
            if table.free[tier] > 0 or tier == vacated:
                return [(member, tier)]
            for weaker in self._weaker(tier, wish.priority):
                if steps := self._landing(weaker, tier, vacated):
                    return [*steps, (member, tier)]
        return []

    def _walk(self, member: str, tier: Tier, steps: Steps) -> None:
        """Make the steps, then seat `member` where they lead to."""
        takers = [*(who for who, _ in steps[1:]), member]
        for (who, to), taker in zip(steps, takers, strict=True):
            self.table.put_down(who, to, taker)
        self.table.move(member, tier)
        self._keep_up()

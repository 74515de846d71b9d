"""Settling many wishes at once against one pool: who ends in which tier.

The same rule as `seats.place`, for everybody together. Order among wishes: those who must leave a
tier they may no longer hold, then those owed a seat, then priority, then how long they have waited,
then a stable id. Seats that somebody moves away from go on to the next at once. Where full tiers
could be exchanged (downward and upward wishes meet), the exchange is made, through any number of
tiers. Nobody who holds a seat ends without one.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop

from idpsync.core.seats import Tier

Turn = tuple[bool, bool, int, bool, str, str]
_Seekers = dict[Tier, dict[Tier, deque[str]]]


@dataclass(frozen=True, slots=True)
class Wish:
    """One person before the pool. `current` is what they hold; `options` in the order they are liked."""

    member: str
    current: Tier | None
    options: tuple[Tier, ...]
    priority: int = 0
    since: datetime | None = None
    owed: bool = False

    @property
    def must_leave(self) -> bool:
        """Whether they hold a tier above everything they may have."""
        return self.current is not None and bool(self.options) and self.current < min(self.options)

    @property
    def turn(self) -> Turn:
        since = self.since.isoformat() if self.since else ""
        return (
            not self.must_leave,
            not self.owed,
            -self.priority,
            self.since is None,
            since,
            self.member,
        )

    def liking(self, tier: Tier | None) -> int:
        """Smaller is better; a tier outside the options is worse than all of them."""
        if tier is None:
            return len(self.options) + 1
        return self.options.index(tier) if tier in self.options else len(self.options)


def settle(
    wishes: Iterable[Wish], free: Mapping[Tier, int], room: int | None = None
) -> dict[str, Tier | None]:
    """Member → tier held in the end. `free` may be negative where a tier is over-committed.

    `room` is how many newcomers all tiers together have seats for, where that is less than is free.
    """
    table = _Table(wishes, free, room)
    table.fill()
    while table.exchange():
        table.fill()
    return table.holds


class _Table:
    """Working state of one settlement: what each holds, what is free, and a queue per tier."""

    def __init__(self, wishes: Iterable[Wish], free: Mapping[Tier, int], room: int | None) -> None:
        self.free, self.room = dict(free), room
        self.wishes = {wish.member: wish for wish in wishes}
        self.holds: dict[str, Tier | None] = {w.member: w.current for w in self.wishes.values()}
        self.queues: dict[Tier, list[tuple[Turn, str]]] = {tier: [] for tier in sorted(self.free)}
        for wish in self.wishes.values():
            for tier in wish.options:
                if wish.liking(tier) < wish.liking(wish.current):
                    self.queues[tier].append((wish.turn, wish.member))
        for queue in self.queues.values():
            heapify(queue)

    def fill(self) -> None:
        """Give every free seat to the first who wants it, until nothing moves."""
        moved = True
        while moved:
            moved = False
            for tier, queue in self.queues.items():
                while self.free[tier] > 0 and (member := self._first(queue, tier)):
                    heappop(queue)
                    self._move(member, tier)
                    moved = True

    def _first(self, queue: list[tuple[Turn, str]], tier: Tier) -> str:
        while queue:
            member = queue[0][1]
            if self._wants(member, tier):
                return member
            heappop(queue)
        return ""

    def _wants(self, member: str, tier: Tier) -> bool:
        wish, held = self.wishes[member], self.holds[member]
        if held is None and self.room is not None and self.room <= 0:
            return False
        return wish.liking(tier) < wish.liking(held)

    def _move(self, member: str, tier: Tier) -> None:
        left = self.holds[member]
        self.holds[member] = tier
        self.free[tier] -= 1
        if left is not None:
            self.free[left] += 1
        elif self.room is not None:
            self.room -= 1

    def exchange(self) -> bool:
        """Turn rings of people in full tiers who each want the next one's; False if there is none."""
        if not any(self._wants(w.member, tier) for w in self._leavers() for tier in w.options):
            return False  # every ring has a step down, and only these people go down
        seekers, turned = self._seekers(), False
        first = self._stands_first(seekers)
        for start in self.queues:
            while ring := shortest_ring(start, tuple(self.queues), first):
                for held, wanted, member in ring:
                    seekers[held][wanted].popleft()
                    self.holds[member] = wanted
                turned = True
        return turned

    def _seekers(self) -> _Seekers:
        """Held tier → wanted tier → those who hold the one and want the other, in their order."""
        seekers: _Seekers = {held: {tier: deque() for tier in self.queues} for held in self.queues}
        for tier, queue in self.queues.items():
            for _, member in sorted(queue):
                held = self.holds[member]
                if held is not None and self._wants(member, tier):
                    seekers[held][tier].append(member)
        return seekers

    def _stands_first(self, seekers: _Seekers) -> Callable[[Tier, Tier], str | None]:
        def first(held: Tier, wanted: Tier) -> str | None:
            queue = seekers[held][wanted]
            while queue and (self.holds[queue[0]] != held or not self._wants(queue[0], wanted)):
                queue.popleft()
            return queue[0] if queue else None

        return first

    def _leavers(self) -> list[Wish]:
        return [w for w in self.wishes.values() if w.must_leave and self.holds[w.member] == w.current]


def shortest_ring(
    start: Tier, tiers: tuple[Tier, ...], first: Callable[[Tier, Tier], str | None]
) -> list[tuple[Tier, Tier, str]]:
    """The shortest ring of moves through `start`, as (from, to, member); empty if there is none.

    `first(a, b)` names who stands first among those who hold `a` and want `b`.
    """
    paths: list[list[tuple[Tier, Tier, str]]] = [[]]
    seen: set[Tier] = set()
    while paths:
        path = paths.pop(0)
        held = path[-1][1] if path else start
        for wanted in tiers:
            member = first(held, wanted) if wanted != held and wanted not in seen else None
            if member is None:
                continue
            step = [*path, (held, wanted, member)]
            if wanted == start:
                return step
            seen.add(wanted)
            paths.append(step)
    return []

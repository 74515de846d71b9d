"""Settling many wishes at once against one pool: who ends in which tier.

The same rule as `seats.place`, for everybody together. Order among wishes: those who must leave a
tier they may no longer hold, then those owed a seat, then priority, then how long they have waited,
then a stable id. Seats that somebody moves away from go on to the next at once. Where full tiers
could be exchanged (downward and upward wishes meet), the exchange is made, through any number of
tiers. Where policy lets a higher priority take the tier of a lower one, the weakest holder steps down
to a seat that is there for them; then each priority is settled before the next lower one. Nobody who
holds a seat ends without one, and a tier in which more people sit than were bought takes in nobody.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import heappop, heappush
from itertools import chain, islice

from idpsync.core.seats import Tier

Turn = tuple[bool, bool, int, bool, str, str]
Strength = tuple[int, float, str]
_AFTER_ALL: Turn = (True, True, 2**63, True, "", "")


@dataclass(frozen=True, slots=True)
class Wish:
    """One person before the pool. `current` is what they hold; `options` in the order they are liked.

    `seated_since` is set for those whose tier a higher priority may take. Who is `content` with what
    they hold asks for nothing.
    """

    member: str
    current: Tier | None
    options: tuple[Tier, ...]
    priority: int = 0
    since: datetime | None = None
    owed: bool = False
    seated_since: datetime | None = None
    content: bool = False

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

    `room` is how many newcomers all tiers together have seats for, where that is less than is free:
    they come in by their turn, whichever tier they wish.
    """
    table = Table(free, room)
    for wish in wishes:
        table.put(wish)
    table.settle()
    return table.holds


class Table:
    """What each holds, what is free, and a queue for each pair of (held, wanted) tiers.

    Queues are heaps; who no longer wants what they queued for is dropped when they come to the front, so
    a change costs what it moves, however many wait.
    """

    def __init__(self, free: Mapping[Tier, int], room: int | None = None) -> None:
        self._floor: int | None = None
        self._let_in: set[str] | None = None  # newcomers who may come in; None for all
        self.open(free, room)
        self.tiers = tuple(self.free)
        self.wishes: dict[str, Wish] = {}
        self.holds: dict[str, Tier | None] = {}
        self.moved: set[str] = set()
        self.displaced: dict[str, str] = {}  # member who stepped down → for whom
        self._turns: dict[str, Turn] = {}
        self._leaving: set[str] = set()
        self._yielding: set[str] = set()
        self._queues: dict[Tier, dict[Tier | None, list[tuple[Turn, str]]]] = {
            wanted: {held: [] for held in (*self.tiers, None)} for wanted in self.tiers
        }

    def open(
        self,
        free: Mapping[Tier, int],
        room: int | None = None,
        kept: Mapping[Tier, int] | None = None,
    ) -> None:
        """So many seats are free now, beside those that are `kept` for others."""
        self.free, self.room, self._let_in = dict(sorted(free.items())), room, None
        self._kept = dict(kept or {})

    def _is_over(self, tier: Tier) -> bool:
        """Whether more people sit in it than were bought: who leaves it leaves no seat."""
        return self.free[tier] + self._kept.get(tier, 0) < 0

    # --- who is at the table ----------------------------------------------------------------------

    def put(self, wish: Wish) -> None:
        """Somebody comes, or wishes anew; they hold what the wish says."""
        member = wish.member
        self.wishes[member], self.holds[member] = wish, wish.current
        self._turns[member] = wish.turn
        self._leaving.discard(member)
        if wish.must_leave:
            self._leaving.add(member)
        if wish.seated_since:
            self._yielding.add(member)
        self._queue(member)

    def drop(self, member: str) -> None:
        """Somebody goes; what they hold is not freed by it."""
        if self.wishes.pop(member, None):
            del self.holds[member], self._turns[member]
            self._leaving.discard(member)
            self._yielding.discard(member)

    def _queue(self, member: str) -> None:
        wish, held = self.wishes[member], self.holds[member]
        if wish.content or (held is None and self._let_in is not None and member not in self._let_in):
            return
        place = (self._turns[member], member)
        for tier in wish.options[: wish.liking(held)]:
            heappush(self._queues[tier][held], place)

    def _first(self, held: Tier | None, wanted: Tier) -> str | None:
        """Who stands first among those who hold the one and want the other."""
        queue = self._queues[wanted][held]
        while queue:
            turn, member = queue[0]
            if self._turns.get(member) is turn and self.holds[member] == held:
                return member if self._has_come_up(turn) else None
            heappop(queue)
        return None

    def _has_come_up(self, turn: Turn) -> bool:
        """Whether it is the turn of this priority; who must leave or is owed a seat waits for none."""
        must_stay, not_owed, weakness = turn[:3]
        return self._floor is None or not (must_stay and not_owed) or -weakness >= self._floor

    def _next(self, wanted: Tier) -> str | None:
        """Who gets the next seat of `wanted`, whatever they hold."""
        seekers = (self._first(held, wanted) for held in self._queues[wanted])
        return min((m for m in seekers if m), key=self._turn_of, default=None)

    def _turn_of(self, member: str) -> Turn:
        return self._turns[member]

    # --- settling ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """Move people until nobody can be given anything better."""
        if self.room is None:
            self._settle()
        else:
            self._settle_by_turn()

    def _settle(self) -> None:
        levels = {wish.priority for wish in self.wishes.values()} if self._yielding else ()
        for level in sorted(levels, reverse=True) or (None,):
            self._floor = level
            self._fill()
            while self._exchange() or self._preempt():
                self._fill()

    def _settle_by_turn(self) -> None:
        """Where there is less room than seats: as many newcomers as there is room for, by their turn.

        Those for whom there is no seat in the end make place for others, and it is tried again.
        """
        newcomers = sorted((m for m, held in self.holds.items() if held is None), key=self._turn_of)
        room, free = self.room or 0, dict(self.free)
        hopeless: dict[tuple[Tier, ...], Turn] = {}  # from whose turn on nobody with these options comes
        while True:
            some = (
                m for m in newcomers if self._turns[m] < hopeless.get(self.wishes[m].options, _AFTER_ALL)
            )
            self._let_in = set(islice(some, max(room, 0)))
            self._begin_again(free, room)
            self._settle()
            unseated = [m for m in newcomers if m in self._let_in and self.holds[m] is None]
            if not unseated:
                break
            for member in reversed(unseated):
                hopeless[self.wishes[member].options] = self._turns[member]
        for member in newcomers:  # what is left goes to whoever finds a seat
            if (self.room or 0) > 0 and member not in self._let_in:
                self._let_in.add(member)
                self._queue(member)
                self._settle()

    def _begin_again(self, free: Mapping[Tier, int], room: int) -> None:
        self.free, self.room = dict(free), room
        self.moved.clear()
        self.displaced.clear()
        self._queues = {wanted: {held: [] for held in (*self.tiers, None)} for wanted in self.tiers}
        for member, wish in self.wishes.items():
            self.holds[member] = wish.current
            if wish.must_leave:
                self._leaving.add(member)
            self._queue(member)

    def _fill(self) -> None:
        """Give every free seat to the first who wants it, until nothing moves."""
        moved = True
        while moved:
            moved = False
            for tier in self.tiers:
                while self.free[tier] > 0 and (member := self._next(tier)):
                    self._move(member, tier)
                    moved = True

    def _move(self, member: str, tier: Tier) -> None:
        left = self.holds[member]
        self.free[tier] -= 1
        if left is not None:
            self.free[left] += 1
        elif self.room is not None:
            self.room -= 1
        self._seat(member, tier)

    def _seat(self, member: str, tier: Tier) -> None:
        self.holds[member] = tier
        self.moved.add(member)
        self._leaving.discard(member)
        self._queue(member)

    def _exchange(self) -> bool:
        """Turn rings of people in full tiers who each want the next one's; False if there is none."""
        turned = False
        for member in sorted(self._leaving, key=self._turn_of):  # every ring has one who must go down
            if ring := self._ring(member, self.holds[member], ()):
                for who, to in ring:
                    self._seat(who, to)
                turned = True
        return turned

    def _ring(
        self, leaver: str, vacated: Tier | None, visited: tuple[Tier | None, ...]
    ) -> list[tuple[str, Tier]]:
        """The moves that let somebody down, who stands first in the queue before who stands behind.

        `vacated` is the seat that goes on to the next; [] where nobody's seat is one for the leaver.
        """
        if vacated is None or self._is_over(vacated):
            return []
        if visited and vacated in self.wishes[leaver].options:
            return [(leaver, vacated)]
        visited = (*visited, vacated)
        seekers = [m for held in self.tiers if held not in visited and (m := self._first(held, vacated))]
        for member in sorted(seekers, key=self._turn_of):
            if rest := self._ring(leaver, self.holds[member], visited):
                return [(member, vacated), *rest]
        return []

    # --- a higher priority takes the tier of a lower one ------------------------------------------

    def _preempt(self) -> bool:
        """Let those who wait take the tier of weaker holders; False if nobody could."""
        if not self._yielding:
            return False
        holders = self._holders()
        taken = False
        for tier in (tier for tier in self.tiers if not self._is_over(tier)):
            seekers = (self._waiting_for(tier, held) for held in self._queues[tier])
            for _, member in sorted(chain.from_iterable(seekers)):
                if steps := self._way(member, tier, holders):
                    self._walk(member, tier, steps, holders)
                    taken = True
        return taken

    def _holders(self) -> dict[Tier, list[Strength]]:
        """Tier → those who may be put down from it, the weakest last."""
        holders: dict[Tier, list[Strength]] = {tier: [] for tier in self.tiers}
        for member in self._yielding:
            wish, held = self.wishes[member], self.holds[member]
            if held is not None and held in wish.options:
                insort(holders[held], _strength(wish))
        return holders

    def _waiting_for(self, wanted: Tier, held: Tier | None) -> Iterator[tuple[Turn, str]]:
        for turn, member in self._queues[wanted][held]:
            stands = self._turns.get(member) is turn and self.holds[member] == held
            if stands and self._has_come_up(turn):
                yield turn, member

    def _way(
        self, member: str, tier: Tier, holders: Mapping[Tier, list[Strength]]
    ) -> list[tuple[str, Tier]]:
        """The steps down that free a seat of `tier` for `member`, the lowest first; [] without any."""
        wish, held = self.wishes[member], self.holds[member]
        if held is not None and wish.liking(tier) >= wish.liking(held):
            return []  # was seated on the way
        hopeless: set[tuple[Tier, ...]] = set()
        for _, _, weaker in reversed(holders[tier]):
            victim = self.wishes[weaker]
            if victim.priority >= wish.priority:
                break
            if victim.options not in hopeless and self.holds[weaker] == tier:
                if steps := self._landing(weaker, tier, held, holders):
                    return steps
                hopeless.add(victim.options)
        return []

    def _landing(
        self, member: str, left: Tier, vacated: Tier | None, holders: Mapping[Tier, list[Strength]]
    ) -> list[tuple[str, Tier]]:
        """How somebody put down from `left` comes to sit lower: a free seat, or a still weaker one's."""
        for tier in self.wishes[member].options:
            if tier <= left or self._is_over(tier):
                continue
            if self.free[tier] > 0 or tier == vacated:
                return [(member, tier)]
            for _, _, weaker in reversed(holders[tier]):
                if self.wishes[weaker].priority >= self.wishes[member].priority:
                    break
                if self.holds[weaker] == tier:
                    steps = self._landing(weaker, tier, vacated, holders)
                    if steps:
                        return [*steps, (member, tier)]
                    break
        return []

    def _walk(
        self,
        member: str,
        tier: Tier,
        steps: list[tuple[str, Tier]],
        holders: Mapping[Tier, list[Strength]],
    ) -> None:
        takers = [*(who for who, _ in steps[1:]), member]
        for (who, to), taker in zip(steps, takers, strict=True):
            self.displaced[who] = taker
            holders[self.holds[who] or to].remove(_strength(self.wishes[who]))
            insort(holders[to], _strength(self.wishes[who]))
            self._let_back(who)
            self._move(who, to)
        self._move(member, tier)

    def _let_back(self, member: str) -> None:
        """Who is content and put down wants nothing better than what they had."""
        wish = self.wishes[member]
        if wish.content and wish.current is not None:
            had = wish.options[wish.options.index(wish.current) :]
            self.wishes[member] = replace(wish, options=had, content=False)


def _strength(wish: Wish) -> Strength:
    """Sort key of holders: priority, then who has sat longer, then a stable id; the weakest last."""
    seated = wish.seated_since.timestamp() if wish.seated_since else 0.0
    return (-wish.priority, seated, wish.member)

"""The table at which seats are given out: what each holds, what is free, who stands in which queue."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from heapq import heappop, heappush

from idpsync.core.seats import Tier
from idpsync.core.wish import Turn, Wish


class Table:
    """What each holds, what is free, and a queue for each pair of (held, wanted) tiers.

    Queues are heaps; who no longer wants what they queued for is dropped when they come to the front, so
    a change costs what it moves, however many wait.
    """

    def __init__(self, free: Mapping[Tier, int], room: int | None = None) -> None:
        self.floor: int | None = None  # the priority whose turn it is; None for all
        self.let_in: set[str] | None = None  # newcomers who may come in; None for all
        self.open(free, room)
        self.tiers = tuple(self.free)
        self.wishes: dict[str, Wish] = {}
        self.holds: dict[str, Tier | None] = {}
        self.moved: set[str] = set()
        self.displaced: dict[str, str] = {}  # member who stepped down → for whom
        self.leaving: set[str] = set()  # those who must leave a tier and have not yet
        self.yielding: set[str] = set()  # those whose tier a higher priority may take
        self.yielders_moved: list[str] = []  # those of them who have moved, until somebody looks
        self._content: dict[str, Wish] = {}  # wishes as they were of those who were put down
        self._turns: dict[str, Turn] = {}
        self._queues = self._empty_queues()

    def _empty_queues(self) -> dict[Tier, dict[Tier | None, list[tuple[Turn, str]]]]:
        return {wanted: {held: [] for held in (*self.tiers, None)} for wanted in self.tiers}

    def open(
        self,
        free: Mapping[Tier, int],
        room: int | None = None,
        kept: Mapping[Tier, int] | None = None,
    ) -> None:
        """So many seats are free now, beside those that are `kept` for others."""
        self.free, self.room, self.let_in = dict(sorted(free.items())), room, None
        self._kept = dict(kept or {})

    def is_over(self, tier: Tier) -> bool:
        """Whether more people sit in it than were bought: who leaves it leaves no seat."""
        return self.free[tier] + self._kept.get(tier, 0) < 0

    # --- who is at the table ----------------------------------------------------------------------

    def put(self, wish: Wish) -> None:
        """Somebody comes, or wishes anew; they hold what the wish says."""
        member = wish.member
        self.wishes[member], self.holds[member] = wish, wish.current
        self._turns[member] = wish.turn
        self.leaving.discard(member)
        if wish.must_leave:
            self.leaving.add(member)
        if wish.seated_since:
            self.yielding.add(member)
        self.queue(member)

    def drop(self, member: str) -> None:
        """Somebody goes; what they hold is not freed by it."""
        if self.wishes.pop(member, None):
            del self.holds[member], self._turns[member]
            self.leaving.discard(member)
            self.yielding.discard(member)

    def begin_again(self, free: Mapping[Tier, int], room: int) -> None:
        """Everybody holds again what they came with."""
        self.free, self.room = dict(free), room
        self.moved.clear()
        self.displaced.clear()
        self.yielders_moved.clear()
        self.wishes.update(self._content)
        self._content.clear()
        self._queues = self._empty_queues()
        for member, wish in self.wishes.items():
            self.holds[member] = wish.current
            if wish.must_leave:
                self.leaving.add(member)
            self.queue(member)

    # --- the queues -------------------------------------------------------------------------------

    def queue(self, member: str) -> None:
        """Let somebody queue for every tier they like better than what they hold."""
        wish, held = self.wishes[member], self.holds[member]
        if wish.content or (held is None and self.let_in is not None and member not in self.let_in):
            return
        place = (self._turns[member], member)
        for tier in wish.options[: wish.liking(held)]:
            heappush(self._queues[tier][held], place)

    def priorities(self) -> list[int]:
        """Those of everybody who asks for something, the highest first."""
        asking = {w.priority for w in self.wishes.values() if not w.content and w.liking(w.current) > 0}
        return sorted(asking, reverse=True)

    def turn_of(self, member: str) -> Turn:
        """When it is their turn."""
        return self._turns[member]

    def next(self, wanted: Tier) -> str | None:
        """Who gets the next seat of `wanted`, whatever they hold."""
        seekers = (self.first(held, wanted) for held in self._queues[wanted])
        return min((m for m in seekers if m), key=self.turn_of, default=None)

    def first(self, held: Tier | None, wanted: Tier) -> str | None:
        """Who stands first among those who hold the one and want the other."""
        queue = self._queues[wanted][held]
        while queue:
            turn, member = queue[0]
            if self._stands(turn, member, held):
                return member if self._has_come_up(turn) else None
            heappop(queue)
        return None

    def waiting_for(self, wanted: Tier) -> Iterator[tuple[Turn, str]]:
        """All whose turn has come, in no order."""
        for held, queue in self._queues[wanted].items():
            for turn, member in queue:
                if self._stands(turn, member, held) and self._has_come_up(turn):
                    yield turn, member

    def _stands(self, turn: Turn, member: str, held: Tier | None) -> bool:
        """Whether a place in a queue is still somebody's, or they have moved or wished anew since."""
        return self._turns.get(member) is turn and self.holds[member] == held

    def _has_come_up(self, turn: Turn) -> bool:
        """Whether it is the turn of this priority; who must leave or is owed a seat waits for none."""
        must_stay, not_owed, weakness = turn[:3]
        return self.floor is None or not (must_stay and not_owed) or -weakness >= self.floor

    # --- moving -----------------------------------------------------------------------------------

    def move(self, member: str, tier: Tier) -> None:
        """Somebody takes a free seat, and leaves theirs free."""
        left = self.holds[member]
        self.free[tier] -= 1
        if left is not None:
            self.free[left] += 1
        elif self.room is not None:
            self.room -= 1
        self.seat(member, tier)

    def put_down(self, member: str, tier: Tier, taker: str) -> None:
        """Somebody yields to `taker`. Who was content wants what they had back, and nothing better."""
        wish = self.wishes[member]
        if wish.content and wish.current is not None:
            self._content[member] = wish
            had = wish.options[wish.options.index(wish.current) :]
            self.wishes[member] = replace(wish, options=had, content=False)
        self.displaced[member] = taker
        self.move(member, tier)

    def seat(self, member: str, tier: Tier) -> None:
        """Somebody sits there now, whoever sat there before."""
        self.holds[member] = tier
        self.moved.add(member)
        if member in self.yielding:
            self.yielders_moved.append(member)
        self.leaving.discard(member)
        self.queue(member)

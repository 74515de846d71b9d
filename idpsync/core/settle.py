"""Settling many wishes at once against one pool: who ends in which tier.

The same rule as `seats.place`, for everybody together. Order among wishes: those who must leave a
tier they may no longer hold, then those owed a seat, then priority, then how long they have waited,
then a stable id. Seats that somebody moves away from go on to the next at once. Where full tiers
could be exchanged (downward and upward wishes meet), the exchange is made, through any number of
tiers. Where policy lets a higher priority take the tier of a lower one, the weakest holder steps down
to a seat that is there for them; then each priority is settled before the next lower one. Nobody who
holds a seat ends without one, and a tier in which more people sit than were bought takes in nobody.
"""

from collections.abc import Iterable, Mapping
from itertools import islice

from idpsync.core.exchanging import exchange
from idpsync.core.preempting import Preempting
from idpsync.core.seats import Tier
from idpsync.core.table import Table
from idpsync.core.wish import AFTER_ALL, Turn, Wish

Asking = tuple[tuple[Tier, ...], int]
"""Options and priority: who asks alike is as well off in every round."""


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
    seat_all(table)
    return table.holds


def seat_all(table: Table) -> None:
    """Move people until nobody can be given anything better."""
    if table.room is None:
        _settle(table)
    else:
        _settle_by_turn(table, table.room)


def _settle(table: Table) -> None:
    """Give out the seats; where tiers may be taken, to each priority before the next lower one."""
    preempting = Preempting(table) if table.yielding else None
    for level in (*(table.priorities() if preempting else ()), None):
        table.floor = level
        _fill(table)
        while exchange(table) or (preempting and preempting.take()):
            _fill(table)


def _fill(table: Table) -> None:
    """Give every free seat to the first who wants it, until nothing moves."""
    moved = True
    while moved:
        moved = False
        for tier in table.tiers:
            while table.free[tier] > 0 and (member := table.next(tier)):
                table.move(member, tier)
                moved = True


def _settle_by_turn(table: Table, room: int) -> None:
    """Where there is less room than seats: as many newcomers as there is room for, by their turn.

    Those for whom there is no seat in the end make place for others, and it is tried again.
    """
    newcomers = sorted((m for m, held in table.holds.items() if held is None), key=table.turn_of)
    free = dict(table.free)
    # from whose turn on nobody comes who asks for the same with the same priority
    hopeless: dict[Asking, Turn] = {}
    while True:
        hopeful = (m for m in newcomers if _is_before(table, m, hopeless))
        table.let_in = let_in = set(islice(hopeful, max(room, 0)))
        table.begin_again(free, room)
        _settle(table)
        unseated = [m for m in newcomers if m in let_in and table.holds[m] is None]
        if not unseated:
            return
        for member in reversed(unseated):
            wish = table.wishes[member]
            hopeless[wish.options, wish.priority] = table.turn_of(member)


def _is_before(table: Table, member: str, hopeless: Mapping[Asking, Turn]) -> bool:
    wish = table.wishes[member]
    return table.turn_of(member) < hopeless.get((wish.options, wish.priority), AFTER_ALL)

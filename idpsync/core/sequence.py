"""The order in which people move between tiers, so that no step needs a seat that is not there yet."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from idpsync.core.seats import Tier


@dataclass(frozen=True, slots=True)
class Move:
    """One step of one member between tiers. None as `to` gives the seat up, as `left` takes one anew.

    `yields_to` gets the seat left behind directly: a step of an exchange.
    """

    member: str
    left: Tier | None
    to: Tier | None
    yields_to: str | None = None


def sequence(moves: Iterable[Move], free: Mapping[Tier, int]) -> Iterator[Move]:
    """Order `moves` (each between two tiers) so that each finds a free seat.

    Where only full tiers exchange people, one of them gives the seat up first and takes the new one
    last; the seats left behind go from hand to hand, out of anybody else's reach.
    """
    left = dict(free)
    queues: dict[tuple[Tier, Tier], deque[Move]] = defaultdict(deque)
    for move in moves:
        if move.left is not None and move.to is not None:
            queues[(move.left, move.to)].append(move)
    while any(queues.values()):
        pair = next((p for p in sorted(queues) if queues[p] and left[p[1]] > 0), None)
        if pair:
            left[pair[1]] -= 1
            left[pair[0]] += 1
            yield queues[pair].popleft()
        elif ring := _ring(queues):
            yield from _turned(ring)
        else:
            return  # nothing can move now; whoever is left goes on waiting


def _ring(queues: dict[tuple[Tier, Tier], deque[Move]]) -> list[Move]:
    """The moves of one exchange, taken out of their queues; empty if there is none."""
    tiers = tuple(sorted({tier for pair in queues for tier in pair}))

    def first(held: Tier, wanted: Tier) -> str | None:
        queue = queues.get((held, wanted))
        return queue[0].member if queue else None

    ring = next((r for start in tiers if (r := _shortest_ring(start, tiers, first))), [])
    return [queues[(held, wanted)].popleft() for held, wanted, _ in ring]


def _turned(steps: list[Move]) -> Iterator[Move]:
    opener, others = steps[0], steps[1:][::-1]
    takers = [*(move.member for move in others), opener.member]
    yield Move(opener.member, opener.left, None, yields_to=takers[0])
    for move, taker in zip(others, takers[1:], strict=True):
        yield Move(move.member, move.left, move.to, yields_to=taker)
    yield Move(opener.member, None, opener.to)


def _shortest_ring(
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

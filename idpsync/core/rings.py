"""Rings of moves: people in full tiers who each want the next one's seat."""

from collections.abc import Callable

from idpsync.core.seats import Tier


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

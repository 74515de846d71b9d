"""Exchanges among full tiers: who must go down makes room for who may go up, through any of them."""

from idpsync.core.seats import Tier
from idpsync.core.table import Table


def exchange(table: Table) -> bool:
    """Turn rings of people in full tiers who each want the next one's; False if there is none."""
    turned = False
    for member in sorted(table.leaving, key=table.turn_of):  # every ring has one who must go down
        if ring := _ring(table, member, table.holds[member], ()):
            for who, to in ring:
                table.seat(who, to)
            turned = True
    return turned


def _ring(
    table: Table, leaver: str, vacated: Tier | None, visited: tuple[Tier | None, ...]
) -> list[tuple[str, Tier]]:
    """The moves that let somebody down, who stands first in the queue before who stands behind.

    `vacated` is the seat that goes on to the next; [] where nobody's seat is one for the leaver.
    """
    if vacated is None or table.is_over(vacated):
        return []
    if visited and vacated in table.wishes[leaver].options:
        return [(leaver, vacated)]
    visited = (*visited, vacated)
    seekers = [m for held in table.tiers if held not in visited and (m := table.first(held, vacated))]
    for member in sorted(seekers, key=table.turn_of):
        if rest := _ring(table, leaver, table.holds[member], visited):
            return [(member, vacated), *rest]
    return []

"""Somebody's place in the queue: who stands before them, and what must happen until it is their turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from idpsync.core.plan import Plan
from idpsync.core.seats import SeatPool, Tier, WaitEntry

NAMED = 3


@dataclass(frozen=True, slots=True)
class Place:
    """`position` counts those who wait for the same tier; `before` are the user names of all who would
    be given a seat of it earlier, `sentences` what has to happen.
    """

    position: int
    before: tuple[str, ...]
    sentences: tuple[str, ...]


def place_of(member: str, plan: Plan) -> Place | None:
    """The place of somebody who waits; None for everybody else."""
    entry = next((w for w in plan.waiting if w.member == member), None)
    if entry is None:
        return None
    earlier = plan.waiting[: plan.waiting.index(entry)]
    same = sum(other.wants == entry.wants for other in earlier)
    before = tuple(other.user_name for other in earlier if other.awaits(entry.wants))
    return Place(same + 1, before, tuple(_sentences(entry, earlier, plan.pool_after)))


def _sentences(entry: WaitEntry, earlier: Sequence[WaitEntry], pool: SeatPool) -> Iterator[str]:
    if entry.owed:
        yield "Is owed a seat that was given up in an exchange: nobody stands before them."
    else:
        yield from _before(entry.wants, earlier)
    for tier in dict.fromkeys((entry.wants, *sorted(entry.accepts))):
        ahead = sum(other.awaits(tier) for other in earlier)
        yield _what_must_happen(tier, ahead, pool, newcomer=entry.holds is None)


def _before(wants: Tier, earlier: Sequence[WaitEntry]) -> Iterator[str]:
    """Those of the same queue, then those who wait for another tier and are given this one first."""
    queues: dict[Tier, list[str]] = {wants: []}
    for other in earlier:
        if other.awaits(wants):
            queues.setdefault(other.wants, []).append(other.user_name)
    for tier, names in queues.items():
        if names:
            named = ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
            one, also = len(names) == 1, f" for {tier}, would take {wants} as well, and "
            wait = ("waits" if one else "wait") + also if tier != wants else ""
            yield f"{_people(len(names))} {wait}{'stands' if one else 'stand'} before them: {named}."


def _what_must_happen(tier: Tier, ahead: int, pool: SeatPool, *, newcomer: bool) -> str:
    kept = pool.reserved.get(tier, 0)
    needed = ahead + 1 + kept - pool.balance(tier)
    crowded = 1 - pool.total_balance if newcomer else 0
    if crowded > max(needed, 0):
        which = f"{needed} of them {tier}" if needed > 0 else "of any tier"
        return (
            f"{tier}: more people than seats in all tiers together; {_seats(crowded)} more, {which}, or "
            f"{_people(crowded)} fewer, and it is their turn."
        )
    if needed <= 0:
        return f"{tier}: there is room now."
    if needed == 1 and not kept:
        return f"{tier}: the next seat that comes free is theirs."
    logins = f" ({kept} kept for logins: a login takes one at once)" if kept else ""
    return (
        f"{tier}: {_seats(needed)} more, or {_people(needed)} with {tier} leaving, and it is their "
        f"turn{logins}."
    )


def _seats(number: int) -> str:
    return "1 seat" if number == 1 else f"{number} seats"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"

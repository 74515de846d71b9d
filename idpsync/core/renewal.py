"""Looking ahead: what renewal may count, what those who wait would need, what is known to come. Pure."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from idpsync.core.contract import Contract, Item, Purchase, in_order, reshaped, seats_on
from idpsync.core.pricing import money, term_months
from idpsync.core.seats import Ladder, Tier

Wish = tuple[Tier, Tier | None]
"""The tier that somebody waits for, and the one they hold meanwhile."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read "seats in use at the end of the term": seats per tier, cost of the next term."""

    name: str  # purchased | assigned | assigned_and_pending
    seats: Mapping[Tier, int]
    cost: Decimal | None

    @property
    def total(self) -> int:
        return sum(self.seats.values())


@dataclass(frozen=True, slots=True)
class Renewal:
    """What renewal may count, read at `at`. No published rule says which reading is meant.

    `warning` is the threshold in days that was passed last (90, 60, 30), None before the first.
    """

    at: date
    ends: date
    days_left: int
    auto_renew: bool
    currency: str
    readings: tuple[Reading, ...]
    warning: int | None

    @property
    def idle(self) -> int:
        """Purchased seats that nobody has or is invited to: worth looking at before the term ends.

        Counted tier by tier: a free seat of one does not make up for another that is over.
        """
        seats = {reading.name: reading.seats for reading in self.readings}
        used = seats["assigned_and_pending"]
        return sum(max(0, number - used[tier]) for tier, number in seats["purchased"].items())


def renewal(
    contract: Contract,
    purchases: Sequence[Purchase],
    *,
    assigned: Mapping[Tier, int],
    pending: Mapping[Tier, int],
    at: date,
    warn: Iterable[int] = (90, 60, 30),
) -> Renewal:
    """The three readings at `at`, each with its cost for another term of the same length."""
    bought = seats_on(contract, purchases, at)
    tiers = sorted({*bought, *assigned, *pending})
    both = {t: assigned.get(t, 0) + pending.get(t, 0) for t in tiers}
    days_left = (contract.ends - at).days
    passed = [days for days in warn if days_left <= days]
    return Renewal(
        at=at,
        ends=contract.ends,
        days_left=days_left,
        auto_renew=contract.auto_renew,
        currency=contract.currency,
        readings=tuple(
            Reading(name, seats, next_term_cost(contract, seats))
            for name, seats in (
                ("purchased", {t: bought.get(t, 0) for t in tiers}),
                ("assigned", {t: assigned.get(t, 0) for t in tiers}),
                ("assigned_and_pending", both),
            )
        ),
        warning=min(passed, default=None),
    )


def next_term_cost(contract: Contract, seats: Mapping[Tier, int]) -> Decimal | None:
    """`seats` for another term of the same length at today's prices; None where a price is missing.

    Rounded as an invoice is: once per tier.
    """
    months = term_months(contract)
    costs: list[Decimal] = []
    for tier, number in seats.items():
        price = contract.prices.get(tier)
        if number and price is None:
            return None
        costs.append(money(number * Fraction(price or 0) * months, contract.currency))
    return money(sum((Fraction(cost) for cost in costs), Fraction(0)), contract.currency)


def enough_for(
    ladder: Ladder,
    open_seats: Mapping[Tier, int],
    wishes: Iterable[Wish],
    bought: Mapping[Tier, int],
) -> tuple[Item, ...]:
    """The smallest purchase with which every wish comes true.

    No other has fewer seats; of those with as many, none has fewer new ones, and the highest seats left
    behind are upgraded first, which costs least. Only seats that somebody leaves behind are upgraded,
    and only those that nobody waits for: a free seat of a lower tier stays free. Free seats of the tier
    itself are used up first (`open_seats`: those that may be given out; below 0 where more are in use
    or kept back than are bought, which has to be made up before anybody gets one). Of no tier more are
    upgraded than are `bought`: people beyond the contract leave no seat behind.
    """
    wishes = tuple(wishes)
    left_behind = {t: sum(holds == t for _, holds in wishes) for t in ladder}
    missing: dict[Tier, int] = {}
    for tier in ladder:
        wanting = sum(wanted == tier for wanted, _ in wishes)
        needed = max(0, wanting - open_seats.get(tier, 0)) if wanting else 0
        used = min(needed, left_behind[tier])
        missing[tier] = needed - used
        left_behind[tier] -= used
        left_behind[tier] = min(left_behind[tier], bought.get(tier, 0))
    items: list[Item] = []
    for tier in ladder:
        for lower in (t for t in ladder if t > tier):
            moved = min(missing[tier], left_behind[lower])
            if moved:
                items.append(Item(tier, moved, upgraded_from=lower))
                missing[tier] -= moved
                left_behind[lower] -= moved
        if missing[tier]:
            items.append(Item(tier, missing[tier]))
    return tuple(items)


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One day on which something happens to the seats, with the pool and the wishes left after it."""

    on: date
    what: str
    seats: Mapping[Tier, int]
    still_waiting: Mapping[Tier, int]


def calendar(
    contract: Contract,
    purchases: Sequence[Purchase],
    today: date,
    *,
    wishes: Iterable[Wish],
    open_seats: Mapping[Tier, int],
    lapses: Iterable[tuple[date, Tier]] = (),
) -> tuple[CalendarEntry, ...]:
    """What is known to come: purchases for later days, invites that lapse, the end of the term.

    Seats that a tier gains go to those who wait for it, and what these leave behind to the next;
    `open_seats` as in `enough_for`. An invite that should have lapsed already does so today; a term
    that is over is not to come.
    """
    seats, queue = seats_on(contract, purchases, today), _Queue(wishes, open_seats)
    entries: list[CalendarEntry] = []
    for event in sorted(_events(contract, purchases, today, lapses), key=lambda e: (e.on, e.turn)):
        before, seats = seats, reshaped(seats, event.items)
        for tier in {*seats, *event.freed}:
            queue.gain(tier, seats.get(tier, 0) - before.get(tier, 0) + event.freed.get(tier, 0))
        entries.append(CalendarEntry(event.on, event.what, seats, queue.serve()))
    return tuple(entries)


class _Queue:
    """Wishes and open seats while time goes on."""

    def __init__(self, wishes: Iterable[Wish], open_seats: Mapping[Tier, int]) -> None:
        self._open = dict(open_seats)
        self._holding: dict[Tier, deque[Tier | None]] = {}  # per wanted tier: what those who wait hold
        for wanted, holds in wishes:
            self._holding.setdefault(wanted, deque()).append(holds)

    def gain(self, tier: Tier, seats: int) -> None:
        self._open[tier] = self._open.get(tier, 0) + seats

    def serve(self) -> dict[Tier, int]:
        """Give open seats to those who wait; how many go on waiting, per wanted tier."""
        tiers = list(self._holding)
        while tiers:
            tier = tiers.pop()
            waiting = self._holding.get(tier)
            while waiting and self._open.get(tier, 0) > 0:
                self.gain(tier, -1)
                if left := waiting.popleft():
                    self.gain(left, 1)
                    tiers.append(left)
        return {tier: len(waiting) for tier, waiting in self._holding.items()}


@dataclass(frozen=True, slots=True)
class _Event:
    """`turn` orders the events of one day."""

    on: date
    turn: int
    what: str
    items: tuple[Item, ...] = ()
    freed: Mapping[Tier, int] = field(default_factory=dict)


def _events(
    contract: Contract, purchases: Iterable[Purchase], today: date, lapses: Iterable[tuple[date, Tier]]
) -> Iterator[_Event]:
    for purchase in in_order(purchases):
        if purchase.on > today:
            what = "bought: " + ", ".join(str(item) for item in purchase.items)
            yield _Event(purchase.on, 0, what, purchase.items)
    lapsing = Counter((max(day, today), tier) for day, tier in lapses)
    for (day, tier), number in sorted(lapsing.items()):
        what = f"{number} {'invite lapses' if number == 1 else 'invites lapse'}: {number} {tier} back"
        yield _Event(day, 1, what, freed={tier: number})
    if contract.ends >= today:
        how = "renews by itself" if contract.auto_renew else "does not renew by itself"
        yield _Event(contract.ends, 2, f"last day of the term, which {how}")

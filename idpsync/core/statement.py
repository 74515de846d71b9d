"""The contract as it stands today: seats, invoices, what renewal may count, what is to come. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from idpsync.core.contract import Contract, Item, Line, Purchase, check_day, seats_on
from idpsync.core.membership import Invite, InviteState
from idpsync.core.renewal import CalendarEntry, Renewal, Wish, calendar, enough_for, renewal
from idpsync.core.seats import SeatPool, Tier, WaitEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Everything that `contract` tells. `waiting` counts wishes per wanted tier."""

    organization: str
    contract: Contract
    purchases: tuple[Purchase, ...]
    pool: SeatPool
    renewal: Renewal
    calendar: tuple[CalendarEntry, ...]
    waiting: Mapping[Tier, int]


def statement(
    organization: str,
    contract: Contract,
    purchases: Sequence[Purchase],
    *,
    pool: SeatPool,
    invites: Iterable[Invite],
    today: date,
    warn: Iterable[int],
) -> Statement:
    """The statement of one day, from what the books say."""
    pending = [invite for invite in invites if invite.state is InviteState.PENDING]
    return Statement(
        organization=organization,
        contract=contract,
        purchases=tuple(purchases),
        pool=pool,
        renewal=renewal(
            contract,
            purchases,
            assigned=pool.assigned,
            pending=pending_of(pending),
            at=today,
            warn=warn,
        ),
        calendar=calendar(
            contract,
            purchases,
            today,
            wishes=_wishes(pool),
            open_seats=open_seats(pool),
            lapses=((invite.expires_at.date(), invite.tier) for invite in pending),
        ),
        waiting=wishes_of(pool.waiting),
    )


def pending_of(invites: Iterable[Invite]) -> dict[Tier, int]:
    """Pending invites per tier: seats held for people who have not come yet."""
    return dict(Counter(i.tier for i in invites if i.state is InviteState.PENDING))


def wishes_of(waiting: Iterable[WaitEntry]) -> dict[Tier, int]:
    """How many people wait for each tier."""
    return dict(Counter(entry.wants for entry in waiting))


def open_seats(pool: SeatPool) -> dict[Tier, int]:
    """Per tier the seats that may be given to those who wait: free ones, without the reserve.

    Below 0 where more seats are in use or kept back than are bought.
    """
    return {tier: pool.balance(tier) - pool.reserved.get(tier, 0) for tier in pool.ladder}


def enough_for_waiting(pool: SeatPool) -> tuple[Item, ...]:
    """The smallest purchase that gives everybody who waits now what they wait for."""
    return enough_for(pool.ladder, open_seats(pool), _wishes(pool), pool.purchased)


def _wishes(pool: SeatPool) -> list[Wish]:
    return [(entry.wants, entry.holds) for entry in pool.waiting]


def beyond(purchase: Purchase, pool: SeatPool) -> dict[Tier, int]:
    """Seats in use beyond what an upgrade leaves, per tier that was upgraded: nobody loses one for it.

    Before its day has come: as many as there would be if it were today.
    """
    left = purchase.quote.seats_after if purchase.applied_at is None else pool.purchased
    shrunk = {item.upgraded_from for item in purchase.items if item.upgraded_from}
    used = {tier: pool.assigned.get(tier, 0) + pool.held.get(tier, 0) for tier in shrunk}
    return {tier: used[tier] - left.get(tier, 0) for tier in shrunk if used[tier] > left.get(tier, 0)}


def unpriced(prices: Mapping[Tier, Decimal], lines: Iterable[Line]) -> tuple[Tier, ...]:
    """Tiers without which some line has no amount."""
    needed = {t for line in lines for t in (line.item.tier, line.item.upgraded_from) if t}
    return tuple(sorted(needed - set(prices)))


def seats_at(contract: Contract, purchases: Sequence[Purchase], on: date) -> dict[Tier, int]:
    """Seats bought by the end of a day of the term; PurchaseRefused for another day."""
    check_day(contract, on)
    return seats_on(contract, purchases, on)


def differences(recorded: Contract, written: Contract) -> Iterator[tuple[str, str]]:
    """Where a contract that was written down differs from the one on record: (path, sentence).

    A price that is not on record is no difference: the written one is used.
    """
    for key in ("starts", "ends", "auto_renew", "currency", "proration"):
        mine, theirs = getattr(recorded, key), getattr(written, key)
        if mine != theirs:
            yield f"contract.{key}", _against(theirs, mine)
    for tier in sorted({*recorded.seats, *written.seats}):
        bought, meant = recorded.seats.get(tier, 0), written.seats.get(tier, 0)
        if bought != meant:
            yield f"contract.seats.{tier}", _against(meant, bought)
    for tier, price in sorted(recorded.prices.items()):
        if written.prices.get(tier) != price:
            path = f"tiers[{tier.rank}].price_per_seat_month"
            yield path, _against(written.prices.get(tier, "none"), price)


def _against(written: object, recorded: object) -> str:
    return f"{_word(written)} here, {_word(recorded)} in the store: the store counts"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

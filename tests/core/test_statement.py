"""What a statement is made of: open seats, who is beyond an upgrade, missing prices, differences."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from idpsync.core.contract import Contract, Item, Proration, Purchase
from idpsync.core.errors import PurchaseRefused
from idpsync.core.membership import Invite, InviteState
from idpsync.core.pricing import quote
from idpsync.core.seats import Ladder, SeatPool, Tier, WaitEntry
from idpsync.core.statement import (
    beyond,
    differences,
    enough_for_waiting,
    open_seats,
    pending_of,
    seats_at,
    statement,
    unpriced,
)

LADDER = Ladder.of("premium", "standard")
PREMIUM, STANDARD = LADDER.tiers
PRICES = {PREMIUM: Decimal("100.00"), STANDARD: Decimal("20.00")}
CONTRACT = Contract(date(2026, 1, 1), date(2026, 12, 31), {PREMIUM: 2, STANDARD: 10}, PRICES)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def wish(name: str, wants: Tier, holds: Tier | None = None) -> WaitEntry:
    return WaitEntry(name, name, wants, NOW, holds=holds)


def pool(
    premium: int = 2,
    standard: int = 10,
    *waiting: WaitEntry,
    kept: int = 0,
    used: int = 0,
    held: int = 0,
) -> SeatPool:
    """`used` and `held` standard seats; of standard so many are `kept` for logins."""
    return SeatPool(
        LADDER,
        {PREMIUM: premium, STANDARD: standard},
        assigned={STANDARD: used},
        held={STANDARD: held},
        reserved={STANDARD: kept},
        waiting=waiting,
    )


def invite(tier: Tier, state: InviteState = InviteState.PENDING, days: int = 21) -> Invite:
    return Invite(
        "i1",
        "x@acme.example",
        "x@acme.example",
        tier,
        "cli:root",
        NOW,
        NOW + timedelta(days),
        state=state,
    )


def test_the_reserve_is_not_open_to_those_who_wait() -> None:
    assert open_seats(pool(2, 10, kept=3, used=5, held=1)) == {PREMIUM: 2, STANDARD: 1}
    assert open_seats(pool(2, 10, kept=3, used=9)) == {PREMIUM: 2, STANDARD: -2}


def test_enough_for_the_wait_list_makes_up_for_the_reserve_first() -> None:
    full = pool(2, 10, wish("ada", STANDARD), kept=2, used=9)
    assert enough_for_waiting(full) == (Item(STANDARD, 2),)
    assert enough_for_waiting(replace(full, reserved={})) == ()


def test_who_moves_up_leaves_a_seat_that_is_upgraded_with_them() -> None:
    waiting = (wish("ada", PREMIUM, STANDARD), wish("bob", PREMIUM, STANDARD), wish("cleo", STANDARD))
    full = replace(pool(2, 10, *waiting, used=10), assigned={PREMIUM: 2, STANDARD: 10})
    assert enough_for_waiting(full) == (Item(PREMIUM, 1, STANDARD), Item(PREMIUM, 1))


def test_only_pending_invites_hold_a_seat() -> None:
    invites = [invite(PREMIUM), invite(STANDARD), invite(STANDARD)]
    ended = [invite(PREMIUM, state) for state in InviteState if state is not InviteState.PENDING]
    assert pending_of([*invites, *ended]) == {PREMIUM: 1, STANDARD: 2}


def bought(*items: Item, applied: bool = True) -> Purchase:
    made = quote(CONTRACT, (), items, date(2026, 3, 1))
    return Purchase(1, made, NOW, "cli:root", applied_at=NOW if applied else None)


def test_people_in_upgraded_seats_are_counted_and_held_seats_with_them() -> None:
    upgrade = bought(Item(PREMIUM, 4, STANDARD))
    assert beyond(upgrade, pool(6, 6, used=6, held=2)) == {STANDARD: 2}
    assert beyond(upgrade, pool(6, 6, used=6)) == {}


def test_before_its_day_an_upgrade_is_set_against_the_seats_of_today() -> None:
    later = bought(Item(PREMIUM, 4, STANDARD), applied=False)
    assert beyond(later, pool(2, 10, used=9)) == {STANDARD: 3}


def test_an_addition_leaves_nobody_beyond() -> None:
    assert beyond(bought(Item(STANDARD, 1)), pool(2, 10, used=12)) == {}


def test_a_line_needs_the_prices_of_both_its_tiers() -> None:
    upgrade = bought(Item(PREMIUM, 1, STANDARD)).quote.lines
    assert unpriced(PRICES, upgrade) == ()
    assert unpriced({PREMIUM: Decimal(1)}, upgrade) == (STANDARD,)
    assert unpriced({}, upgrade) == (PREMIUM, STANDARD)


def test_seats_are_told_for_days_of_the_term_only() -> None:
    upgrade = bought(Item(PREMIUM, 4, STANDARD))
    assert seats_at(CONTRACT, [upgrade], date(2026, 2, 28)) == {PREMIUM: 2, STANDARD: 10}
    assert seats_at(CONTRACT, [upgrade], date(2026, 3, 1)) == {PREMIUM: 6, STANDARD: 6}
    for outside in (date(2025, 12, 31), date(2027, 1, 1)):
        with pytest.raises(PurchaseRefused, match="outside the term"):
            seats_at(CONTRACT, [], outside)


def test_a_contract_written_otherwise_is_told_key_by_key() -> None:
    written = Contract(
        date(2026, 2, 1),
        date(2027, 1, 31),
        {PREMIUM: 3, STANDARD: 10},
        {PREMIUM: Decimal("90.00")},
        currency="EUR",
        proration=Proration.DAYS_INCLUSIVE,
        auto_renew=False,
    )
    told = dict(differences(CONTRACT, written))
    assert set(told) == {
        *(f"contract.{key}" for key in ("starts", "ends", "auto_renew", "currency", "proration")),
        *("contract.seats.premium", "tiers[0].price_per_seat_month", "tiers[1].price_per_seat_month"),
    }
    assert told["contract.ends"] == "2027-01-31 here, 2026-12-31 in the store: the store counts"
    assert told["contract.auto_renew"] == "false here, true in the store: the store counts"
    assert told["tiers[1].price_per_seat_month"] == "none here, 20.00 in the store: the store counts"


def test_the_same_contract_has_no_difference_and_a_price_not_on_record_is_none() -> None:
    assert list(differences(CONTRACT, CONTRACT)) == []
    assert list(differences(replace(CONTRACT, prices={}), CONTRACT)) == []
    same = replace(CONTRACT, prices={PREMIUM: Decimal(100), STANDARD: Decimal(20)})
    assert list(differences(CONTRACT, same)) == []


def test_a_statement_counts_invites_wishes_and_what_is_to_come() -> None:
    told = statement(
        "acme",
        CONTRACT,
        (),
        pool=pool(2, 10, wish("ada", STANDARD), used=10),
        invites=[invite(STANDARD, days=3), invite(PREMIUM, InviteState.LAPSED)],
        today=NOW.date(),
        warn=(90, 60, 30),
    )
    assert told.waiting == {STANDARD: 1}
    assert told.renewal.readings[2].seats == {PREMIUM: 0, STANDARD: 11}
    lapse, end = told.calendar
    assert (lapse.on, lapse.what) == (date(2026, 6, 4), "1 invite lapses: 1 standard back")
    assert lapse.still_waiting == {STANDARD: 0}
    assert end.on == date(2026, 12, 31)

"""Orders as they are written, read back and refused."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idpsync.core.contract import MOST_SEATS, Item
from idpsync.core.order import merged, parse_day, parse_item, written
from idpsync.core.seats import Ladder

LADDER = Ladder.of("premium", "standard", "Chat + Code")
PREMIUM, STANDARD, CHAT = LADDER.tiers

orders = st.builds(
    Item,
    st.sampled_from(LADDER.tiers),
    st.integers(1, MOST_SEATS),
    st.none() | st.sampled_from(LADDER.tiers),
)


@given(orders)
def test_what_is_written_is_read_back(item: Item) -> None:
    assert parse_item(written(item), LADDER) == item


def test_an_addition_and_an_upgrade_are_told_apart() -> None:
    assert parse_item("standard=5", LADDER) == Item(STANDARD, 5)
    assert parse_item(" standard : premium=10", LADDER) == Item(PREMIUM, 10, STANDARD)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gold=1", "'gold=1': there is no tier gold; the tiers are premium, standard, Chat + Code"),
        ("gold:premium=1", "there is no tier gold"),
        ("standard:gold=1", "there is no tier gold"),
        ("premium=0", "'premium=0': a contract never shrinks"),
        ("premium=-1", "'premium=-1': a contract never shrinks"),
        ("premium", "'premium' is no order"),
        ("premium=", "'premium=' is no order"),
        ("premium=1.5", "is no order"),
        ("premium=٣", "is no order"),
        ("premium=1000001", "at most 1,000,000"),
        ("premium=99999999999999999999", "at most 1,000,000"),
        ("premium=" + "9" * 5000, "is no order"),
        ("premium=-99999999999999999999", "a contract never shrinks"),
        ("=5", "is no order"),
        ("a:b:c=5", "is no order"),
        ("", "'' is no order"),
    ],
)
def test_what_is_no_order_is_quoted_and_explained(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_item(text, LADDER)


def test_the_same_kind_is_counted_together_in_the_order_of_its_first_mention() -> None:
    items = [Item(STANDARD, 1), Item(PREMIUM, 2, STANDARD), Item(STANDARD, 3), Item(PREMIUM, 4)]
    assert merged(items) == (Item(STANDARD, 4), Item(PREMIUM, 2, STANDARD), Item(PREMIUM, 4))


def test_a_day_is_written_in_one_way_only() -> None:
    assert parse_day("2026-03-01") == date(2026, 3, 1)
    for text in ("2026-02-30", "20260301", "1 March", "2026-3-1", "", "2026-W10-1"):
        with pytest.raises(ValueError, match="write YYYY-MM-DD"):
            parse_day(text)

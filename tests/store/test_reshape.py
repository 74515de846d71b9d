"""Whatever is bought and whoever sits where: nobody's seat changes, the total never falls.

Store and fake do the same steps and agree after each.
"""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from idpsync.core.contract import Item
from idpsync.core.errors import PurchaseRefused
from idpsync.core.pricing import quote
from idpsync.core.records import Seated
from idpsync.core.seats import Door, Ladder, SeatPool, Tier
from idpsync.store.reshape import packed
from idpsync.store.schema import BEYOND
from idpsync.store.seat_rows import SeatRow
from tests.contracts.stores import CAUSE, AnyStore, Books, wish
from tests.fakes.store import FakeStore
from tests.people import NOW, STANDARD
from tests.store.conftest import StoreOpener
from tests.store.shell import shell

LADDER = Ladder.of("max", 'premium "plus"', "standard")
MEMBERS = [f"m{n}" for n in range(8)]

tiers = st.sampled_from(LADDER.tiers)
members = st.sampled_from(MEMBERS)
numbers = st.integers(1, 4)
additions = st.builds(Item, tiers, numbers)
pairs = st.sampled_from([(low, high) for low in LADDER for high in LADDER if high < low])
upgrades = st.tuples(pairs, numbers).map(lambda found: Item(found[0][1], found[1], found[0][0]))


@dataclass(frozen=True)
class Hold:
    member: str
    tier: Tier
    settle: bool

    def do(self, store: AnyStore) -> object:
        got = store.seats.hold(wish(self.member, self.tier), CAUSE).tier
        if got and self.settle:
            store.seats.settle(self.member, f"acc-{self.member}", CAUSE)
        return got


@dataclass(frozen=True)
class Move:
    member: str
    tier: Tier

    def do(self, store: AnyStore) -> object:
        return store.seats.holding(self.member) and store.seats.move(self.member, self.tier, CAUSE)


@dataclass(frozen=True)
class Release:
    member: str

    def do(self, store: AnyStore) -> object:
        store.seats.release(self.member, CAUSE)
        return None


@dataclass(frozen=True)
class Buy:
    items: tuple[Item, ...]
    days: int

    def do(self, store: AnyStore) -> object:
        before, people = store.seats.pool(), store.seats.holdings()
        contract = store.contracts.contract()
        assert contract is not None
        on = NOW.date() + timedelta(days=self.days)
        try:
            offer = quote(contract, store.contracts.purchases(), self.items, on)
            said: object = store.contracts.record(offer, CAUSE)
        except PurchaseRefused as refusal:
            said = str(refusal)
            assert store.seats.pool() == before
        assert store.seats.holdings() == people
        assert_grown(before, store.seats.pool())
        return said


@dataclass(frozen=True)
class Due:
    days: int

    def do(self, store: AnyStore) -> object:
        before, people = store.seats.pool(), store.seats.holdings()
        applied = store.contracts.apply_due(NOW.date() + timedelta(days=self.days), CAUSE)
        assert store.seats.holdings() == people
        assert_grown(before, store.seats.pool())
        return applied


def assert_grown(before: SeatPool, after: SeatPool) -> None:
    assert after.total_purchased >= before.total_purchased
    assert all(after.purchased[tier] >= after.held[tier] for tier in LADDER)


orders = st.lists(additions | upgrades | upgrades, min_size=1, max_size=3).map(tuple)
steps = st.one_of(
    st.builds(Hold, members, tiers, st.booleans()),
    st.builds(Hold, members, tiers, st.just(value=True)),
    st.builds(Move, members, tiers),
    st.builds(Release, members),
    st.builds(Buy, orders, st.integers(-2, 3)),
    st.builds(Due, st.integers(0, 4)),
)
seats = st.fixed_dictionaries({tier: st.integers(0, 4) for tier in LADDER})
overdrawn = st.dictionaries(members, tiers, max_size=4)
stories = st.tuples(seats, overdrawn, st.lists(steps, max_size=20))
Story = tuple[dict[Tier, int], dict[str, Tier], list[Hold | Move | Release | Buy | Due]]


def play(opener: StoreOpener, story: Story) -> None:
    purchased, told, steps = story
    books = Books(opener, ladder=LADDER, seats=purchased)
    memory = FakeStore(LADDER, books.clock, {}, purchased)
    for store in (books.store, memory):
        store.seats.mirror([Seated(m, f"acc-{m}", tier) for m, tier in told.items()], CAUSE)
    for step in steps:
        books.clock.advance(timedelta(minutes=1))
        assert step.do(books.store) == step.do(memory)
        assert books.store.seats.pool() == memory.seats.pool()
        assert books.store.seats.holdings() == memory.seats.holdings()
    pool = books.store.seats.pool()
    assert rows_of(opener) == (
        sum(pool.purchased.values()),
        sum(max(0, -pool.balance(tier)) for tier in LADDER),
    )
    books.store.close()


def rows_of(opener: StoreOpener) -> tuple[int, int]:
    """Ordinary rows, and rows beyond the contract."""
    query = text("SELECT overdrawn FROM seat WHERE organization = :organization")
    with shell(opener.url) as connection:
        found = connection.execute(query, {"organization": opener.organization}).scalars().all()
    return len(found) - sum(map(bool, found)), sum(map(bool, found))


few = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@few
@given(story=stories)
def test_on_sqlite(sqlite_opener: StoreOpener, story: Story) -> None:
    play(sqlite_opener, story)


@pytest.mark.server
@few
@given(story=stories)
def test_on_postgresql(postgres_opener: StoreOpener, story: Story) -> None:
    play(postgres_opener, story)


# --- who stays on which row ---------------------------------------------------------------------------


def row(member: str, seat_no: int, *, minutes: int = 0, reserved: bool = False) -> SeatRow:
    since = NOW + timedelta(minutes=minutes)
    return SeatRow(
        tier=STANDARD,
        seat_no=seat_no,
        overdrawn=seat_no > BEYOND,
        member=member,
        door=Door.JIT,
        since=since,
        changed_at=since,
        account_id=None if reserved else f"acc-{member}",
        expires_at=NOW if reserved else None,
        ticket=7 if reserved else None,
    )


def places(rows: list[SeatRow]) -> dict[str, int]:
    return {one.member: one.seat_no for one in rows}


def test_nobody_moves_who_need_not() -> None:
    rows = [row("ada", 2), row("bob", 4), row("cyd", 1)]

    assert places(packed(rows, 4)) == {"ada": 2, "bob": 4, "cyd": 1}
    assert places(packed(rows, 3)) == {"ada": 2, "bob": 3, "cyd": 1}


def test_the_newest_go_beyond_after_those_who_are_there_and_are_themselves_unchanged() -> None:
    rows = [row("ada", 1, minutes=3), row("bob", 2, minutes=1), row("cyd", BEYOND + 4, minutes=9)]

    after = packed(rows, 1)

    assert places(after) == {"bob": 1, "ada": BEYOND + 5, "cyd": BEYOND + 4}
    assert {(one.member, one.since, one.account_id, one.overdrawn) for one in after} == {
        ("ada", rows[0].since, "acc-ada", True),
        ("bob", rows[1].since, "acc-bob", False),
        ("cyd", rows[2].since, "acc-cyd", True),
    }


def test_a_reservation_stays_before_the_longest_seat_and_keeps_its_maker() -> None:
    rows = [row("ada", 1), row("bob", 3, minutes=5, reserved=True)]

    (bob, ada) = packed(rows, 1)

    assert (bob.member, bob.seat_no, bob.ticket, bob.expires_at) == ("bob", 1, 7, NOW)
    assert (ada.member, ada.seat_no) == ("ada", BEYOND + 1)


def test_of_two_seated_at_once_the_first_by_name_is_beyond() -> None:
    """As the plan names them (`over_tier`)."""
    rows = [row(name, number) for number, name in enumerate(("bob", "ada", "cyd"), start=1)]

    assert places(packed(rows, 2)) == {"ada": BEYOND + 1, "bob": 1, "cyd": 2}

"""On a quiet pool every store's `hold` gives what the pure `place` gives, and keeps the same wish."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idpsync.core.records import Seated
from idpsync.core.seats import Claim, Door, Ladder, Tier, WaitEntry, place
from tests.contracts.stores import CAUSE, Books, Opener
from tests.fakes.store import FakeStore
from tests.people import NOW
from tests.store.conftest import StoreOpener

LADDER = Ladder.of("max", 'premium "plus"', "standard")
NAMES = ["ada", "bob", "Zoë", "eve", "ßam", "dan", "Bob", "zed", "kim"]

tiers = st.sampled_from(LADDER.tiers)
options = st.lists(tiers, unique=True, max_size=3).map(tuple)
instants = st.integers(0, 3).map(lambda hours: NOW - timedelta(hours=hours))


@st.composite
def wait_entries(draw: st.DrawFn) -> WaitEntry:
    accepts = draw(options.filter(bool))
    return WaitEntry(
        member=f"{draw(st.sampled_from(NAMES))}-waits",
        user_name="somebody",
        wants=accepts[0],
        since=draw(instants),
        priority=draw(st.integers(0, 2)),
        owed=draw(st.booleans()),
        accepts=accepts[1:],
    )


@st.composite
def claims(draw: st.DrawFn, shapes: list[tuple[Tier, ...]]) -> Claim:
    return Claim(
        member=draw(st.sampled_from([*NAMES, *(f"{name}-waits" for name in NAMES)])),
        user_name="somebody",
        options=draw(st.sampled_from(shapes)),
        priority=draw(st.integers(0, 2)),
        door=draw(st.sampled_from([Door.JIT, Door.JIT, Door.SYNC])),
        since=draw(st.none() | instants),
        flexible=draw(st.booleans()),
        seated=draw(st.booleans()),
        because=tuple(draw(st.lists(st.sampled_from(['it\'s "so"', "100 %", "ü:name"]), max_size=2))),
    )


seats = st.fixed_dictionaries({tier: st.integers(0, 4) for tier in LADDER})
counts = st.fixed_dictionaries({tier: st.integers(0, 2) for tier in LADDER})
crowds = st.fixed_dictionaries({tier: st.integers(0, 5) for tier in LADDER})  # beyond the seats too
few_shapes = st.lists(options, min_size=1, max_size=2)  # so that the same form is asked for again
wishes = few_shapes.flatmap(lambda shapes: st.lists(claims(shapes), max_size=12))
worlds = st.tuples(seats, counts, counts | crowds, st.lists(wait_entries(), max_size=3), wishes)
World = tuple[dict[Tier, int], dict[Tier, int], dict[Tier, int], list[WaitEntry], list[Claim]]


def play(open_fresh: Opener, world: World) -> None:
    purchased, reserved, used, waiting, wishes = world
    books = Books(open_fresh, ladder=LADDER, seats=purchased, reserved=reserved)
    memory = FakeStore(LADDER, books.clock, reserved, purchased)
    told = [Seated(f"{t}-{n}", f"acc-{t}-{n}", t) for t in LADDER for n in range(used[t])]
    for store in (books.store, memory):
        store.seats.mirror(told, CAUSE)
        store.waiting.replace(waiting, CAUSE)
    for claim in wishes:
        books.clock.advance(timedelta(minutes=1))
        before = books.store.seats.pool()
        has_one = books.store.seats.holding(claim.member)
        placement = books.store.seats.hold(claim, CAUSE)
        if has_one:
            assert placement.tier == has_one.tier
        else:
            assert placement == place(before, claim)
        assert placement == memory.seats.hold(claim, CAUSE)
        assert books.store.waiting.entries() == memory.waiting.entries()
        assert books.store.seats.pool() == memory.seats.pool()
        assert books.store.ledger.entries()[-1].because == memory.ledger.entries()[-1].because


relaxed = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@relaxed
@given(world=worlds)
def test_sqlite_places_like_place(sqlite_opener: StoreOpener, world: World) -> None:
    play(sqlite_opener, world)


@pytest.mark.server
@relaxed
@given(world=worlds)
def test_postgresql_places_like_place(postgres_opener: StoreOpener, world: World) -> None:
    play(postgres_opener, world)

"""Gauges: numbers, words and the stretches of the bar."""

from hypothesis import given
from hypothesis import strategies as st

from idpsync.console.headroom import Mood, gauges
from idpsync.core.alerts import Severity
from idpsync.core.seats import SeatPool, Tier
from tests.console.scenes import wish
from tests.people import LADDER

Both = tuple[int, int]
NONE = (0, 0)


def pool(purchased: Both, assigned: Both = NONE, held: Both = NONE, reserved: Both = NONE) -> SeatPool:
    """Each argument is (premium, standard)."""
    return SeatPool(LADDER, _tiers(purchased), _tiers(assigned), _tiers(held), _tiers(reserved))


def _tiers(both: Both) -> dict[Tier, int]:
    return dict(zip(LADDER, both, strict=True))


def test_a_quiet_tier_says_what_is_free() -> None:
    premium, standard, total = gauges(pool((20, 100), (11, 64), (0, 1), (0, 2)), (), {})
    assert (premium.verdict, premium.mood, premium.kept_note) == ("9 free", Mood.CALM, "")
    assert (standard.verdict, standard.kept_note) == ("35 free", "2 reserved for logins")
    assert (total.name, total.free, total.purchased) == ("total", 44, 120)
    assert [(s.kind, s.start, s.width) for s in standard.segments] == [
        ("assigned", 0, 64),
        ("held", 64, 1),
        ("kept", 65, 2),
        ("free", 67, 33),
    ]


def test_the_last_seats_may_all_be_reserved() -> None:
    _, standard, _ = gauges(pool((0, 10), (0, 9), reserved=(0, 2)), (), {})
    assert (standard.verdict, standard.kept_note) == ("1 free", "all 1 reserved for logins")


def test_a_full_tier_is_worth_a_look_only_when_somebody_waits() -> None:
    full = pool((2, 0), (2, 0))
    assert gauges(full, (), {})[0].mood is Mood.CALM
    premium = gauges(full, (wish("bob@acme.example"),), {})[0]
    assert (premium.verdict, premium.waiting, premium.mood) == ("full", 1, Mood.WARNING)


def test_a_pool_over_its_contract_says_by_how_much_and_where() -> None:
    premium, standard, total = gauges(pool((20, 100), (22, 90), (1, 0)), (), {})
    assert (premium.verdict, premium.free, premium.mood) == ("3 over the contract", 0, Mood.WARNING)
    assert premium.beyond is not None
    assert round(premium.beyond.start + premium.beyond.width) == 100
    assert standard.beyond is None
    assert total.verdict == "10 free, 3 over the contract"
    assert "3 seats over the contract" in premium.spoken


def test_the_alert_rules_decide_how_bad_it_is() -> None:
    premium, _, total = gauges(pool((20, 1), (18, 0)), (), {"premium": Severity.CRITICAL})
    assert (premium.mood, total.mood) == (Mood.CRITICAL, Mood.CALM)


def test_no_seats_at_all_draw_an_empty_bar() -> None:
    for gauge in gauges(pool(NONE), (), {}):
        assert (gauge.verdict, gauge.segments, gauge.beyond) == ("none purchased", (), None)


SEATS = st.tuples(st.integers(0, 500), st.integers(0, 500))


@given(purchased=SEATS, assigned=SEATS, held=SEATS, reserved=SEATS)
def test_a_bar_is_filled_exactly_or_empty(
    purchased: Both, assigned: Both, held: Both, reserved: Both
) -> None:
    for gauge in gauges(pool(purchased, assigned, held, reserved), (), {}):
        end = 0.0
        for segment in gauge.segments:
            assert segment.width > 0
            assert abs(segment.start - end) < 0.01
            end = segment.start + segment.width
        assert not gauge.segments or abs(end - 100) < 0.02
        beyond = gauge.beyond
        assert beyond is None or 0 <= beyond.start <= beyond.start + beyond.width < 100.01

"""Preempt against the oracle: whoever could take a tier has taken it, and nobody yielded for nothing."""

from hypothesis import given, settings

from tests.core.oracle import left_to_take
from tests.core.small_worlds import Case, cases, decided


@settings(max_examples=1500, deadline=None)
@given(cases(leave=True, preempt=True))
def test_with_preempt_nothing_is_left_to_take(case: Case) -> None:
    office, placement = decided(case)

    assert left_to_take(office, placement) is None

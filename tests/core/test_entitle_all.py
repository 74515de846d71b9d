"""Many people at once are entitled to what each of them is by themselves."""

from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.model import fold, fold_all
from idpsync.core.policy import GroupRule, Policy, WhenFull, WithoutRule
from idpsync.core.seats import Ladder
from tests.people import group

LADDER3 = Ladder.of("gold", "silver", "bronze")
GROUPS = tuple("abcde")
NAMES = tuple("pqrs")

rules = st.builds(
    GroupRule,
    group=st.sampled_from(GROUPS),
    tier=st.sampled_from([*LADDER3.tiers, None]),
    seatless=st.just(False),
    role=st.sampled_from([None, None, "owner", "admin", "user", "auditor", "writer"]),
    priority=st.integers(-1, 2),
    when_full=st.sampled_from([None, *WhenFull]),
)
seatless = st.builds(GroupRule, group=st.sampled_from(GROUPS), seatless=st.just(True))


@settings(max_examples=400, deadline=None)
@given(
    st.lists(rules | seatless, max_size=7),
    st.dictionaries(st.sampled_from(GROUPS), st.lists(st.sampled_from(NAMES), unique=True)),
    st.sampled_from(WithoutRule),
)
def test_all_at_once_and_one_by_one_are_the_same(
    ruled: list[GroupRule], members: dict[str, list[str]], without: WithoutRule
) -> None:
    policy = Policy(LADDER3, tuple(ruled), without_rule=without)
    groups = [group(name, people) for name, people in members.items()]

    found = policy.entitle_all(groups)

    named = {rule.group for rule in ruled}
    for name in NAMES:
        mine = {g for g, people in members.items() if name in people}
        assert (f"id-{name}" in found) == bool(mine & named)
        assert found.get(f"id-{name}", policy.entitle(set())) == policy.entitle(mine)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.text("aÁß |\n\u00a0\u0301İ"), max_size=4))
def test_names_folded_together_are_folded_apart(names: list[str]) -> None:
    assert fold_all(names) == [fold(name) for name in names]

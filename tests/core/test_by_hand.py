"""What a plan makes of tiers given by hand, of pending invites, and of more people than seats."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from idpsync.core.contract import Item, reshaped
from idpsync.core.explain import Explanation, explain_user
from idpsync.core.explanation_report import explanation_json
from idpsync.core.guard import GuardReport
from idpsync.core.model import Coverage, Standing
from idpsync.core.plan import CreateAccount, ReactivateAccount
from idpsync.core.planner import plan
from idpsync.core.policy import Policy, WithoutRule
from idpsync.core.report import plan_json
from idpsync.core.seats import Door, Holding, WaitEntry
from idpsync.core.world import World, has_seat
from tests.core.test_planner import EMPTY, read, steps
from tests.core.test_planner_properties import TIERS, carry_out, policies, worlds
from tests.people import (
    LADDER,
    NOW,
    POLICY,
    PREMIUM,
    STANDARD,
    account,
    given,
    group,
    invite,
    snapshot,
    world,
)

FREE = Policy(ladder=LADDER)
CLOSED = replace(FREE, without_rule=WithoutRule.NONE)


# --- tiers given by hand ------------------------------------------------------------------------------


def test_a_tier_given_by_hand_is_what_they_get_where_no_rule_says_another() -> None:
    made = plan(world(snapshot(["ada", "bob"]), assignments=[given("ada", STANDARD)]), FREE)

    assert steps(made) == ["create ada standard", "create bob premium"]
    assert made.waiting == ()
    assert made.actions[0].because == ("standard by hand (cli:root)",)


def test_a_rule_with_a_tier_counts_more_than_a_hand() -> None:
    made = plan(world(read("ada", premium="ada"), assignments=[given("ada", STANDARD)]), POLICY)

    assert steps(made) == ["create ada premium"]


def test_whom_policy_would_not_admit_is_admitted_by_hand() -> None:
    people = snapshot(["ada", "bob"])

    made = plan(
        world(people, [account("ada"), account("bob")], assignments=[given("ada", STANDARD)]), CLOSED
    )

    assert steps(made) == ["deactivate bob"]


def test_whoever_was_given_no_seat_by_hand_stays_without_one() -> None:
    here = world(
        snapshot(["ada", "bob"]),
        [account("ada", None)],
        assignments=[given("ada", None), given("bob", None)],
    )

    made = plan(here, FREE)

    assert steps(made) == ["create bob None"]
    assert made.waiting == ()


def test_a_tier_by_hand_is_waited_for_when_it_is_full() -> None:
    here = world(
        snapshot(["ada"]),
        [account("ada", None)],
        assignments=[given("ada", PREMIUM)],
        seats={PREMIUM: 0, STANDARD: 5},
    )

    assert [(w.user_name, w.wants) for w in plan(here, FREE).waiting] == [("ada@acme.example", PREMIUM)]


def test_a_hand_is_not_followed_while_a_rule_may_be_out_of_sight() -> None:
    unread = [group("Premium", None, Coverage.FAILED), group("Users", ()), *EMPTY]
    policy = replace(POLICY, without_rule=WithoutRule.HIGHEST_AVAILABLE)

    here = snapshot(["ada", "bob"], unread)
    by_hand = [given("ada", STANDARD), given("bob", None)]
    made = plan(world(here, [account("bob", PREMIUM)], assignments=by_hand), policy)

    assert steps(made) == []


# --- invites ------------------------------------------------------------------------------------------


def reserved(name: str, tier: object = STANDARD) -> Holding:
    until = NOW + timedelta(days=21)
    return Holding(f"{name}@acme.example", tier, Door.MANUAL, NOW, expires_at=until)  # type: ignore[arg-type]


def test_whoever_is_invited_and_in_the_directory_gets_the_seat_of_the_invite_and_its_role() -> None:
    here = world(
        snapshot(["ada"]),
        holdings=[reserved("ada")],
        invites=[invite("ada", STANDARD, role="admin")],
        seats={PREMIUM: 5, STANDARD: 1},
    )

    made = plan(here, FREE)

    assert steps(made) == ["create ada standard"]
    created = made.actions[0]
    assert isinstance(created, CreateAccount)
    assert created.roles == {"admin"}
    assert created.because[-1] == "invited by cli:root: standard, admin"
    assert (made.pool_after.held[STANDARD], made.pool_after.assigned[STANDARD]) == (0, 1)


def test_an_invited_person_who_was_switched_off_comes_back_with_the_role_of_the_invite() -> None:
    here = world(
        snapshot(["ada"]),
        [account("ada", None, standing=Standing.DEACTIVATED)],
        holdings=[reserved("ada")],
        invites=[invite("ada", role="user")],
    )

    made = plan(here, FREE)

    assert steps(made) == ["reactivate ada standard"]
    back = made.actions[0]
    assert isinstance(back, ReactivateAccount)
    assert back.roles == frozenset()


def test_an_invite_alone_does_not_make_the_run_admit_whom_policy_does_not() -> None:
    here = world(snapshot(["ada"]), holdings=[reserved("ada")], invites=[invite("ada")])

    assert steps(plan(here, CLOSED)) == []


def test_a_seat_the_target_has_lost_does_not_count_as_a_reservation_that_is_used_up() -> None:
    booked = replace(reserved("ada"), account_id="acc-ada", expires_at=None)

    made = plan(world(snapshot(["ada"]), holdings=[booked]), FREE)

    assert {tier: made.pool_after.held[tier] for tier in LADDER} == {PREMIUM: 0, STANDARD: 0}


# --- debts of exchanges by hand -----------------------------------------------------------------------


def owed(name: str, tier: object = PREMIUM) -> WaitEntry:
    member = f"{name}@acme.example"
    return WaitEntry(member, member, tier, NOW, owed=True, accepts=(tier,))  # type: ignore[arg-type]


def test_what_somebody_outside_the_directory_gave_up_by_hand_is_given_back() -> None:
    here = world(
        snapshot(["zoe"]),
        [account("ada", None), account("zoe", STANDARD)],
        links=[],
        waiting=[owed("ada")],
        seats={PREMIUM: 1, STANDARD: 1},
    )

    made = plan(here, FREE)

    assert steps(made) == ["ada None→premium"]
    assert [entry.member for entry in made.granted] == ["ada@acme.example"]
    assert made.waiting == ()


def test_a_debt_comes_before_newcomers_and_waits_while_nothing_is_free() -> None:
    here = world(
        snapshot(["zoe"]),
        [account("ada", None)],
        links=[],
        waiting=[owed("ada")],
        seats={PREMIUM: 1, STANDARD: 0},
    )
    assert steps(plan(here, FREE)) == ["ada None→premium"]

    full = replace(here, purchased={PREMIUM: 0, STANDARD: 0})
    assert steps(plan(full, FREE)) == []
    assert "ada@acme.example" in [entry.member for entry in plan(full, FREE).waiting]


def test_the_seat_kept_for_somebody_amid_an_exchange_is_the_one_they_get() -> None:
    here = world(
        snapshot(["zoe"]),
        [account("ada", None)],
        links=[],
        waiting=[owed("ada")],
        holdings=[reserved("ada", STANDARD)],
        seats={PREMIUM: 1, STANDARD: 1},
    )

    made = plan(here, FREE)

    assert steps(made) == ["ada None→standard", "create zoe premium"]
    assert (made.pool_after.held[STANDARD], made.pool_after.assigned[STANDARD]) == (0, 1)


@pytest.mark.parametrize("standing", [Standing.DEACTIVATED, Standing.ACTIVE])
def test_a_debt_ends_with_the_account_or_with_a_seat(standing: Standing) -> None:
    tier = None if standing is Standing.DEACTIVATED else STANDARD
    here = world(
        snapshot(["zoe"]), [account("ada", tier, standing=standing)], links=[], waiting=[owed("ada")]
    )

    made = plan(here, FREE)

    assert steps(made) == ["create zoe premium"]
    assert made.waiting == ()


# --- more people than seats ---------------------------------------------------------------------------


def crowded() -> World:
    """Three sit in one standard seat; Cyd came last."""
    hours = {"ada": 1, "bob": 3, "cyd": 2}
    return world(
        read("ada bob cyd"),
        [account(name) for name in hours],
        holdings=[
            Holding(f"{name}@acme.example", STANDARD, Door.SYNC, NOW + timedelta(hours=n), f"acc-{name}")
            for name, n in hours.items()
        ],
        seats={PREMIUM: 0, STANDARD: 1},
    )


def test_people_beyond_what_was_bought_are_told_the_newest_first_and_left_alone() -> None:
    made = plan(crowded(), POLICY)

    assert steps(made) == []
    (over,) = made.over
    assert (over.tier, over.purchased, over.assigned, over.held) == (STANDARD, 1, 3, 0)
    assert over.people == ("bob@acme.example", "cyd@acme.example")
    assert str(over).startswith("standard: 3 people sit in 1 seat; nobody loses access")
    assert plan_json(made, GuardReport(), "acme")["over"] == [
        {
            "tier": "standard",
            "purchased": 1,
            "assigned": 3,
            "held": 0,
            "people": ["bob@acme.example", "cyd@acme.example"],
        }
    ]


def test_a_seat_the_book_does_not_know_yet_is_the_newest() -> None:
    here = crowded()
    known = tuple(h for h in here.holdings if not h.member.startswith("ada"))

    assert plan(replace(here, holdings=known), POLICY).over[0].people == (
        "bob@acme.example",
        "cyd@acme.example",
    )
    later = tuple(replace(h, since=NOW - timedelta(days=1)) for h in known)
    assert plan(replace(here, holdings=later), POLICY).over[0].people[0] == "ada@acme.example"


def test_who_leaves_in_the_same_plan_is_not_counted_among_those_beyond() -> None:
    here = replace(crowded(), snapshot=read("ada bob"))

    made = plan(here, POLICY)

    assert steps(made) == ["deactivate cyd"]
    assert [over.people for over in made.over] == [("bob@acme.example",)]


def test_reserved_seats_count_and_are_told() -> None:
    here = crowded()
    kept = replace(here, holdings=(*here.holdings, reserved("zoe")), purchased={PREMIUM: 0, STANDARD: 3})

    (over,) = plan(kept, POLICY).over

    assert (over.assigned, over.held, over.people) == (3, 1, ("bob@acme.example",))
    assert "3 people sit in 3 seats and 1 more is reserved" in str(over)


def test_nothing_is_over_where_there_is_room() -> None:
    assert plan(replace(crowded(), purchased={PREMIUM: 0, STANDARD: 3}), POLICY).over == ()


def test_the_digest_does_not_change_with_what_is_over() -> None:
    roomy = replace(crowded(), purchased={PREMIUM: 0, STANDARD: 3})

    assert plan(crowded(), POLICY).digest == plan(roomy, POLICY).digest


@settings(max_examples=200, deadline=None)
@for_all(
    worlds(),
    policies(),
    st.lists(
        st.tuples(st.sampled_from(TIERS), st.sampled_from([None, *TIERS]), st.integers(1, 3)), max_size=3
    ),
)
def test_a_purchase_or_an_upgrade_never_changes_who_is_in(
    here: World, policy: Policy, wanted: list[tuple[object, object, int]]
) -> None:
    items: list[Item] = []
    for tier, left, number in wanted:
        item = Item(tier, number, left)  # type: ignore[arg-type]
        seats = reshaped(here.purchased, [*items, item])
        if item.upgraded_from is None or (item.upgraded_from > item.tier and min(seats.values()) >= 0):
            items.append(item)
    bought = replace(here, purchased=reshaped(here.purchased, items))
    was_in = {a.id for a in here.accounts if has_seat(a)}

    before, after = plan(here, policy), plan(bought, policy)

    stay = {a.id for a in carry_out(here, before).accounts if has_seat(a)} & was_in
    assert stay <= {a.id for a in carry_out(bought, after).accounts if has_seat(a)}
    for tier in TIERS:
        told = {over.tier: over for over in after.over}.get(tier)
        assert max(0, -after.pool_after.balance(tier)) == (len(told.people) if told else 0)
        sit = {a.user_name for a in carry_out(bought, after).accounts if has_seat(a) and a.tier == tier}
        assert set(told.people if told else ()) <= sit


# --- told of one person -------------------------------------------------------------------------------


def explained(name: str, here: World, policy: Policy = FREE) -> Explanation:
    return explain_user(f"{name}@acme.example", here, policy, plan(here, policy))


def test_explain_says_that_a_tier_is_by_hand_and_whether_it_holds() -> None:
    here = world(snapshot(["ada"]), [account("ada")], assignments=[given("ada", STANDARD)])
    why = explained("ada", here)
    assert why.entitlement.because == ("standard by hand (cli:root)",)
    assert why.notes == ("standard was given by hand by cli:root on 2026-03-01",)

    ruled = explained("ada", replace(here, snapshot=read("ada", premium="ada")), POLICY)
    assert ruled.entitlement.options == (PREMIUM, STANDARD)
    assert any("but a rule with a tier counts for more" in note for note in ruled.notes)


def test_explain_knows_somebody_who_is_only_invited() -> None:
    why = explained("zoe", world(snapshot(["ada"]), invites=[invite("zoe", PREMIUM, role="admin")]))

    assert why.known
    said = "an invite is pending: premium as admin, by cli:root, until 2026-03-22 10:00 UTC"
    assert said in why.notes
    assert explanation_json(why, ())["invite"] == {
        "tier": "premium",
        "role": "admin",
        "invited_by": "cli:root",
        "expires_at": "2026-03-22T10:00:00Z",
    }
    assert not explained("yan", world(snapshot(["ada"]), invites=[invite("zoe")])).known

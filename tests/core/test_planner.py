"""What one plan decides, case by case."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.model import Coverage, DirectorySnapshot, Standing
from idpsync.core.plan import (
    ChangeRoles,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    Plan,
    ReactivateAccount,
    UpdateProfile,
)
from idpsync.core.planner import plan
from idpsync.core.policy import GroupRule, LeaverAction, Mode, Policy, WhenFull, WithoutRule
from idpsync.core.seats import Door, Holding, Ladder, WaitEntry
from tests.people import (
    LADDER,
    NOW,
    POLICY,
    PREMIUM,
    RULES,
    STANDARD,
    account,
    group,
    link,
    person,
    profile,
    snapshot,
    world,
)

EMPTY = [group("Contractors", ()), group("Admins", ())]


def read(people: str, premium: str = "", users: str | None = None) -> DirectorySnapshot:
    """`read("ada bob", premium="ada")`: everybody is in Users unless `users` says who."""
    return snapshot(
        people.split(),
        [
            group("Premium", premium.split()),
            group("Users", (people if users is None else users).split()),
            *EMPTY,
        ],
    )


def steps(made: Plan) -> list[str]:
    """The actions as short sentences."""
    said = []
    for action in made.actions:
        name = action.profile.user_name.partition("@")[0]
        match action:
            case CreateAccount(tier=tier):
                said.append(f"create {name} {tier}")
            case ReactivateAccount(tier=tier):
                said.append(f"reactivate {name} {tier}")
            case ChangeTier(previous_tier=left, tier=to):
                said.append(f"{name} {left}→{to}")
            case DeactivateAccount():
                said.append(f"deactivate {name}")
            case DeleteAccount():
                said.append(f"delete {name}")
            case UpdateProfile(changed=changed):
                said.append(f"update {name} {','.join(changed)}")
            case ChangeRoles(roles=roles):
                said.append(f"roles {name} {','.join(sorted(roles))}")
    return said


def test_newcomers_get_the_tier_of_their_group_and_the_rest_spill_down() -> None:
    made = plan(world(read("ada bob cy", premium="ada bob"), seats={PREMIUM: 1, STANDARD: 5}), POLICY)

    assert steps(made) == ["create ada premium", "create bob standard", "create cy standard"]
    assert [(w.user_name, w.wants, w.holds) for w in made.waiting] == [
        ("bob@acme.example", PREMIUM, STANDARD)
    ]
    assert "premium is full (1 of 1)" in made.waiting[0].because


def test_wait_policy_gives_nothing_lower() -> None:
    policy = replace(POLICY, when_full=WhenFull.WAIT)
    made = plan(world(read("ada bob", premium="ada bob"), seats={PREMIUM: 1, STANDARD: 5}), policy)

    assert steps(made) == ["create ada premium"]
    assert [(w.wants, w.holds) for w in made.waiting] == [(PREMIUM, None)]


def test_a_leaver_makes_room_in_the_same_plan() -> None:
    made = plan(
        world(read("bob", premium="bob"), [account("ada", PREMIUM)], seats={PREMIUM: 1, STANDARD: 0}),
        POLICY,
    )

    assert steps(made) == ["deactivate ada", "create bob premium"]


def test_full_tiers_exchange_people_and_nobody_else_can_take_the_seat() -> None:
    """Ada may no longer be premium, Bob may; both tiers are full."""
    made = plan(
        world(
            read("ada bob cy", premium="bob"),
            [account("ada", PREMIUM), account("bob", STANDARD), account("cy", STANDARD)],
            seats={PREMIUM: 1, STANDARD: 2},
        ),
        POLICY,
    )

    assert steps(made) == ["ada premium→None", "bob standard→premium", "ada None→standard"]
    given_up, promoted, _ = (a for a in made.actions if isinstance(a, ChangeTier))
    assert given_up.yields_to == "bob@acme.example"
    assert promoted.yields_to == "ada@acme.example"


def test_a_ring_of_three_full_tiers_turns() -> None:
    ladder = Ladder.of("gold", "silver", "bronze")
    gold, silver, bronze = ladder.tiers
    policy = Policy(
        ladder=ladder,
        rules=(GroupRule("G", gold), GroupRule("S", silver), GroupRule("B", bronze)),
        when_full=WhenFull.WAIT,
    )
    made = plan(
        world(
            snapshot(
                ["ada", "bob", "cy"],
                [group("G", ["bob"]), group("S", ["cy"]), group("B", ["ada"])],
            ),
            [account("ada", gold), account("bob", silver), account("cy", bronze)],
            seats={gold: 1, silver: 1, bronze: 1},
        ),
        policy,
    )

    assert steps(made) == ["ada gold→None", "bob silver→gold", "cy bronze→silver", "ada None→bronze"]
    assert made.waiting == ()


def test_nobody_is_put_out_because_the_lower_tier_is_full() -> None:
    made = plan(
        world(
            read("ada bob"),
            [account("ada", PREMIUM), account("bob", STANDARD)],
            seats={PREMIUM: 1, STANDARD: 1},
        ),
        POLICY,
    )

    assert steps(made) == []
    assert [(w.user_name, w.wants, w.holds) for w in made.waiting] == [
        ("ada@acme.example", STANDARD, PREMIUM)
    ]


def test_order_is_priority_then_how_long_then_id() -> None:
    waiting = [
        WaitEntry("dan@acme.example", "dan@acme.example", PREMIUM, NOW - timedelta(days=2)),
        WaitEntry("cy@acme.example", "cy@acme.example", PREMIUM, NOW - timedelta(days=1)),
    ]
    policy = Policy(
        ladder=LADDER,
        rules=(GroupRule("Boss", PREMIUM, priority=5), GroupRule("Premium", PREMIUM)),
        when_full=WhenFull.WAIT,
    )
    for seats, expected in ((1, "eve"), (2, "eve dan"), (3, "eve dan cy"), (4, "eve dan cy ada")):
        made = plan(
            world(
                snapshot(
                    ["ada", "bob", "cy", "dan", "eve"],
                    [group("Premium", ["ada", "bob", "cy", "dan"]), group("Boss", ["eve"])],
                ),
                seats={PREMIUM: seats, STANDARD: 0},
                waiting=waiting,
            ),
            policy,
        )
        assert [f"create {name} premium" for name in expected.split()] == steps(made)


def test_the_wait_list_keeps_how_long_somebody_waits() -> None:
    since = NOW - timedelta(days=3)
    entry = WaitEntry("bob@acme.example", "bob@acme.example", PREMIUM, since)
    made = plan(
        world(read("bob", premium="bob"), seats={PREMIUM: 0, STANDARD: 0}, waiting=[entry]), POLICY
    )

    assert [since] == [w.since for w in made.waiting]


def test_the_reserve_is_left_for_logins() -> None:
    made = plan(world(read("ada bob"), seats={PREMIUM: 0, STANDARD: 2}, reserved={STANDARD: 1}), POLICY)

    assert steps(made) == ["create ada standard"]
    assert "the last 1 standard seats are kept for logins" in made.waiting[0].because


def test_a_seat_held_by_a_login_on_its_way_is_counted_once() -> None:
    held = Holding("cy@acme.example", STANDARD, Door.JIT, NOW)
    busy = world(read("ada bob"), seats={PREMIUM: 0, STANDARD: 2}, holdings=[held])
    made = plan(busy, POLICY)
    assert steps(made) == ["create ada standard"]
    assert (made.pool_after.held[STANDARD], made.pool_after.assigned[STANDARD]) == (1, 1)

    same = plan(replace(busy, snapshot=read("ada bob cy")), POLICY)
    assert steps(same) == ["create ada standard", "create cy standard"]
    assert (same.pool_after.held[STANDARD], same.pool_after.assigned[STANDARD]) == (0, 2)


def test_contractors_are_members_without_a_seat() -> None:
    groups = [group("Premium", ()), group("Users", ()), group("Contractors", ["ada", "bob"]), EMPTY[1]]
    made = plan(world(snapshot(["ada", "bob"], groups), [account("bob", STANDARD)]), POLICY)

    assert steps(made) == ["bob standard→None", "create ada None"]


def test_roles_add_up_and_foreign_roles_are_left_alone() -> None:
    groups = [group("Premium", ()), group("Users", ["ada"]), EMPTY[0], group("Admins", ["ada"])]
    made = plan(
        world(
            snapshot(["ada", "bob"], groups),
            [account("ada", roles=["auditor"]), account("bob", roles=["admin", "x"])],
        ),
        replace(POLICY, without_rule=WithoutRule.HIGHEST_AVAILABLE),
    )

    assert steps(made) == ["roles ada admin,auditor", "roles bob x"]


@pytest.mark.parametrize("lost", [Coverage.PARTIAL, Coverage.SUSPECT, Coverage.FAILED, Coverage.GONE])
def test_nothing_is_taken_on_a_group_read_that_is_not_complete(lost: Coverage) -> None:
    groups = [group("Premium", None, lost), group("Users", ["ada", "bob"]), *EMPTY]
    made = plan(
        world(snapshot(["ada", "bob"], groups), [account("ada", PREMIUM), account("bob", PREMIUM)]),
        POLICY,
    )

    assert steps(made) == []


@pytest.mark.parametrize("lost", [Coverage.PARTIAL, Coverage.SUSPECT, Coverage.FAILED, Coverage.GONE])
def test_absence_means_nothing_when_the_people_were_not_read_whole(lost: Coverage) -> None:
    groups = [group("Premium", ["ada"]), group("Users", ["ada"]), *EMPTY]
    made = plan(
        world(snapshot(["ada"], groups, lost), [account("ada", PREMIUM), account("bob", STANDARD)]),
        POLICY,
    )

    assert steps(made) == []
    assert made.departures == ()


def test_nobody_is_lowered_when_the_people_were_not_read_whole() -> None:
    here = snapshot(["ada"], [group("Premium", ()), group("Users", ["ada"]), *EMPTY], Coverage.PARTIAL)

    assert steps(plan(world(here, [account("ada", PREMIUM)]), POLICY)) == []


def test_roles_are_only_added_when_a_group_could_not_be_read() -> None:
    groups = [group("Premium", None, Coverage.FAILED), group("Users", ["ada"]), EMPTY[0]]
    here = snapshot(["ada"], [*groups, group("Admins", ())])

    assert steps(plan(world(here, [account("ada", roles=["admin"])]), POLICY)) == []


def test_a_seat_that_is_being_moved_to_is_not_counted_beside_the_one_held() -> None:
    moving = Holding("ada@acme.example", PREMIUM, Door.SYNC, NOW, "acc-ada", moving=True)
    made = plan(
        world(read("ada", premium="ada"), [account("ada")], holdings=[moving], seats={PREMIUM: 1}),
        POLICY,
    )

    assert steps(made) == ["ada standard→premium"]


def test_a_wish_that_was_not_seen_keeps_its_place() -> None:
    since = NOW - timedelta(days=3)
    entry = WaitEntry("bob@acme.example", "bob@acme.example", PREMIUM, since, holds=STANDARD)
    gone = [group("Premium", None, Coverage.FAILED), group("Users", ["bob"]), *EMPTY]
    for here in (snapshot(["bob"], gone), snapshot(["ada"], gone, Coverage.PARTIAL)):
        made = plan(world(here, [account("bob")], waiting=[entry]), POLICY)
        assert [(w.wants, w.since) for w in made.waiting] == [(PREMIUM, since)]


def test_a_group_that_vanished_forbids_removals_of_absent_people_too() -> None:
    groups = [group("Users", ["ada"]), *EMPTY]
    made = plan(world(snapshot(["ada"], groups), [account("ada"), account("bob")]), POLICY)

    assert steps(made) == []


def test_additions_go_on_when_another_group_could_not_be_read() -> None:
    groups = [group("Premium", None, Coverage.FAILED), group("Users", ["ada", "bob"]), *EMPTY]
    made = plan(world(snapshot(["ada", "bob"], groups), [account("ada", PREMIUM)]), POLICY)

    assert steps(made) == ["create bob standard"]


def test_somebody_disabled_is_deactivated_though_a_group_was_not_read() -> None:
    groups = [group("Premium", None, Coverage.FAILED), group("Users", ["ada"]), *EMPTY]
    gone = snapshot([person("ada", active=False)], groups)

    assert steps(plan(world(gone, [account("ada")]), POLICY)) == ["deactivate ada"]


@pytest.mark.parametrize("coverage", [Coverage.PARTIAL, Coverage.SUSPECT, Coverage.FAILED])
def test_nobody_is_deactivated_on_a_read_that_is_not_believed(coverage: Coverage) -> None:
    """A listing without somebody who must be there may be that of another directory."""
    gone = snapshot([person("ada", active=False)], [group("Users", ["ada"]), *EMPTY], coverage)

    assert steps(plan(world(gone, [account("ada")]), POLICY)) == []


def test_somebody_whose_state_is_unknown_is_neither_granted_nor_taken_from() -> None:
    unknown = [person("ada", active=None), person("bob", active=None)]
    groups = [group("Premium", ()), group("Users", ["ada"]), *EMPTY]

    assert steps(plan(world(snapshot(unknown, groups), [account("bob", PREMIUM)]), POLICY)) == []


def test_leavers_wait_for_their_grace_and_then_go_as_configured() -> None:
    policy = replace(POLICY, leaver_grace=timedelta(hours=48))
    here = read("bob")
    first = plan(world(here, [account("ada"), account("bob")]), policy)
    assert steps(first) == []
    assert [(d.account_id, d.since) for d in first.departures] == [("acc-ada", NOW)]

    later = [link("ada", missing_since=NOW - timedelta(hours=49)), link("bob")]
    for action, step in (
        (LeaverAction.DEACTIVATE, "deactivate ada"),
        (LeaverAction.DELETE, "delete ada"),
        (LeaverAction.RELEASE_SEAT, "ada standard→None"),
    ):
        again = world(here, [account("ada"), account("bob")], links=later)
        assert [step] == steps(plan(again, replace(policy, leaver_action=action)))


def test_protected_accounts_are_never_touched() -> None:
    policy = replace(POLICY, protected=frozenset({"ada@acme.example", "owner@acme.example"}))
    made = plan(world(read("ada"), [account("ada", PREMIUM), account("owner", PREMIUM)]), policy)

    assert steps(made) == []


def test_accounts_nobody_linked_are_orphans_and_stay() -> None:
    made = plan(world(read("ada"), [account("ada"), account("ghost")], links=[link("ada")]), POLICY)

    assert steps(made) == []
    assert made.orphans == ("ghost@acme.example",)


def test_a_tier_is_not_lowered_before_min_hold_is_over() -> None:
    fresh = Holding("ada@acme.example", PREMIUM, Door.SYNC, NOW - timedelta(hours=1), "acc-ada")
    old = replace(fresh, since=NOW - timedelta(hours=25))

    for holding, expected in ((fresh, []), (old, ["ada premium→standard"])):
        made = plan(world(read("ada"), [account("ada", PREMIUM)], holdings=[holding]), POLICY)
        assert expected == steps(made)


def test_what_a_login_gave_is_kept_when_logins_ignore_the_rules() -> None:
    given = Holding("ada@acme.example", PREMIUM, Door.JIT, NOW - timedelta(days=9), "acc-ada")
    here = world(read("ada"), [account("ada", PREMIUM)], holdings=[given])

    assert steps(plan(here, POLICY)) == ["ada premium→standard"]
    assert steps(plan(here, replace(POLICY, login_tier_sticks=True))) == []


def test_people_without_a_rule_take_what_is_free_and_keep_what_they_have() -> None:
    policy = Policy(ladder=LADDER)
    made = plan(
        world(
            snapshot(["ada", "bob", "cy"]), [account("cy", STANDARD)], seats={PREMIUM: 1, STANDARD: 2}
        ),
        policy,
    )
    assert steps(made) == ["create ada premium", "create bob standard"]
    assert made.waiting == ()

    lowest = replace(policy, without_rule=WithoutRule.LOWEST_AVAILABLE)
    assert steps(plan(world(snapshot(["ada"])), lowest)) == ["create ada standard"]
    nobody = replace(policy, without_rule=WithoutRule.NONE)
    assert steps(plan(world(snapshot(["ada"])), nobody)) == []


def test_a_foreign_domain_is_refused_with_its_reason() -> None:
    policy = replace(POLICY, verified_domains=frozenset({"other.example"}))
    made = plan(world(read("ada bob"), [account("bob")]), policy)

    assert steps(made) == []
    assert [(r.user_name, r.reason) for r in made.refused] == [
        ("ada@acme.example", "domain_not_verified")
    ]


def test_modes_filter_what_a_plan_may_contain() -> None:
    here = world(
        read("ada bob", premium="bob"),
        [account("ada", PREMIUM), account("cy"), account("bob", standing=Standing.DEACTIVATED)],
        seats={PREMIUM: 3, STANDARD: 5},
    )
    full = ["deactivate cy", "ada premium→standard", "reactivate bob premium"]
    for mode, expected in (
        (Mode.FULL, full),
        (Mode.OBSERVE, full),
        (Mode.NO_REMOVALS, ["reactivate bob premium"]),
        (Mode.CREATE_ONLY, []),
    ):
        assert expected == steps(plan(here, replace(POLICY, mode=mode)))


def test_an_organisation_over_its_contract_keeps_its_people_and_gains_nobody() -> None:
    made = plan(
        world(
            read("ada bob cy dan", users="ada bob cy dan"),
            [account("ada"), account("bob"), account("cy")],
            seats={PREMIUM: 0, STANDARD: 2},
        ),
        POLICY,
    )

    assert steps(made) == []
    assert "standard is full (3 of 2)" in made.waiting[0].because


def test_an_upgraded_seat_is_no_room_for_one_more() -> None:
    made = plan(
        world(
            read("ada bob dan", premium="dan"),
            [account("ada"), account("bob")],
            seats={PREMIUM: 1, STANDARD: 1},
        ),
        POLICY,
    )

    assert steps(made) == []
    [dan] = made.waiting
    assert "premium has room, but 2 people sit in 2 seats of all tiers together" in dan.because


def test_a_renamed_person_keeps_the_account() -> None:
    renamed = replace(person("ada"), profile=profile("adele"))
    groups = [group("Premium", ()), group("Users", ["ada"]), *EMPTY]
    made = plan(world(snapshot([renamed], groups), [account("ada")]), POLICY)

    assert steps(made) == ["update adele user_name,email,given_name,display_name"]


def test_what_will_be_written_is_in_the_digest() -> None:
    renamed = replace(person("ada"), profile=replace(profile("ada"), given_name="Mallory"))
    groups = [group("Premium", ()), group("Users", ["ada"]), *EMPTY]
    ada, mallory = (
        plan(world(snapshot([who], groups)), POLICY).digest for who in (person("ada"), renamed)
    )

    assert ada != mallory


def test_a_newcomer_waits_until_every_group_that_rules_name_is_read() -> None:
    """What they may have could be less than what people without a rule get."""
    groups = [group("Contractors", None, Coverage.FAILED), group("Premium", ()), group("Users", ())]
    made = plan(world(snapshot(["ada"], [*groups, EMPTY[1]])), POLICY)

    assert steps(made) == []


@pytest.mark.parametrize("without", [WithoutRule.NONE, WithoutRule.HIGHEST_AVAILABLE])
def test_a_wish_outlives_reads_that_decide_nothing(without: WithoutRule) -> None:
    since = NOW - timedelta(days=5)
    entry = WaitEntry("bob@acme.example", "bob@acme.example", PREMIUM, since)
    unread = [group("Premium", None, Coverage.FAILED), group("Users", ()), *EMPTY]
    silent = [group("Premium", ["bob"]), group("Users", ()), *EMPTY]
    for here in (
        snapshot(["bob"], unread),
        snapshot([person("bob", active=None)], silent),
        snapshot(["bob", replace(person("bob"), external_id="id-twin")], silent),
    ):
        busy = world(here, seats={PREMIUM: 0, STANDARD: 0}, waiting=[entry])
        made = plan(busy, replace(POLICY, without_rule=without))
        assert [(w.member, w.since) for w in made.waiting] == [("bob@acme.example", since)]


def test_those_who_are_granted_a_seat_keep_their_place_until_it_is_done() -> None:
    since = NOW - timedelta(days=5)
    entry = WaitEntry("ada@acme.example", "ada@acme.example", PREMIUM, since)
    made = plan(world(read("ada bob", premium="ada"), [account("bob")], waiting=[entry]), POLICY)

    assert [(g.member, g.wants, g.since) for g in made.granted] == [("ada@acme.example", PREMIUM, since)]
    assert made.waiting == ()


def test_the_digest_depends_on_the_actions_alone() -> None:
    here = world(read("ada bob"))
    first, later = plan(here, POLICY), plan(replace(here, now=NOW + timedelta(hours=1)), POLICY)
    other = plan(world(read("ada")), POLICY)

    assert first.digest == later.digest != other.digest
    assert first.digest.startswith("sha256:")


def test_which_rule_decided_is_told() -> None:
    entitlement = POLICY.entitle({"Premium", "Users", "Admins"})

    assert entitlement.ceiling == PREMIUM
    assert {"admin"} == entitlement.roles
    assert entitlement.because == ("group 'Premium' → premium", "group 'Admins' → role admin")
    assert Policy(ladder=LADDER, rules=RULES).entitle({"Contractors"}).options == ()

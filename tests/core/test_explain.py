"""Why somebody has what they have: one test for every outcome, the refused and the waiting included."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given as given_by
from hypothesis import settings
from hypothesis import strategies as st

from idpsync.core.explain import Explanation, explain_user
from idpsync.core.explanation_report import explanation_json
from idpsync.core.guard import GuardReport, LimitCheck
from idpsync.core.model import (
    ADMIN,
    OWNER,
    Coverage,
    DirectorySnapshot,
    DirectoryUser,
    Link,
    Profile,
    Standing,
)
from idpsync.core.plan import ChangeTier, CreateAccount, DeactivateAccount, Plan
from idpsync.core.planner import plan
from idpsync.core.policy import GroupRule, LeaverAction, Mode, Policy, WhenFull, WithoutRule
from idpsync.core.scene import Finding
from idpsync.core.seats import Door, Holding, Tier, WaitEntry
from idpsync.core.world import World
from tests.core.test_planner_properties import NAMES, policies, worlds
from tests.people import (
    LADDER,
    NOW,
    POLICY,
    PREMIUM,
    SOURCE,
    STANDARD,
    account,
    given,
    group,
    invite,
    link,
    person,
    snapshot,
    world,
)

STRICT = replace(POLICY, without_rule=WithoutRule.NONE)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def read(
    premium: str = "", users: str = "", *others: DirectoryUser | str, **groups: str
) -> DirectorySnapshot:
    """A whole read: people of Premium and of Users, and `others` in no group or in one of `groups`."""
    members = {"Premium": premium, "Users": users, "Contractors": "", "Admins": "", **groups}
    known = {other.external_id for other in others if isinstance(other, DirectoryUser)}
    named = {name for names in members.values() for name in names.split()}
    named = {name for name in named if f"id-{name}" not in known}
    return snapshot(
        [*sorted(named), *others], [group(name, names.split()) for name, names in members.items()]
    )


def why(name: str, here: World, policy: Policy = POLICY) -> Explanation:
    who = name if "@" in name or name.startswith("id-") else f"{name}@acme.example"
    return explain_user(who, here, policy, plan(here, policy))


def told(name: str, here: World, policy: Policy = POLICY) -> tuple[Finding, str, tuple[str, ...]]:
    found = why(name, here, policy).verdict
    return found.finding, found.summary, found.next_steps


def seat(name: str, tier: Tier, ago: timedelta, door: Door = Door.SYNC) -> Holding:
    return Holding(f"{name}@acme.example", tier, door, NOW - ago, f"acc-{name}")


def waits(
    name: str, tier: Tier = PREMIUM, *, door: Door = Door.SYNC, ago: timedelta = HOUR
) -> WaitEntry:
    address = f"{name}@acme.example"
    return WaitEntry(address, address, tier, NOW - ago, accepts=(tier,), door=door)


# --- seated, or waiting -------------------------------------------------------------------------------


def test_seated_as_wished() -> None:
    here = world(read("ada"), [account("ada", PREMIUM)])
    assert told("ada", here) == (Finding.SEATED, "has premium", ())


def test_seated_with_the_next_run() -> None:
    assert told("ada", world(read("ada"))) == (Finding.SEATED, "will get an account with premium", ())
    moving = world(read("ada"), [account("ada")])
    assert told("ada", moving)[1] == "moves from standard to premium"


def test_first_in_the_queue_gets_the_next_seat_that_comes_free() -> None:
    here = world(
        read("ada bob"), [account("ada", PREMIUM), account("bob")], seats={PREMIUM: 1, STANDARD: 2}
    )
    assert told("bob", here) == (
        Finding.SPILLED,
        "has standard and waits for premium, number 1 in the queue",
        ("premium: the next seat that comes free is theirs.",),
    )


def test_who_stands_before_somebody_is_counted_and_named() -> None:
    here = world(read("ada bob cleo dan eve"), seats={PREMIUM: 0, STANDARD: 9})
    found = why("eve", here)
    assert found.verdict.next_steps == (
        "4 people stand before them: ada@acme.example, bob@acme.example, cleo@acme.example ….",
        "premium: 5 seats more, or 5 people with premium leaving, and it is their turn.",
    )
    assert found.position == 5
    assert why("bob", here).verdict.next_steps[0] == "1 person stands before them: ada@acme.example."
    assert why("dan", here).verdict.next_steps[0].endswith("bob@acme.example, cleo@acme.example.")


def test_whoever_waits_for_a_higher_tier_and_would_take_this_one_stands_before_too() -> None:
    here = world(read("ada", "bob"), seats={PREMIUM: 0, STANDARD: 0})
    assert told("bob", here) == (
        Finding.WAITING,
        "waits for standard, number 1 in the queue, and has no seat",
        (
            (
                "1 person waits for premium, would take standard as well, and stands before them: "
                "ada@acme.example."
            ),
            "standard: 2 seats more, or 2 people with standard leaving, and it is their turn.",
        ),
    )


def test_waiting_with_nothing_tells_what_each_tier_takes() -> None:
    here = world(read("ada"), seats={PREMIUM: 0, STANDARD: 0})
    assert told("ada", here) == (
        Finding.WAITING,
        "waits for premium, number 1 in the queue, and has no seat",
        (
            "premium: the next seat that comes free is theirs.",
            "standard: the next seat that comes free is theirs.",
        ),
    )


def test_when_full_wait_leaves_lower_tiers_alone() -> None:
    patient = replace(POLICY, when_full=WhenFull.WAIT)
    here = world(read("ada"), seats={PREMIUM: 0, STANDARD: 5})
    found = why("ada", here, patient)
    assert found.verdict.finding is Finding.WAITING
    assert [option.tier for option in found.options] == [PREMIUM]
    waits = "'Premium' waits while premium is full (when_full: wait): no lower seat is given."
    assert found.verdict.next_steps[-1] == waits
    assert found.rules[0].because == "the only rule with a tier; waits while it is full"


def test_a_rule_that_waits_says_why_the_seat_of_another_group_does_not_come() -> None:
    patient = replace(POLICY, when_full=WhenFull.WAIT)
    here = world(read("ada", "ada"), seats={PREMIUM: 0, STANDARD: 5})
    assert told("ada", here, patient)[2][-2:] == (
        "'Premium' waits while premium is full (when_full: wait): no lower seat is given.",
        "'Users' would give standard, but the rule with the highest tier wins.",
    )
    assert len(told("ada", replace(here, purchased={PREMIUM: 0, STANDARD: 0}))[2]) == 2


def test_those_who_stand_before_somebody_are_told_queue_by_queue() -> None:
    here = world(read("ada bob", "cleo dan"), seats={PREMIUM: 0, STANDARD: 0})
    assert told("dan", here)[1:][0].startswith("waits for standard, number 2 in the queue")
    assert told("dan", here)[2][:2] == (
        "1 person stands before them: cleo@acme.example.",
        (
            "2 people wait for premium, would take standard as well, and stand before them: "
            "ada@acme.example, bob@acme.example."
        ),
    )


def test_seats_kept_for_logins_are_told() -> None:
    here = world(read(users="ada"), seats={PREMIUM: 0, STANDARD: 2}, reserved={STANDARD: 2})
    assert told("ada", here)[2] == (
        (
            "standard: 1 seat more, or 1 person with standard leaving, and it is their turn (2 kept for "
            "logins: a login takes one at once)."
        ),
    )


def test_more_people_than_seats_in_all_tiers_together_are_told() -> None:
    sitting = [account(name, PREMIUM) for name in ("ada", "bob")]
    here = world(read("ada bob", "cleo"), sitting, seats={PREMIUM: 0, STANDARD: 2})
    finding, _, (step,) = told("cleo", here)
    assert finding is Finding.WAITING
    assert step == (
        "standard: more people than seats in all tiers together; 1 seat more, of any tier, or 1 person "
        "fewer, and it is their turn."
    )
    assert any("2 people sit in 0 seats" in remark for remark in why("ada", here).remarks)


def test_who_has_a_seat_already_does_not_wait_for_room_in_all_tiers_together() -> None:
    sitting = [account("ada", PREMIUM), account("bob", PREMIUM), account("cleo")]
    here = world(read("ada bob cleo", "dan"), sitting, seats={PREMIUM: 0, STANDARD: 0})
    assert told("cleo", here)[2] == (
        "premium: 3 seats more, or 3 people with premium leaving, and it is their turn.",
    )
    assert told("dan", here)[2] == (
        (
            "standard: more people than seats in all tiers together; 4 seats more, 2 of them standard, "
            "or 4 people fewer, and it is their turn."
        ),
    )


def test_owed_a_seat_stands_before_everybody() -> None:
    owed = replace(waits("bob"), owed=True)
    here = world(read("ada bob"), [account("bob", None)], waiting=[waits("ada", ago=DAY), owed])
    here = replace(here, purchased={PREMIUM: 0, STANDARD: 0})
    assert told("bob", here)[2][0] == (
        "Is owed a seat that was given up in an exchange: nobody stands before them."
    )


def test_no_seat_by_rule() -> None:
    here = world(read(Contractors="con"), [account("con", None)])
    assert told("con", here) == (Finding.SEATLESS, "has no seat, as agreed", ())


def test_flexible_people_are_content_with_what_they_hold() -> None:
    here = world(read("", "", "ada"), [account("ada")])
    found = why("ada", here)
    assert told("ada", here) == (Finding.SEATED, "has standard", ())
    assert [(o.tier, o.theirs, o.because) for o in found.options] == [
        (PREMIUM, False, "open"),
        (STANDARD, True, "theirs"),
    ]


def test_the_pool_is_told_as_it_is_and_as_it_will_be() -> None:
    here = world(read("ada bob"), [account("ada", PREMIUM)], seats={PREMIUM: 1, STANDARD: 2})
    seats = explanation_json(why("bob", here), ())["seats"]
    counts = {"held": 0, "reserved": 0}
    assert seats == [
        {
            "tier": "premium",
            "purchased": 1,
            "assigned": 1,
            "free": 0,
            "free_after": 0,
            **counts,
            "theirs": False,
            "open": False,
            "because": "premium is full (1 of 1)",
        },
        {
            "tier": "standard",
            "purchased": 2,
            "assigned": 0,
            "free": 2,
            "free_after": 1,
            **counts,
            "theirs": True,
            "open": True,
            "because": "theirs",
        },
    ]


# --- more than policy gives ---------------------------------------------------------------------------


def lowered(ago: timedelta, door: Door = Door.SYNC) -> World:
    """ada holds premium, and her groups give standard."""
    return world(read("", "ada"), [account("ada", PREMIUM)], holdings=[seat("ada", PREMIUM, ago, door)])


def test_min_hold_says_until_when_a_tier_is_kept() -> None:
    assert told("ada", lowered(HOUR)) == (
        Finding.SEATED,
        "has premium",
        ("Keeps premium until 2026-03-02 09:00 UTC (policy.min_hold); may have standard from then on.",),
    )
    assert told("ada", lowered(2 * DAY))[1] == "moves from premium to standard"


def test_the_tier_of_a_login_that_sticks_is_told() -> None:
    sticky = replace(POLICY, login_tier_sticks=True)
    assert told("ada", lowered(2 * DAY, Door.JIT), sticky)[2] == (
        "May have standard by the rules, but keeps the tier of the login (jit.tier).",
    )


def test_a_group_that_was_not_read_lets_people_keep_their_tier() -> None:
    unread = (group("Premium", [], Coverage.PARTIAL), group("Users", ["ada"]))
    here = replace(lowered(2 * DAY), snapshot=snapshot(["ada"], unread))
    found = why("ada", here, replace(POLICY, rules=POLICY.rules[:2]))
    assert found.verdict.next_steps == (
        (
            "May have standard only as far as groups were read. The directory has to be read whole "
            "first (not whole: Premium)."
        ),
    )
    assert [(g.name, g.member, g.complete, g.problem) for g in found.groups_seen] == [
        ("Users", True, True, ""),
        ("Premium", False, False, "partial"),
    ]


def test_nobody_is_lowered_before_the_lower_tier_has_room() -> None:
    here = replace(lowered(2 * DAY), purchased={PREMIUM: 2, STANDARD: 0})
    found = why("ada", here)
    assert found.verdict.finding is Finding.SPILLED
    assert (
        "May have standard only: moves there as soon as it has a free seat." in found.verdict.next_steps
    )


# --- refused ------------------------------------------------------------------------------------------


def test_refused_for_the_domain() -> None:
    eve = DirectoryUser(SOURCE, "id-eve", Profile("eve@other.example", "eve@other.example"))
    strict = replace(POLICY, verified_domains=frozenset({"acme.example"}))
    found = why("eve@other.example", world(read("", "eve", eve)), strict)
    assert found.verdict.finding is Finding.REFUSED
    assert found.verdict.summary == (
        "is refused: the domain of eve@other.example is not a verified domain"
    )
    assert "organization.verified_domains" in found.verdict.next_steps[0]
    assert [(seen.rule.group, seen.wins) for seen in found.rules] == [("Users", True)]
    assert [option.because for option in found.options] == ["open"]


def test_refused_as_a_guest() -> None:
    gus = replace(person("gus"), attributes={"user_type": "Guest"})
    finding, _, (step,) = told("gus", world(read("", "gus", gus)))
    assert finding is Finding.REFUSED
    assert step == "To let them in: set policy.guests to include, or invite them by hand."


def test_refused_because_the_application_is_not_assigned_to_them() -> None:
    here = world(replace(read("", "ada ghost"), users=(person("ada"),)))
    found = why("id-ghost", here)
    assert found.known
    assert found.verdict.finding is Finding.REFUSED
    assert found.groups == {"Users"}
    assert found.verdict.next_steps == (
        "To let them in: assign them to the application in the identity provider.",
    )


# --- conflicts ----------------------------------------------------------------------------------------


def with_email(name: str, email: str) -> DirectoryUser:
    return replace(person(name), profile=replace(person(name).profile, email=email))


def test_two_people_with_one_address_are_in_conflict_and_a_third_is_not() -> None:
    same = [with_email(name, "same@acme.example") for name in ("p1", "p2")]
    here = world(read("", "p1 p2 p10", *same))
    for name in ("p1", "p2", "same@acme.example"):
        finding, said, (step,) = told(name, here)
        assert finding is Finding.CONFLICT
        assert "shared email" in said
        assert step == "To settle it: give each of them an e-mail address of their own in the directory."
    assert told("p10", here)[0] is Finding.SEATED


def test_one_account_that_two_people_claim_is_in_conflict() -> None:
    one = DirectoryUser(SOURCE, "id-1", Profile("one@acme.example", "acc@acme.example"))
    two = DirectoryUser(SOURCE, "id-2", Profile("acc@acme.example", "two@acme.example"))
    claimed = replace(account("acc", external_id=None), id="acc-1")
    here = world(snapshot([one, two], read().groups), [claimed], links=[])
    found = why("two@acme.example", here)
    assert found.verdict.finding is Finding.CONFLICT
    assert "claimed twice" in found.verdict.summary


def test_an_account_that_belongs_to_somebody_else_is_in_conflict() -> None:
    here = world(read("", "ada"), [account("ada", external_id="id-other")], links=[])
    finding, said, _ = told("ada", here)
    assert finding is Finding.CONFLICT
    assert "account ada@acme.example belongs to id-other" in said


def test_an_id_that_was_given_anew_is_in_conflict() -> None:
    new = DirectoryUser(SOURCE, "id-ada", Profile("new@acme.example", "new@acme.example", "New", "One"))
    here = world(read("", "", new), [account("ada")])
    for name in ("new", "ada"):
        finding, said, (step,) = told(name, here)
        assert finding is Finding.CONFLICT
        assert "id reused" in said
        assert step.startswith("To settle it: if it is the same person")


# --- nobody touches them ------------------------------------------------------------------------------


def test_protected_people_and_the_primary_owner_keep_what_they_have() -> None:
    kept = frozenset({"vip@acme.example", "own@acme.example"})
    policy = replace(POLICY, protected=kept, primary_owner="own@acme.example")
    here = world(read(Contractors="vip own"), [account("vip", PREMIUM), account("own", PREMIUM)])
    assert told("vip", here, policy) == (
        Finding.PROTECTED,
        "is protected and keeps what they have (premium): no plan touches the account",
        ("To let plans decide again: take them from organization.protected.",),
    )
    assert told("own", here, policy)[0] is Finding.PRIMARY_OWNER
    assert [option.tier for option in why("own", here, policy).options] == [PREMIUM]


def test_an_account_that_was_never_linked_is_an_orphan() -> None:
    here = world(read(), [account("lone")], links=[])
    finding, said, _ = told("lone", here)
    assert finding is Finding.ORPHAN
    assert said == "has an account that idpsync never linked (standard) and does not touch"


def test_an_account_that_is_found_to_be_theirs_is_told() -> None:
    here = world(read(users="ada"), [account("ada", external_id=None)], links=[])
    assert why("ada", here).remarks == (
        "the account is found to be theirs by user name, and is linked by the next run",
    )


# --- leavers ------------------------------------------------------------------------------------------


def test_grace_says_when_it_ends() -> None:
    policy = replace(POLICY, leaver_grace=7 * DAY, leaver_action=LeaverAction.DELETE)
    here = world(read("", "", "bob"), [account("ada")], links=[link("ada", NOW - DAY)])
    assert told("ada", here, policy) == (
        Finding.IN_GRACE,
        "is missing in the directory since 2026-02-28 10:00 UTC and keeps standard",
        ("Will be deleted after 2026-03-07 10:00 UTC, unless the directory names them again.",),
    )


@pytest.mark.parametrize(
    ("action", "fate"),
    [
        (LeaverAction.DEACTIVATE, "deactivated"),
        (LeaverAction.DELETE, "deleted"),
        (LeaverAction.RELEASE_SEAT, "left with an account without a seat"),
    ],
)
def test_leavers_are_told_what_is_done(action: LeaverAction, fate: str) -> None:
    here = world(read("", "", "bob"), [account("ada")])
    said = f"is no longer in the directory and will be {fate}"
    assert told("ada", here, replace(POLICY, leaver_action=action)) == (Finding.LEAVING, said, ())


def test_who_has_left_and_is_off_is_gone() -> None:
    here = world(read("", "", "bob"), [account("ada", None, standing=Standing.DEACTIVATED)])
    assert told("ada", here) == (
        Finding.GONE,
        "is no longer in the directory; the account is off already",
        (),
    )


def test_nothing_is_taken_from_whoever_a_partial_read_does_not_name() -> None:
    here = world(snapshot(["bob"], read().groups, Coverage.PARTIAL), [account("ada")])
    finding, said, _ = told("ada", here)
    assert finding is Finding.UNDECIDED
    assert said == "was not named by the directory, which was not read whole: nothing is taken"


def test_disabled_people_lose_the_account_and_have_none_made() -> None:
    off = [person("ada", active=False), person("bob", active=False)]
    here = world(read("", "ada", *off), [account("ada")])
    assert told("ada", here)[:2] == (
        Finding.LEAVING,
        "is disabled in the directory and will be deactivated",
    )
    assert told("bob", here) == (
        Finding.DISABLED,
        "is disabled in the directory: no account is made",
        ("Comes back once the directory says they are active.",),
    )
    here = replace(here, accounts=(account("ada", None, standing=Standing.DEACTIVATED),))
    assert told("ada", here)[1] == "is disabled in the directory: the account is off"


# --- let in by nothing --------------------------------------------------------------------------------


def test_without_a_rule_and_without_rule_none_there_is_no_account() -> None:
    assert told("ada", world(read("", "", "ada")), STRICT) == (
        Finding.NOT_ADMITTED,
        "has no account: no rule lets them in (policy.without_rule is none)",
        ("To let them in: add them to one of the groups 'Premium', 'Users', 'Contractors'.",),
    )
    left_groups = world(read("", "", "ada"), [account("ada")])
    assert told("ada", left_groups, STRICT)[:2] == (
        Finding.LEAVING,
        "is let in by no rule and will be deactivated",
    )


def test_whoever_may_only_be_out_of_sight_keeps_the_account() -> None:
    unread = [group("Users", None, Coverage.FAILED), *(group(n, []) for n in ("Premium", "Contractors"))]
    here = world(snapshot(["ada"], unread), [account("ada")])
    finding, said, (step,) = told("ada", here, STRICT)
    assert finding is Finding.UNDECIDED
    assert said == "is let in by no rule as far as groups were read, and keeps standard"
    assert step == "The directory has to be read whole first (not whole: Users, Admins)."


def test_newcomers_whose_groups_may_be_out_of_sight_wait_for_a_whole_read() -> None:
    unread = [group("Users", None, Coverage.FAILED), *(group(n, []) for n in ("Premium", "Contractors"))]
    finding, said, _ = told("ada", world(snapshot(["ada"], unread)))
    assert finding is Finding.UNDECIDED
    assert said.startswith("has no account yet: no rule that was read gives them a tier")
    seen = {g.name: g.member for g in why("ada", world(snapshot(["ada"], unread))).groups_seen}
    assert seen == {"Users": None, "Admins": None}


def test_a_directory_that_does_not_say_who_is_active_decides_nothing() -> None:
    here = world(read("", "", person("ada", active=None)))
    assert told("ada", here)[0] is Finding.UNDECIDED


# --- by hand, and known from the books alone ----------------------------------------------------------


def test_a_tier_by_hand_is_told() -> None:
    here = world(read("", "", "ada"), [account("ada", PREMIUM)], assignments=[given("ada", PREMIUM)])
    found = why("ada", here)
    assert found.remarks == ("premium was given by hand by cli:root on 2026-03-01",)
    assert found.entitlement.options == (PREMIUM,)


def test_a_pending_invite_is_told_with_its_end() -> None:
    here = world(read("", "", "bob"), invites=[invite("zoe", PREMIUM)])
    assert told("zoe", here) == (
        Finding.INVITED,
        "was invited by hand and has not come in: premium is kept for them",
        ("They come in by logging in; the invite ends on 2026-03-22 10:00 UTC.",),
    )


def test_a_reserved_seat_is_told() -> None:
    held = Holding("ada@acme.example", STANDARD, Door.JIT, NOW, expires_at=NOW + HOUR)
    here = world(read(users="ada"), holdings=[held])
    assert "a standard seat is reserved for them until 2026-03-01 11:00 UTC" in why("ada", here).remarks


def test_strangers_are_known_from_the_wait_list_alone() -> None:
    here = world(read(), waiting=[waits("zoe", STANDARD, door=Door.JIT)])
    finding, said, steps = told("zoe", here)
    assert finding is Finding.ON_WAIT_LIST_ONLY
    assert said == "is known from the wait list alone: waits for standard since 2026-03-01 09:00 UTC"
    assert steps[0] == "standard: there is room now."
    assert steps[-1] == (
        "They asked at the login door; the wish is kept until 2026-03-02 09:00 UTC and they have to log "
        "in again."
    )


def test_a_wish_that_nobody_stands_for_is_said_to_be_dropped() -> None:
    here = world(read("", "", "bob"), waiting=[waits("zoe")])
    found = why("zoe", here)
    assert found.known
    assert found.verdict.next_steps == ("The next run drops the wish: nobody knows them any more.",)


def test_a_wish_is_kept_while_the_read_is_not_whole_and_not_for_ever_at_the_login_door() -> None:
    partial = snapshot(["bob"], read().groups, Coverage.PARTIAL)
    here = world(partial, waiting=[waits("zoe", STANDARD)])
    assert told("zoe", here)[2][-1] == "The wish is kept until the directory was read whole."
    late = world(read("", "", "bob"), waiting=[waits("zoe", STANDARD, door=Door.JIT, ago=2 * DAY)])
    assert told("zoe", late)[2] == ("The next run drops the wish: nobody knows them any more.",)


def test_names_that_nobody_has_are_answered_with_the_nearest_three() -> None:
    here = world(read("", "", "anna", "anas", "ann", "bob"), [account("zoe")])
    found = why("ana", here)
    assert not found.known
    assert found.verdict.finding is Finding.UNKNOWN
    assert len(found.similar) == 3
    assert set(found.similar) == {f"{name}@acme.example" for name in ("anna", "anas", "ann")}
    assert why("zo", here).similar == ("zoe@acme.example",)
    assert why("xxxxxxxx", here).similar == ()


def test_somebody_who_was_invited_is_told_so_where_no_rule_lets_them_in() -> None:
    here = world(read("", "", "zoe"), invites=[invite("zoe", PREMIUM)])
    assert told("zoe", here, STRICT)[0] is Finding.INVITED


def test_the_role_of_an_invite_is_told_and_its_tier_once_they_are_in() -> None:
    asked = invite("zoe", PREMIUM, role="admin")
    here = world(read("", "", "zoe"), invites=[asked])
    assert [(r.role, r.groups) for r in why("zoe", here).roles] == [("admin", ())]

    inside = world(read("", "", "zoe"), [account("zoe", PREMIUM)], invites=[asked])
    assert why("zoe", inside, STRICT).entitlement.options == (PREMIUM,)


# --- notes and seats ----------------------------------------------------------------------------------


def test_notes_say_in_machine_words_what_the_verdict_says() -> None:
    people: list[DirectoryUser | str] = [
        person("hm", active=None),
        person("off", active=False),
        "vip",
        "ada",
    ]
    gus = replace(person("gus"), attributes={"user_type": "Guest"})
    same = [with_email(name, "same@acme.example") for name in ("p1", "p2")]
    here = world(
        read("", "", *people, gus, *same), [account("vip"), account("lone")], links=[link("vip")]
    )
    policy = replace(POLICY, protected=frozenset({"vip@acme.example"}))
    absent = "is not in the directory as it was just read"
    assert {name: why(name, here, policy).notes for name in ("ada", "hm", "off", "vip", "lone")} == {
        "ada": (),
        "hm": ("the directory does not say whether they are active: nothing is granted or taken",),
        "off": ("is disabled in the directory",),
        "vip": ("the account is protected: no plan touches it",),
        "lone": (absent, "the account was never linked: idpsync does not touch it"),
    }
    assert why("gus", here, policy).notes[0].startswith("refused: guest (")
    assert why("p1", here, policy).notes[0].startswith("in conflict: shared_email: ")


def test_tiers_are_told_as_theirs_not_needed_or_given_back() -> None:
    moving = why("ada", world(read("ada"), [account("ada")]))
    assert [(o.tier, o.because) for o in moving.options] == [
        (PREMIUM, "theirs"),
        (STANDARD, "not needed"),
    ]
    leaving = why("bob", world(read("", "", "eve"), [account("bob")]))
    assert [(o.tier, o.because) for o in leaving.options] == [(STANDARD, "given back")]
    down = why("ada", lowered(2 * DAY))
    assert [(o.tier, o.because) for o in down.options] == [(STANDARD, "theirs"), (PREMIUM, "given back")]


def test_remarks_are_about_this_person() -> None:
    assert why("ada", lowered(HOUR)).remarks == ()
    sitting = [account("ada", PREMIUM), account("bob", PREMIUM), account("eve")]
    crowded = world(read("ada bob", "eve"), sitting, seats={PREMIUM: 1, STANDARD: 5})
    assert why("eve", crowded).remarks == ()
    assert len(why("bob", crowded).remarks) == 1


def test_guard_and_first_run_concern_whom_something_is_planned_for() -> None:
    here = world(read(users="ada bob eve"), [account("ada"), account("bob")], links=[link("bob")])
    made = plan(here, POLICY)
    report = GuardReport((LimitCheck("changes.count", 0, 1, "1/1", tripped=True),))

    def steps(name: str) -> int:
        told = explain_user(f"{name}@acme.example", here, POLICY, made, report=report, first_run="wait")
        return len(told.verdict.next_steps)

    assert [steps(name) for name in ("ada", "bob", "eve")] == [1, 0, 2]


# --- names --------------------------------------------------------------------------------------------


def test_somebody_who_was_renamed_is_found_by_both_names() -> None:
    renamed = DirectoryUser(SOURCE, "id-ada", replace(person("ada").profile, user_name="ada.new"))
    here = world(read("", "ada", renamed), [account("ada")])
    for name in ("ada@acme.example", "ADA.NEW@acme.example".removesuffix("@acme.example")):
        found = explain_user(name, here, POLICY, plan(here, POLICY))
        assert (found.user, found.account, found.groups) == (
            renamed,
            account("ada"),
            frozenset({"Users"}),
        )


def test_a_user_name_counts_more_than_the_same_address_of_somebody_else() -> None:
    other = with_email("aaa", "ada@acme.example")
    off = replace(other, active=False)
    here = world(read("", "", off, replace(person("ada"), external_id="id-zzz")))
    assert why("ada", here).user == replace(person("ada"), external_id="id-zzz")


def test_the_account_of_somebody_else_is_not_told_as_theirs() -> None:
    new = with_email("new", "ada@acme.example")
    old = replace(person("ada"), profile=replace(person("ada").profile, email="ada.old@acme.example"))
    here = world(read("", "", new, old), [account("ada")])
    assert why("new", here).account is None


# --- guard and modes ----------------------------------------------------------------------------------


def test_a_held_plan_names_the_limit_and_the_command() -> None:
    here = world(read("", "", "bob"), [account("ada")])
    made = plan(here, POLICY)
    report = GuardReport((LimitCheck("removals.count", 0, 1, "1/1", tripped=True),))
    found = explain_user("ada@acme.example", here, POLICY, made, report=report)
    assert found.held_by == ("removals.count: allowed 0, seen 1 (1/1)",)
    assert found.verdict.next_steps == (
        f"The guard holds this plan: nothing is written before `idpsync approve {made.digest}`.",
    )
    assert explain_user("bob@acme.example", here, POLICY, made, report=report).held_by != ()


def test_a_first_run_says_what_has_to_be_done_before_anything_is_written() -> None:
    here = world(read(users="ada"), [account("ada", external_id=None)], links=[])
    made = plan(here, POLICY)
    found = explain_user("ada@acme.example", here, POLICY, made, first_run="idpsync apply --adopt")
    assert found.verdict.next_steps == ("idpsync apply --adopt",)
    nobody = explain_user("bob@acme.example", here, POLICY, made, first_run="idpsync apply --adopt")
    assert nobody.verdict.next_steps == ()


def test_observe_says_that_nothing_is_written() -> None:
    observing = replace(POLICY, mode=Mode.OBSERVE)
    assert told("ada", world(read("ada")), observing)[2] == (
        "policy.mode is observe: nothing of this is written.",
    )


def test_observe_says_so_to_everybody_of_whom_something_would_be_written() -> None:
    observing = replace(POLICY, mode=Mode.OBSERVE, leaver_grace=DAY)
    said = "policy.mode is observe: nothing of this is written."
    waiting = world(read("ada"), seats={PREMIUM: 0, STANDARD: 0})
    adopted = world(read("ada"), [account("ada", PREMIUM)], links=[])
    missing = world(read("bob"), [account("ada", PREMIUM)])
    seatless = replace(observing, rules=(GroupRule("Premium", seatless=True),))
    for here, policy in (
        (waiting, observing),
        (adopted, observing),
        (missing, observing),
        (world(read("ada")), seatless),
    ):
        found = explain_user("ada@acme.example", here, policy, plan(here, policy))
        assert [step for step in found.verdict.next_steps if "observe" in step] == [said]
    settled = world(read("ada"), [account("ada", PREMIUM)])
    assert told("ada", settled, observing)[2] == ()


def test_no_removals_says_what_it_keeps_back() -> None:
    gentle = replace(POLICY, mode=Mode.NO_REMOVALS)
    here = world(read("", "", "bob"), [account("ada")])
    found = why("ada", here, gentle)
    assert found.verdict.finding is Finding.KEPT_BACK
    assert found.verdict.next_steps == ("policy.mode no_removals keeps back: deactivate account.",)
    assert [type(action) for action in found.kept_back] == [DeactivateAccount]
    assert told("ada", lowered(2 * DAY), gentle)[2] == (
        "May have standard only; policy.mode no_removals takes no tier.",
        "policy.mode no_removals keeps back: change tier to standard.",
    )


def test_no_removals_keeps_the_disabled_and_those_whom_no_rule_lets_in() -> None:
    gentle = replace(STRICT, mode=Mode.NO_REMOVALS)
    here = world(read("", "", person("ada", active=False), "bob"), [account("ada"), account("bob")])
    kept = ("policy.mode no_removals keeps back: deactivate account.",)
    assert told("ada", here, gentle) == (
        Finding.KEPT_BACK,
        "is disabled in the directory and keeps standard",
        kept,
    )
    assert told("bob", here, gentle) == (
        Finding.KEPT_BACK,
        "is let in by no rule and keeps standard",
        kept,
    )


def test_create_only_gives_no_seat_to_an_account_that_has_none() -> None:
    here = world(read(users="ada"), [account("ada", None)])
    assert told("ada", here, replace(POLICY, mode=Mode.CREATE_ONLY)) == (
        Finding.KEPT_BACK,
        "has no seat",
        ("policy.mode create_only keeps back: change tier to standard.",),
    )


def test_create_only_says_that_accounts_stay_as_they_are() -> None:
    careful = replace(POLICY, mode=Mode.CREATE_ONLY)
    here = world(read("ada bob"), [account("ada")])
    found = why("ada", here, careful)
    assert [type(action) for action in found.kept_back] == [ChangeTier]
    assert found.verdict.next_steps == ("policy.mode create_only keeps back: change tier to premium.",)
    assert [type(action) for action in why("bob", here, careful).actions] == [CreateAccount]

    off = world(read(users="ada"), [account("ada", None, standing=Standing.DEACTIVATED)])
    assert told("ada", off, careful) == (
        Finding.KEPT_BACK,
        "has no account that works",
        ("policy.mode create_only keeps back: reactivate account.",),
    )


# --- rules and roles ----------------------------------------------------------------------------------


def test_every_rule_that_names_a_group_of_theirs_is_told_and_why_one_wins() -> None:
    rules = (
        GroupRule("Admins", role="admin"),
        GroupRule("Users", STANDARD),
        GroupRule("Premium", PREMIUM, priority=1),
        GroupRule("Board", PREMIUM, priority=9),
        GroupRule("Contractors", seatless=True),
        GroupRule("Other", PREMIUM, priority=99),
    )
    policy = Policy(ladder=LADDER, rules=rules)
    here = world(read("ada", "ada", Admins="ada", Board="ada", Contractors="ada", Other=""))
    assert [(s.rule.group, s.gives, s.wins, s.because) for s in why("ada", here, policy).rules] == [
        ("Board", "premium", True, "the highest tier, and of those the highest priority, 9"),
        ("Admins", "role admin", False, "names no tier"),
        ("Users", "standard", False, "lower than premium"),
        ("Premium", "premium", False, "priority 1 is lower than 9"),
        ("Contractors", "no seat", False, "lower than premium"),
    ]


def test_a_rule_that_gives_a_role_alone_wins_nothing() -> None:
    (seen,) = why("ada", world(read(Admins="ada"))).rules
    assert (seen.rule.group, seen.gives, seen.wins) == ("Admins", "role admin", False)


def test_the_only_rule_with_a_tier_and_the_highest_tier_are_said_to_be_that() -> None:
    here = world(read("bob", "ada bob", Admins="ada"))
    assert why("ada", here).rules[0].because == "the only rule with a tier"
    assert why("bob", here).rules[0].because == "the highest tier"


def test_groups_that_no_rule_names_are_told_only_to_their_members() -> None:
    groups = (*read(users="ada").groups, group("Door", ["bob"], Coverage.PARTIAL))
    here = world(snapshot(["ada", "bob"], groups))
    assert [seen.name for seen in why("ada", here).groups_seen] == ["Users"]
    assert [seen.name for seen in why("bob", here).groups_seen] == ["Door"]


def test_of_rules_that_say_the_same_the_first_by_name_wins() -> None:
    rules = (GroupRule("B", PREMIUM), GroupRule("A", PREMIUM))
    here = world(read(A="ada", B="ada"))
    seen = why("ada", here, Policy(ladder=LADDER, rules=rules)).rules
    assert [(s.rule.group, s.wins, s.because) for s in seen] == [
        ("A", True, "the highest tier and priority, and the first of its kind"),
        ("B", False, "says the same as 'A'"),
    ]


def test_each_role_names_the_groups_that_give_it() -> None:
    rules = (*POLICY.rules, GroupRule("Owners", role="owner", priority=5), GroupRule("Users", role="qa"))
    here = world(read("", "ada", Admins="ada", Owners="ada"))
    found = why("ada", here, replace(POLICY, rules=rules))
    assert [(given.role, given.groups) for given in found.roles] == [
        (OWNER, ("Owners",)),
        ("qa", ("Users",)),
    ]
    assert ADMIN not in found.entitlement.roles


def test_the_json_has_every_key_it_had_and_says_the_outcome() -> None:
    here = world(read("ada bob"), seats={PREMIUM: 1, STANDARD: 2})
    document = explanation_json(why("bob", here), ())
    assert {
        *("user_name", "known", "groups", "entitlement", "account", "planned", "waiting", "invite"),
        *("notes", "history", "outcome", "summary", "next", "rules", "roles", "seats", "kept_back"),
    } <= document.keys()
    assert document["outcome"] == "spilled"
    waiting = document["waiting"]
    assert isinstance(waiting, dict)
    assert (waiting["position"], waiting["before"], waiting["accepts"]) == (1, 0, ["premium"])
    assert why("bob", here).linked is False
    assert Link("acc-bob", SOURCE, "id-bob", NOW) not in here.links


# --- whatever the world -------------------------------------------------------------------------------

WAITS = {Finding.SPILLED, Finding.WAITING}
NOT_ASKED = {Finding.CONFLICT, Finding.UNDECIDED, Finding.ON_WAIT_LIST_ONLY, Finding.PROTECTED}


@settings(deadline=None)
@given_by(worlds(), policies(), st.sampled_from(Mode))
def test_everybody_is_explained_as_the_plan_decides(here: World, policy: Policy, mode: Mode) -> None:
    policy = replace(policy, mode=mode)
    made = plan(here, policy)
    queue = {entry.member for entry in made.waiting}
    for name in NAMES:
        found = explain_user(f"{name}@acme.example", here, policy, made)
        finding = found.verdict.finding
        assert found.known or not found.actions
        assert finding not in WAITS or found.member in queue
        assert found.member not in queue or finding in WAITS | NOT_ASKED
        assert (finding is Finding.CONFLICT) == (found.user is not None and in_conflict(found, made))
        assert sum(option.theirs for option in found.options) <= 1
        assert explanation_json(found, ())["outcome"] == finding.value


def in_conflict(found: Explanation, made: Plan) -> bool:
    keys = {key for conflict in made.conflicts for key in conflict.keys}
    return bool(
        keys & {f"person {found.user and found.user.external_id}", f"user_name of {found.user_name}"}
    )

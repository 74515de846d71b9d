"""What follows from assumptions, for those who join and for everybody else."""

from collections.abc import Iterable
from dataclasses import replace

from idpsync.core.assume import Assumption, Join, Leave, MoreSeats, what_if
from idpsync.core.consequences import Consequences, consequences, consequences_json, sentences
from idpsync.core.model import Coverage, Link, Standing
from idpsync.core.planner import plan
from idpsync.core.policy import GroupRule, Policy, WithoutRule
from idpsync.core.seats import WaitEntry
from idpsync.core.world import World
from tests.people import (
    LADDER,
    NOW,
    POLICY,
    PREMIUM,
    SOURCE,
    STANDARD,
    account,
    group,
    link,
    person,
    snapshot,
    world,
)

EMPTY = (group("Contractors", []), group("Admins", []))


def follows(here: World, *assumptions: Assumption, policy: Policy = POLICY) -> Consequences:
    without = plan(here, policy)
    after = what_if(here, without, assumptions, policy)
    return consequences(here, without, after, plan(after, policy))


def house(
    premium: str = "", users: str = "", *, has: Iterable[str] = (), seats: tuple[int, int] = (2, 3)
) -> World:
    """People of two groups; `has` are accounts with standard."""
    people = sorted({*premium.split(), *users.split()})
    groups = [
        group("Premium", premium.split()),
        group("Users", users.split()),
        *EMPTY,
    ]
    pool = dict(zip((PREMIUM, STANDARD), seats, strict=True))
    return world(snapshot(people, groups), [account(name) for name in has], seats=pool)


def test_joiners_are_counted_by_what_they_get_and_wait_for_the_best_off_first() -> None:
    found = follows(house("ada"), Join("Premium", 6))
    (joiners,) = found.joiners
    assert (joiners.group, joiners.number) == ("Premium", 6)
    assert [(s.number, s.tier, s.waits_for) for s in joiners.shares] == [
        (1, PREMIUM, None),
        (3, STANDARD, PREMIUM),
        (2, None, PREMIUM),
    ]
    said = (
        "Of 6 who join 'Premium': 1 gets premium; 3 get standard for now, waiting for premium; "
        "2 get nothing yet, waiting for premium."
    )
    assert sentences(found) == (said,)


def test_many_joiners_stand_in_the_queue_by_their_numbers() -> None:
    here = house(seats=(0, 1))
    after = what_if(here, plan(here, POLICY), [Join("Users", 11)], POLICY)
    waiting = [entry.user_name for entry in plan(after, POLICY).waiting]
    assert waiting == [f"joiner-{number:02} of Users" for number in range(2, 12)]


def test_joiners_of_several_groups_are_told_apart() -> None:
    found = follows(house(), Join("Users", 2), Join("Contractors", 1), Join("Users", 1))
    assert [(j.group, j.number, j.shares[0].says) for j in found.joiners] == [
        ("Users", 3, "standard"),
        ("Contractors", 1, "an account without a seat"),
    ]


def test_joiners_whom_no_rule_admits_get_nothing() -> None:
    strict = replace(POLICY, without_rule=WithoutRule.NONE)
    (joiners,) = follows(house(), Join("Admins", 2), policy=strict).joiners
    assert [share.says for share in joiners.shares] == ["nothing: no account is made for them"]


def test_people_who_would_have_a_seat_without_the_joiners_are_displaced() -> None:
    found = follows(house(users="bob zoe", has=["bob"], seats=(0, 2)), Join("Premium", 1))

    assert [str(shift) for shift in found.lowered] == ["zoe@acme.example: no seat instead of standard"]
    assert [entry.user_name for entry in found.now_wait] == ["zoe@acme.example"]
    assert sentences(found)[1:] == (
        "Is displaced: zoe@acme.example: no seat instead of standard.",
        "Has to wait now: zoe@acme.example.",
    )


def test_people_whose_tier_a_higher_priority_takes_are_displaced() -> None:
    rules = (GroupRule("Premium", PREMIUM, priority=9), GroupRule("Users", PREMIUM, priority=1))
    policy = Policy(ladder=LADDER, rules=rules, preempt=True)
    here = replace(house(users="ada", seats=(1, 2)), accounts=(account("ada", PREMIUM),))
    found = follows(replace(here, links=(link("ada"),)), Join("Premium", 1), policy=policy)
    assert [str(shift) for shift in found.lowered] == ["ada@acme.example: standard instead of premium"]
    assert [entry.user_name for entry in found.now_wait] == ["ada@acme.example"]
    assert found.joiners[0].shares[0].tier is PREMIUM


def test_an_account_and_a_person_with_the_same_id_are_two() -> None:
    ada = replace(person("ada"), external_id="7")
    users = replace(group("Users", []), members=frozenset({"7"}))
    read = snapshot([ada, "bob"], [group("Premium", []), users, *EMPTY])
    seven = replace(account("bob"), id="7")
    here = world(
        read, [seven], links=[Link("7", SOURCE, "id-bob", NOW)], seats={PREMIUM: 0, STANDARD: 2}
    )
    found = follows(here, Leave("Users", 1), policy=replace(POLICY, without_rule=WithoutRule.NONE))
    assert [str(shift) for shift in found.left] == ["ada@acme.example: no seat instead of standard"]
    assert [*found.lowered, *found.raised] == []


def test_more_seats_raise_those_who_wait() -> None:
    here = house("ada bob cleo", has=["ada", "bob", "cleo"])
    found = follows(here, MoreSeats(PREMIUM, 1))
    assert [str(shift) for shift in found.raised] == ["cleo@acme.example: premium instead of standard"]
    assert [entry.user_name for entry in found.wait_no_more] == ["cleo@acme.example"]
    assert sentences(found) == (
        "Is better off: cleo@acme.example: premium instead of standard.",
        "Waits no more: cleo@acme.example.",
    )


def test_those_who_leave_a_group_are_told_and_who_moves_up_for_it() -> None:
    here = replace(
        house("ada bob", users="ada", seats=(1, 3)),
        accounts=(account("ada", PREMIUM), account("bob")),
        links=(link("ada"), link("bob")),
    )
    found = follows(here, Leave("Premium", 1))
    assert [str(shift) for shift in found.left] == ["ada@acme.example: standard instead of premium"]
    assert [str(shift) for shift in found.raised] == ["bob@acme.example: premium instead of standard"]
    assert found.lowered == ()


def test_who_leaves_a_group_and_keeps_the_seat_is_said_to_keep_it() -> None:
    here = world(
        snapshot(["ada"], [group("Premium", []), group("Users", ["ada"]), *EMPTY]), [account("ada")]
    )
    assert sentences(follows(here, Leave("Users", 1))) == (
        "Leaves the group: ada@acme.example: keeps standard.",
    )


def test_who_waits_either_way_is_no_news() -> None:
    here = house("ada bob", has=["ada", "bob"], seats=(0, 3))
    assert follows(here, MoreSeats(STANDARD, 1)).now_wait == ()


def test_who_waits_and_keeps_the_tier_they_have_does_not_have_to_wait_now() -> None:
    here = house(users="ada", has=["ada"])
    without = plan(here, POLICY)
    waits = WaitEntry("ada@acme.example", "ada@acme.example", PREMIUM, NOW)
    seated, seatless = (
        replace(without, waiting=(replace(waits, holds=held),)) for held in (STANDARD, None)
    )
    assert consequences(here, without, here, seated).now_wait == ()
    assert consequences(here, without, here, seatless).now_wait == seatless.waiting


def test_an_account_that_is_off_holds_no_seat() -> None:
    off = account("ada", STANDARD, standing=Standing.DEACTIVATED)
    here = replace(house("ada", seats=(0, 0)), accounts=(off,), links=(link("ada"),))
    (shift,) = follows(here, MoreSeats(PREMIUM, 1)).raised
    assert str(shift) == "ada@acme.example: premium instead of no seat"


def test_groups_that_were_not_read_are_left_by_nobody() -> None:
    unread = (group("Premium", None, Coverage.FAILED), group("Users", ["ada"]), *EMPTY)
    here = world(snapshot(["ada"], unread), [account("ada")])
    assert follows(here, Leave("Users", 1)).left != ()


def test_five_names_are_named_and_nothing_is_said_of_more() -> None:
    names = [f"p{number}" for number in range(5)]
    found = follows(house(" ".join(names), has=names, seats=(0, 9)), MoreSeats(PREMIUM, 5))
    assert sentences(found)[0].endswith("p4@acme.example: premium instead of standard.")


def test_long_lists_are_cut_for_people_and_whole_for_scripts() -> None:
    names = [f"p{number}" for number in range(8)]
    here = house(" ".join(names), has=names, seats=(0, 9))
    found = follows(here, MoreSeats(PREMIUM, 8))
    assert "8 people are better off: p0@" in sentences(found)[0]
    assert sentences(found)[0].endswith("; and 3 more.")
    raised = consequences_json(found)["raised"]
    assert isinstance(raised, list)
    assert len(raised) == 8
    assert raised[0] == {"user_name": "p0@acme.example", "without": "standard", "then": "premium"}


def test_what_changes_nothing_says_so() -> None:
    assert sentences(follows(house("ada"), MoreSeats(PREMIUM, 5))) == (
        "Nobody gains or loses anything by it.",
    )

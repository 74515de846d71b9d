"""What if: assumptions as they are written, and the world that they make."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings

from idpsync.core.assume import (
    Assumption,
    Join,
    Leave,
    MoreSeats,
    Reserve,
    UpgradedSeats,
    assume,
    parse_assumption,
    what_if,
)
from idpsync.core.model import Coverage, DirectoryUser, Profile
from idpsync.core.plan import CreateAccount
from idpsync.core.planner import plan
from idpsync.core.policy import Policy
from idpsync.core.seats import Door, Holding
from idpsync.core.world import World
from tests.core.test_planner_properties import policies, worlds
from tests.people import (
    LADDER,
    NOW,
    POLICY,
    PREMIUM,
    SOURCE,
    STANDARD,
    account,
    group,
    snapshot,
    world,
)


def here() -> World:
    """ada and bob in Users, ada in premium; cleo nowhere."""
    groups = [group("Premium", ["ada"]), group("Users", ["ada", "bob"])]
    read = snapshot(["ada", "bob", "cleo"], [*groups, group("Contractors", []), group("Admins", [])])
    return world(read, [account("ada", PREMIUM), account("bob")])


def members(where: World, name: str) -> frozenset[str]:
    (found,) = (one.members for one in where.snapshot.groups if one.name == name)
    assert found is not None
    return found


# --- as they are written ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read", "says"),
    [
        ("join=Users:40", Join("Users", 40), "40 people join 'Users'"),
        (" JOIN = Users : 1 ", Join("Users", 1), "1 person joins 'Users'"),
        ("join=cn=app:users:40", Join("cn=app:users", 40), "40 people join 'cn=app:users'"),
        ("leave=Users:2", Leave("Users", 2), "2 people leave 'Users'"),
        ("seats=premium:+10", MoreSeats(PREMIUM, 10), "10 more premium seats are bought"),
        ("seats=premium:1", MoreSeats(PREMIUM, 1), "1 more premium seat is bought"),
        (
            "upgrade=standard:premium:5",
            UpgradedSeats(STANDARD, PREMIUM, 5),
            "5 standard seats are upgraded to premium",
        ),
        ("reserve=standard:0", Reserve(STANDARD, 0), "0 standard seats are kept for logins"),
    ],
)
def test_an_assumption_is_read_and_said(text: str, read: Assumption, says: str) -> None:
    found = parse_assumption(text, LADDER)
    assert (found, found.says) == (read, says)
    assert parse_assumption(str(found), LADDER) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no assumption: write one of join=GROUP:N, leave=GROUP:N, seats=TIER:+N"),
        ("hire=Users:40", "'hire=Users:40' is no assumption"),
        ("join=40", "'join=40' is no assumption"),
        ("join=Users:many", "'many' is not a number, such as 40"),
        ("join=Users:", "'' is not a number"),
        ("join=Users:٤", "'٤' is not a number"),
        ("join=Users:0", "the number is 1 or more"),
        ("join=Users:100001", "at most 100,000"),
        ("join=Users:-1", "people who leave are written leave=Users:N"),
        ("leave=Users:-1", "people who come are written join=Users:N"),
        ("seats=premium:-1", "'seats=premium:-1': seats are never given back during a term"),
        ("seats=premium:1000001", "at most 1,000,000"),
        ("seats=gold:1", "there is no tier gold; the tiers are premium, standard"),
        ("seats=standart:1", "the tiers are premium, standard (did you mean standard?)"),
        ("upgrade=premium:5", "write upgrade=FROM:TO:N, two tiers and a number"),
        ("upgrade=premium:standard:5", "an upgrade goes up the ladder, and standard is not above"),
        ("upgrade=premium:premium:5", "premium is not above premium"),
        ("upgrade=standard:premium:-5", "seats are never given back"),
        ("reserve=standard:+1", "a reserve is a number, not a step"),
        ("reserve=standard:-1", "fewer than no seats cannot be kept"),
    ],
)
def test_what_is_no_assumption_is_quoted_and_explained(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        parse_assumption(text, LADDER)
    assert f"'{text}'" in str(refused.value)


def test_names_are_suggested_only_where_one_is_near() -> None:
    with pytest.raises(ValueError, match=r"the tiers are premium, standard$"):
        parse_assumption("seats=gold:1", LADDER)


# --- the world that they make -------------------------------------------------------------------------


def in_domains(*domains: str) -> Policy:
    return replace(POLICY, verified_domains=frozenset(domains))


def made_up(then: World) -> list[DirectoryUser]:
    return [user for user in then.snapshot.users if user not in here().snapshot.users]


def test_joiners_are_new_people_of_the_group_in_a_verified_domain() -> None:
    policy = in_domains("zeta.example", "acme.example")
    then = assume(here(), [Join("Users", 2)], policy)

    joiners = made_up(then)
    assert [user.user_name for user in joiners] == ["joiner-1 of Users", "joiner-2 of Users"]
    addresses = [user.profile.email for user in joiners]
    assert addresses == ["joiner-1.users@acme.example", "joiner-2.users@acme.example"]
    ids = {user.external_id for user in joiners}
    assert members(then, "Users") == members(here(), "Users") | ids
    assert members(then, "Premium") == members(here(), "Premium")
    created = {a.external_id for a in plan(then, policy).actions if isinstance(a, CreateAccount)}
    assert ids <= created


def test_without_verified_domains_joiners_have_an_address_that_nobody_has() -> None:
    (joiner,) = made_up(assume(here(), [Join("Users", 1)], POLICY))
    assert joiner.profile.email == "joiner-1.users@what-if.invalid"


def test_joiners_take_nobodys_name_and_nobodys_address() -> None:
    named = DirectoryUser(SOURCE, "id-x", Profile("JOINER-1 of Users", "x@acme.example"))
    addressed = DirectoryUser(SOURCE, "id-y", Profile("y", "Joiner-2.Users@acme.example"))
    read = replace(here().snapshot, users=(*here().snapshot.users, named, addressed))
    then = assume(replace(here(), snapshot=read), [Join("Users", 1)], in_domains("acme.example"))
    assert then.snapshot.users[-1].user_name == "joiner-3 of Users"


def test_joiners_of_a_group_without_latin_letters_have_an_address_too() -> None:
    groups = (*here().snapshot.groups, group("営業", []))
    named = replace(here(), snapshot=replace(here().snapshot, groups=groups))
    (joiner,) = made_up(assume(named, [Join("営業", 1)], POLICY))
    assert joiner.user_name == "joiner-1 of 営業"
    assert joiner.profile.email == "joiner-1.group@what-if.invalid"


def test_every_seat_of_a_tier_may_be_upgraded() -> None:
    then = assume(here(), [UpgradedSeats(STANDARD, PREMIUM, 5)], POLICY)
    assert then.purchased == {PREMIUM: 7, STANDARD: 0}


def test_joiners_of_groups_with_names_alike_and_of_the_same_group_twice_are_different_people() -> None:
    groups = (*here().snapshot.groups, group("users", []))
    alike = replace(here(), snapshot=replace(here().snapshot, groups=groups))
    then = assume(alike, [Join("Users", 2), Join("users", 2), Join("Users", 1)], POLICY)
    for key in ("external_id", "user_name"):
        assert len({getattr(user, key).casefold() for user in made_up(then)}) == 5
    assert not plan(then, POLICY).conflicts


def test_those_with_the_newest_seats_leave_the_group_and_stay_in_the_directory() -> None:
    old, new = NOW - timedelta(days=9), NOW - timedelta(days=1)
    seats = [seat("ada", new), seat("bob", old)]
    then = assume(replace(here(), holdings=tuple(seats)), [Leave("Users", 1)], POLICY)
    assert members(then, "Users") == {"id-bob"}
    assert then.snapshot.users == here().snapshot.users

    other = assume(
        replace(here(), holdings=(seat("ada", old), seat("bob", new))), [Leave("Users", 1)], POLICY
    )
    assert members(other, "Users") == {"id-ada"}


def test_whoever_has_no_seat_leaves_last() -> None:
    read = snapshot(["ada", "bob"], [group("Users", ["ada", "bob"])])
    then = assume(world(read, [account("bob")]), [Leave("Users", 1)], POLICY)
    assert members(then, "Users") == {"id-ada"}


def test_seats_are_added_upgraded_and_kept_one_after_the_other() -> None:
    steps: list[Assumption] = [
        MoreSeats(PREMIUM, 3),
        UpgradedSeats(STANDARD, PREMIUM, 2),
        Reserve(STANDARD, 1),
    ]
    then = assume(here(), steps, POLICY)
    assert then.purchased == {PREMIUM: 2 + 3 + 2, STANDARD: 5 - 2}
    assert then.reserved == {STANDARD: 1}
    assert here().purchased == {PREMIUM: 2, STANDARD: 5}


@pytest.mark.parametrize(
    ("assumption", "said"),
    [
        (
            Join("Sales", 40),
            "no group 'Sales' was read: a run reads the groups that the configuration names: Admins, ",
        ),
        (Join("user", 40), "(did you mean Users?)"),
        (Leave("Users", 3), "'leave=Users:3': 'Users' has 2 members"),
        (UpgradedSeats(STANDARD, PREMIUM, 6), "only 5 standard seats are purchased"),
        (Reserve(STANDARD, 6), "'reserve=standard:6': only 5 standard seats are purchased"),
    ],
)
def test_what_cannot_be_is_said(assumption: Assumption, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        assume(here(), [assumption], POLICY)


def test_every_seat_may_be_kept_for_logins_also_those_that_are_assumed_to_be_bought() -> None:
    then = assume(here(), [MoreSeats(STANDARD, 1), Reserve(STANDARD, 6)], POLICY)
    assert then.reserved[STANDARD] == then.purchased[STANDARD] == 6


def test_nobody_joins_a_group_whose_members_could_not_be_read() -> None:
    unread = replace(group("Users", None, Coverage.FAILED), reason="timed out")
    here = world(snapshot(["ada"], [unread]))
    with pytest.raises(ValueError, match="the group 'Users' could not be read: timed out"):
        assume(here, [Join("Users", 1)], POLICY)


# --- who stands where ---------------------------------------------------------------------------------


def test_people_who_are_there_are_not_overtaken_by_people_who_are_made_up() -> None:
    read = snapshot(["zoe"], [group("Users", ["zoe"])])
    here = world(read, seats={PREMIUM: 0, STANDARD: 1})
    then = what_if(here, plan(here, POLICY), [Join("Users", 1)], POLICY)
    (created,) = plan(then, POLICY).actions
    assert created.profile.user_name == "zoe@acme.example"

    waits = world(read, seats={PREMIUM: 0, STANDARD: 0})
    then = what_if(waits, plan(waits, POLICY), [Join("Users", 1), MoreSeats(STANDARD, 1)], POLICY)
    (created,) = plan(then, POLICY).actions
    assert created.profile.user_name == "zoe@acme.example"


@settings(deadline=None)
@given(worlds(whole=True), policies())
def test_assuming_nothing_changes_nothing(here: World, policy: Policy) -> None:
    made = plan(here, policy)
    then = plan(what_if(here, made, [], policy), policy)
    assert set(then.actions) == set(made.actions)
    assert [(w.member, w.wants, w.holds) for w in then.waiting] == [
        (w.member, w.wants, w.holds) for w in made.waiting
    ]
    assert what_if(here, made, [], policy).snapshot == here.snapshot


@given(worlds(), policies())
def test_what_was_not_read_whole_gives_nobody_another_wish(here: World, policy: Policy) -> None:
    if not here.snapshot.complete:
        assert what_if(here, plan(here, policy), [], policy) == here


def seat(name: str, since: datetime) -> Holding:
    return Holding(f"{name}@acme.example", STANDARD, Door.SYNC, since, f"acc-{name}")

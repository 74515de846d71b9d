"""Seats, access and roles by hand: what is refused and why, what is written, what a failure leaves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import (
    LeaseLost,
    NoSeatAvailable,
    NotPermitted,
    NotPossible,
    Refused,
    Transient,
    UnknownOutcome,
)
from idpsync.core.membership import Actor, InviteState
from idpsync.core.model import Account, Standing
from idpsync.core.plan import Action, ChangeTier, DeleteAccount
from idpsync.core.policy import LeaverAction, Policy, WhenFull, WithoutRule
from idpsync.core.records import Cause
from idpsync.core.seats import Door, Tier, WaitEntry
from idpsync.engine.admit import DoorRule
from idpsync.engine.manual import ManualDoor, ManualRule
from tests.engine.house import EngineHouse, login
from tests.fakes.target import FakeTarget
from tests.people import LADDER, NOW, POLICY, PREMIUM, STANDARD, account

ROOT = Actor("cli:root")
FREE = Policy(ladder=LADDER)
CLOSED = replace(FREE, without_rule=WithoutRule.NONE)
ADA, BOB, CYD = (f"{name}@acme.example" for name in ("ada", "bob", "cyd"))


def seated(
    people: dict[str, Tier | None], premium: int = 1, standard: int = 1, **more: object
) -> EngineHouse:
    """People with accounts and seats whom no directory names; the book knows their seats."""
    seats = {PREMIUM: premium, STANDARD: standard}
    house = EngineHouse(**{"seats": seats, "policy": CLOSED, **more})  # type: ignore[arg-type]
    for name, tier in people.items():
        house.target.shelf.put(account(name, tier, external_id=None))
    house.add("someone")
    house.run(adopt=True)
    house.clock.advance(timedelta(hours=1))
    return house


def in_directory(names: str, *groups: str, **more: object) -> EngineHouse:
    house = EngineHouse(**{"policy": FREE, **more})  # type: ignore[arg-type]
    house.add(names, *groups)
    house.run()
    house.clock.advance(timedelta(hours=1))
    return house


def by_hand(house: EngineHouse) -> dict[str, Tier | None]:
    return {member: given.tier for member, given in house.store.assignments.all().items()}


def roles_of(house: EngineHouse, name: str) -> frozenset[str]:
    found = house.target.find(f"{name}@acme.example")
    assert found
    return found.roles


def give_roles(house: EngineHouse, **roles: str) -> None:
    """`ada="owner auditor"`: what the accounts have at the target."""
    for name, words in roles.items():
        found = house.target.find(f"{name}@acme.example")
        assert found
        house.target.shelf.put(replace(found, roles=frozenset(words.split())))


# --- a tier -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, PREMIUM), (STANDARD, PREMIUM), (PREMIUM, STANDARD), (PREMIUM, None), (STANDARD, None)],
)
def test_a_tier_is_given_and_holds(before: Tier | None, after: Tier | None) -> None:
    house = seated({"ada": before})

    (performed,) = house.hand.assign(ROOT, "Ada@acme.example", after)

    assert performed.done
    assert house.tiers() == {ADA: after.name if after else "-"}
    assert house.booked() == ({ADA: after.name} if after else {})
    assert by_hand(house) == {ADA: after}
    assert house.events("account.tier_changed") == house.events("member.assigned") == [ADA]
    house.clock.advance(timedelta(days=30))
    assert house.run().performed == ()


def test_a_tier_by_hand_holds_against_the_directory_too() -> None:
    house = in_directory("ada bob", seats={PREMIUM: 2, STANDARD: 2})
    assert house.tiers() == {"ada": "premium", "bob": "premium"}

    house.hand.assign(ROOT, "ada", STANDARD)
    house.hand.assign(ROOT, BOB, None)
    house.clock.advance(timedelta(days=30))

    assert house.run().performed == ()
    assert house.tiers() == {"ada": "standard", "bob": "-"}
    assert not house.admitter.admit(login("bob")).let_in


def wishes_for_premium(house: EngineHouse, *members: str) -> None:
    entries = [WaitEntry(m, m, PREMIUM, NOW, holds=STANDARD, accepts=(PREMIUM,)) for m in members]
    house.store.waiting.replace(entries, Cause("test"))


def waiting(house: EngineHouse) -> list[str]:
    return [entry.member for entry in house.store.waiting.entries()]


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("tier", [PREMIUM, None])
def test_a_tier_by_hand_goes_with_another_name_at_the_target(tier: Tier | None, lost: bool) -> None:
    # somebody changed it there, or the answer to our own change of it was lost
    house = in_directory("ada", policy=CLOSED)
    house.hand.invite(ROOT, ADA, tier=STANDARD)
    assert house.admitter.admit(login("ada")).let_in
    house.hand.assign(ROOT, ADA, tier)
    house.clock.advance(timedelta(hours=1))
    if lost:
        (key,) = house.directory.people
        person = house.directory.people[key]
        house.directory.people[key] = replace(person, profile=replace(person.profile, user_name="adele"))
        house.target.lose_answer("adele")
    else:
        (there,) = house.target.shelf.all()
        house.target.shelf.put(replace(there, profile=replace(there.profile, user_name="adele")))

    for _ in range(3):
        house.run()
        house.clock.advance(timedelta(hours=1))

    name = "adele" if lost else "ada"  # as the directory says
    assert house.tiers() == {name: tier.name if tier else "-"}
    assert by_hand(house) == {name: tier}
    (member,) = house.hand.members()
    assert member.by_hand


def test_whoever_takes_over_a_name_does_not_take_over_what_was_given_to_it() -> None:
    house = seated({"ada": STANDARD}, standard=2)
    house.hand.assign(ROOT, ADA, None)
    (there,) = house.target.shelf.all()
    renamed = replace(there.profile, user_name="adele@acme.example", email="adele@acme.example")
    house.target.shelf.put(replace(there, profile=renamed))
    house.target.shelf.put(replace(account("ada", None, external_id=None), id="another"))

    assert [m.user_name for m in house.hand.members() if m.by_hand] == ["adele@acme.example"]


def test_what_they_have_already_is_theirs_by_hand_from_now_on() -> None:
    house = seated({"ada": STANDARD})
    wishes_for_premium(house, ADA)

    assert house.hand.assign(ROOT, ADA, STANDARD) == ()
    assert (by_hand(house), waiting(house)) == ({ADA: STANDARD}, [])


def test_a_full_tier_is_refused_with_what_helps_and_nothing_is_left_behind() -> None:
    house = seated({"ada": STANDARD, "bob": PREMIUM})

    with pytest.raises(NoSeatAvailable, match=r"premium is full \(1 of 1\).*members swap"):
        house.hand.assign(ROOT, ADA, PREMIUM)

    assert (by_hand(house), house.store.waiting.entries()) == ({}, ())
    assert house.booked() == {ADA: "standard", BOB: "premium"}


def test_a_seat_that_somebody_waits_for_is_not_given_past_them() -> None:
    house = seated({"ada": STANDARD, "bob": None}, premium=1, standard=2)
    house.policy = FREE
    house.admitter.admit(login("zoe"))  # takes premium
    house.policy = replace(POLICY, when_full=WhenFull.WAIT)
    house.admitter.admit(login("yan", {"Premium"}))  # waits for it
    house.store.seats.release("zoe", Cause("test"))

    for email in (ADA, BOB):
        with pytest.raises(NoSeatAvailable, match="waited for by others"):
            house.hand.assign(ROOT, email, PREMIUM)
    assert house.hand.assign(ROOT, BOB, STANDARD)[0].done


def test_whoever_is_given_a_tier_waits_for_nothing_else() -> None:
    house = in_directory("ada", "Premium", policy=POLICY, seats={PREMIUM: 0, STANDARD: 2})
    assert [entry.member for entry in house.store.waiting.entries()] == ["ada"]
    house.directory.groups["Premium"].clear()
    house.directory.add("boss", "Premium")
    house.store.cache.save(house.rooms.source.read())
    house.policy = replace(POLICY, without_rule=WithoutRule.HIGHEST_AVAILABLE)

    assert house.hand.assign(ROOT, "ada", None)[0].done

    assert [entry.member for entry in house.store.waiting.entries()] == []


def test_a_tier_that_a_rule_gives_is_left_to_the_rule() -> None:
    house = in_directory("ada bob", "Premium", policy=POLICY)

    with pytest.raises(NotPossible, match="group 'Premium' → premium: a rule says"):
        house.hand.assign(ROOT, "ada", STANDARD)
    with pytest.raises(NotPossible, match="a rule says"):
        house.hand.swap(ROOT, "ada", "bob")
    assert (by_hand(house), house.tiers()["ada"]) == ({}, "premium")


def test_whoever_has_not_come_in_yet_is_given_nothing() -> None:
    house = seated({"bob": STANDARD}, premium=2)
    house.target.shelf.put(account("cyd", None, standing=Standing.DEACTIVATED))
    house.hand.invite(ROOT, ADA)

    for email, said in (
        (ADA, "an invite is pending until 2026-03-22.*members withdraw ada@acme.example"),
        (CYD, "deactivated.*members"),
        ("dan@acme.example", "has no account here.*members"),
    ):
        acts: tuple[Callable[[], object], ...] = (
            lambda: house.hand.assign(ROOT, email, STANDARD),  # noqa: B023 - called at once
            lambda: house.hand.swap(ROOT, BOB, email),  # noqa: B023
            lambda: house.hand.remove(ROOT, email),  # noqa: B023
            lambda: house.hand.give_role(ROOT, email, "admin"),  # noqa: B023
        )
        for act in acts:
            with pytest.raises(NotPossible, match=said):
                act()


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Refused("fake target", "change tier", "SSO decides here"), "failed"),
        (Transient("fake target", "change tier", "503"), "failed"),
        (UnknownOutcome("fake target", "change tier", "lost"), "unknown"),
    ],
)
def test_what_the_target_says_is_told_and_what_surely_failed_is_not_by_hand(
    fault: Refused, outcome: str
) -> None:
    house = seated({"ada": STANDARD})
    house.target.fail(ADA, fault)

    (performed,) = house.hand.assign(ROOT, ADA, PREMIUM)

    assert (performed.outcome, performed.error) == (outcome, str(fault))
    assert house.tiers() == {ADA: "standard"}
    if outcome == "failed":
        assert (by_hand(house), house.booked()) == ({}, {ADA: "standard"})
    else:  # it may have been done: then it must hold
        assert by_hand(house) == {ADA: PREMIUM}


def test_an_assignment_that_fails_costs_nobody_their_place_in_the_queue() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 2}, policy=POLICY)
    house.add("ada", "Premium")
    house.run()
    house.directory.groups["Premium"].clear()
    house.directory.add("boss", "Premium")
    house.store.cache.save(house.rooms.source.read())
    house.policy = FREE
    house.target.fail("ada", Refused("fake target", "change tier", "no"))

    assert not house.hand.assign(ROOT, "ada", None)[0].done
    assert [entry.member for entry in house.store.waiting.entries()] == ["ada"]


@pytest.mark.parametrize("rule", [ManualRule(primary_owner=ADA), ManualRule(protected=frozenset({ADA}))])
def test_the_tier_of_the_protected_may_be_raised_never_taken(rule: ManualRule) -> None:
    house = seated({"ada": STANDARD, "bob": PREMIUM}, premium=2, manual=rule)

    with pytest.raises(NotPermitted, match="may be raised, never taken"):
        house.hand.assign(ROOT, ADA, None)
    assert house.hand.assign(ROOT, ADA, PREMIUM)[0].done
    house.hand.assign(ROOT, BOB, STANDARD)
    with pytest.raises(NotPermitted):
        house.hand.assign(ROOT, ADA, STANDARD)
    for pair in ((BOB, ADA), (ADA, BOB)):
        with pytest.raises(NotPermitted):
            house.hand.swap(ROOT, *pair)
    assert house.tiers() == {ADA: "premium", BOB: "standard"}


# --- swaps --------------------------------------------------------------------------------------------


def test_two_full_tiers_swap_in_one_command_and_it_holds() -> None:
    house = seated({"ada": PREMIUM, "bob": STANDARD})

    performed = house.hand.swap(ROOT, BOB, ADA)

    assert all(p.done for p in performed)
    assert house.tiers() == house.booked() == {ADA: "standard", BOB: "premium"}
    assert by_hand(house) == {ADA: STANDARD, BOB: PREMIUM}
    assert house.store.waiting.entries() == ()
    house.clock.advance(timedelta(days=30))
    assert house.run().performed == ()


@pytest.mark.parametrize("fails", [False, True])
def test_whoever_swaps_waits_for_nothing_else_unless_it_comes_to_nothing(fails: bool) -> None:
    house = seated({"ada": PREMIUM, "bob": STANDARD})
    wishes_for_premium(house, BOB)
    if fails:
        house.target.fail(BOB, Refused("fake target", "change tier", "not today"))

    house.hand.swap(ROOT, ADA, BOB)

    assert waiting(house) == ([BOB] if fails else [])


def test_a_swap_asks_for_no_third_seat_even_where_one_is_free() -> None:
    """Somebody waits for the free premium seat; the two who swap leave it alone."""
    house = seated({"ada": PREMIUM, "bob": STANDARD}, premium=2, standard=2)

    house.hand.swap(ROOT, ADA, BOB)

    steps = [(a.previous_tier, a.tier) for a in house.target.applied if isinstance(a, ChangeTier)]
    assert steps == [(PREMIUM, None), (STANDARD, PREMIUM), (None, STANDARD)]


def test_equal_seats_are_not_swapped_and_a_swap_takes_two_who_sit() -> None:
    house = seated({"ada": STANDARD, "bob": STANDARD, "cyd": None}, standard=2)

    assert house.hand.swap(ROOT, ADA, BOB) == ()
    with pytest.raises(NotPossible, match="one and the same person"):
        house.hand.swap(ROOT, ADA, "ADA@acme.example")
    for pair in ((ADA, CYD), (CYD, ADA)):
        with pytest.raises(NotPossible, match=r"cyd@acme\.example has no seat to swap"):
            house.hand.swap(ROOT, *pair)


@pytest.mark.parametrize("who", [ADA, BOB])
def test_a_swap_that_the_target_refuses_leaves_everybody_what_they_had(who: str) -> None:
    house = seated({"ada": PREMIUM, "bob": STANDARD})
    house.target.fail(who, Refused("fake target", "change tier", "not today"))

    performed = house.hand.swap(ROOT, ADA, BOB)

    assert next(p.error for p in performed if not p.done) == "fake target: change tier: not today"
    assert house.tiers() == house.booked() == {ADA: "premium", BOB: "standard"}
    assert (by_hand(house), house.store.waiting.entries()) == ({}, ())


class Killed(BaseException):
    """The process is gone: nothing of ours catches it."""


class FragileTarget(FakeTarget):
    """Dies at the n-th change of a tier, before or after it is carried out."""

    dies_at: int | None = None
    after = False
    changes = 0

    def apply(self, action: Action) -> Account:
        if not isinstance(action, ChangeTier):
            return super().apply(action)
        self.changes += 1
        if self.changes == self.dies_at and not self.after:
            raise Killed
        made = super().apply(action)
        if self.changes == self.dies_at:
            raise Killed
        return made


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_a_swap_cut_short_is_made_good_by_the_next_runs(known: bool, step: int, after: bool) -> None:
    """Also for people whom the directory does not know; and no newcomer gets between."""
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 1}, policy=FREE)
    there = [account("ada", PREMIUM), account("bob", STANDARD)]
    target = FragileTarget([] if known else there)
    house.use_target(target)
    for name in ("ada", "bob") if known else ("someone",):
        house.directory.add(f"{name}@acme.example", email=f"{name}@acme.example")
        house.run(adopt=True)
    house.clock.advance(timedelta(hours=1))
    target.dies_at, target.after = step, after

    with pytest.raises(Killed):
        house.hand.swap(ROOT, ADA, BOB)
    house.directory.add("carl")
    newcomer = house.admitter.admit(login("dora"))
    for _ in range(3):
        house.clock.advance(timedelta(minutes=20))
        house.run()

    assert not newcomer.let_in
    tiers = {who: tier for who, tier in house.tiers().items() if who in (ADA, BOB)}
    assert tiers == house.booked()
    assert sorted(tiers.values()) == ["premium", "standard"]
    assert not [entry for entry in house.store.waiting.entries() if entry.owed]


def test_a_swap_whose_last_step_fails_is_mended_by_the_next_run() -> None:
    house = seated({"ada": PREMIUM, "bob": STANDARD})

    class NotTheThird(FragileTarget):
        def apply(self, action: Action) -> Account:
            if isinstance(action, ChangeTier) and self.changes == 2:
                self.changes += 1
                raise Transient("fake target", "change tier", "503")
            return super().apply(action)

    house.use_target(NotTheThird(house.target.shelf.all()))
    performed = house.hand.swap(ROOT, ADA, BOB)
    assert [p.done for p in performed] == [True, True, False]
    assert house.tiers() == {ADA: "-", BOB: "premium"}

    house.clock.advance(timedelta(minutes=1))
    house.run()

    assert house.tiers() == house.booked() == {ADA: "standard", BOB: "premium"}
    assert by_hand(house) == {ADA: STANDARD, BOB: PREMIUM}


# --- access -------------------------------------------------------------------------------------------


def test_whoever_is_removed_gives_the_seat_back_and_what_was_by_hand_ends() -> None:
    house = seated({"ada": STANDARD, "bob": PREMIUM})
    house.hand.assign(ROOT, ADA, STANDARD)
    wishes_for_premium(house, ADA)

    performed = house.hand.remove(ROOT, ADA)

    assert (performed.done, waiting(house)) == (True, [])
    assert (house.tiers(), house.booked()) == ({ADA: "off", BOB: "premium"}, {BOB: "premium"})
    assert by_hand(house) == {}
    assert house.events("account.deactivated") == house.events("member.unassigned") == [ADA]


def test_where_leavers_are_deleted_so_are_those_removed_by_hand() -> None:
    house = seated({"ada": STANDARD}, policy=replace(CLOSED, leaver_action=LeaverAction.DELETE))

    assert isinstance(house.hand.remove(ROOT, ADA).action, DeleteAccount)
    assert house.tiers() == {}


def test_what_was_given_by_hand_ends_with_an_account_that_a_run_deletes_not_with_one_switched_off() -> (
    None
):
    for action, left in ((LeaverAction.DELETE, {}), (LeaverAction.DEACTIVATE, {"ada": STANDARD})):
        house = in_directory("ada bob", policy=replace(FREE, leaver_action=action))
        house.hand.assign(ROOT, "ada", STANDARD)
        house.directory.remove("ada")

        house.run()

        assert by_hand(house) == left


def test_the_seat_of_somebody_removed_goes_to_whoever_waits() -> None:
    house = seated({"ada": STANDARD}, premium=0, policy=FREE)
    assert [entry.member for entry in house.store.waiting.entries()] == ["someone"]

    house.hand.remove(ROOT, ADA)
    house.run()

    assert house.tiers() == {ADA: "off", "someone": "standard"}


def test_whoever_would_be_back_with_the_next_run_is_taken_out_of_the_directory_first() -> None:
    house = in_directory("ada bob", "Users", policy=POLICY)

    with pytest.raises(NotPossible, match=r"would be back with the next run.*group 'Users' → standard"):
        house.hand.remove(ROOT, "ada")
    assert house.tiers()["ada"] == "standard"

    house.directory.switch("bob", active=False)
    house.store.cache.save(house.rooms.source.read())
    assert house.hand.remove(ROOT, "bob").done


def test_somebody_admitted_by_hand_alone_can_be_removed() -> None:
    house = in_directory("ada", policy=CLOSED)
    house.hand.invite(ROOT, ADA)
    house.admitter.admit(login("ada"))

    assert house.hand.remove(ROOT, "ada").done
    house.run()
    assert house.tiers() == {"ada": "off"}


def test_a_removal_that_fails_changes_nothing() -> None:
    house = seated({"ada": STANDARD})
    house.hand.assign(ROOT, ADA, STANDARD)
    house.target.fail(ADA, Refused("fake target", "deactivate", "managed by SCIM"))

    performed = house.hand.remove(ROOT, ADA)

    assert performed.error == "fake target: deactivate: managed by SCIM"
    assert (by_hand(house), house.booked()) == ({ADA: STANDARD}, {ADA: "standard"})


def test_owners_are_kept() -> None:
    house = seated({"ada": STANDARD, "bob": STANDARD, "cyd": STANDARD}, standard=3)
    give_roles(house, ada="owner")
    owner = Actor(f"cli:root as {ADA}", "owner")

    for actor in (owner, ROOT):
        with pytest.raises(NotPermitted, match="last owner"):
            house.hand.remove(actor, ADA)
        with pytest.raises(NotPermitted, match="last owner"):
            house.hand.give_role(actor, ADA, "admin")

    give_roles(house, bob="owner")
    house.target.shelf.put(replace(account("bob", None), standing=Standing.DEACTIVATED))
    give_roles(house, bob="owner")
    with pytest.raises(NotPermitted, match="last owner"):
        house.hand.remove(owner, ADA)

    give_roles(house, cyd="owner auditor")
    with pytest.raises(NotPermitted, match="takes an owner"):
        house.hand.remove(Actor("cli:root as x@acme.example", "admin"), CYD)
    assert house.hand.remove(owner, ADA).done


def test_the_seat_of_an_owner_is_taken_by_owners_and_that_of_the_last_by_nobody() -> None:
    house = seated({"ada": STANDARD, "bob": PREMIUM})
    give_roles(house, ada="owner", bob="admin")
    admin, owner = Actor(f"cli:root as {BOB}", "admin"), Actor(f"cli:root as {ADA}", "owner")

    with pytest.raises(NotPermitted, match="takes an owner"):
        house.hand.assign(admin, ADA, None)
    for actor in (owner, ROOT):
        with pytest.raises(NotPermitted, match="last owner"):
            house.hand.assign(actor, ADA, None)
    assert house.tiers()[ADA] == "standard"
    assert by_hand(house) == {}

    give_roles(house, bob="owner")
    assert house.hand.assign(owner, ADA, None)[0].done


class Meanwhile(FakeTarget):
    """Somebody else acts between the look at the target and the first write to it."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self.act: Callable[[], object] | None = act
        self.refused: list[LeaseLost] = []

    def apply(self, action: Action) -> Account:
        act, self.act = self.act, None
        try:
            if act:
                act()
        except LeaseLost as error:
            self.refused.append(error)
        return super().apply(action)


@pytest.mark.parametrize(
    "other",
    [
        lambda hand, who: hand.give_role(who, ADA, "user"),
        lambda hand, who: hand.remove(who, ADA),
        lambda hand, who: hand.assign(who, ADA, None),
        lambda hand, who: hand.swap(who, ADA, BOB),
        lambda hand, who: hand.carry_out(who, hand.prepare([])),
    ],
)
def test_of_two_owners_who_act_on_each_other_at_once_one_stays(
    other: Callable[[ManualDoor, Actor], object],
) -> None:
    house = seated({"ada": STANDARD, "bob": PREMIUM}, manual=ManualRule(patience=0))
    give_roles(house, ada="owner", bob="owner")
    ada, bob = (Actor(f"cli:root as {name}", "owner") for name in (ADA, BOB))
    target = Meanwhile(lambda: other(house.hand, bob))
    for one in house.target.accounts():
        target.shelf.put(one)
    house.use_target(target)

    assert house.hand.give_role(ada, BOB, "user").done

    (refused,) = target.refused
    assert str(refused).startswith("somebody else changes members by hand at this moment")
    assert roles_of(house, "ada") == {"owner"}
    assert house.tiers()[ADA] == "standard"
    with pytest.raises(NotPermitted, match="last owner"):
        house.hand.give_role(bob, ADA, "user")


@pytest.mark.parametrize(
    ("rule", "roles"),
    [
        (ManualRule(primary_owner=ADA), "owner"),
        (ManualRule(primary_owner=ADA), ""),
        (ManualRule(), "primary_owner"),
    ],
)
def test_the_primary_owner_is_neither_removed_nor_demoted(rule: ManualRule, roles: str) -> None:
    house = seated({"ada": STANDARD, "bob": STANDARD}, standard=2, manual=rule)
    give_roles(house, ada=f"{roles} admin", bob="owner")

    with pytest.raises(NotPermitted, match="is the primary owner"):
        house.hand.remove(ROOT, ADA)
    with pytest.raises(NotPermitted, match="is the primary owner"):
        house.hand.give_role(ROOT, ADA, "user")
    assert house.hand.give_role(ROOT, ADA, "auditor").done


def test_the_protected_are_not_removed() -> None:
    house = seated({"ada": STANDARD}, manual=ManualRule(protected=frozenset({ADA})))

    with pytest.raises(NotPermitted, match=r"organization\.protected"):
        house.hand.remove(ROOT, ADA)


# --- roles --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "role", "after"),
    [
        ("", "admin", "admin"),
        ("admin auditor", "Owner", "owner auditor"),
        ("admin auditor", "user", "auditor"),
        ("admin", "auditor", "admin auditor"),
        ("", "Billing Reader", "Billing Reader"),
    ],
)
def test_ranks_replace_each_other_and_custom_roles_add_up(before: str, role: str, after: str) -> None:
    house = seated({"ada": STANDARD})
    give_roles(house, ada=before)

    assert house.hand.give_role(ROOT, ADA, role).done

    wanted = {after} if after == "Billing Reader" else set(after.split())
    assert roles_of(house, "ada") == wanted


def test_a_role_they_have_is_not_written_again() -> None:
    house = seated({"ada": STANDARD})
    give_roles(house, ada="admin")

    assert house.hand.give_role(ROOT, ADA, "admin").done
    assert house.target.calls["change_roles"] == 0


def test_what_the_target_says_to_a_role_is_told() -> None:
    house = seated({"ada": STANDARD})
    house.target.fail(ADA, Refused("fake target", "change roles", "mapped to groups"))

    assert (
        house.hand.give_role(ROOT, ADA, "admin").error == "fake target: change roles: mapped to groups"
    )


def test_roles_that_rules_give_are_left_to_the_rules() -> None:
    house = in_directory("ada bob", "Users", policy=POLICY)
    house.add("bob", "Admins")
    house.run()

    with pytest.raises(NotPossible, match="the role admin is given by a rule"):
        house.hand.give_role(ROOT, "ada", "admin")
    with pytest.raises(NotPossible, match="bob has the role admin by a rule"):
        house.hand.give_role(ROOT, "bob", "user")
    assert house.hand.give_role(ROOT, "ada", "auditor").done
    assert house.run().performed == ()


def test_a_role_that_rules_give_is_free_for_whom_the_directory_does_not_know() -> None:
    house = seated({"ada": STANDARD}, policy=POLICY)

    assert house.hand.give_role(ROOT, ADA, "admin").done
    house.run()
    assert roles_of(house, "ada") == {"admin"}


@pytest.mark.parametrize("role", ["primary_owner", "primary owner", "Primary-Owner"])
def test_nobody_is_made_primary_owner(role: str) -> None:
    house = seated({"ada": STANDARD})
    with pytest.raises(NotPermitted, match="exactly one primary owner"):
        house.hand.give_role(ROOT, ADA, role)


# --- rights -------------------------------------------------------------------------------------------


def test_users_may_do_nothing_and_are_told_so_before_the_target_is_asked() -> None:
    house = seated({"ada": STANDARD, "bob": PREMIUM})
    user = Actor("cli:root as u@acme.example", "auditor")
    before = house.target.calls["find"]
    acts: tuple[Callable[[], object], ...] = (
        lambda: house.hand.assign(user, ADA, None),
        lambda: house.hand.swap(user, ADA, BOB),
        lambda: house.hand.remove(user, ADA),
        lambda: house.hand.give_role(user, ADA, "user"),
    )
    for act in acts:
        with pytest.raises(NotPermitted, match="that takes an admin or an owner"):
            act()
    assert house.target.calls["find"] == before


def test_admins_reassign_remove_and_give_roles_but_those_of_owners() -> None:
    house = seated({"ada": STANDARD, "bob": PREMIUM, "cyd": None})
    give_roles(house, bob="owner")
    admin = Actor("cli:root as amy@acme.example", "admin")

    assert house.hand.assign(admin, ADA, None)[0].done
    assert house.hand.give_role(admin, ADA, "admin").done
    assert house.hand.remove(admin, CYD).done
    for email, role in ((ADA, "owner"), (BOB, "user")):
        with pytest.raises(NotPermitted, match="takes an owner"):
            house.hand.give_role(admin, email, role)


def test_whoever_acts_as_a_member_has_that_members_rights_and_the_ledger_names_both() -> None:
    house = seated({"ada": STANDARD, "bob": None}, manual=ManualRule(primary_owner=BOB))
    give_roles(house, ada="admin auditor")
    house.target.shelf.put(account("cyd", None, standing=Standing.DEACTIVATED, roles=["owner"]))
    hand = house.hand

    assert hand.actor("cli:root", None) == ROOT
    assert hand.actor("cli:root", "ADA@acme.example") == Actor(f"cli:root as {ADA}", "admin")
    assert hand.actor("cli:root", BOB).role == "primary_owner"
    for nobody in (CYD, "dan@acme.example"):
        with pytest.raises(NotPermitted, match="nobody can act as them"):
            hand.actor("cli:root", nobody)

    hand.assign(hand.actor("cli:root", ADA), ADA, None)
    rows = [row for row in house.store.ledger.entries() if row.event == "member.assigned"]
    assert [(row.actor, row.member) for row in rows] == [(f"cli:root as {ADA}", ADA)]


# --- the list -----------------------------------------------------------------------------------------


def test_the_list_names_accounts_and_invites_each_once() -> None:
    house = seated({"ada": STANDARD, "bob": None, "cyd": None}, premium=2)
    house.target.shelf.put(account("cyd", None, standing=Standing.DEACTIVATED))
    give_roles(house, ada="admin")
    house.hand.assign(ROOT, ADA, STANDARD)
    house.hand.invite(ROOT, CYD, role="auditor")
    house.hand.invite(ROOT, "dan@acme.example")

    ada, bob, cyd, dan = house.hand.members()

    assert (ada.user_name, ada.name, ada.tier, ada.by_hand) == (ADA, "Ada Example", STANDARD, True)
    assert (ada.roles, ada.standing) == (frozenset({"admin"}), Standing.ACTIVE)
    assert (ada.door, ada.since) == (Door.SYNC, NOW)
    assert (bob.tier, bob.by_hand, bob.door, bob.since, bob.invite) == (None, False, None, None, None)
    assert (cyd.account_id, cyd.standing, cyd.tier) == ("acc-cyd", Standing.INVITED, PREMIUM)
    assert cyd.roles == {"auditor"}
    assert (cyd.user_name, cyd.name) == (CYD, "Cyd Example")
    assert cyd.invite is not None
    assert (dan.account_id, dan.email, dan.tier, dan.door) == (
        None,
        "dan@acme.example",
        PREMIUM,
        Door.MANUAL,
    )
    assert dan.invite
    assert dan.invite.state is InviteState.PENDING


def test_the_list_tells_what_is_and_not_what_was_meant() -> None:
    house = seated({"ada": STANDARD, "bob": None}, premium=2)
    house.hand.assign(ROOT, ADA, STANDARD)
    house.hand.invite(ROOT, CYD)
    nameless = replace(account("ada", PREMIUM).profile, display_name="")
    house.target.shelf.put(
        replace(account("ada", PREMIUM), profile=nameless)
    )  # by somebody at the target
    house.target.shelf.put(account("bob", STANDARD, standing=Standing.DEACTIVATED))
    house.target.shelf.put(account("cyd", PREMIUM))  # came in; no run has noted it

    ada, bob, cyd = house.hand.members()

    assert (ada.tier, ada.by_hand, ada.name) == (PREMIUM, False, "Ada Example")
    assert (bob.tier, bob.standing) == (None, Standing.DEACTIVATED)
    assert (cyd.standing, cyd.invite) == (Standing.ACTIVE, None)


def test_people_are_found_by_every_name_of_theirs_and_by_their_link() -> None:
    house = in_directory("ada", seats={PREMIUM: 1, STANDARD: 1})
    (there,) = house.target.shelf.all()
    elsewhere = replace(there.profile, user_name="a.lovelace", email="al@other.example")
    house.target.shelf.put(replace(there, profile=elsewhere))
    house.store.seats.rename("ada", "a.lovelace", Cause("test"))

    for tier, name in ((STANDARD, "ada"), (PREMIUM, ADA), (STANDARD, "AL@other.example")):
        assert house.hand.assign(ROOT, name, tier)[0].done
    assert {"a.lovelace": "standard"} == house.tiers() == house.booked()


def test_an_account_that_works_counts_more_than_one_that_is_off() -> None:
    house = seated({"bob": STANDARD})
    address = replace(account("bob").profile, user_name="b1")
    off = Account("acc-0", address, Standing.DEACTIVATED)
    on = replace(account("bob"), profile=replace(address, user_name="b2"))
    house.target.shelf.put(off)
    house.target.shelf.put(on)

    assert house.hand.give_role(ROOT, BOB, "admin").action.profile.user_name == "b2"


def test_a_seat_that_came_by_login_says_so() -> None:
    house = EngineHouse(policy=FREE, door=DoorRule())
    house.admitter.admit(login("zoe"))

    (zoe,) = house.hand.members()
    assert (zoe.door, zoe.since, zoe.by_hand) == (Door.JIT, NOW, False)

"""Members of an export brought in: looked at whole, carried out once, repeated without harm."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import ConfigError, NotPermitted, Refused, UnknownOutcome
from idpsync.core.imports import MemberRow
from idpsync.core.membership import Actor
from idpsync.core.model import Account, Standing
from idpsync.core.plan import Action, ChangeTier
from idpsync.core.policy import Policy, WithoutRule
from idpsync.core.seats import Door, Tier
from idpsync.engine.importing import Import, Todo
from idpsync.engine.manual import ManualRule
from tests.engine.house import EngineHouse, login
from tests.engine.test_manual import give_roles, roles_of, seated, waiting, wishes_for_premium
from tests.fakes.target import FakeTarget
from tests.people import LADDER, POLICY, PREMIUM, STANDARD, account

ROOT = Actor("cli:root")
FREE = Policy(ladder=LADDER)
CLOSED = replace(FREE, without_rule=WithoutRule.NONE)
ADA, BOB, CYD, DAN = (f"{name}@acme.example" for name in ("ada", "bob", "cyd", "dan"))


def rows(**people: str) -> list[MemberRow]:
    """`ada="premium owner"`: tier ("none" for no seat) and role, on lines from 2 on."""
    found = []
    for line, (name, said) in enumerate(people.items(), start=2):
        tier, _, role = said.partition(" ")
        seat = None if tier == "none" else LADDER.named(tier)
        email = f"{name}@acme.example"
        found.append(MemberRow(line, f"{name.title()} van Example", email, role or "user", seat))
    return found


def problems(house: EngineHouse, **people: str) -> list[str]:
    import_ = house.hand.prepare(rows(**people))
    with_them = import_ if import_.problems else None
    if with_them:
        before = (house.tiers(), house.booked(), len(house.store.ledger.entries()))
        with pytest.raises(ConfigError) as refused:
            house.hand.carry_out(ROOT, with_them)
        assert refused.value.problems == with_them.problems
        assert before == (house.tiers(), house.booked(), len(house.store.ledger.entries()))
    return [f"{p.line} {p.message}" for p in import_.problems]


def brought_in(house: EngineHouse, **people: str) -> Import:
    import_ = house.hand.prepare(rows(**people))
    assert import_.problems == ()
    assert all(p.done for p in house.hand.carry_out(ROOT, import_))
    return import_


def by_hand(house: EngineHouse) -> dict[str, Tier | None]:
    return {member: given.tier for member, given in house.store.assignments.all().items()}


def test_people_of_an_export_get_accounts_seats_roles_and_their_tier_by_hand() -> None:
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 1}, policy=CLOSED)

    import_ = brought_in(house, ada="premium admin", bob="standard", cyd="none auditor")

    assert [step.todo for step in import_.steps] == [Todo.CREATE] * 3
    assert house.tiers() == {ADA: "premium", BOB: "standard", CYD: "-"}
    assert house.booked() == {ADA: "premium", BOB: "standard"}
    assert [roles_of(house, name) for name in ("ada", "bob", "cyd")] == [{"admin"}, set(), {"auditor"}]
    assert by_hand(house) == {ADA: PREMIUM, BOB: STANDARD, CYD: None}
    found = house.target.find(ADA)
    assert found
    assert (found.profile.given_name, found.profile.family_name) == ("Ada", "van Example")
    assert found.profile.display_name == "Ada van Example"
    held = house.store.seats.holding(ADA)
    assert held
    assert (held.settled, held.door) == (True, Door.MANUAL)


def test_whom_the_directory_does_not_know_is_not_linked_and_stays() -> None:
    house = EngineHouse(policy=CLOSED)
    house.add("someone")
    brought_in(house, ada="premium")

    assert house.store.registry.links() == ()
    house.run()
    assert house.tiers() == {ADA: "premium"}


def test_preparing_writes_nothing() -> None:
    house = EngineHouse(policy=CLOSED)

    import_ = house.hand.prepare(rows(ada="premium"))

    assert len(import_.actions) == 1
    assert (house.tiers(), house.booked(), len(house.store.ledger.entries())) == ({}, {}, 0)


def test_those_who_are_there_are_matched_and_only_what_differs_is_written() -> None:
    house = seated({"ada": STANDARD, "bob": PREMIUM, "cyd": STANDARD}, premium=2, standard=2)
    give_roles(house, ada="admin auditor")
    known = house.target.find(CYD)
    assert known
    renamed = replace(known, profile=replace(known.profile, user_name="c.yd"))
    house.target.shelf.put(renamed)

    import_ = brought_in(house, ada="standard owner", bob="premium", cyd="premium")

    assert [step.todo for step in import_.steps] == [Todo.CHANGE, Todo.NOTHING, Todo.CHANGE]
    assert house.tiers() == {ADA: "standard", BOB: "premium", "c.yd": "premium"}
    assert roles_of(house, "ada") == {"owner", "auditor"}
    assert by_hand(house) == {"c.yd": PREMIUM}
    assert house.target.calls["apply"] == 2


def test_a_deactivated_account_comes_back() -> None:
    house = seated({"ada": None})
    house.target.shelf.put(account("ada", None, standing=Standing.DEACTIVATED, roles=["owner"]))

    import_ = brought_in(house, ada="premium admin")

    assert import_.steps[0].todo is Todo.REACTIVATE
    assert house.tiers() == house.booked() == {ADA: "premium"}
    assert roles_of(house, "ada") == {"admin"}


def test_full_tiers_change_places_within_one_file() -> None:
    house = seated({"ada": PREMIUM, "bob": STANDARD, "cyd": STANDARD}, premium=1, standard=2)

    brought_in(house, ada="standard", bob="premium", cyd="none", dan="standard")

    assert house.tiers() == {ADA: "standard", BOB: "premium", CYD: "-", DAN: "standard"}
    assert house.booked() == {ADA: "standard", BOB: "premium", DAN: "standard"}


def test_seats_given_up_in_the_same_file_serve_those_who_move() -> None:
    house = seated({"ada": PREMIUM, "cyd": STANDARD})

    brought_in(house, ada="standard", cyd="none")

    assert house.tiers() == {ADA: "standard", CYD: "-"}


def test_whoever_is_moved_by_a_file_waits_for_nothing_else_and_who_fails_still_does() -> None:
    house = seated({"ada": STANDARD, "bob": STANDARD, "cyd": STANDARD}, premium=3, standard=3)
    wishes_for_premium(house, ADA, BOB, CYD)
    house.target.fail(BOB, Refused("fake target", "change tier", "no"))

    house.hand.carry_out(ROOT, house.hand.prepare(rows(ada="none", bob="none", cyd="standard")))

    assert waiting(house) == [BOB, CYD]


def test_a_whole_ring_turns_where_nothing_is_free() -> None:
    house = seated({"ada": PREMIUM, "bob": STANDARD})

    import_ = brought_in(house, ada="standard", bob="premium")

    steps = [(a.previous_tier, a.tier) for a in import_.actions if isinstance(a, ChangeTier)]
    assert steps == [(PREMIUM, None), (STANDARD, PREMIUM), (None, STANDARD)]
    assert house.tiers() == house.booked() == {ADA: "standard", BOB: "premium"}
    assert by_hand(house) == {ADA: STANDARD, BOB: PREMIUM}
    assert house.store.waiting.entries() == ()


# --- what stands in the way ---------------------------------------------------------------------------


def test_more_seats_than_are_open_is_a_problem_with_its_remedy() -> None:
    house = seated({"ada": PREMIUM}, premium=2, standard=0)

    premium, standard = problems(house, bob="premium", cyd="premium", dan="standard")
    assert premium.startswith("None more premium seats are needed (2) than are open (1): ")
    assert premium.endswith("`idpsync seats add premium=1` first")
    assert standard.endswith("`idpsync seats add standard=1` first")


def test_a_move_into_a_full_tier_is_a_problem_too() -> None:
    house = seated({"ada": STANDARD, "bob": None}, premium=0, standard=1)

    said = problems(house, ada="premium", bob="standard")

    assert [line.split(":")[0] for line in said] == [
        "None more premium seats are needed (1) than are open (0)"
    ]


def test_a_seat_that_is_reserved_for_them_already_is_not_needed_twice() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1}, policy=FREE)
    house.target.fail(ADA, UnknownOutcome("fake target", "create", "lost"))
    with pytest.raises(UnknownOutcome):
        house.admitter.admit(login(ADA, email=ADA))

    brought_in(house, ada="standard")
    assert house.booked() == house.tiers() == {ADA: "standard"}


def test_seats_that_others_wait_for_are_not_open() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1}, policy=FREE)
    house.admitter.admit(login("zoe"))
    house.admitter.admit(login("yan"))  # waits
    house.hand.remove(ROOT, "zoe")

    assert "more standard seats are needed (1) than are open (0)" in problems(house, ada="standard")[0]


def test_two_lines_for_one_person_are_a_problem_by_whichever_name() -> None:
    house = EngineHouse(policy=CLOSED)
    there = account("ada", None)
    house.target.shelf.put(replace(there, profile=replace(there.profile, user_name="a.da@acme.example")))
    twice = [*rows(ada="none"), replace(rows(ada="none")[0], line=3, email="A.Da@acme.example")]

    import_ = house.hand.prepare(twice)

    assert [(p.line, p.message) for p in import_.problems] == [
        (3, "A.Da@acme.example stands on line 2 already")
    ]


def test_other_domains_are_a_problem() -> None:
    house = EngineHouse(policy=replace(CLOSED, verified_domains=frozenset({"other.example"})))

    assert problems(house, ada="none") == ["2 acme.example is not a verified domain"]


def test_a_pending_invite_is_a_problem_and_one_that_is_over_is_none() -> None:
    house = EngineHouse(seats={PREMIUM: 2, STANDARD: 0}, policy=CLOSED)
    house.hand.invite(ROOT, ADA)

    (said,) = problems(house, ada="premium")
    assert said == f"2 {ADA} has a pending invite: `idpsync members withdraw {ADA}` first"
    house.clock.advance(timedelta(days=21))
    brought_in(house, ada="premium")
    assert house.booked() == {ADA: "premium"}


def test_exactly_one_primary_owner_the_one_of_the_configuration() -> None:
    nobody = EngineHouse(policy=CLOSED)
    house = EngineHouse(policy=CLOSED, manual=ManualRule(primary_owner=ADA))

    assert "the configuration names nobody" in problems(nobody, ada="none primary_owner")[0]
    other = f"3 {BOB} is the primary owner here, and the configuration names {ADA}: "
    assert problems(house, ada="none primary_owner", bob="none primary_owner") == [
        other + "mend organization.primary_owner first",
        "3 there is exactly one primary owner, and line 2 names one",
    ]
    brought_in(house, ada="premium primary_owner")
    assert roles_of(house, "ada") == {"primary_owner"}

    named = EngineHouse(policy=CLOSED, manual=ManualRule(primary_owner="ada"))
    named.add("ada")
    named.run()
    brought_in(named, ada="none primary_owner")


def test_the_last_owner_is_not_demoted_by_a_file() -> None:
    house = seated({"ada": None, "bob": None})
    give_roles(house, ada="owner")

    assert problems(house, ada="none user") == [
        "None nobody would be an owner any more: leave at least one in the file"
    ]
    brought_in(house, ada="none user", bob="none owner")
    assert [roles_of(house, name) for name in ("ada", "bob")] == [set(), {"owner"}]


def test_a_file_leaves_an_owner_a_seat() -> None:
    house = seated({"ada": STANDARD, "bob": PREMIUM})
    give_roles(house, ada="owner", bob="owner")

    assert problems(house, ada="none owner", bob="none owner") == [
        "None no owner would have a seat any more: leave at least one theirs"
    ]
    brought_in(house, ada="none owner")
    assert house.tiers() == {ADA: "-", BOB: "premium"}


def test_a_file_that_was_looked_at_while_there_was_another_owner_leaves_the_last_one() -> None:
    house = seated({"ada": None, "bob": None})
    give_roles(house, ada="owner", bob="owner")
    import_ = house.hand.prepare(rows(ada="none user"))
    assert house.hand.give_role(ROOT, BOB, "user").done

    with pytest.raises(ConfigError, match="nobody would be an owner any more"):
        house.hand.carry_out(ROOT, import_)
    assert roles_of(house, "ada") == {"owner"}


def test_a_primary_owner_who_has_not_come_yet_is_no_owner_left() -> None:
    house = seated({"ada": None}, manual=ManualRule(primary_owner=CYD))
    give_roles(house, ada="owner")

    assert problems(house, ada="none user") == [
        "None nobody would be an owner any more: leave at least one in the file"
    ]
    brought_in(house, ada="none user", cyd="none primary_owner")


def test_a_closed_door_imports_nobody() -> None:
    house = EngineHouse(policy=CLOSED, manual=ManualRule(open=False))

    assert problems(house, ada="none") == ["None does not name manual: nobody is imported by hand here"]


# --- what is left alone -------------------------------------------------------------------------------


def test_what_rules_decide_is_left_to_them_and_said() -> None:
    house = EngineHouse(policy=POLICY, seats={PREMIUM: 2, STANDARD: 2})
    house.add("ada", "Users")
    house.add("bob", "Users")
    house.run()
    house.add("cyd", "Users")
    house.store.cache.save(house.rooms.source.read())

    import_ = house.hand.prepare(rows(ada="premium admin", bob="standard auditor", cyd="premium"))

    ada, bob, cyd = import_.steps
    assert (ada.todo, ada.notes[0]) == (
        Todo.NOTHING,
        "group 'Users' → standard: the tier is left alone",
    )
    assert "the role admin is given by a rule" in ada.notes[1]
    assert (bob.todo, bob.notes, bob.by_hand) == (Todo.CHANGE, (), False)
    assert (cyd.todo, cyd.by_hand) == (Todo.CREATE, False)
    assert cyd.notes == ("group 'Users' → standard: the next run may give another tier",)
    assert all(p.done for p in house.hand.carry_out(ROOT, import_))
    assert by_hand(house) == {}
    (link,) = (k for k in house.store.registry.links() if k.external_id == house.directory.id_of("cyd"))
    assert link.account_id


def test_roles_of_rules_are_free_for_whom_the_directory_does_not_know() -> None:
    house = seated({"ada": None}, policy=POLICY)

    brought_in(house, ada="none admin")
    assert roles_of(house, "ada") == {"admin"}


def test_the_tier_of_the_protected_is_raised_by_a_file_and_not_lowered() -> None:
    rule = ManualRule(protected=frozenset({ADA, BOB}))
    house = seated({"ada": STANDARD, "bob": PREMIUM}, premium=2, manual=rule)

    import_ = brought_in(house, ada="premium", bob="standard")

    assert [step.todo for step in import_.steps] == [Todo.CHANGE, Todo.NOTHING]
    assert house.tiers() == {ADA: "premium", BOB: "premium"}


def test_whoever_is_disabled_in_the_directory_and_whoever_is_protected_is_left_alone() -> None:
    house = seated({"bob": PREMIUM}, manual=ManualRule(primary_owner=BOB), policy=FREE)
    give_roles(house, bob="owner")
    house.directory.add("ada")
    house.directory.switch("ada", active=False)
    house.run()

    import_ = house.hand.prepare(rows(ada="standard", bob="none user"))

    assert [(step.todo, step.notes) for step in import_.steps] == [
        (Todo.NOTHING, ("is disabled in the directory: left alone",)),
        (Todo.NOTHING, ("is the primary owner or protected: the tier is not lowered",)),
    ]


# --- rights and breaks --------------------------------------------------------------------------------


def test_importing_takes_an_admin_and_owners_take_an_owner() -> None:
    house = EngineHouse(policy=CLOSED, manual=ManualRule(primary_owner=CYD))
    plain, owners = (
        house.hand.prepare(rows(ada="none admin")),
        house.hand.prepare(rows(bob="none owner")),
    )
    primary = house.hand.prepare(rows(cyd="none primary_owner"))
    admin, user = Actor("x as a@acme.example", "admin"), Actor("x as u@acme.example", "user")

    for actor, import_ in ((user, plain), (admin, owners), (admin, primary)):
        said = "invite people" if actor is user else "takes an owner"
        with pytest.raises(NotPermitted, match=said):
            house.hand.carry_out(actor, import_)
    assert house.tiers() == {}
    assert all(p.done for p in house.hand.carry_out(admin, plain))


def test_admins_import_nothing_that_takes_the_role_or_the_seat_of_an_owner() -> None:
    house = seated({"ada": STANDARD, "bob": PREMIUM})
    give_roles(house, ada="owner", bob="owner")
    house.target.shelf.put(account("cyd", None, standing=Standing.DEACTIVATED, roles=["owner"]))
    admin = Actor("x as a@acme.example", "admin")
    before = house.target.shelf.all()

    for people in ({"ada": "none owner"}, {"cyd": "none user"}, {"cyd": "none owner"}):
        with pytest.raises(NotPermitted, match="takes an owner"):
            house.hand.carry_out(admin, house.hand.prepare(rows(**people)))
    assert house.target.shelf.all() == before


class Killed(BaseException):
    """The process is gone: nothing of ours catches it."""


class DiesAt(FakeTarget):
    """Dies at the n-th write, before or after it is carried out."""

    def __init__(self, number: int, *, after: bool) -> None:
        super().__init__()
        self.number, self.after = number, after

    def apply(self, action: Action) -> Account:
        self.number -= 1
        if self.number == 0 and not self.after:
            raise Killed
        made = super().apply(action)
        if self.number == 0:
            raise Killed
        return made


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_import_that_broke_off_is_finished_by_repeating_it(number: int, after: bool) -> None:
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 2}, policy=CLOSED)
    house.manual = ManualRule(concurrency=1)
    house.use_target(DiesAt(number, after=after))
    people = {"ada": "premium", "bob": "standard", "cyd": "standard admin"}
    with pytest.raises(Killed):
        house.hand.carry_out(ROOT, house.hand.prepare(rows(**people)))

    brought_in(house, **people)

    assert house.tiers() == {ADA: "premium", BOB: "standard", CYD: "standard"}
    again = house.hand.prepare(rows(**people))
    assert ([step.todo for step in again.steps], again.actions) == ([Todo.NOTHING] * 3, ())
    house.clock.advance(timedelta(minutes=20))
    house.add("someone")
    house.run()
    assert house.booked() == house.tiers()


def test_one_person_whom_the_target_refuses_stops_nobody() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 2}, policy=CLOSED)
    house.target.fail(ADA, Refused("fake target", "create", "no such domain"))
    seen: list[tuple[int, int]] = []
    import_ = house.hand.prepare(rows(ada="standard", bob="standard"))
    progress: Callable[[int, int], None] = lambda done, of: seen.append((done, of))  # noqa: E731

    performed = house.hand.carry_out(ROOT, import_, progress)

    assert [(p.member, p.error) for p in performed] == [
        (ADA, "fake target: create: no such domain"),
        (BOB, ""),
    ]
    assert seen == [(1, 2), (2, 2)]
    assert house.booked() == {BOB: "standard"}
    assert by_hand(house) == {BOB: STANDARD}

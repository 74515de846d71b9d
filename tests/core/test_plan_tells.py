"""What a plan tells beside its actions: reasons step by step, who is granted a seat, the pools."""

from dataclasses import replace

from idpsync.core.plan import ChangeTier, CreateAccount, Plan
from idpsync.core.planner import plan
from idpsync.core.seats import Tier
from tests.core.scenarios import Scenario
from tests.people import link


def made_of(scenario: Scenario) -> Plan:
    return plan(scenario.world_made(), scenario.policy_made())


def names(tiers: tuple[Tier, ...]) -> list[str]:
    return [tier.name for tier in tiers]


PREEMPT_IN_FULL_TIERS = Scenario(
    "A higher priority takes the tier of a lower one, and both are full",
    people="ada bob",
    groups={"Premium": "ada", "Chief": "bob"},
    rules=("Chief → premium, priority 9", "Premium → premium"),
    policy="preempt",
    accounts="ada[premium] bob[standard]",
    seats="1 premium, 1 standard",
)


def test_each_step_of_an_exchange_says_whom_the_seat_goes_to_and_no_more() -> None:
    rule = {"ada": "group 'Premium' → premium", "bob": "group 'Chief' → premium"}
    to_bob = "exchange of full tiers: the seat goes to bob@acme.example"
    to_ada = "exchange of full tiers: the seat goes to ada@acme.example"

    assert [action.because for action in made_of(PREEMPT_IN_FULL_TIERS).actions] == [
        (rule["ada"], to_bob),
        (rule["bob"], to_ada),
        (rule["ada"],),
    ]


def test_a_step_into_a_free_seat_names_the_rule_alone() -> None:
    made = made_of(
        Scenario(
            "One is moved up",
            people="ada",
            groups={"Premium": "ada"},
            accounts="ada[standard]",
        )
    )

    assert [action.because for action in made.actions] == [("group 'Premium' → premium",)]


def test_those_who_are_granted_a_seat_are_told_in_the_order_of_their_turns() -> None:
    made = made_of(
        Scenario(
            "Three come in; the one whose name is last has waited longest",
            people="ada bob cy",
            groups={"Standard": "ada bob cy"},
            waiting="bob[standard,since=1d] cy[standard,since=3d]",
        )
    )

    assert [entry.user_name.partition("@")[0] for entry in made.granted] == ["cy", "bob", "ada"]


def test_a_seat_on_its_way_to_whom_no_rule_gives_one_is_no_wish_of_theirs() -> None:
    made = made_of(
        Scenario(
            "A login was let in before its person came among the contractors",
            people="ada",
            groups={"Contractors": "ada"},
            holds="ada[standard]",
        )
    )

    assert [action.tier for action in made.actions if isinstance(action, CreateAccount)] == [
        made.pool_after.ladder.named("standard")
    ]
    assert (made.granted, made.waiting) == ((), ())


def test_a_debt_that_is_paid_is_granted_and_one_that_is_not_waits() -> None:
    made = made_of(
        Scenario(
            "Two strangers are owed a seat, and there is one",
            accounts="ghost[seatless,orphan] wraith[seatless,orphan]",
            seats="0 premium, 1 standard",
            waiting="wraith[standard,since=1h,owed] ghost[standard,since=2h,owed]",
        )
    )

    assert [entry.user_name for entry in made.granted] == ["ghost@acme.example"]
    assert [entry.user_name for entry in made.waiting] == ["wraith@acme.example"]


def test_what_is_given_back_goes_to_the_account_by_our_mark() -> None:
    made = made_of(
        Scenario(
            "A stranger is owed a seat; another bears no mark",
            accounts="ghost[seatless,orphan] wraith[seatless,orphan,unmarked]",
            waiting="ghost[standard,since=2h,owed] wraith[standard,since=1h,owed]",
        )
    )

    paid = [a for a in made.actions if isinstance(a, ChangeTier)]
    assert [action.external_id for action in paid] == ["id-ghost", ""]


def test_a_reservation_of_somebody_who_sits_already_is_no_second_seat() -> None:
    made = made_of(
        Scenario(
            "A move was cut short, and its person is moved again",
            people="ada",
            groups={"Premium": "ada"},
            accounts="ada[standard]",
            holds="ada[premium,moving]",
            seats="1 premium, 1 standard",
        )
    )

    premium, standard = made.pool_after.ladder
    assert made.pool_after.assigned == {premium: 1, standard: 0}
    assert made.pool_after.held == {premium: 0, standard: 0}


def test_whoever_stays_owed_would_take_what_they_gave_up() -> None:
    made = made_of(
        Scenario(
            "A tier that the rule does not name was given up, and no seat is left",
            people="ada",
            groups={"Premium": "ada"},
            rules=("Premium → premium, waits",),
            accounts="ada[seatless]",
            seats="0 premium, 0 standard",
            waiting="ada[standard,since=1h,owed]",
        )
    )

    assert [names(entry.accepts) for entry in made.waiting] == [["premium", "standard"]]


def test_whoever_holds_a_seat_waits_for_what_is_better_and_no_more() -> None:
    made = made_of(
        Scenario(
            "Once everything would have done, now a lower seat is held",
            people="ada",
            groups={"Premium": "ada"},
            accounts="ada[standard]",
            seats="0 premium, 1 standard",
            waiting="ada[premium,since=1d,accepts=premium+standard]",
        )
    )

    assert [names(entry.accepts) for entry in made.waiting] == [["premium"]]


def test_a_wish_that_was_out_of_sight_is_for_better_than_what_is_held_now() -> None:
    unseen = Scenario(
        "The group that grants gold could not be read, the one that grants silver was",
        people="ada bob",
        groups={"Gold[failed]": "", "Silver": "ada bob"},
        accounts="ada[bronze] bob[seatless]",
        seats="0 gold, 1 silver, 1 bronze",
        waiting="ada[gold,since=2d,holding=bronze,accepts=gold+silver] "
        "bob[gold,since=1d,accepts=gold+silver+bronze]",
    )

    told = {entry.user_name.partition("@")[0]: entry for entry in made_of(unseen).waiting}
    assert {who: (str(e.holds), names(e.accepts)) for who, e in told.items()} == {
        "ada": ("silver", ["gold"]),
        "bob": ("bronze", ["gold", "silver"]),
    }


def test_who_is_not_assigned_is_told_by_the_groups_that_rules_name() -> None:
    made = made_of(
        Scenario(
            "Zoe is in two ruled groups and in one that no rule names",
            groups={"Standard": "zoe", "Chess": "zoe", "Premium": "zoe"},
        )
    )

    (refusal,) = made.refused
    assert refusal.because[0].startswith("is in 'Premium' and 'Standard', but not among the people")


def test_a_link_to_an_account_that_is_gone_says_nothing() -> None:
    made = made_of(Scenario("Nobody is there", people="bob", accounts="bob[standard]"))
    left = Scenario("Ada was there", people="bob", accounts="bob[standard]")
    gone = replace(left.world_made(), links=(*left.world_made().links, link("ada")))

    assert plan(gone, left.policy_made()) == made

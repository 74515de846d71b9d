"""Who gets which seat, and who waits: one sentence each, with everything the plan says."""

import pytest

from tests.core.scenarios import Scenario
from tests.core.told import prove

JOINERS = [
    Scenario(
        "A newcomer gets the tier of their group",
        people="ada bob",
        groups={"Premium": "ada", "Standard": "bob"},
        expect=("create ada: premium", "create bob: standard"),
        because={"ada": "group 'Premium' → premium"},
    ),
    Scenario(
        "Of two newcomers for the last seat one gets the next lower tier, and waits",
        people="ada bob",
        groups={"Premium": "ada bob"},
        seats="1 premium, 5 standard",
        expect=(
            "create ada: premium",
            "create bob: standard",
            "bob waits for premium, holds standard",
        ),
        because={"bob": "premium is full (1 of 1)"},
    ),
    Scenario(
        "A newcomer who finds every tier full gets no account, and waits for the best",
        people="ada bob",
        groups={"Premium": "ada bob"},
        seats="0 premium, 1 standard",
        expect=(
            "create ada: standard",
            "ada waits for premium, holds standard",
            "bob waits for premium, holds nothing",
        ),
        because={"bob": "standard is full (1 of 1)"},
    ),
    Scenario(
        "Spilling goes down rung by rung, never over a free one",
        people="ada bob cy dan",
        groups={"Gold": "ada bob cy dan"},
        seats="1 gold, 1 silver, 1 bronze",
        expect=(
            "create ada: gold",
            "create bob: silver",
            "create cy: bronze",
            "bob waits for gold, holds silver",
            "cy waits for gold, holds bronze",
            "dan waits for gold, holds nothing",
        ),
    ),
    Scenario(
        "Nobody is given a tier above their group, however many seats are free",
        people="ada",
        groups={"Standard": "ada"},
        seats="9 premium, 0 standard",
        expect=("ada waits for standard, holds nothing",),
    ),
]

WHEN_FULL = [
    Scenario(
        "Where the policy waits nobody spills down",
        people="ada bob",
        groups={"Premium": "ada bob"},
        seats="1 premium, 5 standard",
        policy="when_full wait",
        expect=("create ada: premium", "bob waits for premium, holds nothing"),
    ),
    Scenario(
        "Each rule says what its own people do while the tier is full",
        people="ada bob cy",
        groups={"Research": "ada", "Sales": "bob", "Office": "cy"},
        rules=("Research → premium, waits", "Sales → premium, spills", "Office → premium"),
        seats="0 premium, 5 standard",
        expect=(
            "create bob: standard",
            "create cy: standard",
            "ada waits for premium, holds nothing",
            "bob waits for premium, holds standard",
            "cy waits for premium, holds standard",
        ),
    ),
    Scenario(
        "A rule that spills does so where the policy waits",
        people="ada bob",
        groups={"Sales": "ada", "Office": "bob"},
        rules=("Sales → premium, spills", "Office → premium"),
        policy="when_full wait",
        seats="0 premium, 5 standard",
        expect=(
            "create ada: standard",
            "ada waits for premium, holds standard",
            "bob waits for premium, holds nothing",
        ),
    ),
    Scenario(
        "Of two rules for one tier the one of the higher priority says whether to wait",
        people="ada",
        groups={"Research": "ada", "Sales": "ada"},
        rules=("Sales → premium, spills", "Research → premium, priority 5, waits"),
        seats="0 premium, 5 standard",
        expect=("ada waits for premium, holds nothing",),
    ),
    Scenario(
        "Whoever holds a lower seat keeps it while they wait, also where the rule waits",
        people="ada",
        groups={"Research": "ada"},
        rules=("Research → premium, waits",),
        accounts="ada[standard]",
        seats="0 premium, 5 standard",
        expect=("ada waits for premium, holds standard",),
    ),
]

SEVERAL_GROUPS = [
    Scenario(
        "Somebody in groups of several tiers gets the highest",
        people="ada",
        groups={"Standard": "ada", "Premium": "ada"},
        expect=("create ada: premium",),
        because={"ada": "group 'Premium' → premium"},
    ),
    Scenario(
        "The highest tier wins over more priority, and brings its own priority along",
        people="ada bob",
        groups={"Premium": "ada", "Crew": "ada", "Lead": "bob"},
        rules=(
            "Premium → premium, priority 1",
            "Crew → standard, priority 9",
            "Lead → premium, priority 5",
        ),
        seats="1 premium, 5 standard",
        expect=(
            "create bob: premium",
            "create ada: standard",
            "ada waits for premium, holds standard",
        ),
    ),
    Scenario(
        "Of two rules for one tier the higher priority counts",
        people="ada bob",
        groups={"Lead": "bob", "Premium": "ada bob"},
        rules=("Premium → premium", "Lead → premium, priority 5"),
        seats="1 premium, 0 standard",
        expect=("create bob: premium", "ada waits for premium, holds nothing"),
    ),
    Scenario(
        "A group without a seat alone makes a member without one, also where all seats are taken",
        people="ada",
        groups={"Contractors": "ada"},
        seats="0 premium, 0 standard",
        expect=("create ada: no seat",),
        because={"ada": "group 'Contractors' → no seat"},
    ),
    Scenario(
        "A group with a tier outweighs a group without a seat, whatever the priorities",
        people="ada",
        groups={"Contractors": "ada", "Standard": "ada"},
        rules=("Contractors → no seat, priority 9", "Standard → standard"),
        expect=("create ada: standard",),
    ),
    Scenario(
        "Whoever is only in a group without a seat gives theirs to the next in the same plan",
        people="ada bob",
        groups={"Contractors": "ada", "Premium": "bob"},
        accounts="ada[premium]",
        seats="1 premium, 0 standard",
        expect=("change ada: premium → no seat", "create bob: premium"),
    ),
    Scenario(
        "A member without a seat who comes into a group with a tier gets one",
        people="ada",
        groups={"Premium": "ada"},
        accounts="ada[seatless]",
        expect=("change ada: no seat → premium",),
    ),
]

WITHOUT_A_RULE = [
    Scenario(
        "People whom no rule names take the highest free seat, and wait for nothing better",
        people="ada bob",
        seats="1 premium, 5 standard",
        expect=("create ada: premium", "create bob: standard"),
    ),
    Scenario(
        "People whom no rule names take the lowest free seat where the policy says so",
        people="ada bob",
        policy="without_rule lowest_available",
        seats="5 premium, 1 standard",
        expect=("create ada: standard", "create bob: premium"),
    ),
    Scenario(
        "People whom no rule names wait where nothing at all is free",
        people="ada",
        seats="0 premium, 0 standard",
        expect=("ada waits for premium, holds nothing",),
    ),
    Scenario(
        "People whom no rule names keep what they have, whatever is free",
        people="ada bob",
        accounts="ada[standard] bob[premium]",
    ),
    Scenario(
        "Nobody whom no rule names comes in where the policy admits none",
        people="ada bob",
        groups={"Standard": "bob"},
        policy="without_rule none",
        expect=("create bob: standard",),
    ),
]


@pytest.mark.parametrize("scenario", [*JOINERS, *WHEN_FULL, *SEVERAL_GROUPS, *WITHOUT_A_RULE], ids=str)
def test_seats(scenario: Scenario) -> None:
    prove(scenario)

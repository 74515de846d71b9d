"""Who moves, in which order, and who stays where they are: one sentence each."""

import pytest

from tests.core.scenarios import Scenario
from tests.core.told import prove

MOVES = [
    Scenario(
        "Somebody moves up when a seat is free, and the seat left behind is given on at once",
        people="ada bob",
        groups={"Premium": "ada", "Standard": "bob"},
        accounts="ada[standard]",
        seats="1 premium, 1 standard",
        expect=("change ada: standard → premium", "create bob: standard"),
    ),
    Scenario(
        "Somebody who lost the group of their tier moves down, and the next moves up",
        people="ada bob",
        groups={"Standard": "ada", "Premium": "bob"},
        accounts="ada[premium] bob[standard]",
        seats="1 premium, 2 standard",
        expect=("change ada: premium → standard", "change bob: standard → premium"),
    ),
    Scenario(
        "Somebody who lost the group of their tier keeps the seat while the lower one is full",
        people="ada bob",
        groups={"Standard": "ada bob"},
        accounts="ada[premium] bob[standard]",
        seats="1 premium, 1 standard",
        expect=("ada waits for standard, holds premium",),
    ),
    Scenario(
        "Whoever must move down comes before every newcomer",
        people="ada zoe",
        groups={"Standard": "ada", "Boss": "zoe"},
        rules=("Standard → standard", "Boss → standard, priority 9"),
        accounts="ada[premium]",
        seats="1 premium, 1 standard",
        expect=("change ada: premium → standard", "zoe waits for standard, holds nothing"),
    ),
    Scenario(
        "Two full tiers exchange people, each seat from hand to hand",
        people="ada bob cy",
        groups={"Standard": "ada cy", "Premium": "bob"},
        accounts="ada[premium] bob[standard] cy[standard]",
        seats="1 premium, 2 standard",
        expect=(
            "change ada: premium → no seat, handed to bob",
            "change bob: standard → premium, handed to ada",
            "change ada: no seat → standard",
        ),
        because={"ada": "exchange of full tiers: the seat goes to bob@acme.example"},
    ),
    Scenario(
        "Of two who could take part in an exchange the higher priority does",
        people="ada bob cy",
        groups={"Standard": "ada", "Premium": "bob", "Lead": "cy"},
        rules=("Standard → standard", "Premium → premium", "Lead → premium, priority 5"),
        accounts="ada[premium] bob[standard] cy[standard]",
        seats="1 premium, 2 standard",
        expect=(
            "change ada: premium → no seat, handed to cy",
            "change cy: standard → premium, handed to ada",
            "change ada: no seat → standard",
            "bob waits for premium, holds standard",
        ),
    ),
    Scenario(
        "A ring of three full tiers turns, and nobody is ever put out",
        people="ada bob cy",
        groups={"Bronze": "ada", "Gold": "bob", "Silver": "cy"},
        policy="when_full wait",
        accounts="ada[gold] bob[silver] cy[bronze]",
        seats="1 gold, 1 silver, 1 bronze",
        expect=(
            "change ada: gold → no seat, handed to bob",
            "change bob: silver → gold, handed to cy",
            "change cy: bronze → silver, handed to ada",
            "change ada: no seat → bronze",
        ),
    ),
    Scenario(
        "One free seat above lets a whole column move up, from the top",
        people="ada bob cy",
        groups={"Gold": "ada bob cy"},
        rules=("Gold → gold",),
        accounts="ada[silver] bob[bronze]",
        seats="1 gold, 1 silver, 1 bronze",
        expect=(
            "change ada: silver → gold",
            "change bob: bronze → silver",
            "create cy: bronze",
            "bob waits for gold, holds silver",
            "cy waits for gold, holds bronze",
        ),
    ),
    Scenario(
        "Without preempt no priority moves anybody who may have their tier",
        people="ada bob",
        groups={"Premium": "ada", "Boss": "bob"},
        rules=("Premium → premium", "Boss → premium, priority 99"),
        accounts="ada[premium] bob[standard]",
        seats="1 premium, 5 standard",
        expect=("bob waits for premium, holds standard",),
    ),
    Scenario(
        "Without preempt nobody yields either who is looked at for another reason",
        people="ada[email=countess] bob",
        groups={"Premium": "ada", "Boss": "bob"},
        rules=("Premium → premium", "Boss → premium, priority 99"),
        accounts="ada[premium] bob[standard]",
        seats="1 premium, 5 standard",
        expect=("update ada: email", "bob waits for premium, holds standard"),
    ),
]

QUEUE = [
    Scenario(
        "Priority comes before waiting time",
        people="ada bob",
        groups={"Premium": "ada", "Lead": "bob"},
        rules=("Premium → premium", "Lead → premium, priority 1"),
        seats="1 premium, 0 standard",
        waiting="ada[premium,since=9d]",
        expect=("create bob: premium", "ada waits for premium, holds nothing since 9d"),
    ),
    Scenario(
        "Of equals whoever waits longest is first, and a newcomer is last",
        people="ada bob cy",
        groups={"Premium": "ada bob cy"},
        seats="2 premium, 0 standard",
        waiting="bob[premium,since=1d] cy[premium,since=2d]",
        expect=("create cy: premium", "create bob: premium", "ada waits for premium, holds nothing"),
    ),
    Scenario(
        "Somebody inside has no better place in the queue than somebody outside",
        people="ada bob",
        groups={"Premium": "ada bob"},
        accounts="bob[standard]",
        seats="1 premium, 5 standard",
        waiting="ada[premium,since=2d] bob[premium,since=1d,holding=standard]",
        expect=("create ada: premium", "bob waits for premium, holds standard since 1d"),
    ),
    Scenario(
        "Whoever gets less than they wait for keeps their place in the queue",
        people="ada bob",
        groups={"Premium": "ada bob"},
        accounts="bob[premium]",
        seats="1 premium, 1 standard",
        waiting="ada[premium,since=3d]",
        expect=("create ada: standard", "ada waits for premium, holds standard since 3d"),
    ),
    Scenario(
        "Whoever gave up a seat in an exchange that broke off comes before any priority",
        people="ada zoe",
        groups={"Standard": "ada", "Boss": "zoe"},
        rules=("Standard → standard", "Boss → standard, priority 9"),
        accounts="ada[seatless]",
        seats="0 premium, 1 standard",
        waiting="ada[standard,since=1h,owed]",
        expect=("change ada: no seat → standard", "zoe waits for standard, holds nothing"),
    ),
    Scenario(
        "A wish ends with the group that gave it",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[standard]",
        waiting="ada[premium,since=3d,holding=standard]",
    ),
    Scenario(
        "A wish ends with the person's leaving",
        accounts="ada[standard]",
        waiting="ada[premium,since=3d,holding=standard]",
        expect=("deactivate ada", "ada is missing"),
    ),
]

MIN_HOLD = [
    Scenario(
        "A seat given an hour ago is not taken down again",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[premium,since=1h]",
    ),
    Scenario(
        "A seat given a day ago may be taken down",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[premium,since=24h]",
        expect=("change ada: premium → standard",),
    ),
    Scenario(
        "A min_hold of nothing lets a seat go down at once",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[premium,since=1h]",
        policy="min_hold 0h",
        expect=("change ada: premium → standard",),
    ),
    Scenario(
        "min_hold never keeps anybody from moving up",
        people="ada",
        groups={"Premium": "ada"},
        accounts="ada[standard,since=1h]",
        expect=("change ada: standard → premium",),
    ),
    Scenario(
        "A fresh seat takes no part in an exchange",
        people="ada bob",
        groups={"Standard": "ada", "Premium": "bob"},
        accounts="ada[premium,since=1h] bob[standard]",
        seats="1 premium, 1 standard",
        expect=("bob waits for premium, holds standard",),
    ),
    Scenario(
        "min_hold also keeps a fresh seat of somebody who is to have none",
        people="ada",
        groups={"Contractors": "ada"},
        accounts="ada[premium,since=1h]",
    ),
    Scenario(
        "min_hold keeps no seat for somebody who was switched off",
        people="ada[disabled]",
        groups={"Premium": "ada"},
        accounts="ada[premium,since=1h]",
        expect=("deactivate ada",),
    ),
    Scenario(
        "What a login gave is kept where logins ignore the rules",
        people="ada bob",
        groups={"Standard": "ada bob"},
        accounts="ada[premium,since=9d,door=jit] bob[premium,since=9d]",
        policy="login_tier_sticks",
        expect=("change bob: premium → standard",),
    ),
]


@pytest.mark.parametrize("scenario", [*MOVES, *QUEUE, *MIN_HOLD], ids=str)
def test_movers(scenario: Scenario) -> None:
    prove(scenario)

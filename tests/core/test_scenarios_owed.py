"""Seats that were given up in an exchange by hand that broke off: one sentence each."""

import pytest

from tests.core.scenarios import Scenario
from tests.core.told import prove

OWED = [
    Scenario(
        "Whoever gave up a tier in an exchange that broke off gets it back, whatever they wait for",
        people="ada eve",
        groups={"Premium": "ada eve"},
        rules=("Premium → premium, waits",),
        accounts="ada[seatless] eve[premium]",
        seats="1 premium, 1 standard",
        waiting="ada[standard,since=1h,owed]",
        expect=("change ada: no seat → standard", "ada waits for premium, holds standard since 1h"),
    ),
    Scenario(
        "Of two who are owed the one seat there is the second stays owed",
        people="ada bob",
        groups={"Standard": "ada bob"},
        accounts="ada[seatless] bob[seatless]",
        seats="0 premium, 1 standard",
        waiting="ada[standard,since=1h,owed] bob[standard,since=2h,owed]",
        expect=(
            "change ada: no seat → standard",
            "bob waits for standard, holds nothing, owed since 2h",
        ),
    ),
    Scenario(
        "Whoever only waits is owed nothing",
        people="ada bob",
        groups={"Premium": "ada", "Chief": "bob"},
        rules=("Premium → premium", "Chief → premium, priority 9"),
        accounts="ada[seatless]",
        seats="1 premium, 0 standard",
        waiting="ada[premium,since=1h]",
        expect=("create bob: premium", "ada waits for premium, holds nothing since 1h"),
    ),
    Scenario(
        "Whoever has a seat is owed none",
        people="ada bob",
        groups={"Standard": "ada bob"},
        accounts="ada[standard]",
        seats="0 premium, 2 standard",
        waiting="ada[standard,since=1h,owed]",
        expect=("create bob: standard",),
    ),
    Scenario(
        "Whoever has a seat on its way is owed none beside it",
        people="ada bob",
        groups={"Standard": "ada bob"},
        accounts="ada[seatless]",
        seats="0 premium, 2 standard",
        holds="ada[standard,moving]",
        waiting="ada[standard,since=1h,owed]",
        expect=("change ada: no seat → standard", "create bob: standard"),
    ),
    Scenario(
        "An account that is off is owed nothing: it comes back by the rules",
        people="ada eve",
        groups={"Premium": "ada eve"},
        rules=("Premium → premium, waits",),
        accounts="ada[off] eve[premium]",
        seats="1 premium, 1 standard",
        waiting="ada[standard,since=1h,owed]",
        expect=("ada waits for premium, holds nothing, owed since 1h",),
    ),
    Scenario(
        "Whoever is owed a seat comes before any priority where a leaver leaves one",
        people="ada bob",
        groups={"Standard": "ada", "Chief": "bob"},
        rules=("Standard → standard", "Chief → standard, priority 9"),
        accounts="ada[seatless] zoe[standard]",
        seats="0 premium, 1 standard",
        waiting="ada[standard,since=1h,owed]",
        expect=(
            "deactivate zoe",
            "change ada: no seat → standard",
            "bob waits for standard, holds nothing",
            "zoe is missing",
        ),
    ),
    Scenario(
        "What is owed to somebody nobody names is told once, also on a read in part",
        people="ada",
        groups={"Premium": "ada"},
        accounts="ada[premium] ghost[seatless,orphan]",
        seats="1 premium, 0 standard",
        waiting="ghost[premium,since=1h,owed]",
        read="partial",
        expect=("ghost waits for premium, holds nothing, owed since 1h", "orphan ghost"),
    ),
    Scenario(
        "A stranger who only waits is owed nothing",
        accounts="ghost[seatless,orphan]",
        waiting="ghost[premium,since=1h]",
        expect=("orphan ghost",),
    ),
    Scenario(
        "A seat in the book that the target does not show is not kept for whoever is owed it",
        accounts="ghost[seatless,orphan]",
        holds="ghost[premium,settled]",
        seats="0 premium, 1 standard",
        waiting="ghost[premium,since=1h,owed]",
        expect=("change ghost: no seat → standard", "orphan ghost"),
    ),
    Scenario(
        "A login's wish is not kept for somebody whom the target knows",
        accounts="ghost[standard,orphan]",
        waiting="ghost[premium,since=1h,door=jit]",
        expect=("orphan ghost",),
    ),
]


@pytest.mark.parametrize("scenario", OWED, ids=str)
def test_owed(scenario: Scenario) -> None:
    prove(scenario)

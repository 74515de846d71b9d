"""Seats kept, held, given by hand or in use beyond their number, and the roles: one sentence each."""

import pytest

from tests.core.scenarios import Scenario
from tests.core.told import prove

DOORS = [
    Scenario(
        "The reserve is left for logins",
        people="ada bob",
        groups={"Standard": "ada bob"},
        seats="0 premium, 2 standard",
        reserve="1 standard",
        expect=("create ada: standard", "bob waits for standard, holds nothing"),
        because={"bob": "the last 1 standard seats are kept for logins"},
    ),
    Scenario(
        "The reserve takes no seat from anybody who has one",
        people="ada bob",
        groups={"Standard": "ada bob"},
        accounts="ada[standard] bob[standard]",
        seats="0 premium, 2 standard",
        reserve="1 standard",
    ),
    Scenario(
        "A seat held for a login on its way is taken, and goes to that person alone",
        people="ada bob cy",
        groups={"Standard": "ada bob cy"},
        seats="0 premium, 2 standard",
        holds="cy[standard]",
        expect=(
            "create ada: standard",
            "create cy: standard",
            "bob waits for standard, holds nothing",
        ),
    ),
    Scenario(
        "The seat of a move that was cut short is kept for whoever was moving",
        people="ada bob",
        groups={"Premium": "ada bob"},
        accounts="ada[seatless]",
        holds="ada[premium,moving]",
        seats="1 premium, 0 standard",
        expect=("change ada: no seat → premium", "bob waits for premium, holds nothing"),
    ),
    Scenario(
        "Whoever has a lower seat on its way gets that now, and waits for the better one",
        people="ada",
        groups={"Premium": "ada"},
        holds="ada[standard]",
        expect=("create ada: standard", "ada waits for premium, holds standard"),
    ),
    Scenario(
        "The wish of a login whom no directory knows is kept for a day",
        waiting="ada[premium,since=23h,door=jit] bob[premium,since=24h,door=jit] cy[premium,since=1h]",
        expect=("ada waits for premium, holds nothing since 23h",),
    ),
    Scenario(
        "Somebody invited by hand gets the seat that is held for them, and the role of the invite",
        people="ada bob",
        groups={"Standard": "bob"},
        rules=("Standard → standard",),
        seats="5 premium, 1 standard",
        invites="ada[standard,role=admin]",
        expect=("create ada: standard, roles admin", "bob waits for standard, holds nothing"),
        because={"ada": "invited by cli:root: standard, admin"},
    ),
    Scenario(
        "An invite is no admission where the policy admits nobody without a rule",
        people="ada",
        invites="ada[standard]",
        policy="without_rule none",
    ),
    Scenario(
        "A tier given by hand is what somebody gets whom no rule names",
        people="ada bob",
        by_hand="ada[standard] bob[seatless]",
        expect=("create ada: standard", "create bob: no seat"),
        because={"ada": "standard by hand (cli:root)", "bob": "no seat by hand (cli:root)"},
    ),
    Scenario(
        "A tier given by hand is what somebody gets who is inside with another",
        people="ada",
        accounts="ada[standard]",
        by_hand="ada[premium]",
        expect=("change ada: standard → premium",),
    ),
    Scenario(
        "A rule with a tier counts more than a hand",
        people="ada",
        groups={"Standard": "ada"},
        by_hand="ada[premium]",
        expect=("create ada: standard",),
    ),
    Scenario(
        "Whom a hand admitted stays where the policy admits nobody without a rule",
        people="ada bob",
        accounts="ada[standard] bob[standard]",
        by_hand="ada[standard]",
        policy="without_rule none",
        expect=("deactivate bob",),
    ),
    Scenario(
        "An account that no directory names gets back what an exchange by hand took",
        accounts="ghost[seatless,orphan]",
        seats="1 premium, 1 standard",
        waiting="ghost[premium,since=1h,owed]",
        expect=("change ghost: no seat → premium", "orphan ghost"),
    ),
    Scenario(
        "Until somebody notes that an invite came true it says that its person belongs here",
        people="ada bob[email=eve]",
        accounts="ada[standard] bob[standard,email=eve]",
        invites="ada[premium] eve[premium]",
        policy="without_rule none",
        expect=("change ada: standard → premium",),
        because={"ada": "premium by hand (cli:root)"},
    ),
    Scenario(
        "Whoever came in by the address of an invite, and has no seat yet, gets that of the invite",
        people="bob[email=eve]",
        accounts="bob[seatless,email=eve]",
        invites="eve[premium]",
        expect=("change bob: no seat → premium",),
    ),
    Scenario(
        "An invite says nothing of others, be they without an address",
        people="ada[email=] bob",
        accounts="ada[standard,email=] bob[standard]",
        invites="eve[premium]",
        policy="without_rule none",
        expect=("deactivate ada", "deactivate bob"),
    ),
    Scenario(
        "An invite alone brings nobody back whom the policy does not admit",
        people="ada",
        accounts="ada[off]",
        invites="ada[standard]",
        policy="without_rule none",
    ),
    Scenario(
        "The role of an invite is for whoever comes in on it",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[standard]",
        invites="ada[standard,role=admin]",
    ),
]

OVER = [
    Scenario(
        "An organisation over its contract keeps everybody and gains nobody",
        people="ada bob cy dan",
        groups={"Standard": "ada bob cy dan"},
        accounts="ada[standard,since=9d] bob[standard,since=2d] cy[standard,since=5d]",
        seats="0 premium, 2 standard",
        expect=("dan waits for standard, holds nothing", "over standard: 3 in 2, newest bob"),
        because={"dan": "standard is full (3 of 2)"},
    ),
    Scenario(
        "A leaver of a tier that is over leaves no seat for a newcomer until there is one",
        people="bob cy dan",
        groups={"Standard": "bob cy dan"},
        accounts="ada[standard] bob[standard] cy[standard]",
        seats="0 premium, 2 standard",
        expect=("deactivate ada", "dan waits for standard, holds nothing", "ada is missing"),
    ),
    Scenario(
        "A seat that was upgraded under its people is no room for one more",
        people="ada bob dan",
        groups={"Standard": "ada bob", "Premium": "dan"},
        accounts="ada[standard,since=9d] bob[standard,since=2d]",
        seats="1 premium, 1 standard",
        expect=("dan waits for premium, holds nothing", "over standard: 2 in 1, newest bob"),
        because={"dan": "premium has room, but 2 people sit in 2 seats of all tiers together"},
    ),
    Scenario(
        "Out of a tier that is over people may move, and nobody takes the seat they leave",
        people="ada bob dan",
        groups={"Standard": "ada dan", "Premium": "bob"},
        accounts="ada[standard] bob[standard]",
        seats="1 premium, 1 standard",
        expect=("change bob: standard → premium", "dan waits for standard, holds nothing"),
    ),
    Scenario(
        "Nobody who is inside is lowered into a tier that is over",
        people="ada bob cy",
        groups={"Standard": "ada bob cy"},
        accounts="ada[premium] bob[standard] cy[standard]",
        seats="1 premium, 1 standard",
        expect=("ada waits for standard, holds premium", "over standard: 2 in 1, newest bob"),
    ),
]

ROLES = [
    Scenario(
        "Custom roles of all groups add up, beside one rank",
        people="ada",
        groups={"Standard": "ada", "Admins": "ada", "Audit": "ada", "Billing": "ada"},
        rules=(
            "Standard → standard",
            "Admins → role admin",
            "Audit → role auditor",
            "Billing → role billing",
        ),
        expect=("create ada: standard, roles admin auditor billing",),
        because={"ada": "group 'Audit' → role auditor"},
    ),
    Scenario(
        "Of owner and admin the rule of the higher priority decides, also for the weaker one",
        people="ada",
        groups={"Owners": "ada", "Admins": "ada"},
        rules=("Owners → role owner", "Admins → role admin, priority 5"),
        expect=("create ada: premium, roles admin",),
    ),
    Scenario(
        "Of owner and admin at one priority the more powerful counts",
        people="ada",
        groups={"Owners": "ada", "Admins": "ada"},
        rules=("Admins → role admin", "Owners → role owner"),
        expect=("create ada: premium, roles owner",),
    ),
    Scenario(
        "A new rank replaces the old one and leaves custom roles alone",
        people="ada",
        groups={"Owners": "ada", "Audit": "ada"},
        rules=("Owners → role owner", "Admins → role admin", "Audit → role auditor"),
        accounts="ada[standard,roles=admin+auditor+librarian]",
        expect=("roles ada: admin auditor librarian → auditor librarian owner",),
    ),
    Scenario(
        "A role goes with the group that gave it; one that no rule gives is left",
        people="ada bob",
        groups={"Standard": "ada bob"},
        accounts="ada[standard,roles=admin] bob[standard,roles=owner]",
        expect=("roles ada: admin → none",),
    ),
    Scenario(
        "A role alone names no tier",
        people="ada",
        groups={"Admins": "ada"},
        policy="without_rule none",
    ),
    Scenario(
        "A rule may name a tier and a role at once",
        people="ada",
        groups={"Board": "ada"},
        rules=("Board → premium, role owner",),
        expect=("create ada: premium, roles owner",),
    ),
]


@pytest.mark.parametrize("scenario", DOORS, ids=str)
def test_doors(scenario: Scenario) -> None:
    prove(scenario)


@pytest.mark.parametrize("scenario", [*OVER, *ROLES], ids=str)
def test_pool(scenario: Scenario) -> None:
    prove(scenario)

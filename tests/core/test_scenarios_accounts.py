"""Accounts that may be somebody's, and those that are protected: one sentence each."""

import pytest

from tests.core.scenarios import Scenario
from tests.core.told import prove

BOTH = ("account ada (acc-ada)", "account ada (acc-two)")

ACCOUNTS = [
    Scenario(
        "An account that exists under another case is adopted, and its name is left",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[standard,orphan,user_name=ADA]",
        expect=("adopt ADA for id-ada by external_id",),
    ),
    Scenario(
        "An account without our mark is found by its user name, and marked",
        people="ada",
        groups={"Premium": "ada"},
        accounts="ada[standard,orphan,unmarked,user_name=ADA]",
        expect=(
            "change ADA: standard → premium",
            "update ADA: external_id",
            "adopt ADA for id-ada by user_name",
        ),
    ),
    Scenario(
        "An account without our mark is found by its e-mail address in a verified domain",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[standard,orphan,unmarked,user_name=countess]",
        policy="verified_domains acme.example",
        expect=(
            "update countess: user_name external_id, now ada",
            "adopt countess for id-ada by email",
        ),
    ),
    Scenario(
        "An account found again while it is off comes back",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[off,orphan]",
        expect=("reactivate ada: standard", "adopt ada for id-ada by external_id"),
    ),
    Scenario(
        "When an adopted account is found twice the link decides, and the other is left alone",
        people="ada",
        groups={"Premium": "ada"},
        accounts="ada[standard] ada[standard,id=two,orphan,unmarked]",
        expect=("change ada: standard → premium", "orphan ada"),
    ),
    Scenario(
        "Two accounts that could be one person's are left alone until somebody decides",
        people="ada",
        groups={"Premium": "ada"},
        accounts="ada[standard,orphan,unmarked] ada[standard,id=two,orphan,unmarked]",
        expect=(
            f"conflict ambiguous_correlation: user_name of ada, {', '.join(BOTH)}",
            "orphan ada",
            "orphan ada",
        ),
    ),
    Scenario(
        "An account that could be two people's is nobody's",
        people="ada bob[email=shared]",
        groups={"Premium": "ada bob"},
        accounts="ada[standard,orphan,unmarked,email=shared]",
        expect=(
            "conflict claimed_twice: account ada, person id-ada, person id-bob",
            "orphan ada",
        ),
    ),
    Scenario(
        "An account that bears somebody else's mark is never taken over",
        people="ada",
        groups={"Premium": "ada"},
        accounts="ada[standard,orphan,mark=zoe]",
        expect=(
            "conflict ambiguous_correlation: user_name of ada, account ada belongs to id-zoe",
            "orphan ada",
        ),
    ),
    Scenario(
        "An account that is linked to somebody else is never taken over",
        people="ada zoe[called=zed]",
        groups={"Premium": "ada", "Standard": "zoe"},
        accounts="ada[standard,unmarked,linked=zoe,called=ada,given_name=Zed,family_name=Example]",
        expect=(
            "update ada: user_name email display_name, now zed",
            "conflict ambiguous_correlation: user_name of ada, account ada belongs to people/id-zoe",
        ),
    ),
    Scenario(
        "An account that nobody explains is told and never touched, though it takes a seat",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ghost[standard,orphan,roles=admin]",
        seats="0 premium, 1 standard",
        expect=("ada waits for standard, holds nothing", "orphan ghost"),
    ),
    Scenario(
        "A protected account is never touched: suspended, missing, renamed or in another group",
        people="ada[disabled] bob[called=bert] cy dan",
        groups={"Premium": "dan", "Standard": "cy"},
        accounts="ada[premium] bob[premium] cy[premium] dan[standard] eve[standard]",
        seats="9 premium, 9 standard",
        policy="protected ada bob cy dan eve",
    ),
    Scenario(
        "A protected account is known by its e-mail address too",
        people="root[disabled]",
        accounts="root[premium,email=postmaster]",
        policy="protected postmaster",
    ),
]


@pytest.mark.parametrize("scenario", ACCOUNTS, ids=str)
def test_accounts(scenario: Scenario) -> None:
    prove(scenario)

"""Leavers, suspended people, and people whose names or addresses change or are shared."""

import pytest

from tests.core.scenarios import Scenario
from tests.core.told import prove

LEAVERS = [
    Scenario(
        "A leaver is deactivated, and the seat goes to whoever waits in the same plan",
        people="bob",
        groups={"Premium": "bob"},
        accounts="ada[premium]",
        seats="1 premium, 0 standard",
        waiting="bob[premium,since=3d]",
        expect=("deactivate ada", "create bob: premium", "ada is missing"),
        because={"ada": "is no longer in the directory"},
    ),
    Scenario(
        "While the grace of a leaver runs nothing is taken, and their seat is not given on",
        people="bob",
        groups={"Premium": "bob"},
        accounts="ada[premium,missing=24h]",
        seats="1 premium, 0 standard",
        policy="leaver_grace 48h",
        expect=("bob waits for premium, holds nothing", "ada is missing since 1d"),
    ),
    Scenario(
        "The grace of a leaver begins with the first read that does not name them",
        accounts="ada[premium]",
        policy="leaver_grace 48h",
        expect=("ada is missing",),
    ),
    Scenario(
        "When the grace is over a leaver is deactivated",
        accounts="ada[premium,missing=48h]",
        policy="leaver_grace 48h",
        expect=("deactivate ada", "ada is missing since 2d"),
        because={"ada": "grace of 2 days is over"},
    ),
    Scenario(
        "When the grace is over a leaver is deleted where the policy deletes",
        accounts="ada[premium,missing=49h]",
        policy="leaver_grace 48h, leaver_action delete",
        expect=("delete ada", "ada is missing since 49h"),
    ),
    Scenario(
        "When the grace is over a leaver only gives the seat back where the policy says so",
        accounts="ada[premium,missing=49h]",
        policy="leaver_grace 48h, leaver_action release_seat",
        expect=("change ada: premium → no seat", "ada is missing since 49h"),
    ),
    Scenario(
        "Nothing is left to take from a leaver who gave the seat back, or who is off",
        accounts="ada[seatless,missing=9d] bob[off,missing=9d]",
        policy="leaver_action release_seat",
        expect=("ada is missing since 9d", "bob is missing since 9d"),
    ),
    Scenario(
        "A leaver who is off already is deleted where the policy deletes, and else left",
        accounts="ada[off,missing=9d]",
        policy="leaver_action delete",
        expect=("delete ada", "ada is missing since 9d"),
    ),
    Scenario(
        "Whoever is back before the grace is over keeps everything",
        people="ada",
        groups={"Premium": "ada"},
        accounts="ada[premium,missing=24h]",
        policy="leaver_grace 48h",
    ),
    Scenario(
        "Whoever comes back later gets their account back, with a seat claimed anew",
        people="ada",
        groups={"Premium": "ada", "Admins": "ada"},
        accounts="ada[off,missing=9d]",
        seats="0 premium, 1 standard",
        expect=("reactivate ada: standard, roles admin", "ada waits for premium, holds standard"),
    ),
    Scenario(
        "Whoever no rule admits any more is deactivated, not deleted: they are still here",
        people="ada",
        accounts="ada[premium]",
        policy="without_rule none, leaver_action delete",
        expect=("deactivate ada",),
        because={"ada": "no rule names a tier → none"},
    ),
    Scenario(
        "An account linked from another directory is not missing in this one",
        people="bob",
        accounts="bob[standard] ada[premium,source=elsewhere]",
    ),
    Scenario(
        "Whoever is here is not the one whom another directory calls by the same id",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[standard] old[premium,linked=ada,source=elsewhere]",
    ),
    Scenario(
        "Whoever leaves this directory is not the one whom another calls by the same id",
        people="bob",
        accounts="bob[standard] ada[standard] old[premium,linked=ada,source=elsewhere]",
        expect=("deactivate ada", "ada is missing"),
    ),
    Scenario(
        "A grace that is no number of whole days is told in hours",
        accounts="ada[premium,missing=31h] bob[premium,missing=31h]",
        policy="leaver_grace 30h",
        expect=(
            "deactivate ada",
            "deactivate bob",
            "ada is missing since 31h",
            "bob is missing since 31h",
        ),
        because={"ada": "grace of 30 hours is over"},
    ),
    Scenario(
        "A grace of one hour is told as one",
        accounts="ada[premium,missing=1h]",
        policy="leaver_grace 1h",
        expect=("deactivate ada", "ada is missing since 1h"),
        because={"ada": "grace of 1 hour is over"},
    ),
    Scenario(
        "A grace of one day is told as one",
        accounts="ada[premium,missing=24h]",
        policy="leaver_grace 24h",
        expect=("deactivate ada", "ada is missing since 1d"),
        because={"ada": "grace of 1 day is over"},
    ),
    Scenario(
        "Whoever is suspended is no leaver who only gives the seat back: they are still here",
        people="ada[disabled]",
        accounts="ada[premium]",
        policy="leaver_action release_seat",
        expect=("deactivate ada",),
    ),
    Scenario(
        "A deleted account that was off leaves no seat, whatever tier the target still shows",
        people="bob",
        groups={"Premium": "bob"},
        accounts="ada[off,premium] cy[premium,source=elsewhere]",
        seats="1 premium, 0 standard",
        policy="leaver_action delete",
        expect=("delete ada", "bob waits for premium, holds nothing", "ada is missing"),
    ),
    Scenario(
        "An account that is off holds nothing, whatever tier the target still shows",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[off,premium]",
        expect=("reactivate ada: standard",),
    ),
    Scenario(
        "Whoever is suspended shares an address with nobody, and leaves",
        people="ada[email=desk] bob[email=desk] cy[email=desk,disabled]",
        accounts="ada[standard] bob[standard] cy[standard,email=desk]",
        expect=(
            "deactivate cy",
            "conflict shared_email: e-mail desk, person id-ada, person id-bob",
        ),
    ),
    Scenario(
        "Whoever is suspended shares a user name all the same",
        people="ada bob[user_name=ada,disabled]",
        accounts="ada[standard] bob[standard]",
        expect=("conflict shared_user_name: user name ada, person id-ada, person id-bob",),
    ),
    Scenario(
        "Conflicts are told in one order: user names, then addresses",
        people="ada[email=z] bob[email=z] cy[email=b] dan[email=b] eve[user_name=x] fay[user_name=x]",
        expect=(
            "conflict shared_user_name: user name x, person id-eve, person id-fay",
            "conflict shared_email: e-mail b, person id-cy, person id-dan",
            "conflict shared_email: e-mail z, person id-ada, person id-bob",
        ),
    ),
    Scenario(
        "A stranger's account without mark and address is nobody's",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ghost[standard,orphan,unmarked,email=]",
        expect=("create ada: standard", "orphan ghost"),
    ),
    *(
        Scenario(
            f"A new {key} alone is written",
            people=f"ada[{key}={value}]",
            groups={"Standard": "ada"},
            accounts="ada[standard]",
            expect=(f"update ada: {key}{named}",),
        )
        for key, value, named in (
            ("email", "lovelace", ""),
            ("given_name", "ADA", ""),
            ("family_name", "Lovelace", ""),
            ("display_name", "Countess", ""),
            ("user_name", "lovelace", ", now lovelace"),
        )
    ),
    Scenario(
        "An account without a mark is found by its user name, whatever its address",
        people="ada[email=lovelace]",
        groups={"Standard": "ada"},
        accounts="ada[standard,orphan,unmarked]",
        expect=("update ada: email external_id", "adopt ada for id-ada by user_name"),
    ),
    Scenario(
        "What another directory calls by the same id is another person",
        people="ada",
        groups={"Standard": "ada"},
        accounts="old[standard,linked=ada,source=elsewhere]",
        expect=("create ada: standard",),
    ),
    Scenario(
        "Whoever is to be there without a seat comes back without one",
        people="ada",
        groups={"Contractors": "ada"},
        accounts="ada[off]",
        expect=("reactivate ada: no seat",),
    ),
    Scenario(
        "A seat in the book that the target does not show is given anew by the rules",
        people="ada bob",
        groups={"Standard": "ada", "Premium": "bob"},
        accounts="ada[seatless]",
        holds="ada[premium,settled]",
        seats="1 premium, 1 standard",
        expect=("change ada: no seat → standard", "create bob: premium"),
    ),
]

SUSPENDED = [
    Scenario(
        "Somebody suspended is deactivated at once: grace is for people who are missing",
        people="ada[disabled]",
        groups={"Premium": "ada"},
        accounts="ada[premium]",
        policy="leaver_grace 48h, leaver_action delete",
        expect=("deactivate ada",),
        because={"ada": "ada@acme.example is disabled in the directory"},
    ),
    Scenario(
        "Somebody suspended gets no account, and does not wait for one",
        people="ada[disabled]",
        groups={"Premium": "ada"},
        waiting="ada[premium,since=3d]",
    ),
    Scenario(
        "Somebody whose account is off and who is suspended is left as they are",
        people="ada[disabled]",
        accounts="ada[off]",
    ),
    Scenario(
        "Of whom the directory does not say whether they are active nothing is given or taken",
        people="ada[unknown] bob[unknown] cy[unknown]",
        groups={"Premium": "ada cy"},
        accounts="bob[premium,roles=admin] cy[off]",
    ),
    Scenario(
        "Of whom the directory does not say whether they are active the place in the queue is kept",
        people="ada[unknown] bob[unknown]",
        groups={"Premium": "ada bob"},
        accounts="bob[standard]",
        waiting="ada[premium,since=3d] bob[premium,since=2d,holding=standard]",
        expect=(
            "ada waits for premium, holds nothing since 3d",
            "bob waits for premium, holds standard since 2d",
        ),
    ),
]

NAMES = [
    Scenario(
        "A new e-mail address goes to the account, and nothing else",
        people="ada[email=ada.lovelace]",
        groups={"Standard": "ada"},
        accounts="ada[standard]",
        expect=("update ada: email",),
    ),
    Scenario(
        "An account without an e-mail address gets that of the directory; none is taken away",
        people="ada bob[email=]",
        groups={"Standard": "ada bob"},
        accounts="ada[standard,email=] bob[standard]",
        expect=("update ada: email",),
    ),
    Scenario(
        "Somebody renamed keeps account, seat and place in the queue",
        people="ada[called=adele]",
        groups={"Premium": "ada"},
        accounts="ada[standard]",
        seats="0 premium, 5 standard",
        waiting="ada[premium,since=3d,holding=standard]",
        expect=(
            "update ada: user_name email given_name display_name, now adele",
            "adele waits for premium, holds standard since 3d",
        ),
    ),
    Scenario(
        "Somebody who marries keeps their account: a family name alone is no other person",
        people="ada[family_name=King]",
        groups={"Standard": "ada"},
        accounts="ada[standard]",
        expect=("update ada: family_name",),
    ),
    Scenario(
        "Upper and lower case are no difference",
        people="ada[user_name=ADA,email=Ada]",
        groups={"Standard": "ada"},
        accounts="ada[standard]",
    ),
    Scenario(
        "What the directory does not say is left as the account has it",
        people="ada[given_name=]",
        groups={"Standard": "ada"},
        accounts="ada[standard]",
    ),
    Scenario(
        "Two people with one e-mail address are left alone, their accounts too",
        people="ada bob[email=ada] cy",
        groups={"Premium": "ada bob cy"},
        accounts="bob[standard,email=ada]",
        expect=("create cy: premium", "conflict shared_email: e-mail ada, person id-ada, person id-bob"),
    ),
    Scenario(
        "Two people with one user name are left alone, whatever the case",
        people="ada bob[user_name=ADA]",
        groups={"Premium": "ada bob"},
        accounts="ada[standard]",
        expect=("conflict shared_user_name: user name ada, person id-ada, person id-bob",),
    ),
    Scenario(
        "The e-mail address of somebody who was switched off may be used again",
        people="ada bob[email=ada,disabled]",
        groups={"Standard": "ada"},
        expect=("create ada: standard",),
    ),
]


@pytest.mark.parametrize("scenario", [*LEAVERS, *SUSPENDED], ids=str)
def test_leavers(scenario: Scenario) -> None:
    prove(scenario)


@pytest.mark.parametrize("scenario", NAMES, ids=str)
def test_names(scenario: Scenario) -> None:
    prove(scenario)

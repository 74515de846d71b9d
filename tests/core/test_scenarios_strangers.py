"""Guests, people nobody assigned, ids used again, and a primary owner whom nobody finds."""

import pytest

from tests.core.scenarios import Scenario
from tests.core.told import prove

GUESTS = [
    Scenario(
        "A guest is refused, and does not wait",
        people="ada[guest] bob",
        groups={"Premium": "ada bob"},
        expect=("create bob: premium", "refuse ada: guest"),
        because={"ada": "the directory calls them a guest, and policy.guests is exclude"},
    ),
    Scenario(
        "A guest comes in where the policy includes guests",
        people="ada[guest]",
        groups={"Premium": "ada"},
        policy="guests include",
        expect=("create ada: premium",),
    ),
    Scenario(
        "A guest who has an account keeps it, and is treated like anybody",
        people="ada[guest] bob[guest]",
        groups={"Premium": "ada", "Standard": "bob"},
        accounts="ada[standard] bob[standard]",
        expect=("change ada: standard → premium",),
    ),
    Scenario(
        "A guest whose account is off does not come back",
        people="ada[guest]",
        groups={"Premium": "ada"},
        accounts="ada[off]",
        expect=("refuse ada: guest",),
    ),
    Scenario(
        "A guest who is suspended is deactivated like anybody",
        people="ada[guest,disabled]",
        groups={"Premium": "ada"},
        accounts="ada[premium]",
        expect=("deactivate ada",),
    ),
]

NOT_ASSIGNED = [
    Scenario(
        "Whoever is in a ruled group but not assigned to the application is refused by their id",
        people="ada",
        groups={"Premium": "ada zed"},
        expect=("create ada: premium", "refuse id-zed: not_assigned"),
    ),
    Scenario(
        "Whoever is in several ruled groups and not assigned is refused once",
        people="ada",
        groups={"Premium": "zed", "Standard": "ada zed"},
        accounts="ada[standard]",
        expect=("refuse id-zed: not_assigned",),
    ),
    Scenario(
        "A group that no rule names refuses nobody",
        people="ada",
        groups={"Standard": "ada", "Chess": "zed"},
        accounts="ada[standard]",
    ),
    Scenario(
        "Whoever had an account and is not assigned any more leaves, and is not refused",
        people="ada",
        groups={"Standard": "ada zed"},
        accounts="ada[standard] zed[standard]",
        expect=("deactivate zed", "zed is missing"),
    ),
    Scenario(
        "Nobody is called not assigned on the word of a list of people that is not whole",
        people="ada",
        groups={"Standard": "ada zed"},
        accounts="ada[standard]",
        read="partial",
    ),
]

ID_REUSED = [
    Scenario(
        "An id that bears another person now is a conflict, and the account is left",
        people="ada[called=zoe,family_name=King]",
        groups={"Premium": "ada"},
        accounts="ada[standard,roles=admin]",
        expect=("conflict id_reused: person id-ada, account ada",),
    ),
    Scenario(
        "An account that bears our mark is somebody's, though all their names are others",
        people="ada[called=zoe,family_name=King]",
        groups={"Standard": "ada"},
        accounts="ada[standard,orphan]",
        expect=(
            "update ada: user_name email given_name family_name display_name, now zoe",
            "adopt ada for id-ada by external_id",
        ),
    ),
    Scenario(
        "An id used again brings no account back",
        people="ada[called=zoe,family_name=King]",
        groups={"Premium": "ada"},
        accounts="ada[off]",
        expect=("conflict id_reused: person id-ada, account ada",),
    ),
    Scenario(
        "An id used again deactivates nobody",
        people="ada[called=zoe,family_name=King,disabled]",
        accounts="ada[standard]",
        expect=("conflict id_reused: person id-ada, account ada",),
    ),
    Scenario(
        "Whoever waits under an id that was used again keeps their place",
        people="ada[called=zoe,family_name=King]",
        groups={"Premium": "ada"},
        accounts="ada[standard]",
        waiting="ada[premium,since=3d,holding=standard]",
        expect=(
            "ada waits for premium, holds standard since 3d",
            "conflict id_reused: person id-ada, account ada",
        ),
    ),
    *(
        Scenario(
            f"One thing that is still the same, the {what}, makes it the same person",
            people=f"ada[called=zoe,{kept}]",
            groups={"Standard": "ada"},
            accounts="ada[standard]",
            expect=(f"update ada: {changed}",),
        )
        for what, kept, changed in (
            ("user name", "family_name=King,user_name=ada", "email given_name family_name display_name"),
            (
                "e-mail",
                "family_name=King,email=Ada",
                "user_name given_name family_name display_name, now zoe",
            ),
            (
                "given name",
                "family_name=King,given_name=Ada",
                "user_name email family_name display_name, now zoe",
            ),
            ("family name", "family_name=Example", "user_name email given_name display_name, now zoe"),
        )
    ),
]

ID_REUSED += [
    Scenario(
        f"An address that {who} does not have says nothing of who somebody is",
        people=f"ada[called=zoe,family_name=King{mine}]",
        groups={"Standard": "ada"},
        accounts=f"ada[standard{theirs}]",
        expect=(f"update ada: user_name {written}given_name family_name display_name, now zoe",),
    )
    for who, mine, theirs, written in (
        ("the directory", ",email=", "", ""),
        ("the target", "", ",email=", "email "),
    )
]

OWNER = [
    Scenario(
        "A primary owner is not found among people without an address",
        people="ada[email=]",
        groups={"Standard": "ada"},
        accounts="ada[standard]",
        policy="primary_owner root",
        expect=("note: the primary owner root is not in the directory: their account is left as it is",),
    ),
    Scenario(
        "A primary owner whom the directory does not know is told of and left as they are",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[standard] root[premium,roles=primary_owner]",
        policy="protected root, primary_owner root",
        expect=("note: the primary owner root is not in the directory: their account is left as it is",),
    ),
    Scenario(
        "Nobody is told that the primary owner is missing on the word of a read in part",
        people="ada",
        groups={"Standard": "ada"},
        accounts="ada[standard] root[premium]",
        policy="protected root, primary_owner root",
        read="partial",
    ),
    Scenario(
        "A primary owner whom the directory knows is not mentioned",
        people="root",
        accounts="root[premium,roles=primary_owner]",
        policy="protected root, primary_owner root",
    ),
    Scenario(
        "Whoever is protected by their name needs no address, and nobody else is by having none",
        people="root[disabled,email=] ada[disabled,email=]",
        accounts="root[premium,email=] ada[standard,email=]",
        policy="protected root",
        expect=("deactivate ada",),
    ),
    Scenario(
        "Whoever is protected by their address may have another name",
        people="ada[disabled]",
        accounts="ada[premium,user_name=root,email=ada]",
        policy="protected ada",
    ),
    Scenario(
        "A primary owner who is known by e-mail alone is known",
        people="root[user_name=r00t]",
        accounts="root[premium]",
        policy="protected root, primary_owner root",
    ),
]


@pytest.mark.parametrize("scenario", [*GUESTS, *NOT_ASSIGNED], ids=str)
def test_strangers(scenario: Scenario) -> None:
    prove(scenario)


@pytest.mark.parametrize("scenario", [*ID_REUSED, *OWNER], ids=str)
def test_identity(scenario: Scenario) -> None:
    prove(scenario)

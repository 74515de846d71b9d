"""What a read that is not whole may do, what a mode lets through, and whose domain counts."""

from dataclasses import replace

import pytest

from tests.core.scenarios import Scenario
from tests.core.told import prove

NOT_WHOLE = ("partial", "suspect", "failed", "gone", "unlisted")

GROUPS = [
    *(
        Scenario(
            f"A group that is {how} takes no tier, no role and no access from anybody",
            people="ada bob",
            groups={f"Premium[{how}]": "", "Standard": "ada bob"},
            accounts="ada[premium,roles=admin] bob[standard]",
            policy="without_rule none",
        )
        for how in NOT_WHOLE
    ),
    Scenario(
        "A group read in part gives to those it names",
        people="ada bob",
        groups={"Premium[partial]": "ada", "Standard": "ada bob"},
        accounts="ada[standard] bob[premium]",
        expect=("change ada: standard → premium",),
    ),
    Scenario(
        "Other groups go on giving while one could not be read",
        people="ada bob",
        groups={"Premium[failed]": "", "Standard": "bob", "Admins": "ada"},
        accounts="ada[standard]",
        expect=("roles ada: none → admin", "create bob: standard"),
    ),
    Scenario(
        "A newcomer whom no rule names waits outside while a group could not be read",
        people="ada bob",
        groups={"Contractors[failed]": "", "Standard": "bob"},
        expect=("create bob: standard",),
    ),
    Scenario(
        "A group that no rule names may be unreadable without anybody noticing",
        people="ada",
        groups={"Chess[failed]": "", "Standard": "ada"},
        accounts="ada[premium]",
        expect=("change ada: premium → standard",),
    ),
    *(
        Scenario(
            f"While a group is {how} nobody who is missing is taken for a leaver",
            people="bob",
            groups={f"Premium[{how}]": "", "Standard": "bob"},
            accounts="ada[premium,missing=9d] bob[standard]",
        )
        for how in ("gone", "unlisted")
    ),
    Scenario(
        "Somebody missing from the whole list of people leaves, though a group could not be read",
        people="bob",
        groups={"Premium[failed]": "", "Standard": "bob"},
        accounts="ada[premium] bob[standard]",
        expect=("deactivate ada", "ada is missing"),
    ),
    Scenario(
        "A wish whose group was out of sight keeps its place, also under a lower one",
        people="ada bob",
        groups={"Premium[failed]": "", "Standard": "ada bob"},
        accounts="ada[standard]",
        seats="0 premium, 1 standard",
        waiting="ada[premium,since=3d,holding=standard,accepts=premium] bob[premium,since=2d]",
        expect=(
            "ada waits for premium, holds standard since 3d",
            "bob waits for premium, holds nothing since 2d",
        ),
    ),
]

PEOPLE = [
    *(
        Scenario(
            f"While the list of people is {how} nobody is missing and nobody is lowered",
            people="ada",
            groups={"Standard": "ada"},
            accounts="ada[premium,roles=admin] bob[standard]",
            read=how,
        )
        for how in ("partial", "suspect", "failed", "gone")
    ),
    Scenario(
        "Whoever was seen to be suspended is deactivated though a group could not be read",
        people="ada[disabled]",
        groups={"Premium[failed]": ""},
        accounts="ada[premium]",
        expect=("deactivate ada",),
    ),
    *(
        Scenario(
            f"Nobody is deactivated on a read of the people that is {how}: it may be of others",
            people="ada[disabled]",
            accounts="ada[premium] bob[standard]",
            read=how,
        )
        for how in ("partial", "suspect", "failed")
    ),
    Scenario(
        "Nobody comes back while a group could not be read: a rule of theirs may be out of sight",
        people="ada",
        groups={"Premium[failed]": ""},
        accounts="ada[off]",
    ),
    Scenario(
        "Nobody is put out while a group could not be read that may admit them",
        people="ada",
        groups={"Premium[failed]": ""},
        accounts="ada[standard]",
        policy="without_rule none",
    ),
    Scenario(
        "A wish that is met is over, also while a group could not be read",
        people="ada",
        groups={"Premium": "ada", "Standard[failed]": ""},
        accounts="ada[standard]",
        waiting="ada[premium,since=3d,holding=standard]",
        expect=("change ada: standard → premium",),
    ),
    Scenario(
        "A wish that was met before is over, also on a read in part",
        people="ada",
        groups={"Premium": "ada"},
        accounts="ada[premium]",
        waiting="ada[premium,since=3d,holding=standard]",
        read="partial",
    ),
    Scenario(
        "Whoever waits under the name of their account keeps their place while their person is in doubt",
        people="ada[called=zoe,email=shared] bob[email=shared]",
        groups={"Premium": "ada"},
        accounts="ada[standard] bob[standard]",
        waiting="ada[premium,since=3d,holding=standard]",
        expect=(
            "ada waits for premium, holds standard since 3d",
            "conflict shared_email: e-mail shared, person id-ada, person id-bob",
        ),
    ),
    Scenario(
        "A wish as it was is told with the reasons of today, also while a group could not be read",
        people="ada",
        groups={"Premium": "ada", "Standard[failed]": ""},
        accounts="ada[standard]",
        seats="0 premium, 5 standard",
        waiting="ada[premium,since=3d,holding=standard]",
        expect=("ada waits for premium, holds standard since 3d",),
        because={"ada": "premium is full (0 of 0)"},
    ),
    Scenario(
        "Whoever was seen gets their account even on a read in part",
        people="ada",
        groups={"Premium": "ada"},
        read="partial",
        expect=("create ada: premium",),
    ),
    Scenario(
        "Whoever waits and was not seen on a read in part keeps their place",
        people="ada",
        groups={"Premium": "ada bob"},
        accounts="ada[premium]",
        waiting="bob[premium,since=3d]",
        read="partial",
        expect=("bob waits for premium, holds nothing since 3d",),
    ),
]

_BUSY = Scenario(
    "Much is to be done",
    people="ada bob cy[disabled] dan eve fay",
    groups={"Standard": "ada eve fay", "Premium": "bob dan"},
    accounts="ada[premium,roles=admin] bob[standard] cy[standard] eve[off] gus[standard]",
)

MODES = [
    *(
        replace(
            _BUSY,
            says=f"In mode {mode} the plan says everything that is to be done",
            policy=f"mode {mode}",
            expect=(
                "deactivate cy",
                "deactivate gus",
                "change ada: premium → standard",
                "change bob: standard → premium",
                "roles ada: admin → none",
                "reactivate eve: standard",
                "create dan: premium",
                "create fay: standard",
                "gus is missing",
            ),
        )
        for mode in ("full", "observe")
    ),
    replace(
        _BUSY,
        says="In mode no_removals nobody loses access, tier or role, and the rest is done",
        policy="mode no_removals",
        expect=(
            "change bob: standard → premium",
            "reactivate eve: standard",
            "create dan: standard",
            "create fay: standard",
            "dan waits for premium, holds standard",
            "gus is missing",
        ),
    ),
    replace(
        _BUSY,
        says="In mode create_only new accounts are made, and nobody who is there is touched",
        policy="mode create_only",
        expect=("create dan: premium", "create fay: standard", "gus is missing"),
    ),
    Scenario(
        "In mode no_removals full tiers exchange nobody",
        people="ada bob",
        groups={"Standard": "ada", "Premium": "bob"},
        accounts="ada[premium] bob[standard]",
        seats="1 premium, 1 standard",
        policy="mode no_removals",
        expect=("bob waits for premium, holds standard",),
    ),
    Scenario(
        "In mode create_only no name is written, and no role",
        people="ada[email=lovelace]",
        groups={"Standard": "ada", "Admins": "ada"},
        accounts="ada[standard]",
        policy="mode create_only",
    ),
    Scenario(
        "In mode create_only a free seat goes to a newcomer: whoever is there does not move",
        people="ada bob",
        groups={"Premium": "ada bob"},
        accounts="ada[standard]",
        seats="1 premium, 1 standard",
        policy="mode create_only",
        expect=("create bob: premium",),
    ),
]

DOMAINS = [
    Scenario(
        "Whoever has an address in a foreign domain is refused, and does not wait",
        people="ada bob[email=bob@other.example]",
        groups={"Premium": "ada bob"},
        policy="verified_domains acme.example",
        expect=("create ada: premium", "refuse bob: domain_not_verified"),
        because={"bob": "the domain of bob@other.example is not a verified domain"},
    ),
    Scenario(
        "Whoever is inside with an address in a foreign domain stays, and may move",
        people="ada",
        groups={"Premium": "ada"},
        accounts="ada[standard]",
        policy="verified_domains other.example",
        expect=("change ada: standard → premium",),
    ),
    Scenario(
        "Whoever is off and has an address in a foreign domain does not come back",
        people="ada",
        groups={"Premium": "ada"},
        accounts="ada[off]",
        policy="verified_domains other.example",
        expect=("refuse ada: domain_not_verified",),
    ),
    Scenario(
        "Of whoever has no address the domain of the user name counts",
        people="ada[email=] bob[email=,user_name=bob@other.example]",
        groups={"Premium": "ada bob"},
        policy="verified_domains acme.example",
        expect=("create ada: premium", "refuse bob@other.example: domain_not_verified"),
    ),
    Scenario(
        "Without verified domains everybody's address counts",
        people="ada[email=ada@other.example]",
        groups={"Premium": "ada"},
        expect=("create ada: premium",),
    ),
]


@pytest.mark.parametrize("scenario", [*GROUPS, *PEOPLE], ids=str)
def test_reads(scenario: Scenario) -> None:
    prove(scenario)


@pytest.mark.parametrize("scenario", [*MODES, *DOMAINS], ids=str)
def test_modes(scenario: Scenario) -> None:
    prove(scenario)

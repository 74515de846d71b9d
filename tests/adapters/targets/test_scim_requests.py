"""How many requests a person costs: none unchanged, one for whatever is done to them."""

from dataclasses import replace

import pytest

from idpsync.core.errors import UnknownOutcome
from idpsync.core.model import Standing
from idpsync.targets.plain import LASTS
from idpsync.targets.scim import ScimTarget
from tests.adapters.targets.parts import Sleepless, twin_target
from tests.contracts.target import (
    PREMIUM,
    STANDARD,
    change_roles,
    change_tier,
    create,
    deactivate,
    profile,
    update,
)
from tests.twins.scim import Fault, Quirks, ScimTwin, cut

PREMIUM_SEAT = [{"value": "Premium"}]


def asked(twin: ScimTwin) -> list[str]:
    """Method by method what was asked since the last look."""
    methods = [request.method for request in twin.seen]
    twin.seen.clear()
    return methods


@pytest.fixture
def seated(subject: ScimTarget, twin: ScimTwin) -> str:
    """Ada with premium and nothing of anybody else's; she was listed. Her id."""
    user = twin.put(
        "ada@acme.example",
        externalId="id-ada",
        entitlements=PREMIUM_SEAT,
        emails=[{"value": "ada@acme.example", "type": "work", "primary": True}],
    )
    subject.accounts()
    asked(twin)
    return str(user["id"])


def test_a_create_is_one_request(subject: ScimTarget, twin: ScimTwin) -> None:
    subject.accounts()
    asked(twin)
    subject.apply(create("bob", PREMIUM))
    assert asked(twin) == ["POST"]


def test_another_tier_is_one_request(subject: ScimTarget, twin: ScimTwin, seated: str) -> None:
    (account,) = subject.accounts()
    asked(twin)
    assert subject.apply(change_tier(account, STANDARD)).tier == STANDARD
    assert asked(twin) == ["PATCH"]
    assert twin.users[seated]["entitlements"] == [{"value": "Standard"}]


def test_another_name_and_address_are_one_request(
    subject: ScimTarget, twin: ScimTwin, seated: str
) -> None:
    (account,) = subject.accounts()
    asked(twin)
    wanted = replace(profile("ada"), email="lovelace@acme.example")
    changed = subject.apply(update(account, wanted, "email", "given_name"))
    assert asked(twin) == ["PATCH"]
    assert changed.profile.email == "lovelace@acme.example"
    assert [one["value"] for one in twin.users[seated]["emails"]] == ["lovelace@acme.example"]


@pytest.mark.parametrize("times", [1, 2])
def test_switching_off_is_one_request_each_time(
    subject: ScimTarget, twin: ScimTwin, seated: str, times: int
) -> None:
    (account,) = subject.accounts()
    asked(twin)
    for _ in range(times):
        gone = subject.apply(deactivate(account))
        assert (gone.standing, gone.tier) == (Standing.DEACTIVATED, None)
    assert asked(twin) == ["PATCH"] * times
    assert not twin.users[seated].get("entitlements")


@pytest.mark.parametrize(
    "theirs",
    [
        {"entitlements": [*PREMIUM_SEAT, {"value": "beta-tester", "type": "flag"}]},
        {"emails": [{"value": "ada@acme.example"}, {"value": "ada@home.example", "type": "home"}]},
    ],
)
def test_whoever_has_more_than_ours_is_read_first_and_keeps_it(
    subject: ScimTarget, twin: ScimTwin, seated: str, theirs: dict[str, object]
) -> None:
    twin.users[seated] |= theirs
    (account,) = subject.accounts()
    asked(twin)
    subject.apply(change_tier(account, STANDARD))
    subject.apply(update(account, replace(profile("ada"), email="lovelace@acme.example"), "email"))
    assert asked(twin) == ["GET", "PATCH", "GET", "PATCH"]
    after = twin.users[seated]
    ((name, before),) = theirs.items()
    assert isinstance(before, list)
    assert before[1] in after[name]


def test_what_was_listed_long_ago_is_read_again(
    subject: ScimTarget, twin: ScimTwin, sleepless: Sleepless, seated: str
) -> None:
    (account,) = subject.accounts()
    sleepless.sleep(LASTS)
    theirs = {"value": "beta-tester", "type": "flag"}
    twin.users[seated]["entitlements"] = [*PREMIUM_SEAT, theirs]
    asked(twin)
    subject.apply(change_tier(account, STANDARD))
    assert asked(twin) == ["GET", "PATCH"]
    assert theirs in twin.users[seated]["entitlements"]


def test_a_provider_whose_answer_does_not_show_the_change_is_asked_once_more(
    subject: ScimTarget, twin: ScimTwin, seated: str
) -> None:
    (account,) = subject.accounts()
    twin.quirks = Quirks(terse=True)
    asked(twin)
    assert subject.apply(change_tier(account, STANDARD)).tier == STANDARD
    assert asked(twin) == ["PATCH", "GET"]


def test_a_change_written_unread_whose_answer_is_lost_is_looked_at(
    subject: ScimTarget, twin: ScimTwin, seated: str
) -> None:
    (account,) = subject.accounts()
    twin.faults.append(Fault("PATCH", times=9, wire=cut))
    assert subject.apply(change_tier(account, STANDARD)).tier == STANDARD
    twin.faults.append(Fault("GET", times=9, wire=cut))
    with pytest.raises(UnknownOutcome):
        subject.apply(change_tier(account, PREMIUM))


def test_roles_that_we_gave_since_the_listing_stay_where_the_seat_is_a_role(
    twin: ScimTwin, sleepless: Sleepless
) -> None:
    target = twin_target(twin, sleepless, seat_lever={"kind": "role", "type": "seat"})
    user = twin.put(
        "ada@acme.example", externalId="id-ada", roles=[{"value": "Premium", "type": "seat"}]
    )
    (account,) = target.accounts()
    target.apply(change_roles(account, "admin"))
    target.apply(change_tier(account, STANDARD))
    assert {one["value"] for one in twin.users[user["id"]]["roles"]} == {"admin", "Standard"}

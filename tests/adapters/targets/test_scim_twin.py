"""The scim target against a provider that misbehaves: what is left behind is what counts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from idpsync.core.errors import (
    Conflict,
    CredentialsRejected,
    Malformed,
    RateLimited,
    Refused,
    RemoteError,
    SeatsExhausted,
    Transient,
    UnknownOutcome,
)
from idpsync.core.model import Standing
from idpsync.targets.scim import ScimTarget
from tests.adapters.targets.parts import Sleepless, twin_target
from tests.contracts.target import (
    PREMIUM,
    STANDARD,
    change_roles,
    change_tier,
    create,
    deactivate,
    delete,
    reactivate,
)
from tests.twins.scim import (
    TOKEN,
    Fault,
    Quirks,
    ScimTwin,
    cut,
    cut_in_body,
    cut_in_headers,
    error,
    without_body,
)
from tests.twins.sockets import Connection

Wiring = Callable[[Connection, bytes], None]
LOST_ANSWERS: list[Wiring] = [cut, cut_in_headers, cut_in_body, without_body]


@pytest.mark.parametrize("wire", LOST_ANSWERS)
def test_a_create_whose_answer_is_lost_makes_one_account(
    subject: ScimTarget, twin: ScimTwin, wire: Wiring
) -> None:
    twin.faults.append(Fault("POST", wire=wire))
    account = subject.apply(create("ada", PREMIUM))
    assert [u["id"] for u in twin.users.values()] == [account.id]
    assert account.tier == PREMIUM
    assert twin.count("POST") == 1


def test_a_create_that_got_lost_on_the_way_is_made_again(subject: ScimTarget, twin: ScimTwin) -> None:
    twin.faults.append(Fault("POST", instead=error(500, "stumbled")))
    subject.apply(create("ada"))
    assert len(twin.users) == 1
    assert twin.count("POST") == 2


def test_a_create_of_unknown_outcome_is_not_repeated_while_nobody_can_look(
    subject: ScimTarget, twin: ScimTwin
) -> None:
    twin.quirks.unique = False
    twin.faults += [Fault("POST", wire=cut), Fault("GET", times=99, instead=error(500, "stumbled"))]
    with pytest.raises(UnknownOutcome):
        subject.apply(create("ada"))
    assert twin.count("POST") == 1
    assert len(twin.users) == 1


def test_an_account_that_filters_hide_is_found_in_the_list_when_a_create_meets_it(
    subject: ScimTarget, twin: ScimTwin
) -> None:
    twin.put("ada@acme.example", externalId="id-ada")
    twin.quirks.filter = "empty"
    assert subject.apply(create("ada", PREMIUM)).tier == PREMIUM
    assert len(twin.users) == 1


def test_a_user_beyond_the_first_page_is_found_where_filters_are_ignored(
    subject: ScimTarget, twin: ScimTwin
) -> None:
    for name in ("ada", "bob", "eve"):
        twin.put(f"{name}@acme.example")
    twin.quirks = Quirks(filter="ignored", page_size=1)
    found = subject.find("eve@acme.example")
    assert found is not None
    assert found.user_name == "eve@acme.example"


def test_an_account_that_nobody_may_see_is_a_conflict(subject: ScimTarget, twin: ScimTwin) -> None:
    twin.faults.append(Fault("POST", instead=error(409, "in another workspace", "uniqueness")))
    with pytest.raises(Conflict) as caught:
        subject.apply(create("ada"))
    assert caught.value.scim_type == "uniqueness"
    assert twin.users == {}


def test_two_accounts_of_one_name_are_a_conflict(subject: ScimTarget, twin: ScimTwin) -> None:
    twin.put("ada@acme.example")
    twin.put("ADA@acme.example")
    with pytest.raises(Conflict, match="2 users"):
        subject.find("ada@acme.example")


def test_a_listing_whose_pages_move_is_not_returned(subject: ScimTarget, twin: ScimTwin) -> None:
    for number in range(9):
        twin.put(f"user{number}@acme.example")

    def lose_one() -> None:
        twin.users.pop(next(iter(twin.users)))

    twin.quirks = Quirks(page_size=3, between_pages=lose_one)
    with pytest.raises(Malformed, match="not proven complete"):
        subject.accounts()


def test_a_listing_that_moved_once_is_read_again(subject: ScimTarget, twin: ScimTwin) -> None:
    for number in range(9):
        twin.put(f"user{number}@acme.example")
    newcomers = ["new@acme.example"]

    def let_one_in() -> None:
        while newcomers:
            twin.put(newcomers.pop())

    twin.quirks = Quirks(page_size=3, between_pages=let_one_in)
    assert len(subject.accounts()) == 10


def test_a_row_without_id_makes_the_listing_malformed(subject: ScimTarget, twin: ScimTwin) -> None:
    twin.put("ada@acme.example")
    next(iter(twin.users.values())).pop("id")
    with pytest.raises(Malformed):
        subject.accounts()


def test_no_seat_at_the_provider_is_told_apart_from_other_refusals(
    subject: ScimTarget, twin: ScimTwin
) -> None:
    account = subject.apply(create("ada"))
    subject.apply(deactivate(account))
    subject.apply(create("bob"))
    twin.quirks.seats = 1
    with pytest.raises(SeatsExhausted, match="User limit reached"):
        subject.apply(create("eve"))
    with pytest.raises(SeatsExhausted):
        subject.apply(reactivate(account))
    twin.faults.append(Fault("POST", instead=error(403, "name not allowed")))
    with pytest.raises(Refused) as caught:
        subject.apply(create("eve"))
    assert not isinstance(caught.value, SeatsExhausted)
    assert len(twin.users) == 2


def test_the_tier_that_was_really_given_is_told(subject: ScimTarget, twin: ScimTwin) -> None:
    twin.quirks.premium_seats = 0
    account = subject.apply(create("ada", PREMIUM))
    assert account.tier == STANDARD
    assert subject.apply(change_tier(account, PREMIUM)).tier == STANDARD


def test_a_pause_that_is_asked_for_is_kept(
    subject: ScimTarget, twin: ScimTwin, sleepless: Sleepless
) -> None:
    twin.faults.append(Fault("POST", times=2, instead=error(429, "slow down", Retry_After="7")))
    subject.apply(create("ada"))
    assert len(twin.users) == 1
    assert sum(sleepless.slept) >= 14
    assert twin.count("POST") == 3


def test_a_pause_too_long_for_one_call_is_handed_on_and_holds_for_everybody(
    subject: ScimTarget, twin: ScimTwin
) -> None:
    twin.faults.append(Fault("POST", instead=error(429, "slow down", Retry_After="600")))
    with pytest.raises(RateLimited) as caught:
        subject.apply(create("ada"))
    assert caught.value.after == timedelta(minutes=10)
    with pytest.raises(RateLimited):
        subject.apply(create("bob"))
    assert twin.count("POST") == 1


def test_reads_are_repeated_while_the_provider_stumbles(subject: ScimTarget, twin: ScimTwin) -> None:
    twin.put("ada@acme.example")
    twin.faults += [Fault("GET", "/Users", instead=error(502, "bad")), Fault("GET", "/Users", wire=cut)]
    assert len(subject.accounts()) == 1


def test_a_provider_that_stays_down_is_transient(subject: ScimTarget, twin: ScimTwin) -> None:
    twin.faults.append(Fault("GET", times=99, instead=error(503, "down")))
    with pytest.raises(Transient):
        subject.accounts()
    assert not subject.probe().ok


@pytest.mark.parametrize("wire", LOST_ANSWERS)
def test_a_change_whose_answer_is_lost_is_seen_to_have_happened(
    subject: ScimTarget, twin: ScimTwin, wire: Wiring
) -> None:
    account = subject.apply(create("ada", STANDARD))
    twin.faults.append(Fault("PATCH", times=99, wire=wire))
    assert subject.apply(change_tier(account, PREMIUM)).tier == PREMIUM


def test_a_delete_whose_answer_is_lost_is_done(subject: ScimTarget, twin: ScimTwin) -> None:
    account = subject.apply(create("ada"))
    twin.faults.append(Fault("DELETE", wire=cut))
    subject.apply(delete(account))
    assert twin.users == {}


def test_entitlements_and_roles_of_others_stay_as_they_are(subject: ScimTarget, twin: ScimTwin) -> None:
    theirs = {"value": "beta-tester", "type": "flag", "display": "Beta"}
    role = {"value": "auditor", "primary": True}
    user = twin.put("ada@acme.example", externalId="id-ada", entitlements=[theirs], roles=[role])
    (account,) = subject.accounts()
    for tier in (PREMIUM, STANDARD, None):
        subject.apply(change_tier(account, tier))
        assert theirs in twin.users[user["id"]]["entitlements"]
    subject.apply(change_roles(account, "admin"))
    subject.apply(deactivate(account))
    after = twin.users[user["id"]]
    assert after["entitlements"] == [theirs]
    assert after["roles"] == [role, {"value": "admin"}]


def test_nothing_is_written_when_nothing_differs(subject: ScimTarget, twin: ScimTwin) -> None:
    account = subject.apply(create("ada", PREMIUM))
    subject.apply(change_tier(account, PREMIUM))
    subject.apply(reactivate(account, PREMIUM))
    assert twin.count("PATCH") == 0


def test_deactivating_is_one_write(subject: ScimTarget, twin: ScimTwin) -> None:
    subject.apply(deactivate(subject.apply(create("ada", PREMIUM))))
    assert twin.count("PATCH") == 1


def test_attributes_may_be_spelt_in_any_case_and_booleans_be_text(
    subject: ScimTarget, twin: ScimTwin
) -> None:
    twin.users["1"] = {
        "ID": "1", "USERNAME": "ada@acme.example", "Active": "False",
        "Entitlements": [{"Value": "premium"}], "Name": {"GivenName": "Ada"},
    }  # fmt: skip
    (account,) = subject.accounts()
    assert account.standing is Standing.DEACTIVATED
    assert account.tier == PREMIUM
    assert account.profile.given_name == "Ada"


def test_a_put_keeps_attributes_that_are_not_ours(subject: ScimTarget, twin: ScimTwin) -> None:
    twin.quirks.patch = "none"
    user = twin.put("ada@acme.example", title="Countess", nickName="Ada")
    (account,) = subject.accounts()
    subject.apply(change_tier(account, PREMIUM))
    assert twin.users[user["id"]]["title"] == "Countess"
    subject.apply(change_tier(account, STANDARD))
    assert twin.count("PATCH") == 1  # it was told once that there is none


def test_a_provider_without_discovery_is_fine(subject: ScimTarget, twin: ScimTwin) -> None:
    assert subject.accounts() == ()
    assert twin.count("GET", "/ServiceProviderConfig") == 1


def test_a_rejected_token_is_told_without_telling_the_token(
    subject: ScimTarget, twin: ScimTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_TWIN_TOKEN", "wrong-but-secret")
    with pytest.raises(CredentialsRejected) as caught:
        subject.accounts()
    assert "wrong-but-secret" not in str(caught.value)
    assert "401" in str(caught.value)


def test_no_secret_stands_in_any_error(subject: ScimTarget, twin: ScimTwin) -> None:
    echo = f"you sent Authorization: Bearer {TOKEN} and {TOKEN}"
    statuses = (400, 401, 403, 404, 409, 418, 422, 429, 500, 501, 503)
    for status in statuses:
        twin.faults = [Fault("POST", times=9, instead=error(status, echo, Retry_After="900"))]
        with pytest.raises(RemoteError) as caught:
            subject.apply(create("ada"))
        shown = (
            f"{caught.value!s} {caught.value!r} {caught.value.__context__!r} {caught.value.__cause__!r}"
        )
        assert TOKEN not in shown
        subject = twin_target(twin, Sleepless())


def test_a_rotated_token_is_used_without_a_restart(
    subject: ScimTarget, twin: ScimTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_TWIN_TOKEN", "expired")
    assert not subject.probe().ok
    monkeypatch.setenv("TEST_TWIN_TOKEN", TOKEN)
    assert subject.probe().ok


def test_many_threads_make_everybody_once(subject: ScimTarget, twin: ScimTwin) -> None:
    names = [f"user{number}" for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        accounts = list(pool.map(lambda name: subject.apply(create(name)), names * 2))
    assert len({account.id for account in accounts}) == 60
    assert len(twin.users) == 60


def test_a_probe_tells_of_a_secret_that_is_not_there(
    subject: ScimTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_TWIN_TOKEN")
    health = subject.probe()
    assert not health.ok
    assert "env:TEST_TWIN_TOKEN" in health.detail

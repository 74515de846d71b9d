"""A write that may have happened is never reported as one that surely did not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from idpsync.core.errors import NotFound, RateLimited, SeatsExhausted, Transient, UnknownOutcome
from idpsync.core.model import Account
from idpsync.core.plan import Action
from idpsync.targets.scim import ScimTarget
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
from tests.twins.scim import Answer, Fault, Quirks, ScimTwin, cut, error

DOWN = error(503, "down")
WRITES: dict[str, Callable[[Account], Action]] = {
    "tier": lambda account: change_tier(account, PREMIUM),
    "roles": lambda account: change_roles(account, "admin"),
    "deactivate": deactivate,
    "reactivate": lambda account: reactivate(account, PREMIUM),
}
LATER = {
    "down": DOWN,
    "down for a while": error(503, "down", Retry_After="900"),
    "slow down": error(429, "slow down", Retry_After="900"),
    "rejected": error(401, "who are you"),
    "forbidden": error(403, "not you"),
    "no seats": error(403, "User limit reached (1 max)"),
    "no seats, as a fault": error(500, "User limit reached (1 max)"),
    "conflict": error(409, "locked"),
    "gone": error(404, "no such user"),
    "nonsense": error(400, "nonsense"),
}
STARTS = [pytest.param(w, id=name) for name, w in WRITES.items()]
ENDS = [pytest.param(a, id=name) for name, a in LATER.items()]


def state_of(twin: ScimTwin, account: Account) -> tuple[object, object, object]:
    user = twin.users[account.id]
    return user["active"], user.get("entitlements"), user.get("roles")


@pytest.fixture
def account(subject: ScimTarget, twin: ScimTwin) -> Account:
    made = subject.apply(create("ada", STANDARD))
    twin.seen.clear()
    return made


@pytest.mark.parametrize("write", STARTS)
@pytest.mark.parametrize("later", ENDS)
def test_a_write_whose_answer_was_cut_stays_in_doubt_whatever_is_said_to_its_repeat(
    subject: ScimTarget,
    twin: ScimTwin,
    account: Account,
    write: Callable[[Account], Action],
    later: Answer,
) -> None:
    before = state_of(twin, account)

    def be_down(connection: object, answer: bytes) -> None:
        twin.faults.append(Fault("GET", times=99, instead=DOWN))

    twin.faults += [Fault("PATCH", wire=be_down), Fault("PATCH", times=99, instead=later)]
    with pytest.raises(UnknownOutcome):
        subject.apply(write(account))
    assert twin.count("PATCH") >= 2
    assert state_of(twin, account) != before


@pytest.mark.parametrize("write", STARTS)
@pytest.mark.parametrize("later", ENDS)
def test_a_change_that_cannot_be_read_back_is_in_doubt(
    subject: ScimTarget,
    twin: ScimTwin,
    account: Account,
    write: Callable[[Account], Action],
    later: Answer,
) -> None:
    before = state_of(twin, account)
    twin.quirks.terse = True
    twin.quirks.on_write = lambda: twin.faults.append(Fault("GET", times=99, instead=later))
    with pytest.raises(UnknownOutcome):
        subject.apply(write(account))
    assert twin.count("PATCH") == 1
    assert state_of(twin, account) != before


@pytest.mark.parametrize("quirks", [Quirks(terse=True), Quirks(stale=True)])
@pytest.mark.parametrize("later", ENDS)
def test_a_create_that_cannot_be_read_back_is_in_doubt(
    subject: ScimTarget, twin: ScimTwin, quirks: Quirks, later: Answer
) -> None:
    twin.quirks = quirks
    quirks.on_write = lambda: twin.faults.append(Fault("GET", times=99, instead=later))
    with pytest.raises(UnknownOutcome):
        subject.apply(create("ada", PREMIUM))
    assert len(twin.users) == 1
    assert twin.count("POST") == 1


@pytest.mark.parametrize("later", ENDS)
def test_a_create_is_in_doubt_though_its_repeat_is_refused(
    subject: ScimTarget, twin: ScimTwin, later: Answer
) -> None:
    twin.faults += [
        Fault("POST", instead=error(500, "stumbled")),
        Fault("POST", times=99, instead=later),
    ]
    with pytest.raises(UnknownOutcome):
        subject.apply(create("ada"))
    assert twin.count("POST") >= 2


@pytest.mark.parametrize("later", ENDS)
def test_a_found_account_that_cannot_be_completed_is_in_doubt(
    subject: ScimTarget, twin: ScimTwin, later: Answer
) -> None:
    twin.quirks.premium_seats = 0  # what was made is not what was wanted
    twin.faults += [Fault("POST", wire=cut), Fault("PATCH", times=99, instead=later)]
    with pytest.raises(UnknownOutcome):
        subject.apply(create("ada", PREMIUM))
    assert len(twin.users) == 1


def test_a_create_that_met_its_own_late_user_is_that_user(subject: ScimTarget, twin: ScimTwin) -> None:
    def hide(connection: object, answer: bytes) -> None:
        twin.faults.append(Fault("GET", "/Users", times=1, instead=Answer(200, {"totalResults": 0})))
        twin.faults.append(Fault("GET", "/Users", times=99, instead=DOWN))

    twin.faults.append(Fault("POST", wire=hide))
    with pytest.raises(UnknownOutcome):
        subject.apply(create("ada"))
    twin.faults.clear()
    assert subject.apply(create("ada")).id == next(iter(twin.users))
    assert len(twin.users) == 1


def test_a_dialect_that_may_have_worked_is_not_refused_for_the_sake_of_the_one_before(
    subject: ScimTarget, twin: ScimTwin, account: Account
) -> None:
    twin.quirks.patch = "no_paths"
    twin.faults += [
        Fault("PATCH", instead=error(400, "path is not understood", "invalidPath")),
        Fault(
            "PATCH", times=99, wire=lambda c, _: c.send(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        ),
    ]
    assert subject.apply(change_tier(account, PREMIUM)).tier == PREMIUM  # it is looked for


def test_a_delete_whose_repeat_finds_nothing_is_done(
    subject: ScimTarget, twin: ScimTwin, account: Account
) -> None:
    twin.faults.append(Fault("DELETE", wire=cut))
    assert subject.apply(delete(account)).id == account.id
    assert twin.users == {}


def test_a_delete_whose_answer_was_cut_stays_in_doubt(
    subject: ScimTarget, twin: ScimTwin, account: Account
) -> None:
    twin.faults += [Fault("DELETE", wire=cut), Fault("DELETE", times=99, instead=error(403, "no"))]
    with pytest.raises(UnknownOutcome):
        subject.apply(delete(account))


def test_what_is_refused_before_anything_was_written_is_not_in_doubt(
    subject: ScimTarget, twin: ScimTwin, account: Account
) -> None:
    """Else every refusal would keep a seat."""
    cases = [("slow down", RateLimited), ("no seats", SeatsExhausted), ("gone", NotFound)]
    for name, kind in cases[1:]:
        twin.faults = [Fault("PATCH", times=99, instead=LATER[name])]
        with pytest.raises(kind):
            subject.apply(change_tier(account, PREMIUM))
    twin.faults = [Fault("GET", times=99, instead=DOWN)]
    with pytest.raises(Transient):
        subject.apply(deactivate(account))
    twin.faults = [Fault("PATCH", times=99, instead=LATER["slow down"])]
    with pytest.raises(RateLimited):
        subject.apply(change_tier(account, PREMIUM))


def test_no_empty_external_id_is_ever_sent(subject: ScimTarget, twin: ScimTwin) -> None:
    account = subject.apply(replace(create("ada"), external_id=""))
    subject.apply(deactivate(account))
    subject.apply(replace(reactivate(account), external_id=""))
    assert all("externalId" not in str(request.body) for request in twin.seen)
    assert "externalId" not in twin.users[account.id]

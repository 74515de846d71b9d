"""Invites by hand: the seat they hold, the letter, and how they end without the person coming in."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from idpsync.core.books import SeatBook
from idpsync.core.errors import (
    Conflict,
    IdpSyncError,
    NoSeatAvailable,
    NotPermitted,
    NotPossible,
    Refused,
    RemoteError,
    StoreError,
)
from idpsync.core.membership import Actor, Invite, InviteState
from idpsync.core.model import Standing
from idpsync.core.policy import Policy
from idpsync.core.records import Cause
from idpsync.core.seats import Claim, Door, Placement
from idpsync.engine.manual import ManualDoor, ManualRule
from tests.engine.house import EngineHouse, login
from tests.fakes.membership import FakeInviteBook
from tests.people import LADDER, NOW, POLICY, PREMIUM, STANDARD, account

ROOT = Actor("cli:root")
ADMIN = Actor("cli:root as amy@acme.example", "admin")
FREE = Policy(ladder=LADDER)
ZOE = "zoe@acme.example"


@dataclass
class FakeCourier:
    """Keeps what it was given; `faults` are raised first, one per letter."""

    faults: list[RemoteError] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)

    def invite(self, invite: Invite, language: str) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append((invite.email, language))


def house_of(premium: int = 1, standard: int = 2, **more: object) -> EngineHouse:
    return EngineHouse(seats={PREMIUM: premium, STANDARD: standard}, **{"policy": FREE, **more})  # type: ignore[arg-type]


def pending(house: EngineHouse) -> list[str]:
    return [i.email for i in house.store.invites.invites() if i.state is InviteState.PENDING]


# --- the seat -----------------------------------------------------------------------------------------


def test_an_invite_holds_the_highest_open_seat_until_it_lapses() -> None:
    house = house_of(premium=1, standard=1)

    first = house.hand.invite(ROOT, ZOE).invite
    second = house.hand.invite(ROOT, "yan@acme.example", role="admin").invite

    assert (first.tier, second.tier, second.role) == (PREMIUM, STANDARD, "admin")
    assert (first.invited_at, first.expires_at) == (NOW, NOW + timedelta(days=21))
    held = house.store.seats.holding(ZOE)
    assert held
    assert (held.tier, held.door, held.expires_at) == (PREMIUM, Door.MANUAL, first.expires_at)
    assert house.store.seats.pool().total_free == 0
    assert house.events("invite.sent") == [ZOE, "yan@acme.example"]


def test_a_tier_that_a_rule_gives_is_left_to_the_rule() -> None:
    house = house_of(policy=POLICY)
    house.add("zoe", "Users")
    house.store.cache.save(house.rooms.source.read())

    with pytest.raises(NotPossible, match="'Users' → standard: a rule says which tier they have"):
        house.hand.invite(ROOT, ZOE, tier=PREMIUM)
    assert (pending(house), house.booked(), house.store.waiting.entries()) == ([], {}, ())
    assert house.hand.invite(ROOT, ZOE, tier=STANDARD).invite.tier == STANDARD


def test_a_tier_that_is_named_is_the_one_that_is_held() -> None:
    house = house_of()

    assert house.hand.invite(ROOT, ZOE, tier=STANDARD).invite.tier == STANDARD


def test_without_a_seat_nothing_is_left_behind() -> None:
    house = house_of(premium=0, standard=1)
    house.hand.invite(ROOT, "yan@acme.example")

    for tier in (PREMIUM, STANDARD, None):
        with pytest.raises(NoSeatAvailable) as refused:
            house.hand.invite(ROOT, ZOE, tier=tier)
        assert "is full" in str(refused.value)
        assert "idpsync seats add" in str(refused.value)

    assert house.booked() == {"yan@acme.example": "standard"}
    assert house.store.waiting.entries() == ()
    assert pending(house) == ["yan@acme.example"]


def test_whoever_waits_keeps_their_place() -> None:
    house = house_of(premium=0, standard=1)
    house.admitter.admit(login("ada"))
    house.admitter.admit(login("bob"))  # waits
    house.store.seats.release("ada", Cause("test"))

    with pytest.raises(NoSeatAvailable, match="waited for by others"):
        house.hand.invite(ROOT, ZOE)

    assert [entry.member for entry in house.store.waiting.entries()] == ["bob"]


def test_somebody_who_waits_is_invited_in_their_turn_and_their_wish_survives_a_refusal() -> None:
    house = house_of(premium=0, standard=1)
    for name in ("ada", ZOE, "bob"):
        house.clock.advance(timedelta(minutes=1))
        house.admitter.admit(login(name, email=ZOE if name == ZOE else None))
    before = house.store.waiting.entries()

    with pytest.raises(NoSeatAvailable):
        house.hand.invite(ROOT, ZOE)
    assert house.store.waiting.entries() == before

    house.store.seats.release("ada", Cause("test"))
    assert house.hand.invite(ROOT, ZOE).invite.tier == STANDARD
    assert [entry.member for entry in house.store.waiting.entries()] == ["bob"]


class Raced:
    """The seat book, with somebody else's claim between the look at the pool and ours."""

    def __init__(self, seats: SeatBook, rival: str) -> None:
        self.seats, self.rival = seats, rival

    def __getattr__(self, verb: str) -> object:
        return getattr(self.seats, verb)

    def hold(self, claim: Claim, cause: Cause) -> Placement:
        self.seats.hold(replace(claim, member=self.rival, user_name=self.rival, priority=9), cause)
        return self.seats.hold(claim, cause)


def raced(house: EngineHouse, rival: str) -> ManualDoor:
    rooms = replace(house.rooms, seats=Raced(house.store.seats, rival))  # type: ignore[arg-type]
    return ManualDoor(rooms, house.policy, ManualRule(), None)


def test_a_seat_that_goes_at_the_last_moment_leaves_no_wish_behind() -> None:
    house = house_of(premium=0, standard=1)

    with pytest.raises(NoSeatAvailable):
        raced(house, "ada").invite(ROOT, ZOE)

    assert house.store.waiting.entries() == ()
    assert house.booked() == {"ada": "standard"}


def test_nor_does_it_take_a_wish_that_was_there_before() -> None:
    house = house_of(premium=0, standard=1)
    house.admitter.admit(login("ada"))
    house.admitter.admit(login(ZOE, email=ZOE))
    house.store.seats.release("ada", Cause("test"))

    with pytest.raises(NoSeatAvailable):
        raced(house, "bob").invite(ROOT, ZOE)

    assert [entry.member for entry in house.store.waiting.entries()] == [ZOE]


def test_whoever_begins_to_come_in_at_the_last_moment_is_not_invited() -> None:
    house = house_of()

    with pytest.raises(NotPossible, match="at this very moment"):
        raced(house, ZOE).invite(ROOT, ZOE)

    assert (pending(house), house.booked()) == ([], {ZOE: "premium"})


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (StoreError("the disk is full"), StoreError),
        (Conflict("store", "open invite", "has a pending invite already"), NotPossible),
    ],
)
def test_when_the_invite_cannot_be_recorded_the_seat_is_free_again(
    fault: IdpSyncError, told: type[IdpSyncError]
) -> None:
    house = house_of(premium=0, standard=1)

    class Broken(FakeInviteBook):
        def open(self, invite: Invite, ticket: int, cause: Cause) -> None:
            raise fault

    fake = house.store.invites
    assert isinstance(fake, FakeInviteBook)
    rooms = replace(house.rooms, invites=Broken(fake.seats, fake.ledger))
    with pytest.raises(told):
        ManualDoor(rooms, FREE, ManualRule(), None).invite(ROOT, ZOE)

    assert house.booked() == {}
    assert house.hand.invite(ROOT, ZOE).invite.tier == STANDARD


# --- who may be invited -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "",
        "zoe",
        "@acme.example",
        "zoe@",
        "zoe@acme",
        "a@b@acme.example",
        "zoe @acme.example",
        "zoe@acme..example",
    ],
)
def test_an_address_must_be_one(address: str) -> None:
    with pytest.raises(NotPossible, match="is not an e-mail address"):
        house_of().hand.invite(ROOT, address)


def test_only_verified_domains_are_invited() -> None:
    policy = replace(FREE, verified_domains=frozenset({"acme.example"}))
    house = house_of(policy=policy)

    with pytest.raises(NotPossible, match=r"acme\.example\.evil\.example is not a verified domain"):
        house.hand.invite(ROOT, "zoe@acme.example.evil.example")
    assert house.hand.invite(ROOT, " Zoe@ACME.example ").invite.member == ZOE


def test_a_closed_door_invites_nobody() -> None:
    house = house_of(manual=ManualRule(open=False))

    with pytest.raises(NotPossible, match=r"organization\.doors"):
        house.hand.invite(ROOT, ZOE)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (account("zoe", PREMIUM), "is a member already, with a premium seat"),
        (account("zoe", None), "members assign zoe@acme.example TIER"),
        (account("zoe", STANDARD, standing=Standing.INVITED), "invited at the target already"),
    ],
)
def test_whoever_has_an_account_is_not_invited(there: object, said: str) -> None:
    house = house_of()
    house.target.shelf.put(there)  # type: ignore[arg-type]

    with pytest.raises(NotPossible, match=said):
        house.hand.invite(ROOT, ZOE)
    assert house.booked() == {}


def test_an_account_is_also_known_by_its_address() -> None:
    house = house_of()
    there = account("zoe", STANDARD)
    house.target.shelf.put(replace(there, profile=replace(there.profile, user_name="z.ofi")))

    with pytest.raises(NotPossible, match="is a member already"):
        house.hand.invite(ROOT, "ZOE@acme.example")


def test_one_invite_per_person() -> None:
    house = house_of()
    house.hand.invite(ROOT, ZOE)

    with pytest.raises(
        NotPossible, match=r"until 2026-03-22 10:00 UTC.*members resend zoe@acme\.example"
    ):
        house.hand.invite(ROOT, ZOE)
    assert house.booked() == {ZOE: "premium"}


def test_somebody_who_is_coming_in_right_now_is_not_invited_besides() -> None:
    house = house_of()
    house.target.lose_answer(ZOE)
    with pytest.raises(RemoteError):
        house.admitter.admit(login(ZOE, email=ZOE))
    there = house.target.find(ZOE)
    assert there
    house.target.shelf.remove(there.id)

    with pytest.raises(NotPossible, match="a seat is booked for"):
        house.hand.invite(ROOT, ZOE)


def test_whoever_is_disabled_in_the_directory_is_not_invited() -> None:
    house = house_of()
    house.directory.add("zoe")
    house.directory.switch("zoe", active=False)
    house.run()

    with pytest.raises(NotPossible, match="disabled in the directory"):
        house.hand.invite(ROOT, ZOE)


def test_the_key_of_the_seat_is_the_name_by_which_the_directory_knows_the_person() -> None:
    house = house_of(premium=0, standard=1)
    house.add("ada zoe")
    house.run()  # Zoe waits
    house.directory.remove("ada")
    house.store.seats.release("ada", Cause("test"))

    invite = house.hand.invite(ROOT, ZOE).invite

    assert (invite.member, invite.email) == ("zoe", ZOE)


def test_a_role_that_a_rule_gives_is_left_to_the_rule() -> None:
    house = house_of(policy=POLICY)
    house.add("zoe", "Users")
    house.run()
    there = house.target.find("zoe")
    assert there
    house.target.shelf.remove(there.id)
    house.store.seats.release("zoe", Cause("test"))

    with pytest.raises(NotPossible, match="the role admin is given by a rule"):
        house.hand.invite(ROOT, ZOE, role="admin")
    assert house.hand.invite(ROOT, ZOE, role="auditor").invite.role == "auditor"
    stranger = house.hand.invite(ROOT, "yan@acme.example", role="admin").invite
    assert stranger.role == "admin"  # no run touches whom the directory does not name


@pytest.mark.parametrize(
    ("actor", "role"),
    [
        (Actor("cli:x as u@acme.example", "user"), "user"),
        (Actor("cli:x as u@acme.example", "auditor"), "user"),
        (ADMIN, "owner"),
        (ADMIN, "Owner"),
        (ROOT, "primary_owner"),
        (ROOT, "Primary Owner"),
    ],
)
def test_rights_are_asked_before_anything_else(actor: Actor, role: str) -> None:
    house = house_of()

    said = (
        "primary owner" if "rimary" in role else "takes an owner" if "wner" in role else "invite people"
    )
    with pytest.raises(NotPermitted, match=said):
        house.hand.invite(actor, "not an address", role=role)


def test_an_admin_invites_and_an_owner_invites_owners() -> None:
    house = house_of()
    owner = Actor("cli:root as olga@acme.example", "owner")

    assert house.hand.invite(ADMIN, ZOE).invite.invited_by == "cli:root as amy@acme.example"
    assert house.hand.invite(owner, "yan@acme.example", role=" Owner ").invite.role == "owner"


def test_an_empty_role_is_none() -> None:
    with pytest.raises(NotPossible, match="the role is empty"):
        house_of().hand.invite(ROOT, ZOE, role="  ")


# --- the letter ---------------------------------------------------------------------------------------


def test_the_letter_goes_out_in_the_language_asked_for_or_the_configured_one() -> None:
    courier = FakeCourier()
    house = house_of(standard=5, courier=courier, manual=ManualRule(language="pt_BR"))

    first = house.hand.invite(ROOT, ZOE)
    second = house.hand.invite(ROOT, "yan@acme.example", language="en")

    assert (first.mailed, first.problem, second.mailed) == (True, "", True)
    assert courier.sent == [(ZOE, "pt_BR"), ("yan@acme.example", "en")]
    assert house.events("invite.mailed") == [ZOE, "yan@acme.example"]


def test_a_letter_that_cannot_be_sent_undoes_nothing() -> None:
    courier = FakeCourier([Refused("mail server", "send", "550 no such mailbox")])
    house = house_of(courier=courier)

    invited = house.hand.invite(ROOT, ZOE)

    assert not invited.mailed
    assert "550 no such mailbox" in invited.problem
    assert (pending(house), house.booked()) == ([ZOE], {ZOE: "premium"})
    mailed = [row for row in house.store.ledger.entries() if row.event == "invite.mailed"]
    assert [(row.outcome, row.because[-1]) for row in mailed] == [("failed", invited.problem)]

    again = house.hand.resend(ROOT, ZOE)
    assert (again.mailed, again.invite) == (True, invited.invite)
    assert courier.sent == [(ZOE, "en")]
    last = house.store.ledger.entries()[-1]
    assert (last.event, last.outcome, last.because) == (
        "invite.mailed",
        "done",
        ("sent again by cli:root",),
    )


def test_without_a_mail_server_the_link_is_handed_on() -> None:
    house = house_of()

    invited = house.hand.invite(ROOT, ZOE)

    assert (invited.mailed, invited.problem) == (False, "")
    assert house.events("invite.mailed") == []


# --- sent again, withdrawn, lapsed --------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["resend", "withdraw"])
def test_without_a_pending_invite_there_is_nothing_to_send_or_to_withdraw(verb: str) -> None:
    house = house_of()
    for email in (ZOE, ""):
        with pytest.raises(NotPossible, match="there is no pending invite"):
            getattr(house.hand, verb)(ROOT, email)
    house.hand.invite(ROOT, ZOE)
    house.clock.advance(timedelta(days=21))

    with pytest.raises(NotPossible, match="there is no pending invite"):
        getattr(house.hand, verb)(ROOT, ZOE)


@pytest.mark.parametrize("verb", ["resend", "withdraw"])
def test_a_user_may_neither_send_again_nor_withdraw(verb: str) -> None:
    house = house_of()
    house.hand.invite(ROOT, ZOE)

    with pytest.raises(NotPermitted, match="may not invite people"):
        getattr(house.hand, verb)(Actor("cli:x as u@acme.example", "user"), ZOE)
    assert pending(house) == [ZOE]


def test_a_withdrawn_invite_gives_its_seat_back_at_once() -> None:
    house = house_of(premium=0, standard=1)
    house.hand.invite(ROOT, ZOE)

    ended = house.hand.withdraw(ROOT, "Zoe@acme.example")

    assert (ended.email, ended.state) == (ZOE, InviteState.WITHDRAWN)
    assert (house.booked(), pending(house)) == ({}, [])
    assert house.hand.invite(ROOT, "yan@acme.example").invite.tier == STANDARD


def test_an_admin_does_not_take_back_the_invite_of_an_owner() -> None:
    house = house_of()
    house.hand.invite(ROOT, ZOE, role="owner")

    with pytest.raises(NotPermitted):
        house.hand.withdraw(ADMIN, ZOE)


def waiting_for(house: EngineHouse) -> list[str]:
    return [entry.member for entry in house.store.waiting.entries()]


def test_after_21_days_the_seat_goes_to_whoever_waits_in_the_same_run() -> None:
    house = house_of(premium=0, standard=1)
    house.hand.invite(ROOT, ZOE)
    house.add("ada")
    house.run()
    assert (waiting_for(house), house.tiers()) == (["ada"], {})

    house.clock.advance(timedelta(days=21) - timedelta(seconds=1))
    house.run()
    assert (waiting_for(house), pending(house)) == (["ada"], [ZOE])

    house.clock.advance(timedelta(seconds=1))
    shown = house.reconciler.preview()
    assert pending(house) == [ZOE]  # a preview writes nothing
    outcome = house.run()

    assert house.tiers() == house.booked() == {"ada": "standard"}
    assert (waiting_for(house), pending(house)) == ([], [])
    assert shown.plan.digest == outcome.run.digest
    assert house.events("invite.lapsed") == [ZOE]


def test_a_stale_leader_ends_no_invite() -> None:
    house = house_of()
    house.hand.invite(ROOT, ZOE)
    old = house.store.lease.acquire("leader", "old", timedelta(seconds=1))
    house.clock.advance(timedelta(days=22))
    house.store.lease.acquire("leader", "new", timedelta(seconds=60))

    house.run(token=old)

    assert pending(house) == [ZOE]


def test_an_invite_that_is_over_stands_in_nobodys_way() -> None:
    """No run was made since; the next invite ends it, and takes its seat."""
    house = house_of(premium=0, standard=1)
    house.hand.invite(ROOT, ZOE)
    house.clock.advance(timedelta(days=21))

    assert house.hand.invite(ROOT, "yan@acme.example").invite.tier == STANDARD
    house.hand.withdraw(ROOT, "yan@acme.example")
    again = house.hand.invite(ROOT, ZOE).invite

    assert again.expires_at == NOW + timedelta(days=42)
    states = [invite.state for invite in house.store.invites.invites()]
    assert sorted(states) == ["lapsed", "pending", "withdrawn"]


def test_runs_leave_the_seat_of_an_invite_alone() -> None:
    house = house_of(premium=0, standard=1)
    house.hand.invite(ROOT, ZOE)
    house.add("ada")

    for _ in range(3):
        house.clock.advance(timedelta(days=1))
        house.run()

    assert house.booked() == {ZOE: "standard"}
    assert not names_of(house.target.applied)


def names_of(actions: Iterable[object]) -> list[str]:
    return [action.profile.user_name for action in actions]  # type: ignore[attr-defined]

"""Contract of `InviteBook`: an invite and the seat it holds are one thing, whoever asks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import Conflict, LeaseLost, StoreError
from idpsync.core.membership import Assignment, Invite, InviteState
from idpsync.core.records import Cause, Seated
from idpsync.core.seats import Door, Holding
from tests.contracts.stores import CAUSE, Books, Opener, wish
from tests.people import NOW, PREMIUM, STANDARD

SEATS = {PREMIUM: 1, STANDARD: 2}
LASTS = timedelta(days=21)
TTL = timedelta(minutes=15)


def letter(name: str, books: Books, id: str = "") -> Invite:
    """An invite of now, for the premium seat."""
    return Invite(
        id=id or f"inv-{name}",
        member=name,
        email=f"{name}@acme.example",
        tier=PREMIUM,
        invited_by="cli:root",
        invited_at=books.clock.now(),
        expires_at=books.clock.now() + LASTS,
        role="admin",
    )


def reserve(books: Books, name: str) -> int:
    """The ticket of a premium seat held at the manual door."""
    placement = books.store.seats.hold(wish(name, PREMIUM, door=Door.MANUAL), CAUSE)
    assert placement.ticket is not None
    return placement.ticket


def invited(books: Books, name: str) -> Invite:
    """Somebody with a pending invite and its seat."""
    invite = letter(name, books)
    books.store.invites.open(invite, reserve(books, name), CAUSE)
    return invite


def join(books: Books, name: str) -> None:
    """They log in, and their account is not made yet."""
    assert books.store.seats.hold(wish(name, PREMIUM), CAUSE).tier == PREMIUM


def seat_of(books: Books, name: str) -> Holding:
    holding = books.store.seats.holding(name)
    assert holding is not None
    return holding


class InviteBookContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh, seats=SEATS)

    # --- sent -------------------------------------------------------------------------------------

    def test_a_pending_invite_holds_its_seat_as_long_as_it_lasts(self, books: Books) -> None:
        invite = invited(books, "ada")

        assert books.store.invites.pending("ada") == invite
        assert books.store.invites.invites() == (invite,)
        seat = seat_of(books, "ada")
        assert (seat.tier, seat.door, seat.expires_at) == (PREMIUM, Door.MANUAL, NOW + LASTS)
        assert books.free(PREMIUM) == 0
        row = books.store.ledger.entries("ada")[-1]
        assert (row.event, row.because) == ("invite.sent", CAUSE.because)
        assert row.detail == {
            "id": "inv-ada",
            "tier": "premium",
            "role": "admin",
            "expires_at": "2026-03-22T10:00:00+00:00",
        }

    def test_an_invite_needs_the_reservation_that_was_made_for_it(self, books: Books) -> None:
        ticket = reserve(books, "ada")

        with pytest.raises(StoreError, match="no longer reserved for this invite"):
            books.store.invites.open(letter("ada", books), ticket + 1, CAUSE)
        with pytest.raises(StoreError, match="no longer reserved for this invite"):
            books.store.invites.open(letter("bob", books), ticket, CAUSE)

        assert books.store.invites.invites() == ()
        assert seat_of(books, "ada").expires_at == NOW + TTL
        assert "invite.sent" not in books.events()

    def test_whoever_came_in_meanwhile_is_not_invited(self, books: Books) -> None:
        ticket = reserve(books, "ada")
        join(books, "ada")

        with pytest.raises(StoreError, match="no longer reserved for this invite"):
            books.store.invites.open(letter("ada", books), ticket, CAUSE)

        assert books.store.invites.pending("ada") is None
        assert seat_of(books, "ada").expires_at == NOW + TTL

    def test_an_assigned_seat_is_not_an_invites(self, books: Books) -> None:
        ticket = reserve(books, "ada")
        books.store.seats.settle("ada", "acc-ada", CAUSE)

        with pytest.raises(StoreError, match="no longer reserved for this invite"):
            books.store.invites.open(letter("ada", books), ticket, CAUSE)

        assert seat_of(books, "ada").settled

    def test_a_member_has_one_pending_invite(self, books: Books) -> None:
        invite = letter("ada", books)
        ticket = reserve(books, "ada")
        books.store.invites.open(invite, ticket, CAUSE)

        with pytest.raises(Conflict):
            books.store.invites.open(replace(invite, id="inv-2"), ticket, CAUSE)

        assert books.store.invites.invites() == (invite,)

    def test_the_newest_invite_is_first(self, books: Books) -> None:
        first = invited(books, "ada")
        books.store.invites.withdraw("ada", CAUSE)
        books.clock.advance(timedelta(days=1))
        second = letter("ada", books, id="a-later-one")
        books.store.invites.open(second, reserve(books, "ada"), CAUSE)

        assert [one.id for one in books.store.invites.invites()] == [second.id, first.id]
        assert books.store.invites.pending("ada") == second

    # --- the seat while it is pending ---------------------------------------------------------------

    def test_the_seat_of_an_invite_is_cancelled_by_no_ticket(self, books: Books) -> None:
        ticket = reserve(books, "ada")
        books.store.invites.open(letter("ada", books), ticket, CAUSE)

        books.store.seats.cancel("ada", CAUSE, ticket)
        books.store.seats.cancel("ada", CAUSE)

        assert books.tier_of("ada") == PREMIUM

    def test_nobodys_ticket_cancels_the_reservation_of_another(self, books: Books) -> None:
        invited(books, "ada")
        theirs = books.store.seats.hold(wish("bob", STANDARD), CAUSE).ticket

        books.store.seats.cancel("ada", CAUSE, theirs)

        assert (books.tier_of("ada"), books.tier_of("bob")) == (PREMIUM, STANDARD)

    def test_a_seat_moved_to_by_invite_is_not_cancelled_with_somebodys_move(self, books: Books) -> None:
        invited(books, "ada")
        # made at the target by others, in another tier: the invite's seat is the one moved to
        books.store.seats.mirror([Seated("ada", "acc-ada", STANDARD)], CAUSE)
        assert books.store.seats.move("ada", PREMIUM, CAUSE)

        books.store.seats.cancel("ada", CAUSE)

        seat = seat_of(books, "ada")
        assert (seat.tier, seat.moving, seat.expires_at) == (PREMIUM, True, NOW + LASTS)

    def test_joining_never_shortens_a_reservation(self, books: Books) -> None:
        invited(books, "ada")

        join(books, "ada")

        assert seat_of(books, "ada").expires_at == NOW + LASTS

    def test_the_mirror_leaves_a_pending_invite_its_seat(self, books: Books) -> None:
        invited(books, "ada")
        books.clock.advance(LASTS - timedelta(seconds=1))

        assert books.store.seats.mirror([], CAUSE) == ()
        assert books.tier_of("ada") == PREMIUM

    def test_a_login_that_came_to_nothing_leaves_the_invite_its_seat(self, books: Books) -> None:
        invite = invited(books, "ada")
        join(books, "ada")
        books.clock.advance(timedelta(hours=1))

        books.store.seats.mirror([], CAUSE)

        assert books.tier_of("ada") == PREMIUM
        assert books.store.invites.pending("ada") == invite

    # --- accepted -----------------------------------------------------------------------------------

    def test_an_accepted_invite_keeps_its_seat(self, books: Books) -> None:
        invite = invited(books, "ada")
        join(books, "ada")
        books.store.seats.settle("ada", "acc-ada", CAUSE)
        books.clock.advance(timedelta(hours=1))

        accepted = books.store.invites.accept("ada", CAUSE)

        ended_at = NOW + timedelta(hours=1)
        assert accepted == replace(invite, state=InviteState.ACCEPTED, ended_at=ended_at)
        assert books.store.invites.invites() == (accepted,)
        assert books.store.invites.pending("ada") is None
        assert seat_of(books, "ada").settled
        assert books.events("ada")[-2:] == ["invite.accepted", "member.assigned"]

    @pytest.mark.parametrize("known_as", [None, "a.lovelace"])
    def test_with_the_acceptance_the_tier_is_given_by_hand(
        self, books: Books, known_as: str | None
    ) -> None:
        invited(books, "ada")
        books.store.seats.settle("ada", "acc-ada", CAUSE)

        books.store.invites.accept("ada", CAUSE, known_as)

        member = known_as or "ada"
        given = Assignment(member, PREMIUM, "cli:root", NOW)
        assert books.store.assignments.all() == {member: given}
        assert books.events(member)[-1] == "member.assigned"

    def test_an_accepted_reservation_is_an_ordinary_one(self, books: Books) -> None:
        invited(books, "ada")

        books.store.invites.accept("ada", CAUSE)

        assert seat_of(books, "ada").expires_at == NOW + TTL
        books.clock.advance(TTL)
        books.store.seats.mirror([], CAUSE)
        assert books.tier_of("ada") is None

    def test_nobody_accepts_what_is_over_or_was_never_sent(self, books: Books) -> None:
        invited(books, "ada")
        books.store.invites.accept("ada", CAUSE)

        assert books.store.invites.accept("ada", CAUSE) is None
        assert books.store.invites.accept("bob", CAUSE) is None
        assert books.events().count("invite.accepted") == 1

    # --- withdrawn ----------------------------------------------------------------------------------

    def test_a_withdrawn_invite_gives_its_seat_back_at_once(self, books: Books) -> None:
        invite = invited(books, "ada")
        books.store.seats.hold(wish("bob", PREMIUM), CAUSE)

        withdrawn = books.store.invites.withdraw("ada", CAUSE)

        assert withdrawn == replace(invite, state=InviteState.WITHDRAWN, ended_at=NOW)
        assert books.tier_of("ada") is None
        assert books.store.seats.hold(replace(wish("bob", PREMIUM), since=NOW), CAUSE).tier == PREMIUM
        row = books.store.ledger.entries("ada")[-1]
        assert (row.event, row.because) == ("invite.withdrawn", CAUSE.because)
        assert row.detail["seat"] == "freed"

    def test_a_reservation_that_somebody_joined_stops_lasting(self, books: Books) -> None:
        invited(books, "ada")
        join(books, "ada")
        books.clock.advance(timedelta(days=1))

        books.store.invites.withdraw("ada", CAUSE)

        assert seat_of(books, "ada").expires_at == NOW + timedelta(days=1) + TTL
        assert books.store.ledger.entries("ada")[-1].detail["seat"] == "kept"
        assert books.store.seats.mirror([], CAUSE) == ()
        books.clock.advance(TTL)
        assert len(books.store.seats.mirror([], CAUSE)) == 1
        assert books.free(PREMIUM) == 1

    def test_an_assigned_seat_outlives_the_invite(self, books: Books) -> None:
        invited(books, "ada")
        books.store.seats.settle("ada", "acc-ada", CAUSE)

        books.store.invites.withdraw("ada", CAUSE)

        assert seat_of(books, "ada").settled

    def test_a_later_reservation_is_not_the_withdrawn_invites(self, books: Books) -> None:
        invited(books, "ada")
        books.clock.advance(LASTS)
        books.store.seats.mirror([], CAUSE)
        again = books.store.seats.hold(wish("ada", PREMIUM), CAUSE)

        books.store.invites.withdraw("ada", CAUSE)

        assert seat_of(books, "ada").expires_at == NOW + LASTS + TTL
        books.store.seats.cancel("ada", CAUSE, again.ticket)
        assert books.tier_of("ada") is None

    def test_there_must_be_an_invite_to_withdraw(self, books: Books) -> None:
        invited(books, "ada")
        books.store.invites.withdraw("ada", CAUSE)

        for name in ("ada", "bob"):
            with pytest.raises(KeyError):
                books.store.invites.withdraw(name, CAUSE)

    def test_whoever_gives_every_seat_back_is_no_longer_invited(self, books: Books) -> None:
        invited(books, "ada")
        books.store.seats.settle("ada", "acc-ada", CAUSE)

        books.store.seats.release("ada", CAUSE)

        assert books.store.invites.pending("ada") is None
        assert books.events("ada")[-2:] == ["seat.released", "invite.withdrawn"]

    # --- lapsed -------------------------------------------------------------------------------------

    def test_invites_lapse_when_their_time_is_over(self, books: Books) -> None:
        first = invited(books, "ada")
        books.clock.advance(LASTS - timedelta(microseconds=1))

        assert books.store.invites.lapse(CAUSE) == ()
        books.clock.advance(timedelta(microseconds=1))
        lapsed = books.store.invites.lapse(CAUSE)

        assert lapsed == (replace(first, state=InviteState.LAPSED, ended_at=NOW + LASTS),)
        assert books.store.invites.invites() == lapsed
        assert books.free(PREMIUM) == 1
        row = books.store.ledger.entries("ada")[-1]
        assert (row.event, row.detail["seat"]) == ("invite.lapsed", "freed")
        assert row.because == (*CAUSE.because, "not accepted until 2026-03-22 10:00 UTC")
        assert books.store.invites.lapse(CAUSE) == ()

    def test_whoever_sits_in_the_seat_has_come_in_though_nobody_wrote_it_down(
        self, books: Books
    ) -> None:
        invited(books, "ada")
        join(books, "ada")
        books.store.seats.settle("ada", "acc-ada", CAUSE)
        books.clock.advance(LASTS)

        assert books.store.invites.lapse(CAUSE) == ()

        [invite] = books.store.invites.invites()
        assert invite.state is InviteState.ACCEPTED
        assert books.store.assignments.all()["ada"].tier == PREMIUM
        assert seat_of(books, "ada").settled

    def test_many_lapse_at_once_and_each_is_recorded(self, open_fresh: Opener) -> None:
        books = Books(open_fresh, seats={PREMIUM: 4})
        for name in ("cyd", "ada", "bob"):
            invited(books, name)
            books.clock.advance(timedelta(hours=1))
        invited(books, "dan")
        books.store.invites.accept("bob", CAUSE)
        books.clock.advance(LASTS - timedelta(hours=1))

        lapsed = books.store.invites.lapse(CAUSE)

        assert [one.member for one in lapsed] == ["cyd", "ada"]
        assert [h.member for h in books.store.seats.holdings()] == ["bob", "dan"]
        rows = [row for row in books.store.ledger.entries() if row.event == "invite.lapsed"]
        assert [row.member for row in rows] == ["cyd", "ada"]

    def test_after_a_lapse_a_joined_reservation_is_the_mirrors(self, books: Books) -> None:
        invited(books, "ada")
        join(books, "ada")
        books.clock.advance(LASTS)

        books.store.invites.lapse(CAUSE)

        # it had run out at the same instant; nobody prolongs it any more
        assert seat_of(books, "ada").expires_at == NOW + LASTS
        assert len(books.store.seats.mirror([], CAUSE)) == 1
        assert books.free(PREMIUM) == 1

    def test_a_login_at_the_last_moment_has_its_time_also_after_the_lapse(self, books: Books) -> None:
        invited(books, "ada")
        books.clock.advance(LASTS)
        join(books, "ada")

        books.store.invites.lapse(CAUSE)

        assert books.store.seats.mirror([], CAUSE) == ()
        assert seat_of(books, "ada").expires_at == NOW + LASTS + TTL
        books.clock.advance(TTL)
        books.store.seats.mirror([], CAUSE)
        assert books.tier_of("ada") is None

    # --- renamed ------------------------------------------------------------------------------------

    def test_a_pending_invite_follows_a_new_name(self, books: Books) -> None:
        invite = invited(books, "ada")

        books.store.seats.rename("ada", "adele", CAUSE)

        assert books.store.invites.pending("ada") is None
        assert books.store.invites.pending("adele") == replace(invite, member="adele")
        books.store.invites.withdraw("adele", CAUSE)
        assert books.free(PREMIUM) == 1

    def test_an_invite_that_is_over_keeps_the_name_it_was_sent_to(self, books: Books) -> None:
        invited(books, "ada")
        books.store.invites.withdraw("ada", CAUSE)
        books.assign("ada", STANDARD)

        books.store.seats.rename("ada", "adele", CAUSE)

        assert [one.member for one in books.store.invites.invites()] == ["ada"]

    @pytest.mark.parametrize(
        ("seated", "stays", "ends"),
        [("ada", "inv-ada", "inv-bob"), ("bob", "inv-bob", "inv-ada"), ("", "inv-bob", "inv-ada")],
    )
    def test_of_two_invites_of_one_person_the_one_with_the_seat_stays(
        self, open_fresh: Opener, seated: str, stays: str, ends: str
    ) -> None:
        books = Books(open_fresh, seats={PREMIUM: 2})
        for name in ("ada", "bob"):
            invited(books, name)
        books.clock.advance(LASTS)
        if seated:
            join(books, seated)
        books.store.seats.mirror([], CAUSE)  # before they lapse: whoever did not come loses the seat

        books.store.seats.rename("ada", "bob", CAUSE)

        states = {one.id: one.state for one in books.store.invites.invites()}
        assert states == {stays: InviteState.PENDING, ends: InviteState.WITHDRAWN}
        pending = books.store.invites.pending("bob")
        assert pending is not None
        assert pending.id == stays
        assert [h.member for h in books.store.seats.holdings()] == (["bob"] if seated else [])

    # --- who may write ------------------------------------------------------------------------------

    def test_a_stale_leader_ends_nothing(self, books: Books) -> None:
        store = books.store
        invite = invited(books, "ada")
        books.clock.advance(LASTS)
        old = store.lease.acquire("leader", "one", timedelta(0))
        store.lease.acquire("leader", "two", timedelta(hours=1))
        stale = Cause("sync", token=old)
        writes: list[Callable[[], object]] = [
            lambda: store.invites.lapse(stale),
            lambda: store.invites.withdraw("ada", stale),
            lambda: store.invites.accept("ada", stale),
            lambda: store.invites.open(invite, 1, stale),
        ]

        for write in writes:
            with pytest.raises(LeaseLost):
                write()

        assert store.invites.pending("ada") == invite

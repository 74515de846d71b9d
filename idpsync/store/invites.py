"""Invites by hand, each with the seat it holds."""

from idpsync.core.membership import Invite, InviteState
from idpsync.core.records import Cause
from idpsync.store import invite_changes
from idpsync.store.membership_rows import InviteRows
from idpsync.store.seat_rows import SeatBooking


class SqlInviteBook:
    """`InviteBook` on one store."""

    def __init__(self, booking: SeatBooking) -> None:
        self._booking, self._database, self._ladder = booking, booking.database, booking.ladder

    def open(self, invite: Invite, ticket: int, cause: Cause) -> None:
        with self._booking.open(cause, invite.member) as page:
            invite_changes.send(page, invite, ticket)

    def pending(self, member: str) -> Invite | None:
        with self._database.reading() as connection:
            return InviteRows(self._database, connection, self._ladder).seen(member)

    def invites(self) -> tuple[Invite, ...]:
        with self._database.reading() as connection:
            return InviteRows(self._database, connection, self._ladder).all()

    def withdraw(self, member: str, cause: Cause) -> Invite:
        ended = self._end(member, InviteState.WITHDRAWN, cause)
        if ended is None:
            raise KeyError(member)
        return ended

    def accept(self, member: str, cause: Cause, known_as: str | None = None) -> Invite | None:
        with self._booking.open(cause, member, known_as) as page:
            pending = page.invites.pending(member)
            accepted = [invite_changes.accept(page, one, known_as or member) for one in pending]
        return accepted[0] if accepted else None

    def _end(self, member: str, state: InviteState, cause: Cause) -> Invite | None:
        with self._booking.open(cause, member) as page:
            ended = [invite_changes.end(page, one, state) for one in page.invites.pending(member)]
        return ended[0] if ended else None

    def lapse(self, cause: Cause) -> tuple[Invite, ...]:
        with self._database.reading() as connection:
            now = self._database.clock.now()
            due = InviteRows(self._database, connection, self._ladder).due(now)
        with self._booking.open(cause, *due) as page:
            # read again, now that nobody else writes to these members: some may have come in
            over = [one for one in page.invites.pending(*due) if one.invite.expires_at <= page.now]
            ended = [invite_changes.run_out(page, one, _too_late(cause, one.invite)) for one in over]
            return tuple(one for one in ended if one.state is InviteState.LAPSED)


def _too_late(cause: Cause, invite: Invite) -> tuple[str, ...]:
    return (*cause.because, f"not accepted until {invite.expires_at:%Y-%m-%d %H:%M} UTC")

"""What becomes of an invite and of the seat it holds. On an open page.

A reservation lasts long exactly while a pending invite holds it: every end of an invite frees the seat,
or makes the reservation an ordinary one that runs out.
"""

import secrets
from dataclasses import replace

from idpsync.core.errors import Conflict, StoreError
from idpsync.core.membership import Assignment, Invite, InviteState
from idpsync.store.membership_rows import PendingInvite
from idpsync.store.seat_rows import Page, SeatRow

ENDED = {
    InviteState.ACCEPTED: "invite.accepted",
    InviteState.WITHDRAWN: "invite.withdrawn",
    InviteState.LAPSED: "invite.lapsed",
}


def send(page: Page, invite: Invite, ticket: int) -> None:
    """The reservation made under `ticket` becomes the invite's, and lasts as long.

    It gets a ticket that nobody else knows: whoever made it cannot cancel it any more.
    """
    if page.invites.pending(invite.member):
        raise Conflict("store", "open invite", f"{invite.email} has a pending invite already")
    mine = [row for row in page.of(invite.member) if not row.claimed and row.ticket == ticket]
    if not mine:
        raise StoreError(
            f"the seat for {invite.email} is no longer reserved for this invite: they came in "
            "meanwhile, or it was given back; nothing was recorded, look at the member and ask again"
        )
    own = secrets.randbits(62)
    for row in mine:
        page.change(row, replace(row, expires_at=invite.expires_at, ticket=own))
    page.invites.add(invite, own)
    page.scribe.note("invite.sent", invite.member, detail=_facts(invite))


def end(
    page: Page, pending: PendingInvite, state: InviteState, because: tuple[str, ...] | None = None
) -> Invite:
    """The invite is over. Its seat stays when the person came in; else it is free, or runs out."""
    ended = replace(pending.invite, state=state, ended_at=page.now)
    page.invites.end(ended)
    freed = [row for row in page.of(ended.member) if _lets_go(page, row, pending.ticket, state)]
    seat = "freed" if freed else "kept" if page.of(ended.member) else "none"
    facts = {**_facts(ended), "seat": seat}
    page.scribe.note(ENDED[state], ended.member, because=because, detail=facts)
    return ended


def accept(page: Page, pending: PendingInvite, known_as: str) -> Invite:
    """The invite is done, and its tier given by hand: nobody sees the one without the other."""
    accepted = end(page, pending, InviteState.ACCEPTED)
    given = Assignment(known_as, accepted.tier, accepted.invited_by, page.now)
    if page.assignments.put(given):
        facts = {"tier": accepted.tier.name, "by": given.by}
        page.scribe.note("member.assigned", known_as, detail=facts)
    return accepted


def run_out(page: Page, pending: PendingInvite, because: tuple[str, ...]) -> Invite:
    """The time of the invite is over; whoever sits in its seat came in, though nobody wrote it down."""
    member = pending.invite.member
    if any(row.claimed for row in page.of(member)):
        return accept(page, pending, member)
    return end(page, pending, InviteState.LAPSED, because)


def _lets_go(page: Page, row: SeatRow, ticket: int, state: InviteState) -> bool:
    """Whether the row was freed; one that others may be using only stops lasting."""
    if row.claimed or row.ticket not in {ticket, None}:
        return False
    if row.ticket == ticket and state is not InviteState.ACCEPTED:
        page.free(row)
        return True
    soon = page.now + page.hold_ttl
    page.change(row, replace(row, expires_at=min(row.expires_at or soon, soon), ticket=None))
    return False


def withdraw_all(page: Page, member: str) -> None:
    """Whoever loses their seats is no longer invited either: the invite would let them in again."""
    for pending in page.invites.pending(member):
        end(page, pending, InviteState.WITHDRAWN)


def rename(page: Page, member: str, to: str) -> bool:
    """Whether there was an invite to take along. Of two for one person the one with the seat stays.

    Before the seats are renamed: what is ended here must not take a seat that the other holds.
    """
    found = {one.invite.member: one for one in page.invites.pending(member, to)}
    mine, there = found.get(member), found.get(to)
    if mine is None:
        return False
    if there and not page.of(member):
        end(page, mine, InviteState.WITHDRAWN)
        return True
    if there:
        end(page, there, InviteState.WITHDRAWN)
    page.invites.hand_over(mine.invite, to)
    return True


def _facts(invite: Invite) -> dict[str, object]:
    return {
        "id": invite.id,
        "tier": invite.tier.name,
        "role": invite.role,
        "expires_at": invite.expires_at.isoformat(),
    }

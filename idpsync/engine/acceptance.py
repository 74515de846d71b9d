"""An invite is accepted when its person has an account with a seat, whichever door made the account."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import structlog

from idpsync.core.membership import Assignment, Invite, InviteState
from idpsync.core.model import Account, fold
from idpsync.core.records import Cause
from idpsync.core.seats import Holding, Placement
from idpsync.core.world import has_seat
from idpsync.engine.rooms import Rooms

log = structlog.get_logger()


def pending_invites(rooms: Rooms) -> dict[str, Invite]:
    """Those that are pending, by member, also when their time is over and nobody has said so yet."""
    invites = rooms.invites.invites()
    return {invite.member: invite for invite in invites if invite.state is InviteState.PENDING}


def stands(invite: Invite | None, now: datetime) -> bool:
    """Whether the invite still lets somebody in."""
    return invite is not None and invite.state is InviteState.PENDING and invite.expires_at > now


def without_over(
    invites: Mapping[str, Invite], holdings: Iterable[Holding], now: datetime
) -> tuple[dict[str, Invite], tuple[Holding, ...]]:
    """The invites that still stand, and the holdings less the seats that were kept for the others.

    A run that writes ends those before it looks; one that only looks takes them for ended.
    """
    standing = {member: invite for member, invite in invites.items() if stands(invite, now)}
    over = invites.keys() - standing.keys()
    return standing, tuple(h for h in holdings if h.settled or h.member not in over)


def invite_of(rooms: Rooms, names: Iterable[str], cause: Cause) -> Invite | None:
    """The invite that lets in whom one of `names` calls.

    One whose time is over ends here: its seat is nobody's to walk in on.
    """
    now = rooms.clock.now()
    found = [invite for name in dict.fromkeys(names) if (invite := rooms.invites.pending(name))]
    if any(invite.expires_at <= now for invite in found):
        rooms.invites.lapse(cause)
    return next((invite for invite in found if stands(invite, now)), None)


def joined(rooms: Rooms, invite: Invite, placement: Placement) -> bool:
    """Whether the seat that was asked for is the invite's, and that has not ended meanwhile."""
    theirs = placement.tier is not None and placement.ticket is None
    return theirs and stands(rooms.invites.pending(invite.member), rooms.clock.now())


def came_in(rooms: Rooms, invite: Invite, account: Account, cause: Cause) -> str:
    """The person of `invite` has `account` with a seat: the invite is done, its tier is by hand.

    The seat is settled already; the member under whom it stands now. Does nothing when somebody else
    has noted it, or withdrew the invite.
    """
    accepted = rooms.invites.accept(invite.member, cause, account.member)
    if accepted is None:
        return invite.member
    other = account.member != accepted.member  # the target knows them by another name
    if other and rooms.seats.holding(account.member) is None:
        rooms.seats.rename(accepted.member, account.member, cause)
    log.info("invite.accepted", member=account.member, tier=str(accepted.tier))
    return account.member


def note_arrivals(
    rooms: Rooms,
    invites: Mapping[str, Invite],
    accounts: Iterable[Account],
    listed: datetime,
    cause: Cause,
) -> None:
    """Invites of people whom the target already seats, from a listing begun at `listed`.

    What a crash or a lost answer left undone is noted here. Somebody who has a seat under another name
    than the address of the invite needs no second one.
    """
    waiting = {member: one for member, one in invites.items() if one.invited_at < listed}
    member_of = {fold(one.email): member for member, one in waiting.items()}
    for account in accounts if waiting else ():
        if not has_seat(account):
            continue
        if invite := waiting.pop(account.member, None):
            came_in(rooms, invite, account, cause)
        elif invite := waiting.pop(member_of.get(fold(account.profile.email or ""), ""), None):
            because = (f"has a seat already, as {account.user_name}",)
            # what they have is theirs by hand: they were asked in, whatever policy says of them
            given = Assignment(account.member, account.tier, invite.invited_by, rooms.clock.now())
            rooms.assignments.put(given, replace(cause, because=because))
            with suppress(KeyError):  # withdrawn, or accepted, at this moment
                rooms.invites.withdraw(invite.member, replace(cause, because=because))

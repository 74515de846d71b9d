"""What becomes of a member's seats: settled, released, cancelled, renamed. On an open page."""

from dataclasses import replace

from idpsync.core.errors import Conflict
from idpsync.core.seats import WaitEntry
from idpsync.store import invite_changes
from idpsync.store.seat_rows import Page, SeatRow


def settle(page: Page, member: str, account_id: str, yield_to: str | None) -> None:
    """The seat moved to (or the only one) is assigned; one left behind is freed or handed over."""
    mine = page.of(member)
    if not mine:
        # a reservation that ran out while the target was asked: the next mirror finds the account
        page.scribe.note("seat.settled", member, account_id=account_id, outcome="failed")
        return
    *left, taken = mine
    for row in left:
        _leave(page, row, yield_to)
    page.change(taken, replace(taken, account_id=account_id, expires_at=None, moving=False, ticket=None))
    page.wishes.seated(member, taken.tier)
    facts = {"tier": taken.tier.name, "left": [row.tier.name for row in left], "yield_to": yield_to}
    page.scribe.note("seat.settled", member, account_id=account_id, detail=facts)


def release(page: Page, member: str, yield_to: str | None, because: tuple[str, ...]) -> None:
    """Every seat given back, and a pending invite with them; `yield_to` gets the first, if named."""
    mine = page.of(member)
    if mine:
        _give_back(page, mine, yield_to, because)
    if yield_to is None:
        invite_changes.withdraw_all(page, member)


def _give_back(page: Page, mine: list[SeatRow], yield_to: str | None, because: tuple[str, ...]) -> None:
    first, member = mine[0], mine[0].member
    page.wishes.unseated(member)
    if yield_to:  # whoever yields is owed a seat
        tier = first.tier
        page.wishes.owe(WaitEntry(member, member, tier, page.now, because=because, accepts=(tier,)))
    for row in mine:
        _leave(page, row, yield_to if row is first else None)
    facts = {"tiers": [row.tier.name for row in mine], "yield_to": yield_to}
    page.scribe.note("seat.released", member, account_id=first.account_id, detail=facts)


def cancel(page: Page, member: str, ticket: int | None) -> None:
    """A seat moved to is dropped, and the reservation that was made under `ticket` alone.

    A reservation with a ticket is its maker's also while it is moved to (an invite's, of somebody whom
    the target seats elsewhere).
    """
    mine = page.of(member)
    held = [row for row in mine if _is_a_move(row) or _made_under(row, ticket)]
    for row in held:
        page.free(row)
    if held:
        page.scribe.note("seat.cancelled", member, detail={"tiers": [row.tier.name for row in held]})


def _is_a_move(row: SeatRow) -> bool:
    return row.moving and row.ticket is None


def _made_under(row: SeatRow, ticket: int | None) -> bool:
    return not row.claimed and ticket is not None and row.ticket == ticket


def rename(page: Page, member: str, to: str) -> None:
    """Seats, wish, pending invite and what was given by hand go along with the person's new name."""
    if member == to:
        return
    mine = page.of(member)
    if mine and page.of(to):
        raise Conflict("store", "rename member", f"{to} has a seat already")
    wished = page.wishes.rename(member, to)
    invited = invite_changes.rename(page, member, to)
    given = page.assignments.rename(member, to)
    for row in mine:
        page.change(row, replace(row, member=to))
    if mine or wished or invited or given:
        page.scribe.note("member.renamed", to, detail={"from": member})


def _leave(page: Page, row: SeatRow, yield_to: str | None) -> None:
    """Free the row, or reserve it for the member it is yielded to, in one step."""
    theirs = page.of(yield_to) if yield_to else []
    if yield_to is None or any(one.moving for one in theirs):
        page.free(row)
        return
    handed = replace(
        row,
        member=yield_to,
        account_id=None,
        since=page.now,
        expires_at=page.now + page.hold_ttl,
        moving=bool(theirs),
        ticket=None,
    )
    page.change(row, handed)

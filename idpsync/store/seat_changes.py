"""What becomes of a member's seats: settled, released, cancelled, renamed. On an open page."""

from dataclasses import replace

from idpsync.core.errors import Conflict
from idpsync.core.seats import WaitEntry
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
    """Every seat given back; with `yield_to` the first handed over and the member owed one."""
    mine = page.of(member)
    if not mine:
        return
    page.wishes.unseated(member)
    if yield_to:
        tier = mine[0].tier
        page.wishes.owe(WaitEntry(member, member, tier, page.now, because=because, accepts=(tier,)))
    for row in mine:
        _leave(page, row, yield_to if row is mine[0] else None)
    facts = {"tiers": [row.tier.name for row in mine], "yield_to": yield_to}
    page.scribe.note("seat.released", member, account_id=mine[0].account_id, detail=facts)


def cancel(page: Page, member: str, ticket: int | None) -> None:
    """The seat moved to is dropped, and the reservation that was made under `ticket` alone."""
    held = [row for row in page.of(member) if row.moving or _made_under(row, ticket)]
    for row in held:
        page.free(row)
    if held:
        page.scribe.note("seat.cancelled", member, detail={"tiers": [row.tier.name for row in held]})


def _made_under(row: SeatRow, ticket: int | None) -> bool:
    return not row.claimed and ticket is not None and row.ticket == ticket


def rename(page: Page, member: str, to: str) -> None:
    """Seats and wish go along with the person's new name."""
    if member == to:
        return
    mine = page.of(member)
    if mine and page.of(to):
        raise Conflict("store", "rename member", f"{to} has a seat already")
    for row in mine:
        page.change(row, replace(row, member=to))
    if page.wishes.rename(member, to) or mine:
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

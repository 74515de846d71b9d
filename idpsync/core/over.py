"""Tiers in which more people sit than were bought: told in the plan, mended by nobody but a person.

That comes of an upgrade of seats that people sit in, or of what somebody did at the target. Nobody loses
access for it; the tier gives no new seat until it is below its number.
"""

from collections.abc import Iterable
from datetime import datetime

from idpsync.core.plan import (
    Action,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    Over,
    ReactivateAccount,
    UpdateProfile,
)
from idpsync.core.seats import SeatPool, Tier
from idpsync.core.world import World, has_seat

Seats = dict[str, tuple[str, Tier]]  # account id (or name of one to be made) → user name, tier


def over_tier(world: World, actions: Iterable[Action], after: SeatPool) -> tuple[Over, ...]:
    """Tiers that are over once `actions` are carried out, highest first, the newest seats named."""
    if all(after.balance(tier) >= 0 for tier in after.ladder):
        return ()
    since = {holding.member: holding.since for holding in world.holdings}
    keys = {account.id: account.member for account in world.accounts}
    seats = _seats_after(world, actions)
    found = []
    for tier in after.ladder:
        beyond = -after.balance(tier)
        if beyond <= 0:
            continue

        def newest_first(key: str) -> tuple[float, str]:
            given: datetime = since.get(keys.get(key, key), world.now)
            return -given.timestamp(), seats[key][0]

        people = sorted((key for key, (_, held) in seats.items() if held == tier), key=newest_first)
        found.append(
            Over(
                tier=tier,
                purchased=after.purchased.get(tier, 0),
                assigned=after.assigned.get(tier, 0),
                held=after.held.get(tier, 0),
                people=tuple(seats[key][0] for key in people[:beyond]),
            )
        )
    return tuple(found)


def _seats_after(world: World, actions: Iterable[Action]) -> Seats:
    seats: Seats = {a.id: (a.user_name, a.tier) for a in world.accounts if has_seat(a) and a.tier}
    for action in actions:
        name = action.profile.user_name
        match action:
            case CreateAccount(tier=tier) if tier:
                seats[name] = name, tier
            case ChangeTier(account_id=key, tier=tier) | ReactivateAccount(account_id=key, tier=tier):
                seats.pop(key, None)
                if tier:
                    seats[key] = name, tier
            case DeactivateAccount(account_id=key) | DeleteAccount(account_id=key):
                seats.pop(key, None)
            case UpdateProfile(account_id=key) if key in seats:
                seats[key] = name, seats[key][1]
            case _:
                pass
    return seats

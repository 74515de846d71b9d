"""The answer to one login: let in or not, with which seat, and why."""

from dataclasses import dataclass

from idpsync.core.seats import Tier

NO_SEAT = "no_seat"
DOMAIN_NOT_VERIFIED = "domain_not_verified"
DEACTIVATED = "deactivated"
NOT_ASSIGNED = "not_assigned"

REASONS = (NO_SEAT, DOMAIN_NOT_VERIFIED, DEACTIVATED, NOT_ASSIGNED)
"""Why somebody who is known is not let in: the machine words of the login door."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What the engine says about one `Login`.

    `reason` is one of REASONS when `let_in` is false, else None. `tier` is what the person holds now,
    None for a member without a seat. `waits_for` and `position` (1 is next) tell of an unmet wish.
    """

    let_in: bool
    reason: str | None
    member: str
    user_name: str
    tier: Tier | None = None
    roles: frozenset[str] = frozenset()
    waits_for: Tier | None = None
    position: int | None = None
    because: tuple[str, ...] = ()
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Presence:
    """What somebody who is signed in has at this moment; looked up anew for every forward-auth question.

    `groups` is None when no directory was read: then the groups of the login count.
    """

    tier: Tier | None
    groups: frozenset[str] | None = None

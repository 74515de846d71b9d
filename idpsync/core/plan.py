"""The plan: what will be written, in which order, and why. A plan is a value that can be digested."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from idpsync.core.model import Profile
from idpsync.core.policy import Mode
from idpsync.core.seats import SeatPool, Tier, WaitEntry


@dataclass(frozen=True, slots=True)
class CreateAccount:
    """A new account, with its seat (or none: a member without a seat)."""

    profile: Profile
    external_id: str
    source: str
    tier: Tier | None
    roles: frozenset[str]
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReactivateAccount:
    """A deactivated account comes back, with a seat claimed anew."""

    account_id: str
    profile: Profile
    external_id: str
    tier: Tier | None
    roles: frozenset[str]
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UpdateProfile:
    """Attributes of `changed` differ; `previous_user_name` is how the target knows the account now."""

    account_id: str
    profile: Profile
    external_id: str
    previous_user_name: str
    changed: tuple[str, ...]
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangeTier:
    """The account moves to `tier`; None gives the seat up.

    `yields_to` is the member to whom the seat left behind goes directly: a step of an exchange
    between full tiers, in which no third party may take it.
    """

    account_id: str
    profile: Profile
    external_id: str
    previous_tier: Tier | None
    tier: Tier | None
    because: tuple[str, ...]
    yields_to: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeRoles:
    account_id: str
    profile: Profile
    external_id: str
    previous_roles: frozenset[str]
    roles: frozenset[str]
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeactivateAccount:
    """The account is switched off and its seat given back."""

    account_id: str
    profile: Profile
    external_id: str
    previous_tier: Tier | None
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteAccount:
    account_id: str
    profile: Profile
    external_id: str
    previous_tier: Tier | None
    because: tuple[str, ...]


Action = (
    CreateAccount
    | ReactivateAccount
    | UpdateProfile
    | ChangeTier
    | ChangeRoles
    | DeactivateAccount
    | DeleteAccount
)
"""Closed: a new variant makes the type checker point at every adapter that has not answered it."""

KIND: Mapping[type[Action], str] = {
    CreateAccount: "create_account",
    ReactivateAccount: "reactivate_account",
    UpdateProfile: "update_profile",
    ChangeTier: "change_tier",
    ChangeRoles: "change_roles",
    DeactivateAccount: "deactivate_account",
    DeleteAccount: "delete_account",
}


@dataclass(frozen=True, slots=True)
class Adoption:
    """An existing account is found to be this person's; a link is made, nothing is taken."""

    account_id: str
    user_name: str
    source: str
    external_id: str
    matched_by: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody who gets nothing; `reason` is one of the machine words of the login door."""

    user_name: str
    reason: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """People or accounts that cannot be told apart; skipped until a person decides."""

    keys: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class GroupCount:
    """What a plan tells about one group it was made from. `members` is None when unreadable."""

    name: str
    members: int | None
    complete: bool


@dataclass(frozen=True, slots=True)
class DirectorySummary:
    """What a plan tells about the read it was made from."""

    kind: str
    complete: bool
    users: int
    groups: Sequence[GroupCount]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Departure:
    """A linked account whose person a complete read did not name; `since` starts the grace."""

    account_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Over:
    """A tier that has more seats in use than were bought: told, and nobody is moved for it.

    `assigned` people sit in `purchased` seats, `held` more are reserved. `people` are the user names
    beyond the number, the newest seat first.
    """

    tier: Tier
    purchased: int
    assigned: int
    people: tuple[str, ...]
    held: int = 0

    def __str__(self) -> str:
        verb = "is" if self.held == 1 else "are"
        held = f" and {self.held} more {verb} reserved" if self.held else ""
        return (
            f"{self.tier}: {_people(self.assigned)} in {_seats(self.purchased)}{held}; "
            "nobody loses access, and no new seat is given before there is room"
        )


def _people(number: int) -> str:
    return "1 person sits" if number == 1 else f"{number} people sit"


def _seats(number: int) -> str:
    return "1 seat" if number == 1 else f"{number} seats"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one reconciliation would do, and everything it decided not to do.

    `granted` are the places in the queue of those who are given a seat: theirs until it is done.
    `notes` are sentences that no action tells: the primary owner is not in the directory.
    """

    actions: tuple[Action, ...]
    adoptions: tuple[Adoption, ...]
    waiting: Sequence[WaitEntry]
    granted: tuple[WaitEntry, ...]
    refused: Sequence[Refusal]
    conflicts: Sequence[Conflict]
    orphans: Sequence[str]
    departures: Sequence[Departure]
    pool_before: SeatPool
    pool_after: SeatPool
    directory: DirectorySummary
    mode: Mode
    made_at: datetime
    over: tuple[Over, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """sha256 over the actions alone: the same intent has the same digest."""
        actions = [action_json(a) for a in self.actions]
        text = json.dumps(actions, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def action_json(action: Action) -> dict[str, object]:
    """One action in the shape of `plan --json`."""
    return {
        "kind": KIND[type(action)],
        "user_name": action.profile.user_name,
        "email": action.profile.email,
        "given_name": action.profile.given_name,
        "family_name": action.profile.family_name,
        "display_name": action.profile.display_name,
        "external_id": action.external_id,
        **_own_facts(action),
        "because": list(action.because),
    }


def _own_facts(action: Action) -> dict[str, object]:
    match action:
        case CreateAccount(tier=tier, roles=roles) | ReactivateAccount(tier=tier, roles=roles):
            return {"tier": name_of(tier), "previous_tier": None, "roles": sorted(roles)}
        case UpdateProfile(changed=changed, previous_user_name=previous):
            return {"changed": list(changed), "previous_user_name": previous}
        case ChangeTier(tier=tier, previous_tier=previous_tier):
            return {"tier": name_of(tier), "previous_tier": name_of(previous_tier)}
        case ChangeRoles(roles=roles, previous_roles=before):
            return {"roles": sorted(roles), "previous_roles": sorted(before)}
        case DeactivateAccount(previous_tier=previous_tier):
            return {"tier": None, "previous_tier": name_of(previous_tier)}
        case DeleteAccount(previous_tier=previous_tier):
            return {"tier": None, "previous_tier": name_of(previous_tier)}


def name_of(tier: Tier | None) -> str | None:
    return tier.name if tier else None


def pool_json(pool: SeatPool) -> list[dict[str, object]]:
    """The pool in the shape of `plan --json`, one object per tier, highest first."""
    return [
        {
            "tier": tier.name,
            "purchased": pool.purchased.get(tier, 0),
            "assigned": pool.assigned.get(tier, 0),
            "held": pool.held.get(tier, 0),
            "reserved": pool.reserved.get(tier, 0),
            "free": pool.free(tier),
        }
        for tier in pool.ladder
    ]

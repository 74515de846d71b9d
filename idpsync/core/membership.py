"""The manual door: invites, tiers given by hand, roles, and who may do what to whom."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from idpsync.core.errors import NotPermitted, NotPossible
from idpsync.core.model import ADMIN, OWNER, PRIMARY_OWNER, USER, Account, Standing, fold
from idpsync.core.policy import Entitlement
from idpsync.core.seats import Door, Tier

RANKS = (PRIMARY_OWNER, OWNER, ADMIN)
"""Roles with rights here, highest first. Every other role, `user` and custom ones, has none."""


_ADDRESS = re.compile(
    r"[^\s@,;:<>()\[\]\\\"]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_][\w-]{0,62}"
)


def is_address(text: str) -> bool:
    """Whether it is one e-mail address that a letter can go to (RFC 5321 §4.5.3.1.3: 254 at most)."""
    return len(text) <= 254 and text.isprintable() and bool(_ADDRESS.fullmatch(text))


class InviteState(StrEnum):
    PENDING = "pending"  # holds a seat
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"  # not accepted in time


@dataclass(frozen=True, slots=True)
class Invite:
    """Somebody was asked in by hand; while it is pending a seat is reserved for them."""

    id: str
    member: str  # folded address: the key of the seat
    email: str
    tier: Tier
    invited_by: str
    invited_at: datetime
    expires_at: datetime
    role: str = USER
    state: InviteState = InviteState.PENDING
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A tier (None: no seat) that was given by hand. It holds where no rule with a tier says another.

    `account_id` says whose it is when the member has another name by now; None: not known yet.
    """

    member: str
    tier: Tier | None
    by: str
    at: datetime
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One person as the list of members tells them: an account, or a pending invite.

    `since` is when the seat was given; `by_hand` that its tier was.
    """

    user_name: str
    email: str
    name: str
    roles: frozenset[str]
    tier: Tier | None
    standing: Standing
    door: Door | None = None
    since: datetime | None = None
    by_hand: bool = False
    invite: Invite | None = None
    account_id: str | None = None  # None for an invite


@dataclass(frozen=True, slots=True)
class Invited:
    """An invite that was made or sent again. Not `mailed` and no `problem`: there is no mail server."""

    invite: Invite
    mailed: bool
    problem: str = ""


def with_assignment(entitlement: Entitlement, given: Assignment | None) -> Entitlement:
    """The entitlement of somebody who was given a tier by hand; a rule with a tier counts for more."""
    if given is None or not entitlement.flexible:
        return entitlement
    options = (given.tier,) if given.tier else ()
    because = (f"{given.tier or 'no seat'} by hand ({given.by})",)
    return replace(entitlement, admitted=True, options=options, flexible=False, because=because)


def under_present_names(given: Iterable[Assignment], names: Mapping[str, str]) -> dict[str, Assignment]:
    """What was given by hand, by the present name of each member; of two for one the newer counts.

    `names` are those of the accounts, by id. An account that is gone leaves it to whoever has its name.
    """
    account_of = {member: account_id for account_id, member in names.items()}
    found: dict[str, Assignment] = {}
    for one in sorted(given, key=lambda one: (one.at, one.member)):
        member = names.get(one.account_id or "", one.member)
        found[member] = replace(one, member=member, account_id=account_of.get(member, one.account_id))
    return found


def with_invite(entitlement: Entitlement, invite: Invite | None) -> Entitlement:
    """What somebody gets who comes in on an invite: its role too. The seat is held for them already."""
    if invite is None:
        return entitlement
    because = (f"invited by {invite.invited_by}: {invite.tier}, {invite.role}",)
    roles = entitlement.roles | roles_of_invite(invite)
    return replace(entitlement, roles=roles, because=(*entitlement.because, *because))


def roles_of_invite(invite: Invite) -> frozenset[str]:
    """The roles to write at the target. `user` is what everybody is, and is never written."""
    return frozenset() if invite.role == USER else frozenset({invite.role})


# --- what rules leave to the hand ---------------------------------------------------------------------


def leave_tier_to_rule(name: str, entitlement: Entitlement) -> None:
    """NotPossible where a rule says which tier somebody has: the next run would undo another one."""
    if not entitlement.flexible:
        raise NotPossible(
            f"{name}: {entitlement.because[0]}: a rule says which tier they have, and the next run "
            "would undo another one; change their groups in the directory, or the rule"
        )


def leave_roles_to_rules(
    name: str,
    before: frozenset[str],
    after: frozenset[str],
    ruled: frozenset[str],
    managed: frozenset[str],
) -> None:
    """NotPossible where rules decide about a role that is given or taken.

    `ruled` are the roles that rules give this person, `managed` those that rules give anybody: a run
    takes a managed role from whomever no rule gives it.
    """
    for role in sorted((before - after) & ruled):
        raise NotPossible(
            f"{name} has the role {role} by a rule, and the next run would give it back; change their "
            "groups in the directory, or the rule"
        )
    for role in sorted((after - before) & managed - ruled):
        raise NotPossible(
            f"the role {role} is given by a rule, and the next run would take it from {name}; add them "
            "to the group of the rule in the directory"
        )


def roles_with(roles: frozenset[str], role: str) -> frozenset[str]:
    """Somebody's roles once they are given `role`: owner, admin and user replace each other, custom
    roles add up. A primary owner stays one.
    """
    if role not in (OWNER, ADMIN, USER):
        return roles | {role}
    return (roles - {OWNER, ADMIN}) | ({role} - {USER})


# --- rights -------------------------------------------------------------------------------------------


class Act(StrEnum):
    """What somebody may want to do at the manual door, as a sentence goes on after "may not"."""

    BUY = "buy seats"
    INVITE = "invite people"
    REASSIGN = "reassign seats"
    REMOVE = "remove people"
    GIVE_ROLE = "give roles"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `role` is None for the operator at the keyboard, who has every right."""

    name: str
    role: str | None = None

    @property
    def owns(self) -> bool:
        return self.role is None or self.role in (PRIMARY_OWNER, OWNER)

    @property
    def administers(self) -> bool:
        return self.owns or self.role == ADMIN


def permit(actor: Actor, act: Act) -> None:
    """NotPermitted unless the actor's role allows it: owners buy, admins and above do the rest."""
    if not (actor.owns if act is Act.BUY else actor.administers):
        needed = "an owner" if act is Act.BUY else "an admin or an owner"
        raise NotPermitted(f"{actor.name} may not {act}: that takes {needed}")


def permit_role(actor: Actor, role: str) -> None:
    """NotPermitted unless the actor may give (or take) this role."""
    permit(actor, Act.GIVE_ROLE)
    if role == PRIMARY_OWNER:
        raise NotPermitted(
            "there is exactly one primary owner: it is named in the configuration, "
            "organization.primary_owner"
        )
    if role == OWNER and not actor.owns:
        raise NotPermitted(f"{actor.name} may not give or take the role owner: that takes an owner")


def rank_of(roles: Iterable[str]) -> str:
    """The highest of somebody's roles that has rights here; `user` if none has."""
    roles = set(roles)
    return next((role for role in RANKS if role in roles), USER)


def is_primary(account: Account, primary_owner: str | None) -> bool:
    """Whether it is the account of the primary owner, whose folded address the configuration names.

    Whom the target itself calls primary owner is one too.
    """
    keys = {account.member, fold(account.profile.email or "")}
    return PRIMARY_OWNER in account.roles or primary_owner in keys


def protect_owners(account: Account, accounts: Iterable[Account], primary_owner: str | None) -> None:
    """NotPermitted when the account is the primary owner's, or the last owner's.

    Asked before a role or the access of somebody is taken. `primary_owner` is a folded address; one who
    has no working account among `accounts` is no owner yet.
    """
    if is_primary(account, primary_owner):
        raise NotPermitted(
            f"{account.user_name} is the primary owner, who is never demoted or removed: name another "
            "one in the configuration first, organization.primary_owner"
        )
    if OWNER not in account.roles:
        return
    working = (a for a in accounts if a.id != account.id and a.standing is Standing.ACTIVE)
    if not any(OWNER in a.roles or is_primary(a, primary_owner) for a in working):
        raise NotPermitted(f"{account.user_name} is the last owner: make somebody else an owner first")

"""The JSON shapes of the manual door: members, invites, and what became of an act."""

from collections.abc import Iterable
from datetime import datetime

from idpsync.core.membership import Invite, Invited, Member
from idpsync.core.plan import Action, action_json, name_of
from idpsync.core.report import iso


def members_json(members: Iterable[Member], organization: str, as_of: datetime) -> dict[str, object]:
    """Everybody with an account or a pending invite."""
    return {
        "organization": organization,
        "as_of": iso(as_of),
        "members": [member_json(member) for member in members],
    }


def member_json(member: Member) -> dict[str, object]:
    """`standing` is invited, active or deactivated; `account_id` is null for an invite."""
    return {
        "user_name": member.user_name,
        "email": member.email,
        "name": member.name,
        "roles": sorted(member.roles),
        "tier": name_of(member.tier),
        "standing": member.standing.value,
        "door": member.door.value if member.door else None,
        "since": iso(member.since),
        "by_hand": member.by_hand,
        "invite": invite_json(member.invite) if member.invite else None,
        "account_id": member.account_id,
    }


def invite_json(invite: Invite) -> dict[str, object]:
    """`state` is pending, accepted, withdrawn or lapsed."""
    return {
        "id": invite.id,
        "email": invite.email,
        "role": invite.role,
        "tier": invite.tier.name,
        "state": invite.state.value,
        "invited_by": invite.invited_by,
        "invited_at": iso(invite.invited_at),
        "expires_at": iso(invite.expires_at),
        "ended_at": iso(invite.ended_at),
    }


def invited_json(invited: Invited, link: str, organization: str) -> dict[str, object]:
    """An invite that was made or sent again; `link` is where it is accepted.

    `mailed` false with `problem` null: no mail server is configured, the link has to be handed on.
    """
    return {
        "organization": organization,
        "invite": invite_json(invited.invite),
        "mailed": invited.mailed,
        "problem": invited.problem or None,
        "link": link,
    }


def act_json(action: Action, outcome: str | None = None, error: str = "") -> dict[str, object]:
    """One action by hand: the action of `plan --json`, and what became of it; null: not carried out."""
    return {**action_json(action), "outcome": outcome, "error": error or None}

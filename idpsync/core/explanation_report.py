"""The JSON shape of `explain`: one person, in the order in which it was decided."""

from collections.abc import Iterable

from idpsync.core.explain import Explanation, SeatOption
from idpsync.core.membership import Invite
from idpsync.core.model import Account, DirectoryUser
from idpsync.core.plan import action_json, name_of
from idpsync.core.policy import Entitlement
from idpsync.core.reasons import GroupSeen, RuleSeen
from idpsync.core.records import LedgerEntry
from idpsync.core.report import entry_json, iso


def explanation_json(why: Explanation, history: Iterable[LedgerEntry]) -> dict[str, object]:
    """One person. `outcome` is one word, `summary` a sentence that goes on after the name."""
    return {
        "user_name": why.user_name,
        "known": why.known,
        "outcome": why.verdict.finding.value,
        "summary": why.verdict.summary,
        "next": list(why.verdict.next_steps),
        "similar": list(why.similar),
        "directory": why.user and _person_json(why.user),
        "groups": sorted(why.groups),
        "groups_read": [_group_json(group) for group in why.groups_seen],
        "rules": [_rule_json(rule) for rule in why.rules],
        "entitlement": _entitlement_json(why.entitlement),
        "roles": [{"role": given.role, "groups": list(given.groups)} for given in why.roles],
        "seats": [_option_json(option) for option in why.options],
        "account": why.account and {**_account_json(why.account), "linked": why.linked},
        "planned": [action_json(action) for action in why.actions],
        "kept_back": [action_json(action) for action in why.kept_back],
        "held_by": list(why.held_by),
        "waiting": _waiting_json(why),
        "invite": why.invite and _invite_json(why.invite),
        "notes": list(why.notes),
        "history": [entry_json(row) for row in history],
    }


def _person_json(user: DirectoryUser) -> dict[str, object]:
    return {
        "external_id": user.external_id,
        "email": user.profile.email,
        "active": user.active,
        "guest": user.guest,
    }


def _group_json(seen: GroupSeen) -> dict[str, object]:
    return {
        "name": seen.name,
        "member": seen.member,
        "complete": seen.complete,
        "problem": seen.problem,
    }


def _rule_json(seen: RuleSeen) -> dict[str, object]:
    rule = seen.rule
    return {
        "group": rule.group,
        "tier": "none" if rule.seatless else name_of(rule.tier),
        "role": rule.role,
        "priority": rule.priority,
        "when_full": rule.when_full.value if rule.when_full else None,
        "wins": seen.wins,
        "because": seen.because,
    }


def _entitlement_json(entitlement: Entitlement) -> dict[str, object]:
    return {
        "admitted": entitlement.admitted,
        "ceiling": name_of(entitlement.ceiling),
        "options": [tier.name for tier in entitlement.options],
        "flexible": entitlement.flexible,
        "priority": entitlement.priority,
        "roles": sorted(entitlement.roles),
        "because": list(entitlement.because),
    }


def _option_json(option: SeatOption) -> dict[str, object]:
    tier, before, after = option.tier, option.before, option.after
    return {
        "tier": tier.name,
        "purchased": before.purchased.get(tier, 0),
        "assigned": before.assigned.get(tier, 0),
        "held": before.held.get(tier, 0),
        "reserved": before.reserved.get(tier, 0),
        "free": before.free(tier),
        "free_after": after.free(tier),
        "theirs": option.theirs,
        "open": option.open,
        "because": option.because,
    }


def _account_json(account: Account) -> dict[str, object]:
    return {
        "id": account.id,
        "user_name": account.user_name,
        "standing": account.standing.value,
        "tier": name_of(account.tier),
        "roles": sorted(account.roles),
    }


def _waiting_json(why: Explanation) -> dict[str, object] | None:
    entry, place = why.wait_entry, why.place
    if entry is None or place is None:
        return None
    return {
        "wants": entry.wants.name,
        "holds": name_of(entry.holds),
        "accepts": [tier.name for tier in entry.accepts],
        "position": place.position,
        "before": len(place.before),
        "since": iso(entry.since),
        "because": list(entry.because),
    }


def _invite_json(invite: Invite) -> dict[str, object]:
    return {
        "tier": invite.tier.name,
        "role": invite.role,
        "invited_by": invite.invited_by,
        "expires_at": iso(invite.expires_at),
    }

"""Actions in words, from their shape in `plan --json`."""

import re

from idpsync.cli.outline import Document

_HEADINGS = {
    "create_account": "Create account",
    "reactivate_account": "Reactivate account",
    "update_profile": "Update profile",
    "change_tier": "Change tier",
    "change_roles": "Change roles",
    "deactivate_account": "Deactivate account",
    "delete_account": "Delete account",
}
_DECISIVE = re.compile(r"\S+ goes to .+: priority |exchange of full tiers: ")
_TAKING = ("deactivate_account", "delete_account")


def heading_of(action: Document) -> str:
    """The kind; one that this version does not know as it is written."""
    return _HEADINGS.get(action["kind"], str(action["kind"]))


def what_changes(action: Document) -> str:
    """Everything the action changes, in short."""
    return " ".join(part for part in (tier_step(action), detail(action)) if part)


def title_of(action: Document) -> str:
    """Kind and tier: what a plan is grouped by."""
    tier = tier_step(action)
    return f"{heading_of(action)}: {tier}" if tier else heading_of(action)


def tier_step(action: Document) -> str:
    """What becomes of the seat; nothing for an action that leaves it alone."""
    if "tier" not in action:
        return ""
    left, given = action.get("previous_tier"), action["tier"]
    if action["kind"] in _TAKING:
        return f"gives back {left}" if left else "held no seat"
    if action["kind"] == "change_tier":
        return f"{left or 'no seat'} → {given or 'no seat'}"
    return given or "no seat"


def detail(action: Document) -> str:
    """Roles gained and lost, or the attributes that change."""
    if "changed" in action:
        return ", ".join(action["changed"])
    after, before = set(action.get("roles", ())), set(action.get("previous_roles", ()))
    gained, lost = sorted(after - before), sorted(before - after)
    return " ".join([*(f"+{role}" for role in gained), *(f"-{role}" for role in lost)])


def decisive_first(action: Document) -> Document:
    """The action with the reason that decided before those that only led there."""
    because = sorted(action["because"], key=lambda reason: _DECISIVE.match(reason) is None)
    return {**action, "because": because}

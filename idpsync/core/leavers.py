"""Who leaves, and on what evidence: absence counts only in a read that is proven whole."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from idpsync.core.model import Account, Coverage, DirectorySnapshot, Standing
from idpsync.core.plan import ChangeTier, DeactivateAccount, DeleteAccount
from idpsync.core.policy import LeaverAction, Policy


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a read entitles us to take.

    `absence_counts`: somebody not named has left. `groups_complete`: somebody in no group that grants
    a tier has lost it. A group that vanished may be a rename or a wrong base: it blocks both.
    `groups_read`: what the rules say of somebody who was read is known in full.
    """

    people_complete: bool
    absence_counts: bool
    groups_complete: bool
    groups_read: bool

    @classmethod
    def of(cls, snapshot: DirectorySnapshot, ruled: AbstractSet[str]) -> "Evidence":
        """Judge `snapshot` for rules that name the groups `ruled`."""
        by_name = {group.name: group for group in snapshot.groups}
        read = [by_name.get(name) for name in ruled]
        whole = snapshot.users_coverage is Coverage.COMPLETE
        vanished = any(group is None or group.coverage is Coverage.GONE for group in read)
        complete = all(group is not None and group.complete for group in read)
        return cls(
            people_complete=whole,
            absence_counts=whole and not vanished,
            groups_complete=whole and complete,
            groups_read=complete,
        )


@dataclass(frozen=True, slots=True)
class Leaver:
    """Somebody whose account is no longer wanted. `gone`: absent, not merely disabled or unruled."""

    account: Account
    external_id: str
    because: tuple[str, ...]
    gone: bool
    since: datetime | None = None


def leave(
    leaver: Leaver, policy: Policy, now: datetime
) -> ChangeTier | DeactivateAccount | DeleteAccount | None:
    """The one action that lets a leaver go, None when there is nothing (left) to do or grace runs."""
    account = leaver.account
    off = account.standing is Standing.DEACTIVATED
    if leaver.since is not None and now - leaver.since < policy.leaver_grace:
        return None
    tier = None if off else account.tier
    profile = account.profile  # the target knows the account by its present name
    because = (*leaver.because, *_after_grace(policy.leaver_grace, leaver))
    match policy.leaver_action:
        case LeaverAction.DELETE if leaver.gone:
            return DeleteAccount(account.id, profile, leaver.external_id, tier, because)
        case LeaverAction.RELEASE_SEAT if leaver.gone:
            if tier is None:
                return None
            return ChangeTier(account.id, profile, leaver.external_id, tier, None, because)
        case _:
            if off:
                return None
            return DeactivateAccount(account.id, profile, leaver.external_id, tier, because)


def _after_grace(grace: timedelta, leaver: Leaver) -> tuple[str, ...]:
    return (f"grace of {_spoken(grace)} is over",) if grace and leaver.since else ()


def _spoken(span: timedelta) -> str:
    """Whole days where it is whole days, else hours."""
    days, hours = span.days, span.total_seconds() / 3600
    if span == timedelta(days=days):
        return "1 day" if days == 1 else f"{days} days"
    return "1 hour" if hours == 1 else f"{hours:g} hours"

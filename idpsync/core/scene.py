"""One person before a plan: what is known of them, and what is found in the end."""

from dataclasses import dataclass
from enum import StrEnum

from idpsync.core.leavers import Evidence
from idpsync.core.plan import (
    Action,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    Plan,
    ReactivateAccount,
)
from idpsync.core.policy import Entitlement, Policy
from idpsync.core.queueing import Place
from idpsync.core.seats import Tier, WaitEntry
from idpsync.core.whereabouts import Subject
from idpsync.core.world import World


class Finding(StrEnum):
    """Where somebody stands, as one word for scripts. The first that holds counts."""

    UNKNOWN = "unknown"  # neither directory, target, books nor invites know the name
    CONFLICT = "conflict"
    PRIMARY_OWNER = "primary_owner"
    PROTECTED = "protected"
    REFUSED = "refused"
    ORPHAN = "orphan"
    LEAVING = "leaving"  # loses the account, or its seat, with this plan
    IN_GRACE = "in_grace"
    GONE = "gone"  # has left, and nothing is left to do
    INVITED = "invited"
    ON_WAIT_LIST_ONLY = "on_wait_list_only"
    UNDECIDED = "undecided"  # what was read does not suffice
    DISABLED = "disabled"
    NOT_ADMITTED = "not_admitted"  # no rule lets them in
    SPILLED = "spilled"  # has a seat and waits for a better one
    WAITING = "waiting"  # waits without a seat
    SEATLESS = "seatless"  # an account without a seat, as agreed
    KEPT_BACK = "kept_back"  # the mode does not let it happen
    SEATED = "seated"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`summary` goes on after the name; `next_steps` are sentences of their own."""

    finding: Finding
    summary: str
    next_steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """One person and everything that bears on the verdict. `place` is theirs in the queue."""

    subject: Subject
    world: World
    policy: Policy
    plan: Plan
    entitlement: Entitlement
    actions: tuple[Action, ...]
    kept_back: tuple[Action, ...]
    wait_entry: WaitEntry | None
    place: Place | None

    @property
    def evidence(self) -> Evidence:
        return Evidence.of(self.world.snapshot, {rule.group for rule in self.policy.rules})

    @property
    def works(self) -> bool:
        return self.subject.works

    @property
    def tier(self) -> Tier | None:
        """What they hold now."""
        return self.subject.account.tier if self.subject.account and self.works else None

    @property
    def arrives(self) -> bool:
        return any(isinstance(a, CreateAccount | ReactivateAccount) for a in self.actions)

    @property
    def final(self) -> Tier | None:
        """What they hold once the plan is carried out."""
        tier = self.tier
        for action in self.actions:
            match action:
                case CreateAccount(tier=to) | ReactivateAccount(tier=to) | ChangeTier(tier=to):
                    tier = to
                case DeactivateAccount() | DeleteAccount():
                    tier = None
                case _:
                    pass
        return tier

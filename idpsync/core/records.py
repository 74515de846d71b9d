"""What passes through the ports: causes, ledger rows, runs, held plans, deliveries. Values only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from idpsync.core.alerts import Alert
from idpsync.core.model import DirectoryUser, Group
from idpsync.core.seats import Tier

FIRST_RUN = "first_run"
"""Stands among the limits of a plan that would adopt what somebody else made."""


@dataclass(frozen=True, slots=True)
class Health:
    """One line of `check --online`, and below it the `facts`, a line each.

    `missing` are the groups that policy mentions and this directory does not show: of several
    directories one alone need not have them all.
    """

    system: str
    ok: bool
    detail: str
    latency: timedelta = timedelta(0)
    facts: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cause:
    """Who writes and why: goes into the ledger row of every write.

    `actor` is "sync", "jit", "cli:<os user>", "console:<e-mail>". `token` is the fencing token of a
    leader; a stale one makes the write raise LeaseLost.
    """

    actor: str
    because: tuple[str, ...] = ()
    run_id: str | None = None
    token: int | None = None


@dataclass(frozen=True, slots=True)
class Seated:
    """What the target says of one account that has a seat."""

    member: str
    account_id: str
    tier: Tier


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One row of the audit trail; `event` is noun.verb ("seat.held", "account.created").

    `detail` holds plain JSON values only, and never a secret.
    """

    at: datetime
    actor: str
    event: str
    member: str | None = None
    account_id: str | None = None
    outcome: str = "done"  # done | refused | failed | unknown
    because: tuple[str, ...] = ()
    detail: Mapping[str, object] = field(default_factory=dict)
    run_id: str | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class LedgerProof:
    """Result of verifying the hash chain: `first_bad` is the first row that does not fit."""

    ok: bool
    sealed: int
    unsealed: int
    head: str
    problem: str = ""
    first_bad: int | None = None


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    HELD = "held"
    INCOMPLETE = "incomplete"
    STOPPED = "stopped"  # by whoever ran it, before the end; the next run goes on
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One reconciliation as the store remembers it."""

    id: str
    started_at: datetime
    state: RunState
    trigger: str
    ended_at: datetime | None = None
    digest: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeadroomSample:
    """Seats of one tier at the end of one run."""

    at: datetime
    tier: str
    purchased: int
    assigned: int
    held: int
    free: int
    waiting: int


class HoldState(StrEnum):
    HELD = "held"
    APPROVED = "approved"
    REJECTED = "rejected"
    USED = "used"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """A plan that the guard stopped, for `tripped`: one sentence each, and the names of the `limits`.

    An approval lets exactly this digest pass once, over these limits and no others, and only while they
    count nobody whom they did not count when it was given: what is lost in grace is no action yet.
    """

    digest: str
    held_at: datetime
    state: HoldState
    tripped: tuple[str, ...]
    plan: Mapping[str, object]
    decided_by: str | None = None
    decided_at: datetime | None = None
    limits: frozenset[str] = frozenset()

    def stands_for(self, other: "HeldPlan") -> bool:
        """Whether holding `other` again tells nobody anything new.

        What was rejected stays rejected, unless another limit trips that nobody has looked at.
        """
        if self.state is HoldState.HELD:
            return other.limits == self.limits and other.counted == self.counted
        return self.state is HoldState.REJECTED and self._covers(other)

    def lets_pass(self, other: "HeldPlan", valid_since: datetime) -> bool:
        """Whether this is an approval from `valid_since` or later, given in sight of all of `other`."""
        if self.state is not HoldState.APPROVED or self.decided_at is None:
            return False
        return self.decided_at >= valid_since and self._covers(other)

    def _covers(self, other: "HeldPlan") -> bool:
        counted, nobody = self.counted, frozenset[str]()
        return other.limits <= self.limits and all(
            people <= counted.get(name, nobody) for name, people in other.counted.items()
        )

    @property
    def counted(self) -> Mapping[str, frozenset[str]]:
        """Whom each tripped limit counted; of a first run the accounts that it would adopt."""
        guard = cast("Mapping[str, Any]", self.plan.get("guard", {}))
        checks = (check for check in guard.get("limits", ()) if check["tripped"])
        found = {check["name"]: frozenset(check["people"]) for check in checks}
        if FIRST_RUN in self.limits:
            adoptions = cast("Sequence[Mapping[str, str]]", self.plan.get("adoptions", ()))
            found[FIRST_RUN] = frozenset(adoption["account_id"] for adoption in adoptions)
        return found


@dataclass(frozen=True, slots=True)
class Person:
    """One row of the read cache: somebody as the last read saw them, groups resolved to names."""

    user: DirectoryUser
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class LastRead:
    """What is remembered of the last complete read: what a new one is compared with.

    `members` and `group_ids` are by group name; `scope` is empty before the first read.
    """

    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    group_ids: Mapping[str, str] = field(default_factory=dict)
    scope: str = ""

    def members_of(self, group: Group) -> frozenset[str]:
        """Members of the group of this name then; of the same group, where it had another name."""
        if group.name in self.members:
            return self.members[group.name]
        names = (name for name, known in self.group_ids.items() if known == group.external_id)
        return self.members.get(next(names, ""), frozenset())

    def replaced(self, group: Group) -> bool:
        """Whether the name belonged to another group then."""
        before = self.group_ids.get(group.name, "")
        return group.complete and bool(before) and before != group.external_id


@dataclass(frozen=True, slots=True)
class LastKnown:
    """The accounts of a target as idpsync knows them: lines of `drift.facts_of`, by account id.

    `saved` once a whole listing was kept; `taken_over` once somebody has let idpsync work there.
    """

    lines: Mapping[str, str] = field(default_factory=dict)
    saved: bool = False
    taken_over: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one receiver, waiting in the outbox."""

    id: str
    receiver: str
    alert: Alert
    attempts: int = 0

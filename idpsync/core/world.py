"""What a plan is made from, and the people in it, each with what policy says and what they have."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from idpsync.core.membership import Assignment, Invite
from idpsync.core.model import Account, DirectorySnapshot, DirectoryUser, Link, Standing
from idpsync.core.plan import DirectorySummary, GroupCount
from idpsync.core.policy import Entitlement
from idpsync.core.roll import Roll
from idpsync.core.seats import Holding, Ladder, SeatPool, Tier, WaitEntry

NO_ASSIGNMENTS: Mapping[str, Assignment] = MappingProxyType({})
NO_INVITES: Mapping[str, Invite] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class World:
    """Everything a plan is made from, read before anything is decided.

    `assignments` are the tiers given by hand, `invites` those that are pending, both by member.
    """

    snapshot: DirectorySnapshot
    directory_kind: str
    accounts: tuple[Account, ...]
    links: tuple[Link, ...]
    holdings: tuple[Holding, ...]
    waiting: tuple[WaitEntry, ...]
    purchased: Mapping[Tier, int]
    reserved: Mapping[Tier, int]
    now: datetime
    assignments: Mapping[str, Assignment] = field(default_factory=lambda: NO_ASSIGNMENTS)
    invites: Mapping[str, Invite] = field(default_factory=lambda: NO_INVITES)


@dataclass(frozen=True, slots=True)
class Case:
    """One person who may have something: what policy says, what they have.

    `current` is what they count as holding: what the target gives them (`actual`), else a reservation
    made for them (`pinned`: they get that seat now, whatever else they wish), else what they gave up
    in an exchange that broke off (`owed`).
    """

    user: DirectoryUser
    entitlement: Entitlement
    account: Account | None
    member: str
    actual: Tier | None
    current: Tier | None
    satisfied: bool  # keeps what they count as holding, whatever is free
    pinned: bool = False
    owed: bool = False

    @property
    def standing(self) -> Standing | None:
        return self.account.standing if self.account else None

    @property
    def arrives(self) -> bool:
        """Whether an account must be made or brought back for them."""
        return self.standing in (None, Standing.DEACTIVATED)


@dataclass(frozen=True, slots=True)
class Debt:
    """A seat that somebody gave up in an exchange by hand that broke off, and whom no case speaks for.

    `tier` is what they can be given back now, None for nothing; `reserved`: a seat is kept for them.
    """

    account: Account
    entry: WaitEntry
    tier: Tier | None
    reserved: bool


def has_seat(account: Account) -> bool:
    """Whether the target counts a seat for this account."""
    return account.tier is not None and account.standing is not Standing.DEACTIVATED


def pool_of(world: World, ladder: Ladder, roll: Roll, reserved: Collection[Holding]) -> SeatPool:
    """The pool as the target and the open reservations make it: each seat counted once."""
    off = Standing.DEACTIVATED
    assigned = Counter([a.tier.rank for a in world.accounts if a.tier and a.standing is not off])
    awaited = {h.member for h in reserved}
    named = zip(roll.members, roll.accounts.values(), strict=True)
    seated = {m for m, a in named if m in awaited and has_seat(a)} if awaited else set()
    held = Counter(h.tier for h in reserved if h.member not in seated)
    return SeatPool(
        ladder=ladder,
        purchased=world.purchased,
        assigned={tier: assigned[tier.rank] for tier in ladder},
        held={tier: held[tier] for tier in ladder},
        reserved=world.reserved,
    )


def groups_by_person(snapshot: DirectorySnapshot, names: AbstractSet[str]) -> dict[str, set[str]]:
    """External id → those of the groups `names` the person was seen in."""
    groups: dict[str, set[str]] = defaultdict(set)
    for group in snapshot.groups:
        if group.name in names:
            for external_id in group.members or ():
                groups[external_id].add(group.name)
    return groups


def summarise(snapshot: DirectorySnapshot, kind: str) -> DirectorySummary:
    """What the plan tells about the read."""
    return DirectorySummary(
        kind=kind,
        complete=snapshot.complete,
        users=len(snapshot.users),
        groups=tuple(
            GroupCount(g.name, None if g.members is None else len(g.members), g.complete)
            for g in sorted(snapshot.groups, key=lambda g: g.name)
        ),
        problems=snapshot.problems,
    )

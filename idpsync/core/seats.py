"""The ladder of tiers, the pool of seats, and `place`: what can somebody have now?

Seats are integers; tiers are `Tier`, rank 0 highest. A seat is counted once: assigned to an account,
or held for one that is on its way, never both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


@dataclass(frozen=True, slots=True, order=True)
class Tier:
    """One rung of the ladder. Lower rank is the better tier."""

    rank: int
    name: str

    def __hash__(self) -> int:
        return self.rank  # tiers are keys of every count; the hash of a dataclass costs ten times more

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Ladder:
    """All tiers, highest first; any number of them."""

    tiers: tuple[Tier, ...]

    @classmethod
    def of(cls, *names: str) -> "Ladder":
        """A ladder from tier names, highest first; ValueError if empty or a name repeats."""
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a ladder needs distinct tier names, got {list(names)}")
        return cls(tuple(Tier(rank, name) for rank, name in enumerate(names)))

    def __iter__(self) -> Iterator[Tier]:
        return iter(self.tiers)

    def __len__(self) -> int:
        return len(self.tiers)

    def named(self, name: str) -> Tier:
        """The tier called `name`; KeyError if the ladder has none."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise KeyError(name)

    def from_(self, tier: Tier) -> tuple[Tier, ...]:
        """`tier` and everything below it, highest first."""
        return self.tiers[tier.rank :]


class Door(StrEnum):
    """The ways in. All of them count in one pool."""

    SYNC = "sync"
    JIT = "jit"
    MANUAL = "manual"


NO_SEATS: Mapping[Tier, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class WaitEntry:
    """An unmet wish, kept as state and retried every run.

    `wants` is the tier waited for, `holds` what the person has meanwhile; `accepts` are all tiers that
    would be better than that, `wants` among them. `owed` marks somebody who gave up a seat in an
    exchange that did not finish: nobody stands before them. `door` is where the wish was made.
    """

    member: str
    user_name: str
    wants: Tier
    since: datetime
    holds: Tier | None = None
    priority: int = 0
    because: tuple[str, ...] = ()
    owed: bool = False
    accepts: tuple[Tier, ...] = ()
    door: Door = Door.SYNC

    def awaits(self, tier: Tier) -> bool:
        """Whether a free seat of `tier` would go to this person."""
        return tier == self.wants or tier in self.accepts

    @property
    def turn(self) -> tuple[bool, int, datetime, str]:
        """Sort key of the queue: owed, then priority, then how long, then a stable id."""
        return (not self.owed, -self.priority, self.since, self.member)


@dataclass(frozen=True, slots=True)
class SeatPool:
    """How many seats of each tier are purchased, assigned, held, and kept back for logins.

    `waiting` are the wishes that a newcomer may not overtake.
    """

    ladder: Ladder
    purchased: Mapping[Tier, int]
    assigned: Mapping[Tier, int] = field(default_factory=lambda: NO_SEATS)
    held: Mapping[Tier, int] = field(default_factory=lambda: NO_SEATS)
    reserved: Mapping[Tier, int] = field(default_factory=lambda: NO_SEATS)
    waiting: tuple[WaitEntry, ...] = ()

    def free(self, tier: Tier) -> int:
        """Seats of `tier` that nobody has; never below 0, even when over-committed."""
        return max(0, self.balance(tier))

    def balance(self, tier: Tier) -> int:
        """Purchased minus used; negative where an organisation is over its contract."""
        used = self.assigned.get(tier, 0) + self.held.get(tier, 0)
        return self.purchased.get(tier, 0) - used

    def open_to(self, claim: "Claim", tier: Tier) -> int:
        """Seats of `tier` this claim may take: sync leaves the reserve, nobody jumps the queue.

        Where another tier has more people than seats, a newcomer finds only as many seats open as there
        are more seats than people in all: a tier that grew by an upgrade is not room for one more.
        """
        kept = self.reserved.get(tier, 0) if claim.door is Door.SYNC else 0
        ahead = sum(w.awaits(tier) and claim.after(w) for w in self.waiting)
        return max(0, self.usable(claim, tier) - kept - ahead)

    def usable(self, claim: "Claim", tier: Tier) -> int:
        """Free seats of `tier` for this claim, whoever waits for them."""
        free = self.free(tier)
        return free if claim.seated else min(free, max(0, self.total_balance))

    def take(self, tier: Tier) -> "SeatPool":
        """The pool with one more seat of `tier` assigned."""
        return replace(self, assigned={**self.assigned, tier: self.assigned.get(tier, 0) + 1})

    def release(self, tier: Tier) -> "SeatPool":
        """The pool with one assigned seat of `tier` given back."""
        return replace(self, assigned={**self.assigned, tier: self.assigned.get(tier, 0) - 1})

    @property
    def total_purchased(self) -> int:
        return sum(self.purchased.get(t, 0) for t in self.ladder)

    @property
    def total_balance(self) -> int:
        """Seats purchased minus people seated, all tiers together; negative where there are too many."""
        return sum(self.balance(t) for t in self.ladder)

    @property
    def total_free(self) -> int:
        return sum(self.free(t) for t in self.ladder)


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish for a seat: `options` in the order they are liked, `wish` the one worth waiting for.

    `since` is when the wish was first made; None for somebody who asks for the first time. `seated` is
    somebody who gave up a seat for this one: they are counted among the people already.
    """

    member: str
    user_name: str
    options: tuple[Tier, ...]
    priority: int = 0
    door: Door = Door.SYNC
    since: datetime | None = None
    flexible: bool = False
    because: tuple[str, ...] = ()
    seated: bool = False

    @property
    def wish(self) -> Tier | None:
        return self.options[0] if self.options else None

    def after(self, entry: WaitEntry) -> bool:
        """Whether `entry` stands before this claim in the queue."""
        if entry.member == self.member:
            return False
        if entry.owed:
            return True
        if self.since is None:
            return entry.priority >= self.priority
        mine = (-self.priority, self.since, self.member)
        return (-entry.priority, entry.since, entry.member) < mine


@dataclass(frozen=True, slots=True)
class Placement:
    """What somebody gets now, and what they go on waiting for.

    `ticket` belongs to whoever made the reservation; it is None for those who joined one that was
    there, and for a placement that nothing was reserved for.
    """

    tier: Tier | None
    waits_for: Tier | None
    because: tuple[str, ...]
    ticket: int | None = field(default=None, compare=False)


def place(pool: SeatPool, claim: Claim) -> Placement:
    """The first option with an open seat; else the wait list.

    Every door comes here: the sync planner settles many claims at once with the same rule, and
    `SeatBook.hold` gives the same answer on a quiet pool.
    """
    full: list[str] = []
    for tier in claim.options:
        if pool.open_to(claim, tier) > 0:
            return Placement(tier, _still_wished(claim, tier), (*claim.because, *full))
        full.append(why_not(pool, claim, tier))
    return Placement(None, claim.wish, (*claim.because, *full))


def _still_wished(claim: Claim, tier: Tier) -> Tier | None:
    return None if claim.flexible or tier == claim.wish else claim.wish


def why_not(pool: SeatPool, claim: Claim, tier: Tier) -> str:
    """One sentence on why `tier` is closed to `claim`."""
    purchased, free = pool.purchased.get(tier, 0), pool.free(tier)
    if free == 0:
        return f"{tier} is full ({purchased - pool.balance(tier)} of {purchased})"
    usable = pool.usable(claim, tier)
    if usable == 0:
        bought = pool.total_purchased
        people = bought - pool.total_balance
        return f"{tier} has room, but {people} people sit in {bought} seats of all tiers together"
    kept = pool.reserved.get(tier, 0) if claim.door is Door.SYNC else 0
    if usable <= kept:
        return f"the last {usable} {tier} seats are kept for logins"
    return f"the free {tier} seats are waited for by others"


@dataclass(frozen=True, slots=True)
class Holding:
    """One seat row that is not free. `account_id` is None until the hold is settled."""

    member: str
    tier: Tier
    door: Door
    since: datetime
    account_id: str | None = None
    expires_at: datetime | None = None
    moving: bool = False

    @property
    def settled(self) -> bool:
        return self.account_id is not None and not self.moving

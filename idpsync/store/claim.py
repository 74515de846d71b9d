"""One claim for a seat: who is before whom, what is free, take a row, keep the wish.

The statements go to the driver itself: this is the path of a login, and the toolkit's own share would
be larger than the database's. `swift` has the one-statement form for PostgreSQL.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from idpsync.core.records import Cause
from idpsync.core.seats import Claim, Door, Ladder, Placement, SeatPool, Tier, why_not
from idpsync.store.database import Database, Driver
from idpsync.store.seat_rows import tier_named
from idpsync.store.types import json_text

OWN = """
SELECT s.tier, s.state, w.wants
FROM (SELECT 1 AS one) AS always
LEFT JOIN seat AS s ON s.organization = :organization AND s.member = :member
LEFT JOIN wait_list AS w ON w.organization = :organization AND w.member = :member
ORDER BY s.role
"""  # 'moving' sorts before 'primary'
PROLONG = """
UPDATE seat SET ticket = NULL,
  expires_at = CASE WHEN expires_at < :expires_at THEN :expires_at ELSE expires_at END
WHERE organization = :organization AND member = :member AND state = 'reserved'
"""
LINE = """
SELECT c.seats,
  (SELECT count(*) FROM (SELECT 1 FROM seat AS s
   WHERE s.organization = :organization AND s.tier = :tier AND s.state = 'free'
   ORDER BY s.changed_at, s.seat_no LIMIT :enough) AS f),
  EXISTS (SELECT 1 {ahead}),
  EXISTS (SELECT 1 FROM seat AS s WHERE s.organization = :organization AND s.overdrawn)
FROM capacity AS c WHERE c.organization = :organization AND c.tier = :tier
"""
OVERDRAWN = """
SELECT count(*) FROM seat WHERE organization = :organization AND tier = :tier AND overdrawn
"""
WHOLE = """
SELECT sum(seats),
  (SELECT count(*) FROM seat WHERE organization = :organization AND state = 'free'),
  (SELECT count(*) FROM seat WHERE organization = :organization AND overdrawn)
FROM capacity WHERE organization = :organization
"""
AHEAD = """
FROM queue AS q WHERE q.organization = :organization AND q.tier = :tier AND q.member <> :member
  AND (q.owed OR {before})
"""
COUNT_AHEAD = "SELECT count(*) FROM (SELECT 1 {ahead} LIMIT :enough) AS ahead"
NEWCOMER = "q.priority >= :priority"
WAITING = """
  q.priority > :priority OR (q.priority = :priority AND (q.since < :asked
    OR (q.since = :asked AND q.member {by_byte} < :member)))
"""
TAKE = """
UPDATE seat SET state = 'reserved', role = :role, member = :member, door = :door,
  since = :now, expires_at = :expires_at, changed_at = :now, ticket = :ticket
WHERE organization = :organization AND tier = :tier AND seat_no = (
  SELECT seat_no FROM seat
  WHERE organization = :organization AND tier = :tier AND state = 'free' {still_so}
  ORDER BY changed_at, seat_no LIMIT 1 {skip_locked})
"""
STILL_SO = """
  AND (:weighed OR NOT EXISTS (
    SELECT 1 FROM seat AS o WHERE o.organization = :organization AND o.overdrawn))
"""  # an upgrade or a listing may have put people beyond the contract since we looked
RECORD = """
INSERT INTO ledger (organization, at, actor, event, member, outcome, because, detail, run_id)
VALUES (:organization, :now, :actor, :event, :member, :outcome, :because, :detail, :run_id)
"""
FORGET = "DELETE FROM wait_list WHERE organization = :organization AND member = :member"
WISH = """
INSERT INTO wait_list
  (organization, member, user_name, wants, accepts, holds, since, priority, because, owed, door)
VALUES (:organization, :member, :user_name, :wants, :accepts, :holds, :asked, :priority, :because,
  :no, :door)
ON CONFLICT (organization, member) DO UPDATE SET user_name = excluded.user_name,
  wants = excluded.wants, accepts = excluded.accepts, holds = excluded.holds,
  priority = excluded.priority, because = excluded.because,
  since = CASE WHEN wait_list.since < excluded.since THEN wait_list.since ELSE excluded.since END
RETURNING since, owed
"""
UNQUEUE = "DELETE FROM queue WHERE organization = :organization AND member = :member"
ENQUEUE = """
INSERT INTO queue (organization, tier, member, owed, priority, since)
VALUES (:organization, :tier, :member, :owed, :priority, :asked)
ON CONFLICT (organization, tier, member) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One tier: seats purchased, seats beyond the contract, free rows as far as they were counted.

    `contested`: somebody who waits for the tier stands before the claim. `beyond`: some tier has seats
    beyond the contract.
    """

    seats: int
    free: int
    contested: bool
    beyond: bool
    overdrawn: int = 0

    @property
    def balance(self) -> int:
        return self.free - self.overdrawn


@dataclass(frozen=True, slots=True)
class Decision:
    """`weighed`: free seats were set against wishes or the reserve, so others must not do so beside."""

    placement: Placement
    weighed: bool


@dataclass(frozen=True, slots=True)
class _Queries:
    """What is asked of a tier: by a newcomer, or by somebody with a place in the queue."""

    line: str
    ahead: str
    overdrawn: str


def _queries(database: Database, before: str) -> _Queries:
    ahead = AHEAD.format(before=before)
    line, count = LINE.format(ahead=ahead), COUNT_AHEAD.format(ahead=ahead)
    return _Queries(database.sql(line), database.sql(count), database.sql(OVERDRAWN))


@dataclass(frozen=True, slots=True)
class Standing:
    """What a member has before the claim: a seat or none, and whether they wait for one."""

    placement: Placement | None
    waits: bool


class ClaimDesk:
    """The steps of a claim, each inside the caller's transaction."""

    def __init__(
        self, database: Database, ladder: Ladder, reserved: Mapping[Tier, int], hold_ttl: timedelta
    ) -> None:
        self.database, self.ladder = database, ladder
        self.reserved, self.hold_ttl = reserved, hold_ttl
        by_byte = 'COLLATE "C"' if database.postgresql else ""
        skip = "FOR UPDATE SKIP LOCKED" if database.postgresql else ""
        sql = database.sql
        self._own, self._prolong = sql(OWN), sql(PROLONG)
        still_so = STILL_SO if database.postgresql else ""
        self._take = sql(TAKE.format(skip_locked=skip, still_so=still_so))
        waiting = WAITING.format(by_byte=by_byte)
        self._whole = sql(WHOLE)
        self._newcomer, self._waiting = (_queries(database, who) for who in (NEWCOMER, waiting))
        self._record, self._forget, self._wish = sql(RECORD), sql(FORGET), sql(WISH)
        self._unqueue, self._enqueue = sql(UNQUEUE), sql(ENQUEUE)

    def values(self, claim: Claim, cause: Cause) -> dict[str, object]:
        """What every statement of this claim may need."""
        now = self.database.clock.now()
        instant = self.database.instant
        return {
            "organization": self.database.organization,
            "member": claim.member,
            "door": claim.door.value,
            "role": "primary",
            "priority": claim.priority,
            "asked": instant(claim.since or now),
            "now": instant(now),
            "expires_at": instant(now + self.hold_ttl),
            "actor": cause.actor,
            "run_id": cause.run_id,
            "user_name": claim.user_name,
            "no": False,
            "ticket": secrets.randbits(62),
        }

    def standing(self, driver: Driver, claim: Claim, values: dict[str, object]) -> Standing:
        """The seat the member has; a reservation gets its full time again, and nobody's ticket fits it.

        One that lasts longer (an invite's) lasts as long as before: the join may come to nothing.

        No seat also when the reservation was dropped between our look and our joining it.
        """
        name, state, wants = driver.execute(self._own, values).fetchone()
        if name is None:
            return Standing(None, wants is not None)
        if state == "reserved" and driver.execute(self._prolong, values).rowcount == 0:
            return Standing(None, wants is not None)
        tier = tier_named(self.ladder, name)
        waits_for = tier_named(self.ladder, wants) if wants else None
        because = (*claim.because, f"already holds {tier}")
        return Standing(Placement(tier, waits_for, because), wants is not None)

    def decide(self, driver: Driver, claim: Claim, values: dict[str, object]) -> Decision:
        """What `seats.place` says of the rows as they are; reads no more of them than it takes."""
        full: list[str] = []
        weighed = False
        queries = self._newcomer if claim.since is None else self._waiting
        for tier in claim.options:
            kept, ahead = self.kept(claim, tier), 0
            line = _look(driver, queries, tier, values, kept + 1)
            if line.contested and line.balance > kept:
                ahead = _ahead(driver, queries, tier, values, line.seats)
                line = _look(driver, queries, tier, values, kept + ahead + 1)
            pool = self._pool(driver, tier, line, values) if line.beyond else None
            usable = pool.usable(claim, tier) if pool else line.balance
            weighed = weighed or (line.balance > 0 and (kept + ahead > 0 or line.beyond))
            if usable > kept + ahead:
                waits_for = None if claim.flexible or tier == claim.wish else claim.wish
                return Decision(Placement(tier, waits_for, (*claim.because, *full)), weighed)
            full.append(why_not(pool or self._pool(driver, tier, line, values), claim, tier))
        return Decision(Placement(None, claim.wish, (*claim.because, *full)), weighed)

    def has_room(self, driver: Driver, tier: Tier, values: dict[str, object]) -> bool:
        """Whether `tier` has a seat that nobody has, whoever waits for it."""
        return _look(driver, self._newcomer, tier, values, 1).balance > 0

    def kept(self, claim: Claim, tier: Tier) -> int:
        """Seats that this claim leaves for logins."""
        return self.reserved.get(tier, 0) if claim.door is Door.SYNC else 0

    def _pool(self, driver: Driver, tier: Tier, line: Line, values: dict[str, object]) -> SeatPool:
        """The tier's seats, as far as counted; all other tiers as one where there are people beyond."""
        seats, used = {tier: line.seats}, {tier: line.seats - line.balance}
        rest = next((other for other in self.ladder if other != tier), None)
        if line.beyond and rest:
            every, free, beyond = driver.execute(self._whole, values).fetchone()
            seats[rest] = int(every) - line.seats
            used[rest] = int(every) - (int(free) - int(beyond)) - used[tier]
        return SeatPool(self.ladder, seats, used, reserved=self.reserved)

    def take(self, driver: Driver, tier: Tier, values: dict[str, object], *, weighed: bool) -> bool:
        """Reserve the first free row; False when others have all in hand, or it is now to be weighed."""
        place = {**values, "tier": tier.name, "weighed": weighed}
        return driver.execute(self._take, place).rowcount == 1

    def conclude(
        self, driver: Driver, claim: Claim, placement: Placement, values: dict[str, object], waits: bool
    ) -> None:
        """Keep the wish, or drop what the member waited for until now; write the ledger row."""
        if placement.waits_for and placement.waits_for in claim.options:
            self._keep_wish(driver, claim, placement, values)
        elif waits:
            driver.execute(self._forget, values)
        held = placement.tier is not None
        entry = {
            "event": "seat.held" if held else "seat.denied",
            "outcome": "done" if held else "refused",
            "because": json_text(list(placement.because)),
            "detail": detail(claim, placement.tier),
        }
        driver.execute(self._record, {**values, **entry})

    def _keep_wish(
        self, driver: Driver, claim: Claim, placement: Placement, values: dict[str, object]
    ) -> None:
        holds, wish = placement.tier, placement.waits_for
        accepts = better_than(claim, holds)
        row = {
            **values,
            "wants": wish.name if wish else None,
            "accepts": json_text([tier.name for tier in accepts]),
            "holds": holds.name if holds else None,
            "because": json_text(list(placement.because)),
        }
        since, owed = driver.execute(self._wish, row).fetchone()
        driver.execute(self._unqueue, values)
        for tier in accepts:
            place = {"tier": tier.name, "asked": since, "owed": bool(owed)}
            driver.execute(self._enqueue, {**values, **place})


def _look(driver: Driver, queries: _Queries, tier: Tier, values: dict[str, object], enough: int) -> Line:
    """The tier's line, with `enough` free rows counted besides those that are overdrawn."""
    values = {**values, "tier": tier.name, "enough": enough}
    line = Line(*(driver.execute(queries.line, values).fetchone() or (0, 0, False, False)))
    if not line.beyond:
        return line
    overdrawn = driver.execute(queries.overdrawn, values).fetchone()[0]
    if overdrawn and line.free == enough:
        values["enough"] = enough + overdrawn
        line = Line(*driver.execute(queries.line, values).fetchone())
    return replace(line, overdrawn=overdrawn)


def _ahead(driver: Driver, queries: _Queries, tier: Tier, values: dict[str, object], enough: int) -> int:
    """Wishes for `tier` that stand before the claim, counted up to `enough`."""
    values = {**values, "tier": tier.name, "enough": enough}
    found: int = driver.execute(queries.ahead, values).fetchone()[0]
    return found


def stamped(placement: Placement, values: Mapping[str, object]) -> Placement:
    """The placement with the ticket that its reservation was made under."""
    ticket = values["ticket"]
    if placement.tier is None or not isinstance(ticket, int):
        return placement
    return Placement(placement.tier, placement.waits_for, placement.because, ticket)


def better_than(claim: Claim, holds: Tier | None) -> tuple[Tier, ...]:
    """The options the claim likes better than what it holds; all of them without a seat."""
    return claim.options[: claim.options.index(holds)] if holds else claim.options


def detail(claim: Claim, tier: Tier | None) -> str:
    """The ledger row's own facts."""
    return json_text({"tier": tier.name if tier else None, "door": claim.door.value})

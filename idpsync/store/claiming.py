"""Taking a seat: the claim of a newcomer, and the move of somebody who has one."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from idpsync.core.errors import StoreError
from idpsync.core.records import Cause
from idpsync.core.seats import Claim, Door, Placement, Tier
from idpsync.store.claim import RECORD, ClaimDesk, Decision, stamped
from idpsync.store.database import Collision, Database, Driver
from idpsync.store.swift import SwiftClaim
from idpsync.store.types import json_text

TRIES = 60
ALONE = """
SELECT tier FROM capacity WHERE organization = :organization ORDER BY tier FOR UPDATE
"""
MINE = """
SELECT tier, role, door FROM seat WHERE organization = :organization AND member = :member ORDER BY role
"""
UNMOVE = """
UPDATE seat SET state = 'free', role = 'primary', member = NULL, door = NULL, since = NULL,
  expires_at = NULL, changed_at = NULL, ticket = NULL
WHERE organization = :organization AND member = :member AND role = 'moving'
"""

Answer = TypeVar("Answer")


class _InHand(Exception):
    """Free rows are there, but other claims have them in hand: look again in a moment."""


class Claiming:
    """`hold` and `move` of the seat book."""

    def __init__(self, database: Database, desk: ClaimDesk) -> None:
        self._database, self._desk = database, desk
        self._swift = SwiftClaim(database.organization) if database.postgresql else None
        sql = database.sql
        self._alone, self._mine, self._unmove = sql(ALONE), sql(MINE), sql(UNMOVE)
        self._record = sql(RECORD)

    def hold(self, claim: Claim, cause: Cause) -> Placement:
        return _patiently(lambda: self._swiftly(claim, cause) or self._carefully(claim, cause))

    def move(self, member: str, tier: Tier, cause: Cause) -> bool:
        return _patiently(lambda: self._move(member, tier, cause))

    def _swiftly(self, claim: Claim, cause: Cause) -> Placement | None:
        new = claim.since is None and bool(claim.options) and cause.token is None
        if self._swift is None or not new:
            return None
        if any(self._desk.kept(claim, tier) for tier in claim.options):
            return None
        with self._database.at_once() as driver:
            return self._swift.take(driver, claim, self._desk.values(claim, cause))

    def _carefully(self, claim: Claim, cause: Cause) -> Placement:
        desk = self._desk
        with self._database.driving(cause) as driver:
            values = desk.values(claim, cause)
            standing = desk.standing(driver, claim, values)
            if standing.placement:
                return standing.placement
            decision = self._decide(driver, claim, values)
            placement, tier = decision.placement, decision.placement.tier
            if self._database.postgresql:
                standing = desk.standing(driver, claim, values)  # a twin request may have been faster
                if standing.placement:
                    return standing.placement
            if tier and not desk.take(driver, tier, values, weighed=decision.weighed):
                raise _InHand
            waits = standing.waits or self._database.postgresql  # there a twin may still add one
            desk.conclude(driver, claim, placement, values, waits)
        if self._swift:
            self._swift.learn(claim, placement)
        return stamped(placement, values)

    def _decide(self, driver: Driver, claim: Claim, values: dict[str, object]) -> Decision:
        decision = self._desk.decide(driver, claim, values)
        if decision.weighed and self._database.postgresql:
            # two who weigh at once would both take the one seat that is open: again, alone
            driver.execute(self._alone, values).fetchall()
            decision = self._desk.decide(driver, claim, values)
        return decision

    def _move(self, member: str, tier: Tier, cause: Cause) -> bool:
        desk = self._desk
        with self._database.driving(cause) as driver:
            claim = Claim(member, member, (tier,), door=Door.SYNC)
            values = desk.values(claim, cause)
            mine = driver.execute(self._mine, values).fetchall()
            if any(name == tier.name for name, _, _ in mine):
                return True
            if not desk.has_room(driver, tier, values):
                return False
            driver.execute(self._unmove, values)
            stays = [door for _, role, door in mine if role == "primary"]
            role, door = ("moving", stays[0]) if stays else ("primary", "sync")
            place = {**values, "role": role, "door": door, "ticket": None}
            if not desk.take(driver, tier, place, weighed=True):
                raise _InHand
            entry = {
                "event": "seat.held",
                "outcome": "done",
                "because": json_text(list(cause.because)),
                "detail": json_text({"tier": tier.name, "moving": bool(stays)}),
            }
            driver.execute(self._record, {**values, **entry})
            return True


def _patiently(attempt: Callable[[], Answer]) -> Answer:
    """Ask again, after a few milliseconds of chance, while others have the rows in hand."""
    for tries in range(TRIES):
        try:
            return attempt()
        except (_InHand, Collision):
            time.sleep(random.uniform(0.001, 0.004) * (1 + tries / 10))  # noqa: S311 - jitter
    raise StoreError("every free seat was in somebody else's hand for too long; ask again")

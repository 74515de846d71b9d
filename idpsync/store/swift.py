"""The one-statement claim for PostgreSQL: somebody new, nobody before them, a free row.

Find and lock a free row that nobody else has in hand (SKIP LOCKED), reserve it, keep the wish for a
better tier, write the ledger row: one round trip, one flush, no queue behind a counter. It answers
nothing as soon as there is anything to weigh (a seat or a wish of their own, somebody before them, a
row that another claim has in hand); then the careful claim decides.
"""

import json
from collections.abc import Mapping

from idpsync.core.seats import Claim, Placement, Tier
from idpsync.store.claim import better_than, detail
from idpsync.store.database import Database, Driver
from idpsync.store.types import json_text

_KNOWN = """
WITH me AS (
  SELECT EXISTS (SELECT 1 FROM seat WHERE organization = :organization AND member = :member)
      OR EXISTS (SELECT 1 FROM wait_list WHERE organization = :organization AND member = :member)
    AS known)"""
_OPTION = """,
t{n} AS (
  SELECT tier, seat_no, {n} AS liking FROM seat
  WHERE organization = :organization AND tier = :tier{n} AND state = 'free'
    AND NOT (SELECT known FROM me)
    AND NOT EXISTS (SELECT 1 FROM queue WHERE organization = :organization AND tier = :tier{n}
                    AND (owed OR priority >= :priority))
    AND NOT EXISTS (SELECT 1 FROM seat
                    WHERE organization = :organization AND tier = :tier{n} AND overdrawn){better_full}
  ORDER BY seat_no LIMIT 1 FOR UPDATE SKIP LOCKED)"""
_BETTER_FULL = """
    AND NOT EXISTS (SELECT 1 FROM seat
                    WHERE organization = :organization AND tier = :tier{n} AND state = 'free')"""
_TAKEN = """,
picked AS ({picked}),
taken AS (
  UPDATE seat AS s SET state = 'reserved', role = 'primary', member = :member, door = :door,
    since = :now, expires_at = :expires_at, changed_at = :now
  FROM picked AS p
  WHERE s.organization = :organization AND s.tier = p.tier AND s.seat_no = p.seat_no
  RETURNING p.liking),
written AS (
  INSERT INTO ledger (organization, at, actor, event, member, outcome, because, detail, run_id)
  SELECT :organization, :now, :actor, 'seat.held', :member, 'done',
    CASE liking {because} END, CASE liking {detail} END, :run_id
  FROM taken RETURNING because)"""
_FULL = """coalesce((SELECT :full{n} || (c.seats + (SELECT count(*) FROM seat AS o
    WHERE o.organization = :organization AND o.tier = :tier{n} AND o.overdrawn))
  || ' of ' || c.seats || ')"'
  FROM capacity AS c WHERE c.organization = :organization AND c.tier = :tier{n}),
  :full{n} || '0 of 0)"')"""
_WISH = """,
wish AS (
  INSERT INTO wait_list
    (organization, member, user_name, wants, accepts, holds, since, priority, because, owed, door)
  SELECT :organization, :member, :user_name, :tier0, CASE liking {accepts} END,
    CASE liking {holds} END, :now, :priority, because, false, :door
  FROM taken, written WHERE liking > 0),
places AS (
  INSERT INTO queue (organization, tier, member, owed, priority, since)
  SELECT :organization, better.tier, :member, false, :priority, :now
  FROM taken, (VALUES {better}) AS better (n, tier) WHERE better.n < liking)"""
_ANSWER = "\nSELECT liking, because FROM taken, written"


class SwiftClaim:
    """The statement for each number of options, made once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements: dict[tuple[int, bool], str] = {}

    def take(self, driver: Driver, claim: Claim, values: Mapping[str, object]) -> Placement | None:
        """The placement, or None when the careful claim has to look."""
        waits = len(claim.options) > 1 and not claim.flexible
        row = driver.execute(
            self._statement(len(claim.options), waits), _values(claim, values)
        ).fetchone()
        if row is None:
            return None
        liking, because = row
        return Placement(
            tier=claim.options[liking],
            waits_for=claim.wish if waits and liking else None,
            because=tuple(json.loads(because)),
        )

    def _statement(self, options: int, waits: bool) -> str:
        if (options, waits) not in self._statements:
            self._statements[options, waits] = self._database.sql(_compose(options, waits=waits))
        return self._statements[options, waits]


def _compose(options: int, *, waits: bool) -> str:
    count = range(options)
    tries = "".join(
        _OPTION.format(n=n, better_full="".join(_BETTER_FULL.format(n=m) for m in range(n)))
        for n in count
    )
    taken = _TAKEN.format(
        picked=" UNION ALL ".join(f"SELECT tier, seat_no, liking FROM t{n}" for n in count),  # noqa: S608 - numbers of ours
        because=" ".join(f"WHEN {n} THEN {_because(n)}" for n in count),
        detail=" ".join(f"WHEN {n} THEN :detail{n}" for n in count),
    )
    wish = _WISH.format(
        accepts=" ".join(f"WHEN {n} THEN :accepts{n}" for n in count[1:]),
        holds=" ".join(f"WHEN {n} THEN :tier{n}" for n in count[1:]),
        better=", ".join(f"({n}, :tier{n})" for n in count),
    )
    return _KNOWN + tries + taken + (wish if waits else "") + _ANSWER


def _because(liking: int) -> str:
    """The claim's own reasons, and one for each tier that was full: JSON put together in place."""
    if liking == 0:
        return ":because"
    return ":begun || " + " || ',' || ".join(_FULL.format(n=n) for n in range(liking)) + " || ']'"


def _values(claim: Claim, values: Mapping[str, object]) -> dict[str, object]:
    because = json_text(list(claim.because))
    found: dict[str, object] = {
        **values,
        "because": because,
        "begun": because[:-1] + ("," if claim.because else ""),
    }
    for n, tier in enumerate(claim.options):
        found[f"tier{n}"] = tier.name
        found[f"detail{n}"] = detail(claim, tier)
        found[f"full{n}"] = json_text(tier.name)[:-1] + " is full ("
        found[f"accepts{n}"] = _names(better_than(claim, tier))
    return found


def _names(tiers: tuple[Tier, ...]) -> str:
    return json_text([tier.name for tier in tiers])

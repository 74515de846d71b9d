"""The one-statement claim for PostgreSQL: somebody new, nobody before them, a free row.

Find and lock a free row that nobody else has in hand (SKIP LOCKED), reserve it or see that all is
full, keep the wish for better, write the ledger row: one round trip, one flush, no queue behind a
counter. It answers nothing as soon as there is anything to weigh (a seat or a wish of their own,
somebody before them, a row that another claim has in hand); then the careful claim decides.

It writes seat, ledger, wish, places in the queue, in this order, as the careful claim does: twin
requests of one member meet at the same row first and cannot wait for each other in a ring.

The answer is a number: how many options the claim liked better than what it got, all of them when
it got nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from idpsync.core.seats import Claim, Door, Placement, Tier
from idpsync.store.claim import better_than, detail
from idpsync.store.database import Database, Driver
from idpsync.store.types import json_text

_LOOK = """
WITH me AS (
  SELECT EXISTS (SELECT 1 FROM seat WHERE organization = :organization AND member = :member)
      OR EXISTS (SELECT 1 FROM wait_list WHERE organization = :organization AND member = :member)
    AS known),
look AS (SELECT {looks})"""
_IS_FULL = """(
  SELECT seat_no FROM seat
  WHERE organization = :organization AND tier = :tier{n} AND state = 'free'
  ORDER BY changed_at, seat_no LIMIT 1) IS NULL AS full{n}"""
_LOOKED = "(SELECT full{n} FROM look)"
_OPTION = """,
t{n} AS (
  SELECT tier, seat_no, {n} AS liking FROM seat
  WHERE organization = :organization AND tier = :tier{n} AND state = 'free'
    AND NOT (SELECT known FROM me) AND {better_full}
    AND NOT EXISTS (SELECT 1 FROM queue WHERE organization = :organization AND tier = :tier{n}
                    AND (owed OR priority >= :priority))
    AND NOT EXISTS (SELECT 1 FROM seat
                    WHERE organization = :organization AND tier = :tier{n} AND overdrawn)
  ORDER BY changed_at, seat_no LIMIT 1 FOR UPDATE SKIP LOCKED)"""
_TAKEN = """,
picked AS ({picked}),
taken AS (
  UPDATE seat AS s SET state = 'reserved', role = 'primary', member = :member, door = :door,
    since = :now, expires_at = :expires_at, changed_at = :now
  FROM picked AS p
  WHERE s.organization = :organization AND s.tier = p.tier AND s.seat_no = p.seat_no
  RETURNING p.liking),
answer AS (
  SELECT liking FROM taken
  UNION ALL SELECT {none} FROM me, look WHERE NOT known AND {all_full}),
written AS (
  INSERT INTO ledger (organization, at, actor, event, member, outcome, because, detail, run_id)
  SELECT :organization, :now, :actor, CASE liking WHEN {none} THEN 'seat.denied' ELSE 'seat.held' END,
    :member, CASE liking WHEN {none} THEN 'refused' ELSE 'done' END,
    CASE liking {because} END, CASE liking {detail} END, :run_id
  FROM answer RETURNING because)"""
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
    CASE liking {holds} ELSE NULL END, :now, :priority, because, false, :door
  FROM answer, written WHERE liking >= :worth_waiting
  RETURNING member),
places AS (
  INSERT INTO queue (organization, tier, member, owed, priority, since)
  SELECT :organization, better.tier, wish.member, false, :priority, :now
  FROM wish, answer, (VALUES {better}) AS better (n, tier) WHERE better.n < liking)"""
_ANSWER = "\nSELECT liking, because FROM answer, written"


@dataclass(frozen=True, slots=True)
class _Form:
    """The statement for one list of options, and the values that are the same for every claim."""

    statement: str
    constants: Mapping[str, object]


class SwiftClaim:
    """One prepared form for each list of options that is asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._forms: dict[tuple[tuple[Tier, ...], Door, bool], _Form] = {}

    def take(self, driver: Driver, claim: Claim, values: Mapping[str, object]) -> Placement | None:
        """The placement, or None when the careful claim has to look."""
        form = self._form(claim)
        because = json_text(list(claim.because))
        begun = because[:-1] + ("," if claim.because else "")
        row = driver.execute(
            form.statement, {**form.constants, **values, "because": because, "begun": begun}
        ).fetchone()
        if row is None:
            return None
        liking, why = row
        return Placement(
            tier=claim.options[liking] if liking < len(claim.options) else None,
            waits_for=claim.wish if liking >= _worth_waiting(claim) else None,
            because=claim.because if liking == 0 else tuple(json.loads(why)),
        )

    def _form(self, claim: Claim) -> _Form:
        key = (claim.options, claim.door, claim.flexible)
        if key not in self._forms:
            statement = self._database.sql(_compose(len(claim.options)))
            self._forms[key] = _Form(statement, _constants(claim))
        return self._forms[key]


def _worth_waiting(claim: Claim) -> int:
    """From which answer on there is something left to wish for; answers count the options down."""
    return len(claim.options) if claim.flexible else 1


def _compose(options: int) -> str:
    count, answers = range(options), range(options + 1)
    tries = "".join(
        _OPTION.format(
            n=n,
            better_full=" AND ".join(["true", *(_LOOKED.format(n=m) for m in range(n))]),
        )
        for n in count
    )
    taken = _TAKEN.format(
        none=options,
        all_full=" AND ".join(f"full{n}" for n in count),
        picked=" UNION ALL ".join(f"SELECT tier, seat_no, liking FROM t{n}" for n in count),  # noqa: S608 - numbers of ours
        because=" ".join(f"WHEN {n} THEN {_because(n)}" for n in answers),
        detail=" ".join(f"WHEN {n} THEN :detail{n}" for n in answers),
    )
    wish = _WISH.format(
        accepts=" ".join(f"WHEN {n} THEN :accepts{n}" for n in answers),
        holds=" ".join(f"WHEN {n} THEN :tier{n}" for n in count),
        better=", ".join(f"({n}, :tier{n})" for n in count),
    )
    looks = ", ".join(_IS_FULL.format(n=n) for n in count)
    return _LOOK.format(looks=looks) + tries + taken + wish + _ANSWER


def _because(liking: int) -> str:
    """The claim's own reasons, and one for each tier that was full: JSON put together in place."""
    if liking == 0:
        return ":because"
    return ":begun || " + " || ',' || ".join(_FULL.format(n=n) for n in range(liking)) + " || ']'"


def _constants(claim: Claim) -> dict[str, object]:
    found: dict[str, object] = {"worth_waiting": _worth_waiting(claim)}
    for n, tier in enumerate((*claim.options, None)):
        accepts = better_than(claim, tier)
        found[f"detail{n}"] = detail(claim, tier)
        found[f"accepts{n}"] = json_text([better.name for better in accepts])
        if tier:
            found[f"tier{n}"] = tier.name
            found[f"full{n}"] = json_text(tier.name)[:-1] + " is full ("
    return found

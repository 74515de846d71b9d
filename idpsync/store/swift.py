"""The one-statement claim for PostgreSQL: somebody new, nobody before them.

Find and lock a free row that nobody else has in hand (SKIP LOCKED), reserve it, keep the wish for a
better tier, write the ledger row: one round trip, one flush, no queue behind a counter. There is one
statement for each answer a claim can get, from "the first option" to "nothing", and the one that was
right last time is tried; a plan for all answers at once costs twice as much to start. It answers
nothing as soon as there is anything to weigh: another answer, a seat or a wish of their own, somebody
before them, a row that another claim has in hand. Then the careful claim decides.

Seat, ledger, wish, places in the queue are written in this order, as the careful claim does: twin
requests of one member meet at the same row first and cannot wait for each other in a ring.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idpsync.core.seats import Claim, Door, Placement, Tier
from idpsync.store.claim import better_than, detail, stamped
from idpsync.store.database import Driver
from idpsync.store.types import json_text

_UNKNOWN = """
  NOT EXISTS (SELECT 1 FROM seat WHERE organization = :organization AND member = :member)
  AND NOT EXISTS (SELECT 1 FROM wait_list WHERE organization = :organization AND member = :member)"""
_IS_FULL = """
  AND (SELECT seat_no FROM seat WHERE organization = :organization AND tier = :tier{n}
       AND state = 'free' ORDER BY changed_at, seat_no LIMIT 1) IS NULL"""
_TAKEN = """
WITH taken AS (
  UPDATE seat SET state = 'reserved', role = 'primary', member = :member, door = :door,
    since = :now, expires_at = :expires_at, changed_at = :now, ticket = :ticket
  WHERE organization = :organization AND tier = :tier{n} AND seat_no = (
    SELECT seat_no FROM seat
    WHERE organization = :organization AND tier = :tier{n} AND state = 'free' AND {conditions}
      AND NOT EXISTS (SELECT 1 FROM queue WHERE organization = :organization AND tier = :tier{n}
                      AND (owed OR priority >= :priority))
      AND NOT EXISTS (SELECT 1 FROM seat WHERE organization = :organization AND overdrawn)
    ORDER BY changed_at, seat_no LIMIT 1 FOR UPDATE SKIP LOCKED)
  RETURNING seat_no)"""
_NOTHING = """
WITH taken AS (SELECT 0 WHERE {conditions})"""
_WRITTEN = """,
written AS (
  INSERT INTO ledger (organization, at, actor, event, member, outcome, because, detail, run_id)
  SELECT :organization, :now, :actor, :event, :member, :outcome, {because}, :detail, :run_id
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
  SELECT :organization, :member, :user_name, :tier0, :accepts, {holds}, :now, :priority, because,
    false, :door
  FROM written RETURNING member),
places AS (
  INSERT INTO queue (organization, tier, member, owed, priority, since)
  SELECT :organization, better.tier, wish.member, false, :priority, :now
  FROM wish, (VALUES {better}) AS better (tier))"""
_ANSWER = """
SELECT because FROM written"""

_Key = tuple[tuple[Tier, ...], Door, bool]


@dataclass(frozen=True, slots=True)
class _Form:
    """The statement for one answer, and the order of the values it takes."""

    statement: str
    names: Sequence[str]
    placement: Placement


class SwiftClaim:
    """Answers the plain claims, guessing that the next one gets what the last one got."""

    def __init__(self, organization: str) -> None:
        from psycopg import RawCursor  # noqa: PLC0415 - only where the store is PostgreSQL

        self._cursor: Any = RawCursor  # takes $1, $2…: nothing to translate for each claim
        self._organization = organization
        self._forms: dict[tuple[_Key, int], _Form] = {}
        self._guesses: dict[_Key, int] = {}

    def take(self, driver: Driver, claim: Claim, values: Mapping[str, object]) -> Placement | None:
        """The placement, or None when the careful claim has to look."""
        answer = self._guesses.get(_key(claim), 0)
        form = self._form(claim, answer)
        because = json_text(list(claim.because))
        begun = because[:-1] + ("," if claim.because else "")
        found = {**values, "because": because, "begun": begun}
        cursor = self._cursor(driver)
        parameters = [found[name] for name in form.names]
        prepare = cursor.connection.prepare_threshold is not None  # None: a pooler is in between
        row = cursor.execute(form.statement, parameters, prepare=prepare).fetchone()
        if row is None:
            return None
        placement = form.placement
        said = tuple(json.loads(row[0])) if answer else claim.because
        return stamped(Placement(placement.tier, placement.waits_for, said), values)

    def learn(self, claim: Claim, placement: Placement) -> None:
        """What a careful claim got is the next guess."""
        tier = placement.tier
        self._guesses[_key(claim)] = claim.options.index(tier) if tier else len(claim.options)

    def _form(self, claim: Claim, answer: int) -> _Form:
        form = self._forms.get((_key(claim), answer))
        if form is None:
            form = self._forms[_key(claim), answer] = _make_form(self._organization, claim, answer)
        return form


def _key(claim: Claim) -> _Key:
    return (claim.options, claim.door, claim.flexible)


def _make_form(organization: str, claim: Claim, answer: int) -> _Form:
    """The form for a claim that gets option number `answer`, or nothing if there are not so many."""
    tier = claim.options[answer] if answer < len(claim.options) else None
    waits = tier is None or (answer > 0 and not claim.flexible)
    constants = {
        "organization": organization,
        "door": claim.door.value,
        "event": "seat.held" if tier else "seat.denied",
        "outcome": "done" if tier else "refused",
        "detail": detail(claim, tier),
        "accepts": json_text([better.name for better in better_than(claim, tier)]),
        **{f"tier{n}": option.name for n, option in enumerate(claim.options)},
        **{f"full{n}": json_text(o.name)[:-1] + " is full (" for n, o in enumerate(claim.options)},
    }
    composed = _compose(answer, gets_one=tier is not None, waits=waits)
    return _Form(*_numbered(composed, constants), Placement(tier, claim.wish if waits else None, ()))


def _compose(answer: int, *, gets_one: bool, waits: bool) -> str:
    before = range(answer)
    conditions = _UNKNOWN + "".join(_IS_FULL.format(n=n) for n in before)
    taken = _TAKEN if gets_one else _NOTHING
    wish = _WISH.format(
        holds=f":tier{answer}" if gets_one else "NULL",
        better=", ".join(f"(:tier{n})" for n in before),
    )
    return (
        taken.format(n=answer, conditions=conditions)
        + _WRITTEN.format(because=_because(answer))
        + (wish if waits else "")
        + _ANSWER
    )


def _because(answer: int) -> str:
    """The claim's own reasons, and one for each tier that was full: JSON put together in place."""
    if answer == 0:
        return ":because"
    return ":begun || " + " || ',' || ".join(_FULL.format(n=n) for n in range(answer)) + " || ']'"


def _numbered(statement: str, constants: Mapping[str, str]) -> tuple[str, Sequence[str]]:
    """The statement with its constants written in and $1, $2… for the rest; their names in that order.

    A value that is the same for every claim costs its share of each execution as a parameter.
    """
    from psycopg.sql import Literal  # noqa: PLC0415 - only where the store is PostgreSQL

    names: list[str] = []

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name in constants:
            return Literal(constants[name]).as_string(None)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return re.sub(r":([a-z_]\w*)", fill, statement), names

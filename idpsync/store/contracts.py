"""The contract and what was bought during its term; a purchase whose day has come reshapes the pool."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import structlog
from sqlalchemy import Connection, select

from idpsync.core.contract import Contract, Purchase, Quote, check_order, in_order, reshaped, seats_on
from idpsync.core.errors import PurchaseRefused
from idpsync.core.records import Cause
from idpsync.core.seats import Ladder, Tier
from idpsync.store import reshape as shape
from idpsync.store.contract_rows import (
    begin,
    by_name,
    mark_applied,
    read_contract,
    read_purchases,
    the_contract,
    write_purchase,
)
from idpsync.store.contract_tables import purchase as purchase_table
from idpsync.store.database import Database
from idpsync.store.ledger import Scribe
from idpsync.store.schema import capacity
from idpsync.store.seat_rows import SeatRow, tier_named

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Applied:
    """Purchases that count from now on, rows made for them; why others that are due have to wait."""

    purchases: tuple[Purchase, ...] = ()
    made: int = 0
    waits: str = ""

    def as_applied(self, purchase: Purchase) -> Purchase | None:
        return next((one for one in self.purchases if one.number == purchase.number), None)


class SqlContractBook:
    """`ContractBook` on one store."""

    def __init__(self, database: Database, ladder: Ladder) -> None:
        self._database, self._ladder = database, ladder

    def contract(self) -> Contract | None:
        with self._database.reading() as connection:
            return read_contract(connection, the_contract(self._database), self._ladder)

    def purchases(self) -> tuple[Purchase, ...]:
        with self._database.reading() as connection:
            return tuple(read_purchases(self._database, connection, self._ladder))

    def seed(self, contract: Contract, cause: Cause) -> bool:
        if self.contract() is not None:
            return False
        with self._database.writing(cause) as connection:
            there = self._capacities(connection)
            if any(there.values()):
                contract = replace(contract, seats=there)
            if not begin(self._database, connection, contract):
                return False
            made = shape.reshape(self._database, connection, self._ladder, contract.seats).made
            scribe = Scribe(self._database, connection, cause)
            scribe.note("contract.seeded", detail=_terms(contract))
            scribe.write()
        self._tell_planner(made)
        return True

    def record(self, quote: Quote, cause: Cause) -> Purchase:
        return self.record_all([(quote, cause.because)], cause)[0]

    def record_all(
        self, offers: Sequence[tuple[Quote, tuple[str, ...]]], cause: Cause
    ) -> tuple[Purchase, ...]:
        with self._database.writing(cause) as connection:
            scribe = Scribe(self._database, connection, cause)
            recorded: list[Purchase] = []
            for quote, why in offers:
                purchase = self._checked(connection, quote, replace(cause, because=why))
                write_purchase(self._database, connection, purchase)
                because = (f"bought: {purchase}", *why)
                scribe.note("purchase.recorded", because=because, detail=_facts(purchase))
                recorded.append(purchase)
            today = self._database.clock.now().date()
            applied = self._apply(connection, today, scribe)
            kept = tuple(applied.as_applied(one) or one for one in recorded)
            if any(one.on <= today and one.applied_at is None for one in kept):
                raise PurchaseRefused(f"nothing was bought: {applied.waits}")
            scribe.write()
        self._tell_planner(applied.made)
        return kept

    def apply_due(self, today: date, cause: Cause) -> tuple[Purchase, ...]:
        if not self._is_due(today):
            return ()
        with self._database.writing(cause) as connection:
            self._contract_alone(connection)
            scribe = Scribe(self._database, connection, cause)
            applied = self._apply(connection, today, scribe)
            scribe.write()
        self._tell_planner(applied.made)
        if applied.waits:
            log.warning("purchase.waits", reason=applied.waits)
        return applied.purchases

    # --- inside a transaction ---

    def _checked(self, connection: Connection, quote: Quote, cause: Cause) -> Purchase:
        """The purchase that the quote becomes; nobody else buys until we are done."""
        contract = self._contract_alone(connection)
        if contract is None:
            raise PurchaseRefused("the store has no contract yet, there is nothing to buy under")
        others = read_purchases(self._database, connection, self._ladder)
        items = tuple(line.item for line in quote.lines)
        check_order(contract, others, items, quote.on)
        after = reshaped(seats_on(contract, others, quote.on), items)
        return Purchase(
            number=max((one.number for one in others), default=0) + 1,
            quote=replace(quote, seats_after=after),
            recorded_at=self._database.clock.now(),
            actor=cause.actor,
            because=cause.because,
        )

    def _contract_alone(self, connection: Connection) -> Contract | None:
        query = the_contract(self._database, alone=True)
        return read_contract(connection, query, self._ladder)

    def _is_due(self, today: date) -> bool:
        query = select(purchase_table.c.number).where(
            purchase_table.c.organization == self._database.organization,
            purchase_table.c.applied_at.is_(None),
            purchase_table.c.on_day <= today,
        )
        with self._database.reading() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def _apply(self, connection: Connection, today: date, scribe: Scribe) -> _Applied:
        """What is due counts from now on, all of it together; what would leave somebody out waits."""
        known = read_purchases(self._database, connection, self._ladder)
        due = [one for one in in_order(known) if one.applied_at is None and one.on <= today]
        if not due:
            return _Applied()
        seats = shape.lock_capacities(self._database, connection, self._ladder)
        if any(item.upgraded_from for one in due for item in one.items):
            shape.quieten(self._database, connection)
        held = shape.reservations(self._database, connection, self._ladder)
        fit = shape.fitting(seats, due, held)
        waits = shape.why_short(shape.shape_after(seats, due), held) if len(fit) < len(due) else ""
        if not fit:
            return _Applied(waits=waits)
        now = self._database.clock.now()
        mark_applied(self._database, connection, fit, now)
        becomes = shape.shape_after(seats, fit)
        done = shape.reshape(self._database, connection, self._ladder, becomes)
        _note(scribe, fit, becomes, done.pushed)
        return _Applied(tuple(replace(one, applied_at=now) for one in fit), done.made, waits)

    def _capacities(self, connection: Connection) -> dict[Tier, int]:
        query = select(capacity.c.tier, capacity.c.seats).where(
            capacity.c.organization == self._database.organization
        )
        return {tier_named(self._ladder, name): seats for name, seats in connection.execute(query)}

    def _tell_planner(self, made: int) -> None:
        if made >= shape.BULK:
            self._database.analyze("seat", "capacity")


# --- ledger -------------------------------------------------------------------------------------------


def _note(
    scribe: Scribe,
    purchases: Sequence[Purchase],
    becomes: Mapping[Tier, int],
    pushed: Iterable[SeatRow],
) -> None:
    """One row for each purchase that counts now, one for each person beyond the contract by it."""
    invoices = ", ".join(one.invoice for one in purchases)
    for one in purchases:
        bought = ", ".join(str(item) for item in one.items)
        facts = {"invoice": one.invoice, "number": one.number, "seats": by_name(becomes)}
        scribe.note("purchase.applied", because=(f"{one.invoice}: {bought}",), detail=facts)
    for row in pushed:
        left = f"{invoices} leaves {becomes[row.tier]} {row.tier} seats, fewer than people sit in"
        scribe.note(
            "seat.overdrawn",
            row.member,
            account_id=row.account_id,
            because=(left, "the seat stays theirs until it is given back"),
            detail={"tier": row.tier.name},
        )


def _terms(contract: Contract) -> dict[str, object]:
    return {
        "starts": contract.starts.isoformat(),
        "ends": contract.ends.isoformat(),
        "currency": contract.currency,
        "seats": by_name(contract.seats),
    }


def _facts(purchase: Purchase) -> dict[str, object]:
    total = purchase.quote.total
    return {
        "invoice": purchase.invoice,
        "number": purchase.number,
        "on": purchase.on.isoformat(),
        "total": None if total is None else str(total),
        "currency": purchase.quote.currency,
        "estimate": True,
        "seats_after": by_name(purchase.quote.seats_after),
    }

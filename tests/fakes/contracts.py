"""The contract and its purchases in memory; seats are counts, so that applying is arithmetic."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from threading import Lock

from idpsync.core.contract import (
    Contract,
    Purchase,
    Quote,
    check_order,
    in_order,
    reshaped,
    seats_on,
)
from idpsync.core.errors import PurchaseRefused
from idpsync.core.records import Cause
from idpsync.core.seats import Holding, Tier
from tests.fakes.seats import FakeSeatBook


class FakeContractBook:
    def __init__(self, seats: FakeSeatBook) -> None:
        self.seats, self.ledger, self.clock = seats, seats.ledger, seats.clock
        self.kept: Contract | None = None
        self.bought: list[Purchase] = []
        self.turn = Lock()

    def contract(self) -> Contract | None:
        return self.kept

    def purchases(self) -> tuple[Purchase, ...]:
        return tuple(self.bought)

    def seed(self, contract: Contract, cause: Cause) -> bool:
        self.ledger.lease.fence(cause)
        if self.kept:
            return False
        self.begin(contract)
        self.ledger.record("contract.seeded", cause)
        return True

    def begin(self, contract: Contract) -> None:
        """The contract is there, with the seats it begins with or those that were there before."""
        there = self.seats.capacity
        self.kept = replace(contract, seats=dict(there)) if any(there.values()) else contract
        there.update(self.kept.seats)

    def record(self, quote: Quote, cause: Cause) -> Purchase:
        return self.record_all([(quote, cause.because)], cause)[0]

    def record_all(
        self, offers: Sequence[tuple[Quote, tuple[str, ...]]], cause: Cause
    ) -> tuple[Purchase, ...]:
        with self.turn:
            self.ledger.lease.fence(cause)
            if self.kept is None:
                raise PurchaseRefused("there is no contract yet")
            now, first = self.clock.now(), len(self.bought)
            new: list[Purchase] = []
            for quote, why in offers:
                known = [*self.bought, *new]
                items = tuple(line.item for line in quote.lines)
                check_order(self.kept, known, items, quote.on)
                after = reshaped(seats_on(self.kept, known, quote.on), items)
                offer = replace(quote, seats_after=after)
                new.append(Purchase(len(known) + 1, offer, now, cause.actor, why))
            today = now.date()
            due = [one for one in new if one.on <= today]
            fit, waits = self._fitting(in_order([*self._due(today), *due]), today)
            if any(one not in fit for one in due):
                raise PurchaseRefused(f"nothing was bought: {waits}")
            self.bought.extend(new)
            for one in new:
                self.ledger.record("purchase.recorded", cause, because=(f"bought: {one}", *one.because))
            self._apply(fit, cause)
            return tuple(self.bought[first:])

    def apply_due(self, today: date, cause: Cause) -> tuple[Purchase, ...]:
        with self.turn:
            due = self._due(today)
            if not due:
                return ()
            self.ledger.lease.fence(cause)
            return self._apply(self._fitting(due, today)[0], cause)

    def _due(self, today: date) -> list[Purchase]:
        return [one for one in in_order(self.bought) if not one.applied_at and one.on <= today]

    def _fitting(self, due: Sequence[Purchase], today: date) -> tuple[list[Purchase], str]:
        """Those that leave every reservation a seat; the last ones wait."""
        fit, waits = [one for one in due if one.on <= today], ""
        while fit:
            there = self.seats.capacity
            after = _after(there, fit)
            held = {t: min(n, there[t]) for t, n in self.seats.pool().held.items()}
            short = next((tier for tier in after if after[tier] < held[tier]), None)
            if short is None:
                break
            waits = waits or (
                f"{held[short]} {short} seats are reserved for people on their way, more than the"
                f" {max(0, after[short])} that would be left: withdraw invites or wait"
            )
            fit.remove(next(one for one in reversed(fit) if _after({}, [one]).get(short, 0) < 0))
        return fit, waits

    def _apply(self, fit: Sequence[Purchase], cause: Cause) -> tuple[Purchase, ...]:
        before = {tier: self._beyond(tier) for tier in self.seats.ladder}
        self.seats.capacity.update(_after(self.seats.capacity, fit))
        applied = [replace(one, applied_at=self.clock.now()) for one in fit]
        for one in applied:
            self.bought[one.number - 1] = one
            bought = ", ".join(str(item) for item in one.items)
            self.ledger.record("purchase.applied", cause, because=(f"{one.invoice}: {bought}",))
        for tier in self.seats.ladder if fit else ():
            for seat in self._beyond(tier):
                if seat not in before[tier]:
                    self.ledger.record("seat.overdrawn", cause, seat.member, account_id=seat.account_id)
        return tuple(applied)

    def _beyond(self, tier: Tier) -> list[Holding]:
        """Whose seats stand beyond the contract: of the assigned ones the newest."""
        mine = [seat for seat in reversed(self.seats.holdings()) if seat.tier == tier]
        in_turn = sorted(mine, key=lambda seat: (seat.account_id is not None, seat.since))
        return in_turn[self.seats.capacity[tier] :]


def _after(seats: Mapping[Tier, int], purchases: Sequence[Purchase]) -> dict[Tier, int]:
    return reshaped(seats, [item for one in purchases for item in one.items])

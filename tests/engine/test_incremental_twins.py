"""Two houses live through the same; one reads everything each time, one what changed: no difference."""

import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest

from idpsync.core.contract import Item
from idpsync.core.errors import IdpSyncError, Refused, Transient, UnknownOutcome
from idpsync.core.membership import Actor
from idpsync.core.model import Account, fold
from idpsync.core.plan import Action
from idpsync.core.policy import Policy, WhenFull, WithoutRule
from idpsync.core.records import LedgerEntry
from tests.contracts.stores import Opener
from tests.engine.house import GROUPS, EngineHouse, login
from tests.engine.standing_house import StandingHouse
from tests.engine.test_due import buy
from tests.fakes.target import FakeTarget
from tests.people import POLICY, PREMIUM, STANDARD

NAMES = [f"p{n}" for n in range(9)]
ROOT = Actor("cli:root")


class Killed(BaseException):
    """The process at a door is gone."""


class FatedTarget(FakeTarget):
    """Fails by a fate that hangs on the person and how often they were written, not on when."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed, self.calm, self.mortal = seed, False, False
        self.written: Counter[str] = Counter()

    def apply(self, action: Action) -> Account:
        member = fold(action.profile.user_name)
        self.written[member] += 1
        fate = random.Random(f"{self.seed} {member} {self.written[member]}").random()
        luck = 1.0 if self.calm else fate
        if luck < 0.06:
            raise (Transient if luck < 0.03 else Refused)("t", "write", "no")
        if luck < 0.10:
            raise UnknownOutcome("t", "write", "the request was lost")
        if luck < 0.13 and self.mortal:
            raise Killed
        account = super().apply(action)
        if luck < 0.17:
            raise UnknownOutcome("t", "write", "the answer was lost")
        if luck < 0.20 and self.mortal:
            raise Killed
        return account


def twins(seed: int, open_store: Opener | None = None) -> tuple[StandingHouse, StandingHouse]:
    dice = random.Random(seed)
    policy: Policy = replace(
        POLICY,
        when_full=dice.choice(list(WhenFull)),
        without_rule=dice.choice(list(WithoutRule)),
        min_hold=dice.choice([timedelta(0), timedelta(hours=1)]),
        leaver_grace=dice.choice([timedelta(0), timedelta(hours=1)]),
        preempt=dice.choice([False, False, False, True]),
    )
    made = []
    for full_read in (timedelta(0), timedelta(hours=5)):
        house = StandingHouse(
            seats={PREMIUM: 2, STANDARD: 3},
            policy=policy,
            open_store=open_store,
            full_read=full_read,
            concurrency=1,
        )
        house.use_target(FatedTarget(seed))
        house.begin()
        for group in GROUPS:  # somebody of whom nothing is known stays: no group is ever empty
            house.add(f"in-{group}", group)
            house.directory.switch(f"in-{group}", active=None)
        made.append(house)
    return made[0], made[1]


def live(house: StandingHouse, seed: int) -> None:
    """One thing happens: what, hangs on the seed alone."""
    dice = random.Random(seed)
    name = dice.choice(NAMES)
    house.clock.advance(timedelta(minutes=dice.choice([0, 4, 20, 70])))
    assert isinstance(house.target, FatedTarget)
    house.target.mortal = True
    try:
        with suppress(IdpSyncError, Killed):
            what = dice.choice(
                ["move", "move", "move", "leave", "rename", "switch", "login", "hand", "buy"]
            )
            _happen(house, what, name, dice)
    finally:
        house.target.mortal = False


def _happen(house: StandingHouse, what: str, name: str, dice: random.Random) -> None:
    directory = house.directory
    known = directory.by_name(name)
    match what:
        case "login":
            groups = {dice.choice(["Users", "Premium", "Others"])}
            house.admitter.admit(login(dice.choice([name, "stranger"]), groups))
        case "hand":
            by_hand(house, name, dice)
        case "buy" if dice.random() < 0.3:
            buy(house, Item(dice.choice([PREMIUM, STANDARD]), 1), on=_today(house))
        case "leave" if known:
            directory.remove(name)
        case "switch" if known:
            directory.switch(name, active=dice.choice([True, False, None]))
        case "rename" if known:
            email = dice.choice([f"{name}@acme.example", f"{name}.new@acme.example", "p0@acme.example"])
            directory.add(name, email=email)
        case _:
            directory.add(name)
            for group in ("Premium", "Users", "Contractors", "Admins"):
                directory.groups[group].discard(directory.id_of(name))
                if dice.random() < 0.35:
                    directory.groups[group].add(directory.id_of(name))


def by_hand(house: StandingHouse, name: str, dice: random.Random) -> None:
    hand, tier = house.hand, dice.choice([PREMIUM, STANDARD, None])
    match dice.choice(["invite", "assign", "assign", "remove", "role", "swap"]):
        case "invite":
            hand.invite(ROOT, f"{name}@acme.example", tier=tier)
        case "assign":
            hand.assign(ROOT, name, tier)
        case "remove":
            hand.remove(ROOT, name)
        case "role":
            hand.give_role(ROOT, name, dice.choice(["admin", "user", "auditor"]))
        case "swap":
            hand.swap(ROOT, name, dice.choice(NAMES))


def _today(house: StandingHouse) -> date:
    return house.clock.now().date()


def told(row: LedgerEntry) -> tuple[str, str, str, str, tuple[str, ...]]:
    because = (
        row.because if row.member else ()
    )  # of a run: whoever failed first, by the id of their account
    return row.at.isoformat(), row.event, row.member or "", row.outcome, because


def state_of(house: EngineHouse) -> dict[str, object]:
    """Everything that lasts, without the ids that each house gives."""
    store = house.store
    called = {account.id: account.user_name for account in house.target.shelf.all()}
    return {
        "target": sorted((a.user_name, a.standing, a.tier, a.roles) for a in house.target.shelf.all()),
        "profiles": {a.user_name: a.profile for a in house.target.shelf.all()},
        "seats": sorted(
            (h.member, h.tier, h.settled, h.since, h.moving) for h in store.seats.holdings()
        ),
        "waiting": store.waiting.entries(),
        "links": sorted(
            (called.get(one.account_id, ""), one.external_id, one.missing_since)
            for one in store.registry.links()
            if one.missing_since is None
        ),
        "missing": sorted(
            (called.get(one.account_id, ""), one.missing_since)
            for one in store.registry.links()
            if one.missing_since
        ),
        "read": store.cache.last_read(),
        "people": {name: store.cache.person(name) for name in NAMES},
        "by hand": {member: one.tier for member, one in store.assignments.all().items()},
        "ledger": sorted(told(row) for row in store.ledger.entries()),
    }


@pytest.mark.parametrize("seed", range(60))
def test_what_changed_leads_to_where_everything_leads(seed: int) -> None:
    live_alike(*twins(seed), seed)


def live_alike(whole: StandingHouse, standing: StandingHouse, seed: int) -> None:
    """Five and twenty things happen to both; after each of them all is the same."""
    steps = random.Random(f"steps {seed}")
    for _ in range(25):
        act = steps.randrange(10**9)
        quiet = steps.random() < 0.3
        for house in (whole, standing):
            live(house, act)
            if not quiet:
                house.run()
        assert state_of(standing) == state_of(whole)

    for house in (whole, standing):
        house.target.calm = True  # type: ignore[attr-defined]
        for _ in range(4):  # long enough for every reservation to run out
            house.clock.advance(timedelta(minutes=20))
            house.run()
    assert state_of(standing) == state_of(whole)
    standing.run()  # it may be time for a whole read
    before = standing.looks()
    standing.run()
    assert standing.looks() == before
    assert standing.looks() < whole.looks()

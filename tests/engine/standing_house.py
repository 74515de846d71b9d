"""A house whose runs may go on from what changed: one reconciler lives across them, as in the daemon."""

from dataclasses import dataclass, replace
from datetime import timedelta

from idpsync.engine.outcome import Outcome
from idpsync.engine.reconcile import Order, Reconciler
from idpsync.engine.rooms import Rule
from tests.engine.house import EngineHouse
from tests.people import POLICY, PREMIUM, STANDARD

MINUTE, DAY = timedelta(minutes=1), timedelta(hours=24)
PROMPT = replace(POLICY, min_hold=timedelta(0))
EVERYTHING, NOTHING = (1, 1), (0, 0)


@dataclass
class StandingHouse(EngineHouse):
    """`run()` as the daemon runs; `looks()` counts whole reads of the directory and listings."""

    full_read: timedelta = DAY
    concurrency: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        self.begin()

    def begin(self) -> None:
        """A process begins."""
        self.kept = Reconciler(self.rooms, self.rule)

    @property
    def rule(self) -> Rule:
        return Rule(
            self.policy,
            self.limits,
            self.canaries,
            concurrency=self.concurrency,
            full_read=self.full_read,
        )

    @property
    def reconciler(self) -> Reconciler:
        return self.kept

    def run(self, **order: object) -> Outcome:
        self.clock.advance(MINUTE)
        return super().run(**{"from_changes": True, **order})

    def other_process(self, **order: object) -> Outcome:
        """Somebody else runs, and reads everything."""
        self.clock.advance(MINUTE)
        asked = replace(Order(actor="cli", trigger="apply"), **order)  # type: ignore[arg-type]
        return Reconciler(self.rooms, self.rule).reconcile(asked)

    def looks(self) -> tuple[int, int]:
        return self.directory.reads, self.target.calls["accounts"]


def settled(people: int = 6, **more: object) -> StandingHouse:
    """p0 has premium, the others standard; nothing is left to do, and there is room for more."""
    house = StandingHouse(**{"seats": {PREMIUM: 3, STANDARD: 12}, "policy": PROMPT, **more})  # type: ignore[arg-type]
    house.add("p0 admin", "Premium", "Admins")
    house.add(" ".join(f"p{n}" for n in range(1, people)), "Users")
    house.add("out", "Contractors")
    house.run()
    house.run()
    return house


def looked(house: StandingHouse, **order: object) -> tuple[int, int]:
    """How often a run reads the whole directory and lists the target."""
    before = house.looks()
    outcome = house.run(**order)
    assert outcome.error is None
    after = house.looks()
    return after[0] - before[0], after[1] - before[1]

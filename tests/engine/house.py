"""A whole engine over fakes that keep state: directory, target, store, clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from idpsync.core.guard import Limit, Limits
from idpsync.core.model import Login, Profile
from idpsync.core.policy import Policy
from idpsync.core.ports import Courier
from idpsync.core.seats import Tier
from idpsync.engine.admit import Admitter, DoorRule
from idpsync.engine.manual import ManualDoor, ManualRule
from idpsync.engine.outcome import Outcome
from idpsync.engine.reconcile import Order, Reconciler
from idpsync.engine.remembering import Remembering
from idpsync.engine.rooms import Rooms, Rule
from tests.contracts.stores import AnyStore, Opener, stock
from tests.fakes.source import FakeDirectory
from tests.fakes.store import FakeStore
from tests.fakes.target import FakeTarget
from tests.people import LADDER, POLICY, PREMIUM, STANDARD, StoppedClock

LAX = Limits(Limit(), Limit(), Limit(), Limit())
GROUPS = ("Premium", "Users", "Contractors", "Admins")


@dataclass
class EngineHouse:
    """`seats` are bought; people are put into `directory`; `run()` reconciles once."""

    seats: Mapping[Tier, int] = field(default_factory=lambda: {PREMIUM: 2, STANDARD: 3})
    policy: Policy = POLICY
    limits: Limits = LAX
    door: DoorRule = field(default_factory=DoorRule)
    reserved: Mapping[Tier, int] = field(default_factory=dict)
    canaries: frozenset[str] = frozenset()
    manual: ManualRule = field(default_factory=ManualRule)
    courier: Courier | None = None
    open_store: Opener | None = None  # a real store instead of the fake one

    def __post_init__(self) -> None:
        self.clock = StoppedClock()
        self.directory = FakeDirectory(clock=self.clock)
        for group in GROUPS:
            self.directory.groups[group] = set()
        self.store = self._open()
        self.use_target(FakeTarget())

    def _open(self) -> AnyStore:
        if self.open_store is None:
            return FakeStore(LADDER, self.clock, self.reserved, self.seats)
        store = self.open_store(self.clock, reserved=self.reserved)
        stock(store, self.seats)
        return store

    def use_target(self, target: FakeTarget) -> None:
        self.target = target
        self.rooms = Rooms(
            organization="acme",
            source=self.directory.source(*GROUPS),
            target=Remembering(target, self.store.known),
            seats=self.store.seats,
            contracts=self.store.contracts,
            invites=self.store.invites,
            assignments=self.store.assignments,
            registry=self.store.registry,
            waiting=self.store.waiting,
            ledger=self.store.ledger,
            lease=self.store.lease,
            runs=self.store.runs,
            cache=self.store.cache,
            known=self.store.known,
            clock=self.clock,
        )

    @property
    def reconciler(self) -> Reconciler:
        return Reconciler(self.rooms, Rule(self.policy, self.limits, self.canaries, concurrency=4))

    @property
    def admitter(self) -> Admitter:
        return Admitter(self.rooms, self.policy, self.door)

    @property
    def hand(self) -> ManualDoor:
        """The manual door."""
        return ManualDoor(self.rooms, self.policy, self.manual, self.courier)

    def run(self, **order: object) -> Outcome:
        return self.reconciler.reconcile(replace(Order(actor="test", trigger="test"), **order))  # type: ignore[arg-type]

    def add(self, names: str, *groups: str) -> None:
        for name in names.split():
            self.directory.add(name, *groups)

    def tiers(self) -> dict[str, str]:
        """Who has what at the target: user name → tier, "-" without a seat, "off" when deactivated."""
        said = {}
        for account in self.target.shelf.all():
            tier = account.tier.name if account.tier else "-"
            said[account.user_name] = "off" if account.standing == "deactivated" else tier
        return said

    def booked(self) -> dict[str, str]:
        """Who has what in the seat book, settled or not."""
        return {h.member: h.tier.name for h in self.store.seats.holdings()}

    def events(self, event: str) -> list[str | None]:
        return [row.member for row in self.store.ledger.entries() if row.event == event]


def login(name: str, groups: set[str] | None = None, email: str | None = None) -> Login:
    profile = Profile(name, email or f"{name}@acme.example", display_name=name.title())
    return Login("saml:idp", name, profile, None if groups is None else frozenset(groups))

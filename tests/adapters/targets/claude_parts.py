"""What the tests of the Claude target share: a twin, a directory with groups to write, a target."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from idpsync.core.model import Account, DirectoryUser, Standing
from idpsync.core.ports import CanWriteGroups
from idpsync.pace import Timer
from idpsync.targets.claude import ClaudeTarget, build_claude
from idpsync.targets.kinds import ClaudeConfig
from idpsync.targets.seat_groups import SeatGroups
from tests.contracts.target import LADDER, PREMIUM, STANDARD, World, profile
from tests.fakes.group_writing import FakeWriter
from tests.fakes.source import FakeDirectory
from tests.fakes.target import DictShelf
from tests.people import StoppedClock
from tests.twins.claude.organization import OWNER, Organization
from tests.twins.claude.twin import ClaudeTwin, running

GROUPS = {PREMIUM: "seat-premium", STANDARD: "seat-standard"}
MAPPED = {"seat-premium": "premium", "seat-standard": "standard"}
KEY_NAME = "TEST_CLAUDE_KEY"


class PassingTime:
    """A timer whose sleeps pass at once, for the twin's clock too."""

    def __init__(self, clock: StoppedClock) -> None:
        self.clock, self.slept = clock, list[float]()
        self._now = 1000.0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += seconds
        self.clock.advance(timedelta(seconds=seconds))

    @property
    def timer(self) -> Timer:
        return Timer(self.now, self.sleep)


class ClaudeHouse(World):
    """One organisation at Claude, its directory, and our shelf."""

    def __init__(self, twin: ClaudeTwin) -> None:
        self.twin, self.org = twin, twin.org
        self.directory = self.org.directory
        self.shelf = DictShelf()
        self.contract: int | None = None  # seats as the books have them; None for as Claude has them
        self.time = PassingTime(self.org.clock)
        self.writer = FakeWriter(self.directory, frozenset(), owned=frozenset(GROUPS.values()))

    def target(self, **settings: Any) -> ClaudeTarget:
        """As a new process has it."""
        config = ClaudeConfig.model_validate(
            {
                "kind": "claude",
                "url": self.twin.url,
                "api_key": f"env:{KEY_NAME}",
                "provisioning_mode": self.org.mode,
                "seat_lever": {"kind": "idp_group", "groups": {t.name: g for t, g in GROUPS.items()}},
                "rate": "1000/s",
                **settings,
            }
        )
        return build_claude(
            config,
            SeatGroups(GROUPS, self._directory),
            clock=self.org.clock,
            ladder=LADDER,
            shelf=self.shelf,
            people=lambda: self.directory.people,
            purchased=lambda: sum(self.org.seats.values()) if self.contract is None else self.contract,
            timer=self.time.timer,
        )

    def _directory(self) -> CanWriteGroups:
        return self.writer

    def put(self, user_name: str, *, external_id: str | None = None, active: bool = True) -> None:
        """Claude keeps no mark of ours and nobody who has gone: those are on our shelf."""
        member = self.org.add_member(user_name) if active else None
        if external_id or not active:
            standing = Standing.ACTIVE if active else Standing.DEACTIVATED
            key = member["id"] if member else f"put-{user_name}"
            known = Account(key, profile(user_name.partition("@")[0]), standing, external_id=external_id)
            self.shelf.put(known)

    def user_names(self) -> list[str]:
        return [one["email"] for one in self.org.members.values() if one["email"] != OWNER]

    def add(self, names: str) -> None:
        """People of the directory, with the ids of the contract."""
        for name in names.split():
            self.directory.people[f"id-{name}"] = DirectoryUser("fake", f"id-{name}", profile(name))

    def members_of(self, group: str) -> set[str]:
        return self.directory.groups[group]

    def tier_at_claude(self, name: str) -> str | None:
        member = self.org.called(f"{name}@acme.example")
        return self.org.tier_of[member["id"]] if member else None


@contextmanager
def claude_house(mode: str, seats: Mapping[str, int] | None = None) -> Iterator[ClaudeHouse]:
    """Three people in the directory, two empty seat groups, an owner at Claude."""
    directory = FakeDirectory()
    for group in GROUPS.values():
        directory.groups[group] = set()
    organization = Organization(seats or {"premium": 5, "standard": 20}, mode, directory, MAPPED)
    with running(organization) as twin:
        house = ClaudeHouse(twin)
        house.add("ada bob eve")
        yield house


class OwnerHidden:
    """The target without the primary owner, whom every organisation has and the contract knows not."""

    def __init__(self, inner: ClaudeTarget) -> None:
        self._inner = inner
        self.name, self.kind = inner.name, inner.kind
        self.find, self.apply, self.probe = inner.find, inner.apply, inner.probe

    def accounts(self) -> tuple[Account, ...]:
        return tuple(one for one in self._inner.accounts() if one.user_name != OWNER)

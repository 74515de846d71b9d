"""The fake passes what the real receivers pass."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from idpsync.core.ports import Notifier
from tests.contracts.notifier import NotifierContract, World
from tests.fakes.notify import FakeNotifier


class FakeWorld(World):
    def __init__(self, fake: FakeNotifier) -> None:
        self.fake = fake

    def answer(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        self.fake.status = status
        self.fake.after = timedelta(seconds=int((headers or {}).get("Retry-After", "60")))

    def fall_silent(self) -> None:
        self.fake.status = None

    def messages(self) -> list[tuple[str, str, bool]]:
        return [(one, alert.summary, alert.firing) for one, alert in self.fake.got]

    def secrets(self) -> tuple[str, ...]:
        return ()

    def tells_ids(self) -> bool:
        return True


class TestFakeNotifier(NotifierContract):
    @pytest.fixture
    def fake(self) -> FakeNotifier:
        return FakeNotifier("somebody")

    @pytest.fixture
    def subject(self, fake: FakeNotifier) -> Notifier:
        return fake

    @pytest.fixture
    def world(self, fake: FakeNotifier) -> World:
        return FakeWorld(fake)

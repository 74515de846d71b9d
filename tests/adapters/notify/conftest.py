"""Receivers of alerts, talking to a real socket."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import pytest

from idpsync.notify.endpoint import ONE_TRY
from tests.contracts.notifier import World
from tests.receiver import Received, Receiver, receiving

IMPATIENT = replace(ONE_TRY, read=0.5, deadline=0.5)

Reading = Callable[[Received], tuple[str, str, bool]]


@dataclass
class SocketWorld(World):
    """The receiver on loopback; `read` finds id, text and state in one of its requests."""

    receiver: Receiver
    read: Reading
    hidden: tuple[str, ...]
    ids: bool

    def answer(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        # the answer quotes everything, as careless servers do
        echo = " ".join(("no_service", self.receiver.url, *self.hidden)).encode()
        self.receiver.answer(status, headers, b"" if status == 204 else echo)

    def fall_silent(self) -> None:
        self.receiver.hang()

    def messages(self) -> list[tuple[str, str, bool]]:
        return [self.read(request) for request in self.receiver.received]

    def secrets(self) -> tuple[str, ...]:
        return self.hidden

    def tells_ids(self) -> bool:
        return self.ids


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running

"""What happens at the command line when a directory has a fault: the same for each kind of directory.

Six people have seats, four of them premium. Each kind brings its own world, faults and sentences.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Inside, own_log
from tests.e2e.program import Ended, alerts_to, base_config, policy
from tests.receiver import Receiver, receiving

SEATS = [4, 2]
READ_IN_PART = 4  # an exit code: nothing was removed


@dataclass
class Watched(Inside):
    """The program, and whom it tells."""

    webhook: Receiver = field(kw_only=True)

    @property
    def alerts(self) -> list[str]:
        return [message.json()["data"]["state"] for message in self.webhook.received]

    @property
    def seats(self) -> list[int]:
        """How many are given, premium first."""
        return [tier["assigned"] for tier in self.json("seats")["tiers"]]

    def give_seats(self) -> None:
        """Before the fault."""
        self.done("apply", "--yes")
        assert (self.seats, self.alerts) == (SEATS, [])

    def apply_twice(self, *, code: int = READ_IN_PART) -> list[Ended]:
        """Neither run takes anything from anybody; both end with `code`, and one alert tells of it."""
        ended = [self.call("apply", "--yes") for _ in range(2)]
        assert {one.code for one in ended} == {code}, [one.err for one in ended]
        assert (self.seats, self.alerts) == (SEATS, ["firing"])
        return ended

    def withstand(
        self,
        fault: Callable[[], None],
        says: str,
        *,
        code: int = READ_IN_PART,
        secrets: Collection[str] = (),
    ) -> None:
        """Nobody is removed by `fault`; it is told as one sentence and one alert, and no secret is."""
        self.give_seats()
        fault()
        for one in self.apply_twice(code=code):
            text = " ".join((one.out + one.err).split())
            assert says in text, text
            assert not any(secret in text for secret in secrets)


@contextmanager
def watched(
    folder: Path,
    directory: dict[str, Any],
    *,
    premium: str = "Claude Premium",
    users: str = "Claude Users",
) -> Iterator[Watched]:
    """The program on `directory`, whose groups `premium` and `users` hold four and six people."""
    with receiving() as webhook, own_log():
        config = base_config(folder) | {
            "policy": policy(premium=premium, users=users),
            "directory": directory,
            "target": {"kind": "local"},
            "alerts": alerts_to(webhook),
        }
        config["contract"]["seats"] = {"premium": 10, "standard": 10}
        yield Watched(folder, config, webhook=webhook)


def each(faults: Sequence[tuple[Callable[..., None], str]]) -> pytest.MarkDecorator:
    """A test of each fault and of what is said of it, called as the fault is."""
    names = [fault.__name__ for fault, _ in faults]
    return pytest.mark.parametrize(("fault", "says"), faults, ids=names)

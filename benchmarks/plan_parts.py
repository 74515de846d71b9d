"""One plan in this process, with the CPU time of its parts as JSON.

python -m benchmarks.plan_parts CONFIG
"""

import io
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import fields, replace
from typing import Any

from idpsync.cli.calling import answer
from idpsync.cli.context import Desk
from idpsync.cli.plans import plan

DIRECTORY, TARGET, STORE = "read the directory", "read the target", "read the store"
UNCLOCKED = {"organization", "clock", "lease"}


class Clocked:
    """Something whose verbs are timed, each call under the name of its part."""

    def __init__(self, real: object, part: str, spent: dict[str, float]) -> None:
        self._real, self._part, self._spent = real, part, spent

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        return self._timed(found) if callable(found) else found

    def _timed(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **named: Any) -> Any:
            begun = time.process_time()
            try:
                return verb(*words, **named)
            finally:
                self._spent[self._part] += time.process_time() - begun

        return call


def clock_ports(desk: Desk, spent: dict[str, float]) -> None:
    """Put clocks between the engine and everything it asks."""
    house, parts = desk.house, {"source": DIRECTORY, "target": TARGET}
    rooms = house.reconciler.rooms
    names = [field.name for field in fields(rooms) if field.name not in UNCLOCKED]
    names = [name for name in names if getattr(rooms, name) is not None]
    ports: dict[str, Any] = {n: Clocked(getattr(rooms, n), parts.get(n, STORE), spent) for n in names}
    house.reconciler.rooms = replace(rooms, **ports)
    clocked: Any = Clocked(house.reconciler, "preview", spent)
    desk.house = replace(house, reconciler=clocked)


def measured(desk: Desk) -> dict[str, float]:
    """Seconds of CPU time by part; together they are all of this process's."""
    spent: dict[str, float] = defaultdict(float)
    marks = [time.process_time()]
    assert desk.config is not None
    marks.append(time.process_time())
    clock_ports(desk, spent)
    marks.append(time.process_time())
    with redirect_stdout(io.StringIO()):
        plan.main([], obj=desk, standalone_mode=False)
    marks.append(time.process_time())
    preview = spent.pop("preview")
    return {
        "start and import": marks[0],
        "load the configuration": marks[1] - marks[0],
        "open the store, build": marks[2] - marks[1],
        **spent,
        "plan and guard": preview - sum(spent.values()),
        "print": marks[3] - marks[2] - preview,
    }


if __name__ == "__main__":
    parts: dict[str, float] = {}
    answer(lambda: parts.update(measured(Desk(sys.argv[1]))))
    print(json.dumps(parts))

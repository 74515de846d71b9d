"""Parts that the tests of targets share: time that passes at once, and a target at a twin."""

import threading
from typing import Any

from idpsync.pace import Timer
from idpsync.targets.kinds import ScimConfig
from idpsync.targets.scim import ScimTarget
from idpsync.targets.scim_build import build_scim
from tests.contracts.target import LADDER, World
from tests.people import StoppedClock
from tests.twins.scim import ScimTwin


class Sleepless:
    """A timer whose sleeps pass at once and are written down."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._now = 1000.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._now += seconds

    @property
    def timer(self) -> Timer:
        return Timer(self.now, self.sleep)


def twin_target(twin: ScimTwin, sleepless: Sleepless, **settings: Any) -> ScimTarget:
    config = ScimConfig.model_validate(
        {
            "kind": "scim",
            "url": twin.base_url,
            "auth": {"kind": "bearer", "token": "env:TEST_TWIN_TOKEN"},
            "tier_values": {"premium": "Premium", "standard": "Standard"},
            "rate": "1000/s",
            **settings,
        }
    )
    target = build_scim(config, clock=StoppedClock(), ladder=LADDER, timer=sleepless.timer)
    assert isinstance(target, ScimTarget)
    return target


class TwinWorld(World):
    def __init__(self, twin: ScimTwin) -> None:
        self.twin = twin

    def put(self, user_name: str, *, external_id: str | None = None, active: bool = True) -> None:
        self.twin.put(user_name, active=active, **({"externalId": external_id} if external_id else {}))

    def user_names(self) -> list[str]:
        return [user["userName"] for user in self.twin.users.values()]

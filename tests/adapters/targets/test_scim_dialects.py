"""The scim target keeps its contract at providers of every dialect, and with every seat lever."""

import pytest

from idpsync.core.ports import Target
from tests.adapters.targets.parts import Sleepless, TwinWorld, twin_target
from tests.contracts.target import TargetContract
from tests.twins.scim import Quirks, ScimTwin

QUIRKS = {
    "by the book": Quirks(),
    "small pages": Quirks(page_size=2),
    "filter ignored": Quirks(filter="ignored"),
    "filter empty": Quirks(filter="empty"),
    "filter denied": Quirks(filter="denied"),
    "no PATCH": Quirks(patch="none"),
    "no paths in PATCH": Quirks(patch="no_paths"),
    "terse answers": Quirks(terse=True),
    "stale answers": Quirks(stale=True),
}


@pytest.mark.parametrize("quirks", [pytest.param(q, id=name) for name, q in QUIRKS.items()])
class TestQuirkyProviders(TargetContract):
    @pytest.fixture
    def world(self, twin: ScimTwin, quirks: Quirks) -> TwinWorld:
        twin.quirks = quirks
        return TwinWorld(twin)

    @pytest.fixture
    def subject(self, world: TwinWorld, sleepless: Sleepless) -> Target:
        return twin_target(world.twin, sleepless)


@pytest.mark.parametrize(
    "lever", [{"kind": "role", "type": "seatType"}, {"kind": "attribute", "path": "userType"}]
)
class TestOtherLevers(TargetContract):
    @pytest.fixture
    def world(self, twin: ScimTwin) -> TwinWorld:
        return TwinWorld(twin)

    @pytest.fixture
    def subject(self, world: TwinWorld, sleepless: Sleepless, lever: dict[str, str]) -> Target:
        return twin_target(world.twin, sleepless, seat_lever=lever)

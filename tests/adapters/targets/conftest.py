"""The twin of a provider, and a target that talks to it without losing time."""

from collections.abc import Iterator

import pytest

from idpsync.targets.scim import ScimTarget
from tests.adapters.targets.parts import Sleepless, twin_target
from tests.twins.scim import TOKEN, ScimTwin, running_twin


@pytest.fixture
def sleepless() -> Sleepless:
    return Sleepless()


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScimTwin]:
    monkeypatch.setenv("TEST_TWIN_TOKEN", TOKEN)
    with running_twin() as running:
        yield running


@pytest.fixture
def subject(twin: ScimTwin, sleepless: Sleepless) -> ScimTarget:
    return twin_target(twin, sleepless)

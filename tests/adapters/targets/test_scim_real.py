"""The scim target against a real service provider; every body we send is valid SCIM."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from scim2_models import Context, EnterpriseUser, PatchOp, User

from idpsync.core.ports import Target
from idpsync.targets.kinds import ScimConfig
from idpsync.targets.scim_build import build_scim
from tests.contracts.target import (
    LADDER,
    TargetContract,
    World,
)
from tests.scim_provider import RunningProvider, running_scim_provider

pytestmark = pytest.mark.server


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def target_at(provider: RunningProvider, **settings: Any) -> Target:
    config = ScimConfig.model_validate(
        {
            "kind": "scim",
            "url": provider.base_url,
            "auth": {"kind": "bearer", "token": "env:TEST_SCIM_TOKEN"},
            "tier_values": {"premium": "Premium", "standard": "Standard"},
            "rate": "1000/s",
            **settings,
        }
    )
    return build_scim(config, clock=SystemClock(), ladder=LADDER)


class ProviderWorld(World):
    def __init__(self, provider: RunningProvider) -> None:
        self.provider = provider

    def put(self, user_name: str, *, external_id: str | None = None, active: bool = True) -> None:
        extra = {"externalId": external_id} if external_id else {}
        self.provider.put(userName=user_name, active=active, **extra)

    def user_names(self) -> list[str]:
        return [row["userName"] for row in self.provider.users()]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningProvider]:
    monkeypatch.setenv("TEST_SCIM_TOKEN", "scim-token")
    with running_scim_provider("scim-token") as running:
        yield running
        for seen in running.seen:
            assert_valid(seen.method, seen.body)


def assert_valid(method: str, body: dict[str, Any] | None) -> None:
    """The oracle: scim2-models reads what we wrote, in the context in which we wrote it."""
    if method == "POST":
        User[EnterpriseUser].model_validate(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    if method == "PUT":
        User[EnterpriseUser].model_validate(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    if method == "PATCH":
        PatchOp[User[EnterpriseUser]].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)


@pytest.mark.parametrize("lever", [{"kind": "entitlement"}, {"kind": "entitlement", "type": "seat"}])
class TestEntitlements(TargetContract):
    @pytest.fixture
    def world(self, provider: RunningProvider) -> ProviderWorld:
        return ProviderWorld(provider)

    @pytest.fixture
    def subject(self, world: ProviderWorld, lever: dict[str, str]) -> Target:
        return target_at(world.provider, seat_lever=lever)

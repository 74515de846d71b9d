"""The fake and the local target keep the contract."""

import pytest

from idpsync.core.errors import Refused, Transient, UnknownOutcome
from idpsync.core.model import Account, Profile, Standing
from idpsync.core.ports import Target
from idpsync.targets.local import LocalTarget
from tests.contracts.target import PREMIUM, STANDARD, TargetContract, World, create
from tests.fakes.target import DictShelf, FakeTarget


class ShelfWorld(World):
    def __init__(self, shelf: DictShelf) -> None:
        self.shelf = shelf

    def put(self, user_name: str, *, external_id: str | None = None, active: bool = True) -> None:
        standing = Standing.ACTIVE if active else Standing.DEACTIVATED
        self.shelf.put(
            Account(f"put-{user_name}", Profile(user_name), standing, external_id=external_id)
        )

    def user_names(self) -> list[str]:
        return [account.user_name for account in self.shelf.all()]


class TestLocalTarget(TargetContract):
    @pytest.fixture
    def world(self) -> ShelfWorld:
        return ShelfWorld(DictShelf())

    @pytest.fixture
    def subject(self, world: ShelfWorld) -> Target:
        return LocalTarget(world.shelf)


class TestFakeTarget(TargetContract):
    @pytest.fixture
    def fake(self) -> FakeTarget:
        return FakeTarget()

    @pytest.fixture
    def world(self, fake: FakeTarget) -> ShelfWorld:
        return ShelfWorld(fake.shelf)

    @pytest.fixture
    def subject(self, fake: FakeTarget) -> Target:
        return fake

    def test_it_fails_for_whom_it_is_told_to_and_counts(self, fake: FakeTarget) -> None:
        fake.fail("Ada@acme.example", Refused("fake", "create account", "no"), times=2)
        for _ in range(2):
            with pytest.raises(Refused):
                fake.apply(create("ada"))
        fake.apply(create("bob"))
        fake.apply(create("ada"))
        assert fake.calls["create_account"] == 4
        assert [a.profile.given_name for a in fake.applied] == ["Bob", "Ada"]

    def test_an_action_whose_answer_is_lost_was_carried_out(self, fake: FakeTarget) -> None:
        fake.lose_answer("ada@acme.example")
        with pytest.raises(UnknownOutcome):
            fake.apply(create("ada"))
        assert fake.find("ada@acme.example") is not None

    def test_it_may_give_another_tier_than_asked(self, fake: FakeTarget) -> None:
        fake.give("ada@acme.example", STANDARD)
        assert fake.apply(create("ada", PREMIUM)).tier == STANDARD

    def test_reading_may_fail(self, fake: FakeTarget) -> None:
        fake.fail_reading(Transient("fake", "list accounts", "down"))
        with pytest.raises(Transient):
            fake.accounts()
        assert fake.accounts() == ()

"""What every target must do, whatever it is made of."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace

import pytest

from idpsync.core.errors import Conflict, NotFound
from idpsync.core.model import Account, Profile, Standing
from idpsync.core.plan import (
    ChangeRoles,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    ReactivateAccount,
    UpdateProfile,
)
from idpsync.core.ports import Target
from idpsync.core.seats import Ladder, Tier

LADDER = Ladder.of("premium", "standard")
PREMIUM, STANDARD = LADDER.tiers
WHY = ("because the contract says so",)


def profile(name: str) -> Profile:
    address = f"{name}@acme.example"
    return Profile(address, address, name.title(), "Example", f"{name.title()} Example")


def create(name: str, tier: Tier | None = STANDARD, roles: Iterable[str] = ("user",)) -> CreateAccount:
    return CreateAccount(profile(name), f"id-{name}", "people", tier, frozenset(roles), WHY)


def reactivate(account: Account, tier: Tier | None = STANDARD) -> ReactivateAccount:
    external_id = account.external_id or "id-unknown"
    return ReactivateAccount(account.id, account.profile, external_id, tier, frozenset({"user"}), WHY)


def change_tier(account: Account, tier: Tier | None) -> ChangeTier:
    return ChangeTier(account.id, account.profile, account.external_id or "", account.tier, tier, WHY)


def change_roles(account: Account, *roles: str, before: Iterable[str] = ()) -> ChangeRoles:
    previous, wanted = frozenset(before), frozenset(roles)
    return ChangeRoles(account.id, account.profile, account.external_id or "", previous, wanted, WHY)


def update(account: Account, wanted: Profile, *changed: str) -> UpdateProfile:
    return UpdateProfile(account.id, wanted, account.external_id or "", account.user_name, changed, WHY)


def deactivate(account: Account) -> DeactivateAccount:
    return DeactivateAccount(account.id, account.profile, account.external_id or "", account.tier, WHY)


def delete(account: Account) -> DeleteAccount:
    return DeleteAccount(account.id, account.profile, account.external_id or "", account.tier, WHY)


class World(ABC):
    """The other side of a target: people can be put there past idpsync."""

    @abstractmethod
    def put(self, user_name: str, *, external_id: str | None = None, active: bool = True) -> None: ...

    @abstractmethod
    def user_names(self) -> list[str]: ...


class TargetContract(ABC):
    """Subclasses give `world` and `subject`, a target with the tiers of LADDER."""

    @pytest.fixture
    @abstractmethod
    def world(self) -> object: ...

    @pytest.fixture
    @abstractmethod
    def subject(self, world: World) -> Target: ...

    def test_an_empty_target_has_no_accounts(self, subject: Target) -> None:
        assert subject.accounts() == ()

    def test_the_listing_holds_everybody_deactivated_people_too(
        self, subject: Target, world: World
    ) -> None:
        for number in range(7):
            world.put(f"user{number}@acme.example", active=number != 3)
        standings = {a.user_name: a.standing for a in subject.accounts()}
        assert len(standings) == 7
        assert standings["user3@acme.example"] is Standing.DEACTIVATED
        assert standings["user4@acme.example"] is Standing.ACTIVE

    def test_a_user_is_found_whatever_the_case_of_the_name(self, subject: Target, world: World) -> None:
        world.put("Ada@acme.example")
        found = subject.find("aDA@ACME.example")
        assert found is not None
        assert found.user_name == "Ada@acme.example"

    def test_nobody_is_found_under_an_unknown_name(self, subject: Target, world: World) -> None:
        world.put("ada@acme.example")
        assert subject.find("bob@acme.example") is None
        assert subject.find('quote"and\\slash@acme.example') is None

    def test_a_created_account_is_what_was_asked_for(self, subject: Target) -> None:
        account = subject.apply(create("ada", PREMIUM, ("admin", "user")))
        assert account.profile == profile("ada")
        assert account.tier == PREMIUM
        assert account.roles == {"admin", "user"}
        assert account.external_id == "id-ada"
        assert account.standing is Standing.ACTIVE
        assert subject.find("ada@acme.example") == account
        assert subject.accounts() == (account,)

    def test_a_member_without_a_seat_is_created_without_a_tier(self, subject: Target) -> None:
        assert subject.apply(create("ada", None)).tier is None
        assert [a.tier for a in subject.accounts()] == [None]

    def test_an_empty_profile_field_stays_empty(self, subject: Target) -> None:
        action = replace(create("ada"), profile=Profile("ada@acme.example"))
        assert subject.apply(action).profile == Profile("ada@acme.example")

    def test_creating_twice_makes_one_account(self, subject: Target) -> None:
        first = subject.apply(create("ada", PREMIUM))
        second = subject.apply(create("ada", PREMIUM))
        assert second.id == first.id
        assert (second.tier, second.roles, second.standing) == (first.tier, first.roles, first.standing)
        assert len(subject.accounts()) == 1

    def test_a_create_adopts_an_account_that_is_nobodys(self, subject: Target, world: World) -> None:
        world.put("ADA@acme.example")
        account = subject.apply(create("ada", PREMIUM))
        assert account.external_id == "id-ada"
        assert account.tier == PREMIUM
        assert len(world.user_names()) == 1

    def test_a_person_without_external_id_has_an_account_without_one(self, subject: Target) -> None:
        action = replace(create("ada"), external_id="")
        account = subject.apply(action)
        assert account.external_id is None
        assert subject.apply(action).id == account.id
        assert [one.external_id for one in subject.accounts()] == [None]

    def test_an_adopted_account_gets_our_mark(self, subject: Target) -> None:
        account = subject.apply(replace(create("ada"), external_id=""))
        adoption = replace(update(account, account.profile, "external_id"), external_id="id-ada")
        for _ in range(2):
            assert subject.apply(adoption).external_id == "id-ada"
        assert [one.external_id for one in subject.accounts()] == ["id-ada"]

    def test_an_external_id_stays_when_an_action_names_none(self, subject: Target) -> None:
        account = subject.apply(create("ada"))
        gone = subject.apply(deactivate(account))
        back = subject.apply(replace(reactivate(gone), external_id=""))
        assert back.external_id == "id-ada"

    def test_a_create_without_external_id_takes_no_account_that_has_one(
        self, subject: Target, world: World
    ) -> None:
        world.put("ada@acme.example", external_id="foreign-1")
        with pytest.raises(Conflict):
            subject.apply(replace(create("ada"), external_id=""))

    def test_a_create_wakes_our_own_deactivated_account(self, subject: Target, world: World) -> None:
        world.put("ada@acme.example", external_id="id-ada", active=False)
        account = subject.apply(create("ada"))
        assert account.standing is Standing.ACTIVE
        assert account.tier == STANDARD

    def test_a_create_never_takes_somebody_elses_account(self, subject: Target, world: World) -> None:
        world.put("ada@acme.example", external_id="foreign-1")
        with pytest.raises(Conflict):
            subject.apply(create("ada", PREMIUM))
        (account,) = subject.accounts()
        assert account.external_id == "foreign-1"
        assert account.tier is None

    @pytest.mark.parametrize("tier", [PREMIUM, None])
    def test_a_tier_changes_up_and_down_and_away(self, subject: Target, tier: Tier | None) -> None:
        account = subject.apply(create("ada", STANDARD))
        for _ in range(2):
            assert subject.apply(change_tier(account, tier)).tier == tier
        (listed,) = subject.accounts()
        assert listed.tier == tier
        assert listed.roles == {"user"}
        assert subject.apply(change_tier(listed, STANDARD)).tier == STANDARD

    def test_roles_change_and_those_given_by_others_stay(self, subject: Target) -> None:
        account = subject.apply(create("ada", PREMIUM, ("user", "theirs")))
        for _ in range(2):
            changed = subject.apply(change_roles(account, "admin", before=["user"]))
            assert changed.roles == {"admin", "theirs"}
        assert changed.tier == PREMIUM

    def test_a_profile_is_updated_and_the_account_stays_the_same(self, subject: Target) -> None:
        account = subject.apply(create("ada", PREMIUM))
        wanted = replace(profile("ada"), email="lovelace@acme.example", family_name="Lovelace")
        for _ in range(2):
            updated = subject.apply(update(account, wanted, "email", "family_name"))
            assert updated == replace(account, profile=wanted, version=updated.version)

    def test_a_user_name_may_change(self, subject: Target) -> None:
        account = subject.apply(create("ada"))
        renamed = subject.apply(
            update(account, replace(profile("ada"), user_name="a.l@acme.example"), "user_name")
        )
        assert renamed.id == account.id
        assert subject.find("a.l@acme.example") == renamed
        assert subject.find("ada@acme.example") is None

    def test_a_deactivated_account_has_no_seat(self, subject: Target) -> None:
        account = subject.apply(create("ada", PREMIUM))
        for _ in range(2):
            gone = subject.apply(deactivate(account))
            assert (gone.standing, gone.tier) == (Standing.DEACTIVATED, None)
        assert subject.find("ada@acme.example") == gone

    def test_a_reactivated_account_has_its_seat(self, subject: Target) -> None:
        account = subject.apply(create("ada", PREMIUM))
        subject.apply(deactivate(account))
        for _ in range(2):
            back = subject.apply(reactivate(account, STANDARD))
            assert (back.id, back.standing, back.tier) == (account.id, Standing.ACTIVE, STANDARD)

    def test_a_deleted_account_is_gone_and_may_be_deleted_again(self, subject: Target) -> None:
        account = subject.apply(create("ada", PREMIUM))
        subject.apply(create("bob"))
        assert subject.apply(delete(account)).id == account.id
        assert subject.apply(delete(account)).id == account.id
        assert [a.user_name for a in subject.accounts()] == ["bob@acme.example"]

    def test_an_account_that_is_gone_cannot_be_changed(self, subject: Target) -> None:
        account = subject.apply(create("ada"))
        subject.apply(delete(account))
        for action in (change_tier(account, PREMIUM), deactivate(account), reactivate(account)):
            with pytest.raises(NotFound):
                subject.apply(action)
        assert subject.accounts() == ()

    def test_a_probe_changes_nothing(self, subject: Target) -> None:
        account = subject.apply(create("ada"))
        health = subject.probe()
        assert health.ok
        assert health.latency.total_seconds() >= 0
        assert subject.accounts() == (account,)

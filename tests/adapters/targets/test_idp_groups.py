"""Groups of the identity provider as a target: real memberships, over a directory in memory."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from idpsync.core.errors import Conflict, Refused, RemoteError, Transient
from idpsync.core.model import DirectoryUser, Standing
from idpsync.core.ports import CanWriteGroups, Target
from idpsync.targets.idp_groups import IdpGroupsTarget
from idpsync.targets.seat_groups import SeatGroups
from tests.adapters.targets.test_fake_and_local import ShelfWorld
from tests.contracts.target import (
    PREMIUM,
    STANDARD,
    TargetContract,
    change_roles,
    change_tier,
    create,
    deactivate,
    profile,
    update,
)
from tests.fakes.group_writing import FakeWriter
from tests.fakes.source import FakeDirectory
from tests.fakes.target import DictShelf

GROUPS = {PREMIUM: "seat-premium", STANDARD: "seat-standard"}


class Watched(FakeWriter):
    """A writer that notes what is written, and may break off before the next write."""

    def __init__(self, directory: FakeDirectory) -> None:
        super().__init__(directory, frozenset(), owned=frozenset(GROUPS.values()))
        self.written: list[str] = []
        self.breaks_before: str | None = None
        self.on_listing: Callable[[], None] | None = None

    def members_of(self, group: str) -> frozenset[str]:
        found = super().members_of(group)
        if act := self.on_listing:
            self.on_listing = None
            act()
        return found

    def add_member(self, group: str, external_id: str) -> None:
        self._note(f"+{group}")
        super().add_member(group, external_id)

    def remove_member(self, group: str, external_id: str) -> None:
        self._note(f"-{group}")
        super().remove_member(group, external_id)

    def _note(self, write: str) -> None:
        if write == self.breaks_before:
            raise Transient("fake", "write group", "the line went dead")
        self.written.append(write)


class Wired:
    """One organisation: people with the ids of the contract, two empty groups, a shelf."""

    def __init__(self) -> None:
        self.directory = FakeDirectory()
        for name in ("ada", "bob", "eve"):
            user = DirectoryUser("fake", f"id-{name}", profile(name))
            self.directory.people[user.external_id] = user
        for group in GROUPS.values():
            self.directory.groups[group] = set()
        self.shelf = DictShelf()
        self.writer = Watched(self.directory)

    def target(self) -> IdpGroupsTarget:
        """As a new process has it: nothing is known but groups and shelf."""
        seats = SeatGroups(GROUPS, self._writer)
        return IdpGroupsTarget(seats, self.shelf, lambda: self.directory.people)

    def _writer(self) -> CanWriteGroups:
        return self.writer

    def members(self) -> dict[str, set[str]]:
        return {name: self.directory.groups[name] for name in GROUPS.values()}


@pytest.fixture
def wired() -> Wired:
    return Wired()


class TestIdpGroupsTarget(TargetContract):
    @pytest.fixture
    def world(self, wired: Wired) -> ShelfWorld:
        return ShelfWorld(wired.shelf)

    @pytest.fixture
    def subject(self, wired: Wired) -> Target:
        return wired.target()

    def test_a_person_without_external_id_has_an_account_without_one(self, subject: Target) -> None:
        """They can be known here, but be given no seat: a group takes nobody without an id."""
        nobody = replace(create("ada"), external_id="")
        with pytest.raises(Refused):
            subject.apply(nobody)
        account = subject.apply(replace(nobody, tier=None))
        assert (account.external_id, account.tier) == (None, None)

    def test_an_adopted_account_gets_our_mark(self, subject: Target) -> None:
        account = subject.apply(replace(create("ada", None), external_id=""))
        adoption = replace(update(account, account.profile, "external_id"), external_id="id-ada")
        for _ in range(2):
            assert subject.apply(adoption).external_id == "id-ada"
        assert subject.apply(change_tier(account, PREMIUM)).tier == PREMIUM

    def test_a_create_without_external_id_takes_no_account_that_has_one(
        self,
        subject: Target,
        world: ShelfWorld,  # type: ignore[override]
    ) -> None:
        world.put("ada@acme.example", external_id="foreign-1")
        with pytest.raises(Conflict):
            subject.apply(replace(create("ada"), external_id=""))


def test_a_seat_is_a_membership_and_the_new_group_comes_before_the_old_one_goes(wired: Wired) -> None:
    target = wired.target()
    account = target.apply(create("ada", STANDARD))
    assert wired.members() == {"seat-premium": set(), "seat-standard": {"id-ada"}}
    target.apply(change_tier(account, PREMIUM))
    assert wired.members() == {"seat-premium": {"id-ada"}, "seat-standard": set()}
    assert wired.writer.written[-2:] == ["+seat-premium", "-seat-standard"]
    target.apply(deactivate(account))
    assert wired.members() == {"seat-premium": set(), "seat-standard": set()}


def test_what_another_process_wrote_since_the_listing_is_undone_all_the_same(wired: Wired) -> None:
    target, other = wired.target(), wired.target()
    target.accounts()
    account = other.apply(create("ada", STANDARD))
    target.apply(change_tier(account, PREMIUM))
    assert wired.members() == {"seat-premium": {"id-ada"}, "seat-standard": set()}
    target.accounts()
    other.apply(change_tier(account, STANDARD))
    target.apply(deactivate(account))
    assert wired.members() == {"seat-premium": set(), "seat-standard": set()}


def test_a_write_that_broke_off_is_remembered_as_far_as_it_came(wired: Wired) -> None:
    target = wired.target()
    account = target.apply(create("ada", STANDARD))
    target.accounts()
    wired.writer.breaks_before = "-seat-standard"
    with pytest.raises(Transient):
        target.apply(change_tier(account, PREMIUM))
    wired.writer.breaks_before = None
    target.apply(deactivate(account))
    assert wired.members() == {"seat-premium": set(), "seat-standard": set()}


def test_whom_we_write_while_the_groups_are_listed_is_as_we_left_them(wired: Wired) -> None:
    seats = SeatGroups(GROUPS, lambda: wired.writer)
    seats.place("id-ada", PREMIUM)
    seats.tiers()
    wired.writer.on_listing = lambda: seats.place("id-ada", STANDARD)  # after seat-premium was read
    assert seats.tiers() == {"id-ada": STANDARD}
    assert seats.tier_of("id-ada") == STANDARD


def test_a_person_whom_the_new_process_knows_nothing_of_is_taken_out_of_all_others(wired: Wired) -> None:
    wired.directory.groups["seat-premium"].add("id-ada")
    wired.target().apply(create("ada", STANDARD))
    assert wired.members() == {"seat-premium": set(), "seat-standard": {"id-ada"}}


def test_whoever_is_in_two_groups_has_the_higher_tier_until_one_is_written(wired: Wired) -> None:
    wired.directory.groups["seat-premium"].add("id-ada")
    wired.directory.groups["seat-standard"].add("id-ada")
    target = wired.target()
    (account,) = target.accounts()
    assert account.tier == PREMIUM
    target.apply(change_tier(account, STANDARD))
    assert wired.members() == {"seat-premium": set(), "seat-standard": {"id-ada"}}


def test_somebody_put_into_a_group_by_hand_is_an_account_under_their_id(wired: Wired) -> None:
    wired.directory.groups["seat-standard"].add("id-eve")
    target = wired.target()
    (account,) = target.accounts()
    assert (account.id, account.external_id, account.tier) == ("id-eve", "id-eve", STANDARD)
    assert account.profile == profile("eve")
    changed = target.apply(change_roles(account, "admin"))
    assert target.accounts() == (changed,)
    assert changed.tier == STANDARD


def test_somebody_the_directory_does_not_show_is_told_by_their_id(wired: Wired) -> None:
    wired.directory.groups["seat-standard"].add("id-gone")
    (account,) = wired.target().accounts()
    assert account.user_name == "id-gone"


def test_somebody_taken_out_by_hand_has_no_seat_and_one_put_back_works_again(wired: Wired) -> None:
    target = wired.target()
    account = target.apply(create("ada", PREMIUM))
    wired.directory.groups["seat-premium"].clear()
    assert [one.tier for one in target.accounts()] == [None]
    target.apply(deactivate(account))
    wired.directory.groups["seat-standard"].add("id-ada")
    (back,) = target.accounts()
    assert (back.id, back.tier, back.standing) == (account.id, STANDARD, Standing.ACTIVE)


@pytest.mark.parametrize("broken", ["+seat-premium", "-seat-standard"])
def test_a_crash_between_two_writes_loses_nobody_and_the_next_run_mends_it(
    wired: Wired, broken: str
) -> None:
    account = wired.target().apply(create("ada", STANDARD))
    wired.writer.breaks_before = broken
    with pytest.raises(Transient):
        wired.target().apply(change_tier(account, PREMIUM))
    assert any("id-ada" in members for members in wired.members().values())
    wired.writer.breaks_before = None
    (found,) = wired.target().accounts()
    wired.target().apply(change_tier(found, PREMIUM))
    assert wired.members() == {"seat-premium": {"id-ada"}, "seat-standard": set()}


def test_a_crash_before_the_shelf_is_written_makes_no_second_account(wired: Wired) -> None:
    wired.directory.groups["seat-premium"].add("id-ada")  # the group was written, the shelf was not
    (found,) = wired.target().accounts()
    made = wired.target().apply(create("ada", PREMIUM))
    assert made.id == found.id == "id-ada"
    assert [one.id for one in wired.target().accounts()] == ["id-ada"]


def test_a_name_of_somebody_else_is_refused_before_any_group_is_written(wired: Wired) -> None:
    wired.target().apply(create("ada", STANDARD))
    with pytest.raises(Conflict):
        wired.target().apply(replace(create("ada", PREMIUM), external_id="id-bob"))
    assert wired.members() == {"seat-premium": set(), "seat-standard": {"id-ada"}}


def test_while_a_group_cannot_be_read_whole_nobody_is_listed(wired: Wired) -> None:
    wired.target().apply(create("ada", STANDARD))
    wired.directory.hidden.add("seat-premium")
    with pytest.raises(RemoteError):
        wired.target().accounts()

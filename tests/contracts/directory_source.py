"""The contract of `DirectorySource`: what every directory, real or fake, must do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import pytest

from idpsync.core.errors import RemoteError
from idpsync.core.model import Coverage, DirectorySnapshot, Group
from idpsync.core.ports import CanFind, DirectorySource


@dataclass(frozen=True)
class Sample:
    """Somebody to put into a directory."""

    uid: str
    given_name: str = "Ada"
    family_name: str = "Lovelace"

    @property
    def email(self) -> str:
        return f"{self.uid}@acme.example"


class DirectoryWorld(Protocol):
    """A backend that people, groups and faults can be put into.

    Groups keep at least one member outside the tests' sight where the backend knows no empty group.
    """

    def put(self, person: Sample) -> None: ...

    def remove(self, uid: str) -> None:
        """The person is gone, from groups too."""
        ...

    def put_group(self, name: str, members: Iterable[str]) -> None:
        """Make the group, or replace its members."""
        ...

    def rename_group(self, name: str, to: str) -> None: ...

    def cut(self) -> None:
        """From now on a read gets hold of a part only."""
        ...

    def go_away(self) -> None:
        """From now on the directory cannot be read at all."""
        ...

    def source(self, *groups: str) -> DirectorySource:
        """The adapter, for a policy that mentions `groups`."""
        ...


def group_of(snapshot: DirectorySnapshot, name: str) -> Group:
    """The one group of that name; fails when it is missing or listed twice."""
    (group,) = [g for g in snapshot.groups if g.name == name]
    return group


def member_names(snapshot: DirectorySnapshot, name: str) -> set[str]:
    """User names of the members of a group that was read."""
    members = group_of(snapshot, name).members
    assert members is not None
    return {u.user_name for u in snapshot.users if u.external_id in members}


class DirectorySourceContract:
    """Subclass with a `world` fixture that yields an empty backend."""

    @pytest.fixture
    def filled(self, world: DirectoryWorld) -> DirectoryWorld:
        """Three people, two groups."""
        for uid in ("ada", "bob", "eve"):
            world.put(Sample(uid))
        world.put_group("Claude Premium", ["ada"])
        world.put_group("Claude Users", ["ada", "bob"])
        return world

    def test_a_whole_read_names_everybody_and_is_complete(self, filled: DirectoryWorld) -> None:
        snapshot = filled.source("Claude Premium", "Claude Users").read()
        assert snapshot.complete, snapshot
        assert {u.user_name for u in snapshot.users} == {"ada", "bob", "eve"}
        assert member_names(snapshot, "Claude Premium") == {"ada"}
        assert member_names(snapshot, "Claude Users") == {"ada", "bob"}
        assert snapshot.problems == ()

    def test_a_person_arrives_with_their_profile(self, filled: DirectoryWorld) -> None:
        filled.put(Sample("zoe", "Zoë", "Ødegård"))
        people = {u.user_name: u for u in filled.source().read().users}
        profile = people["zoe"].profile
        assert (profile.given_name, profile.family_name) == ("Zoë", "Ødegård")
        assert profile.email == "zoe@acme.example"
        assert people["zoe"].active is True

    def test_exactly_the_mentioned_groups_are_listed(self, filled: DirectoryWorld) -> None:
        snapshot = filled.source("Claude Users", "Never Made").read()
        assert {g.name for g in snapshot.groups} == {"Claude Users", "Never Made"}

    def test_a_missing_group_is_gone_and_not_empty(self, filled: DirectoryWorld) -> None:
        snapshot = filled.source("Never Made").read()
        group = group_of(snapshot, "Never Made")
        assert (group.coverage, group.members) == (Coverage.GONE, None)
        assert group.reason
        assert not snapshot.complete

    def test_a_renamed_group_is_gone_while_the_others_stay_complete(
        self, filled: DirectoryWorld
    ) -> None:
        filled.rename_group("Claude Premium", "Claude Gold")
        snapshot = filled.source("Claude Premium", "Claude Users").read()
        assert group_of(snapshot, "Claude Premium").coverage is Coverage.GONE
        assert group_of(snapshot, "Claude Users").complete
        assert snapshot.users_coverage is Coverage.COMPLETE

    def test_a_renamed_group_is_told_under_its_id_where_groups_have_one(
        self, filled: DirectoryWorld
    ) -> None:
        source = filled.source("Claude Premium", "Claude Users")
        before = group_of(source.read(), "Claude Premium").external_id
        filled.rename_group("Claude Premium", "Claude Gold")
        has_ids = before != "Claude Premium"
        assert source.read().other_groups.get(before) == ("Claude Gold" if has_ids else None)

    def test_what_is_asked_for_is_told_and_does_not_change_by_itself(
        self, filled: DirectoryWorld
    ) -> None:
        first = filled.source("Claude Users").read()
        filled.remove("bob")
        assert first.scope == filled.source("Claude Premium").read().scope != ""

    def test_ids_stay_when_the_person_and_the_groups_change(self, filled: DirectoryWorld) -> None:
        before = {u.user_name: u.external_id for u in filled.source().read().users}
        filled.put_group("Claude Premium", ["bob"])
        filled.remove("eve")
        after = {u.user_name: u.external_id for u in filled.source().read().users}
        assert after == {uid: before[uid] for uid in ("ada", "bob")}

    def test_somebody_who_left_is_absent_from_a_complete_read(self, filled: DirectoryWorld) -> None:
        filled.remove("bob")
        snapshot = filled.source("Claude Users").read()
        assert snapshot.complete, snapshot
        assert {u.user_name for u in snapshot.users} == {"ada", "eve"}
        assert member_names(snapshot, "Claude Users") == {"ada"}

    def test_members_are_ids_of_people_that_were_read(self, filled: DirectoryWorld) -> None:
        snapshot = filled.source("Claude Users").read()
        members = group_of(snapshot, "Claude Users").members or frozenset()
        assert members <= {u.external_id for u in snapshot.users}
        assert len(members) == 2

    def test_a_complete_read_says_how_it_ended(self, filled: DirectoryWorld) -> None:
        proof = filled.source("Claude Users").read().users_proof
        assert proof is not None
        assert proof.ended_by
        assert not proof.ended_by.startswith("cut")

    def test_somebody_with_another_name_and_address_keeps_their_id(self, filled: DirectoryWorld) -> None:
        before = {u.user_name: u.external_id for u in filled.source().read().users}
        filled.put(Sample("bob", "Robert", "Ross"))
        after = {u.user_name: u for u in filled.source().read().users}
        assert after["bob"].external_id == before["bob"]
        assert after["bob"].profile.given_name == "Robert"

    def test_a_group_may_be_mentioned_by_its_id_whatever_it_is_called(
        self, filled: DirectoryWorld
    ) -> None:
        by_id = group_of(filled.source("Claude Users").read(), "Claude Users").external_id
        if by_id == "Claude Users":
            pytest.skip("groups of this directory have no id but their name")
        assert member_names(filled.source(by_id).read(), by_id) == {"ada", "bob"}
        filled.rename_group("Claude Users", "Claude Everybody")
        renamed = filled.source(by_id).read()
        assert (renamed.complete, member_names(renamed, by_id)) == (True, {"ada", "bob"})

    def test_a_group_that_somebody_left_is_read_without_them(self, filled: DirectoryWorld) -> None:
        filled.put_group("Claude Users", ["bob"])
        snapshot = filled.source("Claude Users").read()
        assert snapshot.complete
        assert member_names(snapshot, "Claude Users") == {"bob"}

    def test_an_empty_directory_is_suspect(self, world: DirectoryWorld) -> None:
        snapshot = world.source().read()
        assert snapshot.users == ()
        assert snapshot.users_coverage is not Coverage.COMPLETE
        assert snapshot.problems

    def test_a_cut_read_never_looks_complete(self, filled: DirectoryWorld) -> None:
        whole = filled.source("Claude Users").read()
        filled.cut()
        source = filled.source("Claude Users")
        try:
            snapshot = source.read()
        except RemoteError:
            return
        assert snapshot.users_coverage is not Coverage.COMPLETE
        assert len(snapshot.users) < len(whole.users)
        assert snapshot.problems

    def test_an_unreachable_directory_raises(self, filled: DirectoryWorld) -> None:
        source = filled.source("Claude Users")
        filled.go_away()
        with pytest.raises(RemoteError):
            source.read()
        with pytest.raises(RemoteError):
            source.probe()

    def test_probing_a_sound_directory_says_so(self, filled: DirectoryWorld) -> None:
        source = filled.source("Claude Users")
        health = source.probe()
        assert health.ok, health
        assert health.latency.total_seconds() >= 0

    def test_one_person_is_found_with_their_groups(self, filled: DirectoryWorld) -> None:
        source = filled.source("Claude Premium", "Claude Users")
        assert isinstance(source, CanFind)
        found = source.find("ADA")
        assert found is not None
        user, groups = found
        assert user in source.read().users
        assert groups == {"Claude Premium", "Claude Users"}

    def test_nobody_is_found_under_an_unknown_name(self, filled: DirectoryWorld) -> None:
        source = filled.source("Claude Users")
        assert isinstance(source, CanFind)
        assert source.find("mallory") is None
        assert source.find("*") is None

    def test_reading_twice_gives_the_same(self, filled: DirectoryWorld) -> None:
        source = filled.source("Claude Premium", "Claude Users")
        first, second = source.read(), source.read()
        assert {u.external_id: u for u in first.users} == {u.external_id: u for u in second.users}
        assert set(first.groups) == set(second.groups)

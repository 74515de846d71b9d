"""The contract of `CanWriteGroups`: single members come and go, in owned groups and nowhere else."""

from collections.abc import Callable
from typing import Protocol

import pytest

from idpsync.core.errors import NotFound, Refused, RemoteError
from idpsync.core.ports import CanWriteGroups, DirectorySource
from tests.contracts.directory_source import DirectoryWorld, Sample

OURS, THEIRS = "Claude Premium", "Everybody's Group"
Verb = Callable[[CanWriteGroups, str, str], object]

VERBS: dict[str, Verb] = {
    "members_of": lambda groups, group, _: groups.members_of(group),
    "add_member": lambda groups, group, person: groups.add_member(group, person),
    "remove_member": lambda groups, group, person: groups.remove_member(group, person),
}


class WritingWorld(DirectoryWorld, Protocol):
    """A directory with groups that may be written."""

    def writer(self, *owned: str) -> DirectorySource:
        """The adapter, which is a `CanWriteGroups`, for these groups of ours (names or ids)."""
        ...

    def held(self, group: str) -> set[str]:
        """Uids of the group's members, as the backend itself keeps them. KeyError for no such group."""
        ...

    def hide_members(self, group: str) -> None:
        """From now on nobody gets hold of all members of this group."""
        ...


class GroupWritingContract:
    """Subclass with a `world` fixture that yields an empty backend, as a `WritingWorld`."""

    @pytest.fixture
    def staffed(self, world: WritingWorld) -> WritingWorld:
        """Three people, a group of ours with one of them in it, a group of others."""
        for uid in ("ada", "bob", "eve"):
            world.put(Sample(uid))
        world.put_group(OURS, ["ada"])
        world.put_group(THEIRS, ["ada", "bob"])
        return world

    def test_direct_members_are_told_by_their_ids(self, staffed: WritingWorld) -> None:
        staffed.put_group(OURS, ["ada", "eve"])
        groups, ids = opened(staffed, OURS)

        assert groups.members_of(OURS) == {ids["ada"], ids["eve"]}

    def test_whoever_is_added_is_in_and_nothing_else_changes(self, staffed: WritingWorld) -> None:
        groups, ids = opened(staffed, OURS)

        groups.add_member(OURS, ids["bob"])

        assert (staffed.held(OURS), staffed.held(THEIRS)) == ({"ada", "bob"}, {"ada", "bob"})
        assert groups.members_of(OURS) == {ids["ada"], ids["bob"]}

    def test_whoever_is_removed_is_out_and_nothing_else_changes(self, staffed: WritingWorld) -> None:
        staffed.put_group(OURS, ["ada", "bob"])
        groups, ids = opened(staffed, OURS)

        groups.remove_member(OURS, ids["bob"])

        assert (staffed.held(OURS), staffed.held(THEIRS)) == ({"ada"}, {"ada", "bob"})
        assert groups.members_of(OURS) == {ids["ada"]}

    def test_whatever_is_written_twice_ends_the_same(self, staffed: WritingWorld) -> None:
        groups, ids = opened(staffed, OURS)
        for _ in range(2):
            groups.add_member(OURS, ids["bob"])
        assert staffed.held(OURS) == {"ada", "bob"}
        for _ in range(2):
            groups.remove_member(OURS, ids["bob"])
        assert staffed.held(OURS) == {"ada"}

    def test_what_others_write_at_the_same_time_stays(self, staffed: WritingWorld) -> None:
        one, ids = opened(staffed, OURS)
        other, _ = opened(staffed, OURS)
        one.members_of(OURS)
        other.add_member(OURS, ids["bob"])
        one.add_member(OURS, ids["eve"])
        assert staffed.held(OURS) == {"ada", "bob", "eve"}

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_group_that_is_not_ours_is_refused_before_anything_is_sent(
        self, staffed: WritingWorld, verb: str
    ) -> None:
        groups, ids = opened(staffed, OURS)
        with pytest.raises(Refused, match=THEIRS):
            VERBS[verb](groups, THEIRS, ids["eve"])
        assert staffed.held(THEIRS) == {"ada", "bob"}
        staffed.go_away()
        with pytest.raises(Refused, match=THEIRS):
            VERBS[verb](groups, THEIRS, ids["eve"])

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_group_that_does_not_exist_is_not_made(self, staffed: WritingWorld, verb: str) -> None:
        groups, ids = opened(staffed, OURS, "Never Made")
        with pytest.raises(NotFound, match="Never Made"):
            VERBS[verb](groups, "Never Made", ids["ada"])
        with pytest.raises(KeyError):
            staffed.held("Never Made")

    def test_a_group_may_be_owned_and_written_by_its_id(self, staffed: WritingWorld) -> None:
        (group,) = staffed.source(OURS).read().groups
        groups, ids = opened(staffed, group.external_id)
        groups.add_member(group.external_id, ids["bob"])
        assert staffed.held(OURS) == {"ada", "bob"}

    def test_nobody_unknown_is_added(self, staffed: WritingWorld) -> None:
        groups, _ = opened(staffed, OURS)
        with pytest.raises((NotFound, Refused)):
            groups.add_member(OURS, "00000000-0000-4000-8000-000000000000")
        assert staffed.held(OURS) == {"ada"}

    def test_whoever_has_left_the_directory_is_no_member_any_more(self, staffed: WritingWorld) -> None:
        groups, ids = opened(staffed, OURS)
        staffed.remove("bob")
        groups.remove_member(OURS, ids["bob"])
        assert staffed.held(OURS) == {"ada"}

    def test_members_that_cannot_be_read_whole_are_not_told(self, staffed: WritingWorld) -> None:
        staffed.put_group(OURS, ["ada", "bob", "eve"])
        staffed.hide_members(OURS)
        groups, _ = opened(staffed, OURS)
        with pytest.raises(RemoteError):
            groups.members_of(OURS)

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_directory_that_cannot_be_reached_raises(self, staffed: WritingWorld, verb: str) -> None:
        groups, ids = opened(staffed, OURS)
        staffed.go_away()
        with pytest.raises(RemoteError):
            VERBS[verb](groups, OURS, ids["bob"])


def opened(world: WritingWorld, *owned: str) -> tuple[CanWriteGroups, dict[str, str]]:
    """The groups of ours, and everybody's id by their uid."""
    source = world.writer(*owned)
    assert isinstance(source, CanWriteGroups)
    return source, {user.user_name: user.external_id for user in world.source().read().users}

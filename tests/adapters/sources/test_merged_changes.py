"""What changed in several directories, told as of one, and what is left to a whole read."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from idpsync.core.changes import DirectoryChanges, MemberChanges
from idpsync.core.model import Coverage, DirectorySnapshot, Group
from tests.adapters.sources.merged_world import GROUPS, first_of_two, merged_of, second_of_two
from tests.fakes.source import FakeDirectory, FakeSource


@pytest.fixture
def first() -> FakeDirectory:
    return first_of_two()


@pytest.fixture
def second() -> FakeDirectory:
    return second_of_two()


def test_what_changed_about_somebody_who_is_in_both_is_for_a_whole_read(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    source = merged_of(first.source(*GROUPS), second.source(*GROUPS), groups=GROUPS)
    cursor = source.read().cursor
    assert cursor
    first.add("ada", given_name="Augusta Ada")
    assert source.changes(cursor) is None


@pytest.mark.parametrize("leaves", [True, False])
def test_an_address_that_no_longer_stands_in_both_is_for_a_whole_read(
    first: FakeDirectory, second: FakeDirectory, leaves: bool
) -> None:
    source = merged_of(first.source(*GROUPS), second.source(*GROUPS), groups=GROUPS)
    cursor = source.read().cursor
    assert cursor
    if leaves:
        first.remove("ada")
    else:
        first.add("ada", email="ada.lovelace@acme.example")
    assert source.changes(cursor) is None


class TellsOfNobodyWhoIsGone(FakeSource):
    """Of the groups of somebody who is gone it tells nothing, as most directories do."""

    def changes(self, since: str) -> DirectoryChanges | None:
        seen = super().changes(since)
        assert seen
        gone = {key for key, user in seen.people.items() if user is None}
        groups = {n: MemberChanges(c.joined, c.left - gone) for n, c in seen.groups.items()}
        return replace(seen, groups=groups)


def test_whoever_is_gone_stays_out_of_every_group(first: FakeDirectory, second: FakeDirectory) -> None:
    silent = TellsOfNobodyWhoIsGone(first, frozenset(GROUPS))
    source = merged_of(silent, second.source(*GROUPS), groups=GROUPS)
    cursor, eve = source.read().cursor, first.id_of("eve")
    assert cursor
    first.remove("eve")
    gone = source.changes(cursor)
    assert gone
    assert gone.groups["Users"].left == {eve}
    first.add("zoe", "Users")
    after = source.changes(gone.cursor)
    assert after
    assert after.groups["Users"].joined == {first.id_of("zoe")}


@pytest.mark.parametrize("newcomer", ["eve@acme.example", "bob@acme.example"])
def test_an_address_that_comes_to_stand_in_both_is_for_a_whole_read(
    first: FakeDirectory, second: FakeDirectory, newcomer: str
) -> None:
    source = merged_of(first.source(*GROUPS), second.source(*GROUPS), groups=GROUPS)
    cursor = source.read().cursor
    assert cursor
    (second if newcomer.startswith("eve") else first).add("new", email=newcomer)
    assert source.changes(cursor) is None


def test_whoever_is_in_both_leaves_a_group_when_they_are_in_it_nowhere(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    first.set_members("Users", ["ada", "eve"])
    source = merged_of(first.source(*GROUPS), second.source(*GROUPS), groups=GROUPS)
    cursor = source.read().cursor
    assert cursor
    first.set_members("Users", ["eve"])
    kept = source.changes(cursor)
    assert kept
    assert kept.groups == {}  # the second still has them in it
    second.set_members("Users", ["bob"])
    gone = source.changes(kept.cursor)
    assert gone
    assert gone.groups["Users"].left == {first.id_of("ada")}


def test_a_directory_that_cannot_tell_makes_everything_be_read(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    source = merged_of(first.source(*GROUPS), second.source(*GROUPS), groups=GROUPS)
    cursor = source.read().cursor
    assert cursor
    second.forgetful = True
    assert source.changes(cursor) is None


class LacksPremium(FakeSource):
    """Gives no cursor for it; `told` of what it reads may be other."""

    told: Mapping[str, Any] = MappingProxyType({})

    def read(self, since: str | None = None) -> DirectorySnapshot:
        return replace(super().read(since), **self.told)


@pytest.mark.parametrize(
    "other",
    [
        {"scope": "something else"},
        {"problems": ("odd",)},
        {"users_coverage": Coverage.PARTIAL},
        {"groups": (Group("Premium", "Premium", None, Coverage.GONE),)},
    ],
)
def test_one_that_lacks_a_group_is_compared_only_where_it_is_read_as_before(
    first: FakeDirectory, second: FakeDirectory, other: Mapping[str, Any]
) -> None:
    del second.groups["Premium"]
    lacks = LacksPremium(second, frozenset(GROUPS))
    source = merged_of(first.source(*GROUPS), lacks, groups=GROUPS)
    cursor = source.read().cursor
    assert cursor
    second.add("zoe", "Users")
    seen = source.changes(cursor)
    assert seen
    assert seen.cursor != cursor
    zoe = f"b:{second.id_of('zoe')}"
    assert seen.people.keys() == seen.groups["Users"].joined == {zoe}
    lacks.told = other
    assert source.changes(seen.cursor) is None


class NeverTells:
    """Reads, and tells of no changes."""

    name = kind = "fake"

    def __init__(self, source: FakeSource) -> None:
        self.read, self.probe = source.read, source.probe


def test_one_that_never_tells_of_changes_leaves_no_cursor(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    del second.groups["Premium"]
    lacks = NeverTells(second.source(*GROUPS))
    read = merged_of(first.source(*GROUPS), lacks, groups=GROUPS).read()
    assert (read.complete, read.cursor) == (True, None)

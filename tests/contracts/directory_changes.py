"""The contract of `CanReadChanges`: carried on by its changes, a read is what a whole read shows."""

from collections.abc import Mapping

import pytest

from idpsync.core.changes import DirectoryChanges
from idpsync.core.errors import RemoteError
from idpsync.core.model import DirectorySnapshot, DirectoryUser
from idpsync.core.ports import CanReadChanges, DirectorySource
from tests.contracts.directory_source import DirectoryWorld, Sample

GROUPS = ("Claude Premium", "Claude Users")
Seen = tuple[Mapping[str, DirectoryUser], Mapping[str, frozenset[str] | None]]


def seen_in(read: DirectorySnapshot) -> Seen:
    people = {user.external_id: user for user in read.users}
    return people, {group.name: group.members for group in read.groups}


def carried_on(seen: Seen, changes: DirectoryChanges) -> Seen:
    told = {**seen[0], **changes.people}
    members = dict(seen[1])
    for name, change in changes.groups.items():
        before = members[name]
        assert before is not None
        assert change.left <= before
        assert not change.joined & before
        members[name] = (before - change.left) | change.joined
    return {key: user for key, user in told.items() if user}, members


def told(source: DirectorySource, since: str | None) -> DirectoryChanges | None:
    assert isinstance(source, CanReadChanges)
    assert since
    return source.changes(since)


class DirectoryChangesContract:
    """Subclass with a `world` fixture, as for `DirectorySourceContract`."""

    @pytest.fixture
    def known(self, world: DirectoryWorld) -> DirectoryWorld:
        """Three people, two groups."""
        for uid in ("ada", "bob", "eve"):
            world.put(Sample(uid))
        world.put_group("Claude Premium", ["ada"])
        world.put_group("Claude Users", ["ada", "bob"])
        return world

    def test_where_nothing_changed_nothing_is_told(self, known: DirectoryWorld) -> None:
        source = known.source(*GROUPS)
        read = source.read()

        changes = told(source, read.cursor)

        assert changes
        assert (changes.people, changes.groups, changes.problems) == ({}, {}, ())
        assert (changes.cursor, changes.scope) == (read.cursor, read.scope)

    def test_changes_carry_a_read_on_to_what_a_whole_read_shows(self, known: DirectoryWorld) -> None:
        source = known.source(*GROUPS)
        read = source.read()
        known.put(Sample("zoe", "Zoë", "Ødegård"))
        known.put(Sample("bob", "Robert", "Ross"))
        known.remove("eve")
        known.put_group("Claude Premium", ["bob", "zoe"])

        changes = told(source, read.cursor)

        assert changes
        whole = known.source(*GROUPS).read()
        assert carried_on(seen_in(read), changes) == seen_in(whole)
        assert changes.cursor != read.cursor

    def test_only_those_who_changed_are_told_of(self, known: DirectoryWorld) -> None:
        source = known.source(*GROUPS)
        read = source.read()
        known.put(Sample("bob", "Robert", "Ross"))

        changes = told(source, read.cursor)

        assert changes
        assert [user.user_name for user in changes.people.values() if user] == ["bob"]
        assert changes.groups == {}

    def test_it_goes_on_from_changes_to_changes(self, known: DirectoryWorld) -> None:
        source = known.source(*GROUPS)
        read = source.read()
        seen, cursor = seen_in(read), read.cursor
        for step in (["eve"], ["eve", "bob"], ["ada"]):
            known.put_group("Claude Premium", step)
            known.put(Sample(f"new-{len(step)}-{step[0]}"))
            changes = told(source, cursor)
            assert changes
            seen, cursor = carried_on(seen, changes), changes.cursor

        assert seen == seen_in(known.source(*GROUPS).read())

    def test_somebody_who_comes_back_is_told_of_again(self, known: DirectoryWorld) -> None:
        source = known.source(*GROUPS)
        read = source.read()
        known.remove("eve")
        gone = told(source, read.cursor)
        assert gone
        assert list(gone.people.values()) == [None]
        known.put(Sample("eve"))

        back = told(source, gone.cursor)

        assert back
        assert carried_on(carried_on(seen_in(read), gone), back) == seen_in(source.read())

    def test_another_cursor_than_the_last_tells_nothing(self, known: DirectoryWorld) -> None:
        source = known.source(*GROUPS)
        first = source.read()
        known.put(Sample("zoe"))
        source.read()

        assert told(source, first.cursor) is None

    def test_a_source_that_has_read_nothing_tells_nothing(self, known: DirectoryWorld) -> None:
        cursor = known.source(*GROUPS).read().cursor

        assert told(known.source(*GROUPS), cursor) is None

    def test_a_cut_read_is_not_told_as_changes(self, known: DirectoryWorld) -> None:
        source = known.source(*GROUPS)
        read = source.read()
        known.cut()
        try:
            changes = told(source, read.cursor)
        except RemoteError:
            return
        assert changes is None or carried_on(seen_in(read), changes) == seen_in(read)

    def test_a_group_that_is_gone_is_not_told_as_changes(self, known: DirectoryWorld) -> None:
        source = known.source(*GROUPS)
        read = source.read()
        known.rename_group("Claude Premium", "Claude Gold")

        assert told(source, read.cursor) is None

    def test_an_unreachable_directory_tells_nothing(self, known: DirectoryWorld) -> None:
        source = known.source(*GROUPS)
        read = source.read()
        known.go_away()
        try:
            assert told(source, read.cursor) is None
        except RemoteError:
            return

    def test_a_read_that_is_not_complete_has_no_cursor(self, known: DirectoryWorld) -> None:
        known.rename_group("Claude Premium", "Claude Gold")

        assert known.source(*GROUPS).read().cursor is None

"""Groups of several directories are written where they are, under the ids of that directory."""

import pytest

from idpsync.core.errors import NotFound, Refused
from idpsync.core.ports import CanWriteGroups
from idpsync.sources.merged.source import MergedSource
from tests.adapters.sources.merged_world import first_of_two, merged_of, second_of_two
from tests.fakes.group_writing import FakeWriter
from tests.fakes.source import FakeDirectory


@pytest.fixture
def first() -> FakeDirectory:
    return first_of_two()


@pytest.fixture
def second() -> FakeDirectory:
    return second_of_two()


def writers(*directories: FakeDirectory) -> MergedSource:
    made = [FakeWriter(d, frozenset(), owned=frozenset({"Premium"})) for d in directories]
    source = merged_of(*made)
    source.read()
    return source


def test_a_group_is_written_where_it_is_under_the_ids_of_that_directory(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    del first.groups["Premium"]
    source = writers(first, second)
    assert isinstance(source, CanWriteGroups)
    bob, ada = f"b:{second.id_of('bob')}", first.id_of("ada")
    for person in (bob, ada):
        source.add_member("Premium", person)
    assert second.groups["Premium"] == {second.id_of("bob"), second.id_of("ada.l")}
    assert source.members_of("Premium") == {bob, ada}
    source.remove_member("Premium", ada)
    assert source.members_of("Premium") == {bob}


def test_nobody_is_put_into_a_group_of_a_directory_that_does_not_have_them(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    del first.groups["Premium"]
    source = writers(first, second)
    assert isinstance(source, CanWriteGroups)
    with pytest.raises(Refused, match="is not in the directory 'b'"):
        source.add_member("Premium", first.id_of("eve"))
    source.remove_member("Premium", first.id_of("eve"))  # is not in it
    second.shows = 0
    source.read()
    with pytest.raises(Refused, match="is not in the directory 'b'"):
        source.remove_member("Premium", first.id_of("eve"))


def test_who_is_one_person_is_known_while_the_first_is_cut(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    del first.groups["Premium"]
    source = writers(first, second)
    assert isinstance(source, CanWriteGroups)
    ada = first.id_of("ada")
    source.add_member("Premium", ada)
    first.shows = 0
    source.read()
    assert source.members_of("Premium") == {ada}
    source.remove_member("Premium", ada)
    assert second.groups["Premium"] == set()


def test_who_is_no_longer_one_person_is_not_recalled(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    del first.groups["Premium"]
    source = writers(first, second)
    assert isinstance(source, CanWriteGroups)
    second.add("ada.l", email="augusta@acme.example")
    second.add("zoe")
    second.shows = len(second.people) - 1  # zoe is cut, ada.l is not
    source.read()
    with pytest.raises(Refused):
        source.add_member("Premium", first.id_of("ada"))


class CountsListings(FakeWriter):
    listings = 0

    def members_of(self, group: str) -> frozenset[str]:
        self.listings += 1
        return super().members_of(group)


def test_a_group_is_listed_once_however_many_are_put_into_it(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    del first.groups["Premium"]
    made = [CountsListings(d, frozenset(), owned=frozenset({"Premium"})) for d in (first, second)]
    source = merged_of(*made)
    assert isinstance(source, CanWriteGroups)
    people = [f"b:{second.id_of(name)}" for name in ("bob", "ada.l")]
    for person in people:
        source.add_member("Premium", person)
    for person in people:
        source.remove_member("Premium", person)
    assert [one.listings for one in made] == [1, 1]


def test_a_group_that_moves_is_found_again(first: FakeDirectory, second: FakeDirectory) -> None:
    source = writers(first, second)
    assert isinstance(source, CanWriteGroups)
    ada = first.id_of("ada")
    source.remove_member("Premium", ada)
    del first.groups["Premium"]
    with pytest.raises(NotFound):
        source.add_member("Premium", ada)
    source.add_member("Premium", ada)
    assert second.groups["Premium"] == {second.id_of("ada.l")}
    first.groups["Premium"] = set()  # the first that has it counts, from the next listing on
    assert source.members_of("Premium") == set()
    source.add_member("Premium", ada)
    assert first.groups["Premium"] == {ada}


def test_a_group_that_none_of_them_has_is_not_made(first: FakeDirectory, second: FakeDirectory) -> None:
    del first.groups["Premium"], second.groups["Premium"]
    source = writers(first, second)
    assert isinstance(source, CanWriteGroups)
    with pytest.raises(NotFound):
        source.add_member("Premium", first.id_of("ada"))


def test_directories_that_write_no_groups_write_none_together(first: FakeDirectory) -> None:
    assert not isinstance(merged_of(first.source(), first.source()), CanWriteGroups)

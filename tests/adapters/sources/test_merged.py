"""Several directories as one: one person, one group, and what a failing directory may not do."""

from dataclasses import replace

import pytest

from idpsync.core.errors import CredentialsRejected, Malformed, Transient
from idpsync.core.model import Coverage, DirectorySnapshot
from idpsync.core.suspicion import SCOPE_PARTS
from idpsync.sources.merged.parts import Part
from idpsync.sources.merged.source import merge
from tests.adapters.sources.merged_world import GROUPS, first_of_two, merged_of, second_of_two, verified
from tests.contracts.directory_source import group_of
from tests.fakes.source import FakeDirectory, FakeSource, SteadyClock


@pytest.fixture
def first() -> FakeDirectory:
    return first_of_two()


@pytest.fixture
def second() -> FakeDirectory:
    return second_of_two()


def read(*directories: FakeDirectory) -> DirectorySnapshot:
    return merged_of(*(d.source(*GROUPS) for d in directories), groups=GROUPS).read()


def names(snapshot: DirectorySnapshot) -> dict[str, str]:
    return {user.user_name: user.external_id for user in snapshot.users}


# --- one person ---------------------------------------------------------------------------------------


def test_whoever_has_one_verified_address_in_both_is_one_person(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    snapshot = read(first, second)
    assert snapshot.complete, snapshot.problems
    assert names(snapshot) == {
        "ada": first.id_of("ada"),
        "eve": first.id_of("eve"),
        "bob": f"b:{second.id_of('bob')}",
    }
    ada = snapshot.users[0]
    assert (ada.profile.given_name, ada.source) == ("Ada", "fake")
    assert ada.other_ids == (f"b:{second.id_of('ada.l')}",)
    in_both, bob = first.id_of("ada"), f"b:{second.id_of('bob')}"
    assert group_of(snapshot, "Users").members == frozenset({in_both, first.id_of("eve"), bob})


def test_the_order_decides_who_wins(first: FakeDirectory, second: FakeDirectory) -> None:
    first.switch("ada", active=False)
    assert next(u for u in read(first, second).users if u.user_name == "ada").active is False
    turned = read(second, first)
    assert names(turned).keys() == {"ada.l", "bob", "eve"}
    assert next(u for u in turned.users if u.user_name == "ada.l").active is True


def test_another_order_asks_for_something_else(first: FakeDirectory, second: FakeDirectory) -> None:
    parts = [Part("hr", first.source(), "one", leading=True), Part("ldap", second.source(), "two")]
    turned = [Part("ldap", second.source(), "two", leading=True), Part("hr", first.source(), "one")]

    def scope(parts: list[Part]) -> set[str]:
        made = merge(parts, clock=SteadyClock(), groups=frozenset(), verified=verified)
        return set(made.read().scope.split(SCOPE_PARTS))

    assert scope(parts) - scope(turned) == {"order=hr,ldap"}


def test_an_address_outside_the_verified_domains_makes_nobody_one(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    first.add("kim", email="kim@mail.example")
    second.add("kim", email="kim@mail.example")
    found = [user for user in read(first, second).users if user.user_name == "kim"]
    assert len(found) == 2
    assert all(not user.other_ids for user in found)


def test_an_address_that_two_people_of_one_directory_have_makes_nobody_one(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    second.add("impostor", email="ada@acme.example")
    assert names(read(first, second)).keys() == {"ada", "ada.l", "impostor", "bob", "eve"}


def test_whatever_else_is_known_of_a_person_is_added_and_the_first_word_stands() -> None:
    one, two = FakeDirectory(), FakeDirectory()
    ada = one.add("ada")
    other = two.add("ada")
    object.__setattr__(ada, "attributes", {"title": "Countess"})
    object.__setattr__(other, "attributes", {"title": "Ms", "user_type": "Guest"})
    (user,) = merged_of(one.source(), two.source()).read().users
    assert (user.attributes["title"], user.guest) == ("Countess", True)


def test_ids_that_cannot_be_told_apart_take_nothing_from_anybody(first: FakeDirectory) -> None:
    second = FakeDirectory(groups={name: set() for name in GROUPS})
    clash = second.add("zoe")
    ada = first.people.pop(first.id_of("ada"))
    object.__setattr__(ada, "external_id", f"b:{clash.external_id}")
    first.people[ada.external_id] = ada
    first.groups["Premium"] = {ada.external_id}
    snapshot = read(first, second)
    assert snapshot.users_coverage is Coverage.SUSPECT
    assert any("two people have the id" in problem for problem in snapshot.problems)


# --- one group ----------------------------------------------------------------------------------------


def test_a_group_that_one_directory_does_not_have_is_whole_by_the_other(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    del second.groups["Premium"]
    group = group_of(read(first, second), "Premium")
    assert (group.coverage, group.external_id) == (Coverage.COMPLETE, "id of Premium")


def test_a_group_is_gone_where_no_directory_has_it(first: FakeDirectory, second: FakeDirectory) -> None:
    del first.groups["Premium"], second.groups["Premium"]
    group = group_of(read(first, second), "Premium")
    assert (group.coverage, group.members) == (Coverage.GONE, None)
    assert "'a'" in group.reason
    assert "'b'" in group.reason


def test_a_group_that_vanishes_from_one_directory_is_another_group_by_its_id(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    before = group_of(read(first, second), "Users").external_id
    second.rename_group("Users", "People")
    after = group_of(read(first, second), "Users")
    assert after.coverage is Coverage.COMPLETE
    assert after.external_id != before


def test_a_group_that_is_doubted_anywhere_is_doubted(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    second.hidden.add("Users")
    assert group_of(read(first, second), "Users").coverage is Coverage.SUSPECT


# --- a directory that fails ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["down", "locked_out"])
@pytest.mark.parametrize("which", [0, 1])
def test_one_that_cannot_be_read_is_named_and_everything_counts_as_read_in_part(
    first: FakeDirectory, second: FakeDirectory, fault: str, which: int
) -> None:
    setattr((first, second)[which], fault, True)
    snapshot = read(first, second)
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert {group.coverage for group in snapshot.groups} == {Coverage.PARTIAL}
    assert f"directory '{'ab'[which]}' was not read" in snapshot.problems[0].replace(": was", " was")
    assert snapshot.cursor is None
    assert snapshot.scope == merged_of(first.source(), second.source()).scope


def test_members_that_the_others_show_are_there_all_the_same(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    second.down = True
    assert group_of(read(first, second), "Users").members == frozenset({first.id_of("eve")})


def test_a_group_that_only_the_failed_one_may_have_is_failed_and_not_gone(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    del first.groups["Premium"]
    second.down = True
    assert group_of(read(first, second), "Premium").coverage is Coverage.FAILED


def test_one_that_is_cut_makes_everybody_read_in_part(
    first: FakeDirectory, second: FakeDirectory
) -> None:
    second.shows = 1
    snapshot = read(first, second)
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert "directory 'b': people were read in part" in snapshot.problems


class GivesNoReason(FakeSource):
    """People were read in part, and it does not say why."""

    def read(self, since: str | None = None) -> DirectorySnapshot:
        return replace(super().read(since), users_coverage=Coverage.PARTIAL, problems=())


def test_one_that_reads_people_in_part_without_a_reason_is_told_of(first: FakeDirectory) -> None:
    source = merged_of(first.source(), GivesNoReason(FakeDirectory(), frozenset()))
    told = "directory 'b': people are partial, nobody loses anything for being absent"
    assert source.read().problems == (told,)


def test_where_all_fail_the_rejection_is_told_first(first: FakeDirectory, second: FakeDirectory) -> None:
    first.down = second.down = True
    with pytest.raises(Transient):
        read(first, second)
    second.down, second.locked_out = False, True
    with pytest.raises(CredentialsRejected):
        read(first, second)


# --- one person at a time -----------------------------------------------------------------------------


def test_somebody_is_found_with_the_groups_of_both(first: FakeDirectory, second: FakeDirectory) -> None:
    second.add("ada@acme.example", "Users", email="ada@acme.example")
    second.remove("ada.l")
    source = merged_of(first.source(*GROUPS), second.source(*GROUPS), groups=GROUPS)
    found = source.find("ada")
    assert found
    assert found[0] in source.read().users
    assert found[1] == {"Premium", "Users"}


def test_two_people_of_one_name_are_not_guessed(first: FakeDirectory, second: FakeDirectory) -> None:
    second.add("eve", email="another@acme.example")
    with pytest.raises(Malformed, match="2 people"):
        merged_of(first.source(*GROUPS), second.source(*GROUPS), groups=GROUPS).find("eve")

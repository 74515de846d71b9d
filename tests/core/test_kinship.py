"""Links of people whom several directories know."""

from dataclasses import replace

import pytest

from idpsync.core.kinship import followed, under_present_ids, without_the_unread
from idpsync.core.model import ALSO, Coverage, DirectorySnapshot, DirectoryUser, Link
from tests.people import SOURCE, link, person, snapshot

ADA = replace(person("ada"), attributes={f"{ALSO}branch": "branch:7"})


def several(*people: DirectoryUser, coverage: Coverage = Coverage.COMPLETE) -> DirectorySnapshot:
    return replace(snapshot(people, coverage=coverage), several=True)


def nobody(_: str) -> DirectoryUser | None:
    return None


def last_read(external_id: str) -> DirectoryUser | None:
    return ADA if external_id == ADA.external_id else None


def ids(links: tuple[Link, ...]) -> list[str]:
    return [each.external_id for each in links]


def test_a_link_follows_to_the_id_that_the_first_directory_gives() -> None:
    there = replace(link("ada"), external_id="branch:7")
    moved = under_present_ids([there], several(ADA), nobody)
    assert ids(moved) == ["id-ada"]
    assert followed([there], moved) == moved
    assert followed(moved, moved) == ()


def test_a_link_follows_to_the_directory_that_still_has_the_person() -> None:
    left = several(DirectoryUser(SOURCE, "branch:7", ADA.profile))
    assert ids(under_present_ids([link("ada")], left, last_read)) == ["branch:7"]
    assert ids(under_present_ids([link("ada")], left, nobody)) == ["id-ada"]


def test_what_the_last_read_showed_counts_only_where_everybody_was_read_now() -> None:
    left = several(DirectoryUser(SOURCE, "branch:7", ADA.profile), coverage=Coverage.PARTIAL)
    assert ids(under_present_ids([link("ada")], left, last_read)) == ["id-ada"]


@pytest.mark.parametrize("coverage", [Coverage.PARTIAL, Coverage.SUSPECT])
def test_both_ids_in_one_read_are_one_person_however_much_was_read(coverage: Coverage) -> None:
    there = replace(link("ada"), external_id="branch:7")
    assert ids(under_present_ids([there], several(ADA, coverage=coverage), nobody)) == ["id-ada"]


def test_links_of_one_directory_and_of_others_stay_as_they_are() -> None:
    there = replace(link("ada"), external_id="branch:7")
    assert under_present_ids([there], snapshot([ADA]), last_read) == (there,)
    elsewhere = replace(there, source="saml:idp")
    assert under_present_ids([elsewhere], several(ADA), last_read) == (elsewhere,)


def kept(read: DirectorySnapshot, *last: DirectoryUser) -> list[str]:
    return [user.external_id for user in without_the_unread(read, lambda: last).users]


OTHER = DirectoryUser(SOURCE, "branch:7", replace(ADA.profile, user_name="augusta"))


def test_whoever_goes_by_the_id_of_somebody_unread_is_left_out() -> None:
    changed = replace(OTHER, profile=replace(OTHER.profile, email="augusta@acme.example"))
    partly = several(changed, person("bob"), coverage=Coverage.PARTIAL)
    assert kept(partly, ADA, person("bob")) == ["id-bob"]
    assert kept(partly, replace(ADA, active=False), person("bob")) == ["id-bob"]
    assert kept(partly) == ["branch:7", "id-bob"]
    assert kept(replace(partly, users=(ADA, *partly.users)), ADA) == ["id-ada", "branch:7", "id-bob"]


def test_a_newcomer_with_the_address_of_somebody_unread_is_left_out() -> None:
    known = replace(person("ada"), active=False)
    new = replace(OTHER, profile=replace(OTHER.profile, email="ADA@acme.example"))
    partly = several(new, person("bob"), coverage=Coverage.PARTIAL)
    assert kept(partly, known, person("bob")) == ["id-bob"]
    assert kept(partly, known, new, person("bob")) == ["branch:7", "id-bob"]  # two people then, too


def test_where_everybody_was_read_nobody_is_left_out() -> None:
    assert kept(several(OTHER, person("bob")), ADA) == ["branch:7", "id-bob"]
    of_one = replace(several(OTHER, coverage=Coverage.PARTIAL), several=False)
    assert kept(of_one, ADA) == ["branch:7"]

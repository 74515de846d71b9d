"""What Graph shows and does not show: assignments, nesting, rights that are missing, odd pages."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from idpsync.core.errors import CredentialsRejected, Malformed, NotFound
from idpsync.core.model import Coverage, DirectoryUser
from tests.adapters.sources.entra_world import source_of
from tests.contracts.directory_changes import seen_in
from tests.contracts.directory_source import group_of, member_names
from tests.twins.graph.server import GraphTwin, running_graph
from tests.twins.graph.tenant import DEVICE

PEOPLE = ("ada", "bob", "eve", "joe")


@pytest.fixture
def twin() -> Iterator[GraphTwin]:
    """Four people; ada in "Claude Premium", all but joe in "Claude Users"."""
    with running_graph() as twin:
        for name in PEOPLE:
            twin.tenant.put(name)
        twin.tenant.make("Claude Premium", "ada")
        twin.tenant.make("Claude Users", "ada", "bob", "eve")
        yield twin


def names(users: Iterable[DirectoryUser]) -> set[str]:
    return {user.user_name for user in users}


# --- who is assigned


@pytest.mark.parametrize("by", ["application", "application_id"])
def test_only_people_who_are_assigned_are_read(twin: GraphTwin, tmp_path: Path, by: str) -> None:
    tenant = twin.tenant
    tenant.assign(tenant.team("Claude Users"), tenant.people[tenant.id_of("joe")])
    tenant.put("mallory")
    given = getattr(tenant, by)
    snapshot = source_of(twin, tmp_path, "Claude Premium", service_principal_id=given).read()
    assert snapshot.complete, snapshot.problems
    assert names(snapshot.users) == set(PEOPLE)
    assert member_names(snapshot, "Claude Premium") == {"ada"}
    assert twin.counts["users"] == 0


def test_members_who_are_not_assigned_are_not_shown(twin: GraphTwin, tmp_path: Path) -> None:
    tenant = twin.tenant
    tenant.assign(tenant.team("Claude Premium"))
    source = source_of(twin, tmp_path, "Claude Users", service_principal_id=tenant.application)
    snapshot = source.read()
    assert snapshot.complete, snapshot.problems
    assert names(snapshot.users) == member_names(snapshot, "Claude Users") == {"ada"}


@pytest.mark.parametrize("nested", [False, True])
def test_an_assigned_group_brings_nested_people_only_where_that_is_asked(
    twin: GraphTwin, tmp_path: Path, nested: bool
) -> None:
    tenant = twin.tenant
    inner, outer = tenant.make("Inner", "joe"), tenant.team("Claude Premium")
    tenant.nest(outer, inner)
    tenant.nest(inner, outer)  # a circle
    tenant.assign(outer)
    snapshot = source_of(
        twin,
        tmp_path,
        "Claude Premium",
        service_principal_id=tenant.application,
        nested_groups=nested,
    ).read()
    assert snapshot.complete, snapshot.problems
    assert names(snapshot.users) == ({"ada", "joe"} if nested else {"ada"})


def test_an_unknown_application_is_named(twin: GraphTwin, tmp_path: Path) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(NotFound, match=r"no enterprise application .* check service_principal_id"):
        source_of(twin, tmp_path, service_principal_id=nobody).read()


def test_an_assigned_group_that_is_not_whole_makes_people_doubtful(
    twin: GraphTwin, tmp_path: Path
) -> None:
    tenant = twin.tenant
    tenant.assign(tenant.team("Claude Users"), tenant.make("Secret Circle", "joe", hides=True))
    source = source_of(twin, tmp_path, "Claude Users", service_principal_id=tenant.application)
    snapshot = source.read()
    assert snapshot.users_coverage is Coverage.SUSPECT
    assert any("Secret Circle" in p and "Member.Read.Hidden" in p for p in snapshot.problems)


def test_nobody_assigned_is_suspect_and_says_where_to_look(twin: GraphTwin, tmp_path: Path) -> None:
    snapshot = source_of(twin, tmp_path, service_principal_id=twin.tenant.application).read()
    assert snapshot.users_coverage is Coverage.SUSPECT
    assert any("Users and groups" in problem for problem in snapshot.problems)


# --- people


def test_a_guest_is_told_by_their_kind_and_mail_stands_for_a_made_up_name(
    twin: GraphTwin, tmp_path: Path
) -> None:
    made_up = "gus_other.example#EXT#@acme.example"
    twin.tenant.put(made_up, userType="Guest", mail=None)
    twin.tenant.put("zoe@acme.example", mail=None)
    people = {user.user_name: user for user in source_of(twin, tmp_path).read().users}
    assert people[made_up].guest
    assert people[made_up].profile.email is None
    assert not people["ada"].guest
    assert people["zoe@acme.example"].profile.email == "zoe@acme.example"


@pytest.mark.parametrize("told", [True, False, None])
def test_what_is_not_said_of_an_account_is_not_taken_for_disabled(
    twin: GraphTwin, tmp_path: Path, told: bool | None
) -> None:
    twin.tenant.put("ada", accountEnabled=told)
    snapshot = source_of(twin, tmp_path).read()
    (ada,) = [user for user in snapshot.users if user.user_name == "ada"]
    assert ada.active is told
    assert any("User.Read.All" in problem for problem in snapshot.problems) is (told is None)


def test_people_who_are_shown_as_nulls_are_not_people_without_a_name(
    twin: GraphTwin, tmp_path: Path
) -> None:
    tenant = twin.tenant
    tenant.assign(tenant.team("Claude Users"))
    source = source_of(twin, tmp_path, service_principal_id=tenant.application, nested_groups=True)
    twin.tenant.put("eve", userPrincipalName=None)
    snapshot = source.read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert names(snapshot.users) == {"ada", "bob"}
    assert any("1 people came without a user name" in problem for problem in snapshot.problems)


def test_both_kinds_of_removal_may_stand_in_the_first_round(twin: GraphTwin, tmp_path: Path) -> None:
    twin.tenant.bin("bob")
    twin.tenant.purge("eve")
    twin.bin_first = True
    snapshot = source_of(twin, tmp_path, "Claude Users").read()
    assert names(snapshot.users) == {"ada", "joe"}
    assert member_names(snapshot, "Claude Users") == {"ada"}


# --- groups


def test_things_that_are_no_people_are_no_members(twin: GraphTwin, tmp_path: Path) -> None:
    team = twin.tenant.team("Claude Premium")
    devices = [f"3f0e8a52-0000-4000-8000-00000000d00{number}" for number in range(5)]
    twin.tenant.join(team, *devices, kind=DEVICE)
    snapshot = source_of(twin, tmp_path, "Claude Premium").read()
    assert snapshot.complete, snapshot.problems
    assert member_names(snapshot, "Claude Premium") == {"ada"}


def test_a_group_may_be_wanted_by_its_id(twin: GraphTwin, tmp_path: Path) -> None:
    key = twin.tenant.team("Claude Users").id
    snapshot = source_of(twin, tmp_path, key).read()
    assert group_of(snapshot, key).external_id == key
    assert member_names(snapshot, key) == {"ada", "bob", "eve"}
    assert twin.counts["groups"] == 0


@pytest.mark.parametrize("nested", [False, True])
def test_an_id_that_no_group_has_is_gone(twin: GraphTwin, tmp_path: Path, nested: bool) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    group = group_of(source_of(twin, tmp_path, nobody, nested_groups=nested).read(), nobody)
    assert (group.coverage, group.members) == (Coverage.GONE, None)
    assert twin.counts["$count"] == 0


def test_a_name_that_two_groups_have_is_not_guessed(twin: GraphTwin, tmp_path: Path) -> None:
    twin.tenant.make("claude users", "joe")
    group = group_of(source_of(twin, tmp_path, "Claude Users").read(), "Claude Users")
    assert (group.coverage, group.members) == (Coverage.FAILED, None)
    assert "give the id instead" in group.reason


def test_a_name_with_a_quote_is_found_and_asks_for_nothing_else(twin: GraphTwin, tmp_path: Path) -> None:
    tricky = "O'Brien' or displayName eq 'Claude Users"
    twin.tenant.make(tricky, "joe")
    assert member_names(source_of(twin, tmp_path, tricky).read(), tricky) == {"joe"}


@pytest.mark.parametrize("nested", [False, True])
def test_hidden_members_make_a_group_suspect_and_name_the_role(
    twin: GraphTwin, tmp_path: Path, nested: bool
) -> None:
    twin.tenant.team("Claude Users").hides = True
    source = source_of(twin, tmp_path, "Claude Users", nested_groups=nested)
    group = group_of(source.read(), "Claude Users")
    assert group.coverage is Coverage.SUSPECT
    assert "Member.Read.Hidden" in group.reason
    twin.door.roles = (*twin.door.roles, "Member.Read.Hidden")
    assert source_of(twin, tmp_path, "Claude Users", nested_groups=nested).read().complete


def test_a_hidden_group_whose_count_hides_them_too_is_suspect(twin: GraphTwin, tmp_path: Path) -> None:
    twin.tenant.make("Empty Circle", hides=True)
    group = group_of(source_of(twin, tmp_path, "Empty Circle").read(), "Empty Circle")
    assert group.coverage is Coverage.SUSPECT
    assert "Member.Read.Hidden" in group.reason


def test_a_group_that_shows_nobody_is_not_believed_against_its_count(
    twin: GraphTwin, tmp_path: Path
) -> None:
    twin.silent.add("Claude Premium")  # one person: within the tolerance of other counts
    group = group_of(source_of(twin, tmp_path, "Claude Premium").read(), "Claude Premium")
    assert group.coverage is Coverage.SUSPECT
    assert "shows nobody where the directory itself counts 1" in group.reason


def test_a_group_that_is_really_empty_is_complete(twin: GraphTwin, tmp_path: Path) -> None:
    twin.tenant.make("Empty")
    group = group_of(source_of(twin, tmp_path, "Empty").read(), "Empty")
    assert (group.coverage, group.members) == (Coverage.COMPLETE, frozenset())
    assert group.proof
    assert group.proof.expected == 0


def test_a_group_that_lost_many_is_compared_with_its_count(twin: GraphTwin, tmp_path: Path) -> None:
    tenant = twin.tenant
    big = tenant.make("Big", *(tenant.put(f"p{n}").properties["userPrincipalName"] for n in range(20)))
    source = source_of(twin, tmp_path, "Big")
    source.read()
    assert twin.counts["$count"] == 0
    tenant.leave(big, *list(big.members)[:10])
    group = group_of(source.read(), "Big")
    assert twin.counts["$count"] == 1
    assert group.proof
    assert (group.coverage, group.proof.expected) == (Coverage.COMPLETE, 10)


# --- pages


@pytest.mark.parametrize("nested", [False, True])
def test_replays_empty_pages_and_a_group_over_many_pages_change_nothing(
    twin: GraphTwin, tmp_path: Path, nested: bool
) -> None:
    groups = ("Claude Premium", "Claude Users")
    whole = source_of(twin, tmp_path, *groups, nested_groups=nested).read()
    twin.page = twin.delta_page = 1
    twin.replays = twin.empty_pages = True
    pieces = source_of(twin, tmp_path, *groups, nested_groups=nested).read()
    assert pieces.complete, pieces.problems
    assert seen_in(pieces) == seen_in(whole)


def test_each_page_of_an_advanced_query_has_the_header(twin: GraphTwin, tmp_path: Path) -> None:
    twin.page = 1
    assert source_of(twin, tmp_path, "Claude Users", nested_groups=True).read().complete
    pages = [asked for asked in twin.seen if "transitiveMembers" in asked.path]
    assert len(pages) == 3
    assert all(asked.eventual for asked in pages)


def test_every_listing_says_how_it_ended(twin: GraphTwin, tmp_path: Path) -> None:
    snapshot = source_of(twin, tmp_path, "Claude Users").read()
    assert snapshot.users_proof
    assert snapshot.users_proof.ended_by == "deltaLink"
    proof = group_of(snapshot, "Claude Users").proof
    assert proof
    assert (proof.ended_by, proof.pages) == ("deltaLink", 1)
    nested = group_of(
        source_of(twin, tmp_path, "Claude Users", nested_groups=True).read(), "Claude Users"
    )
    assert nested.proof
    assert (nested.proof.ended_by, nested.proof.expected) == ("no nextLink", 3)


def test_groups_are_asked_for_fifty_at_a_time(twin: GraphTwin, tmp_path: Path) -> None:
    ids = [twin.tenant.make(f"Team {n}", "ada").id for n in range(120)]
    snapshot = source_of(twin, tmp_path, *ids).read()
    assert snapshot.complete
    assert twin.counts["groups/delta"] == 3


# --- one person


def test_a_person_is_found_by_mail_with_the_groups_that_count(twin: GraphTwin, tmp_path: Path) -> None:
    tenant = twin.tenant
    tenant.nest(tenant.team("Claude Premium"), tenant.make("Inner", "bob"))
    for nested, expected in ((False, {"Claude Users"}), (True, {"Claude Users", "Claude Premium"})):
        source = source_of(twin, tmp_path, "Claude Premium", "Claude Users", nested_groups=nested)
        found = source.find("BOB@acme.example")
        assert found
        assert found[0].user_name == "bob"
        assert found[1] == expected


def test_somebody_who_is_not_assigned_is_not_found(twin: GraphTwin, tmp_path: Path) -> None:
    tenant = twin.tenant
    tenant.assign(tenant.team("Claude Premium"))
    source = source_of(twin, tmp_path, "Claude Users", service_principal_id=tenant.application)
    assert source.find("bob") is None
    assert source.find("ada")


def test_two_people_with_one_mail_are_not_guessed(twin: GraphTwin, tmp_path: Path) -> None:
    for name in ("x1", "x2"):
        twin.tenant.put(name, mail="same@acme.example")
    with pytest.raises(Malformed, match="2 people have this mail"):
        source_of(twin, tmp_path).find("same@acme.example")


# --- rights


@pytest.mark.parametrize(
    ("role", "assigned"),
    [("GroupMember.Read.All", False), ("User.Read.All", False), ("Application.Read.All", True)],
)
def test_a_missing_role_is_named_and_nothing_is_believed(
    twin: GraphTwin, tmp_path: Path, role: str, assigned: bool
) -> None:
    twin.door.roles = tuple(one for one in twin.door.roles if one != role)
    application = twin.tenant.application if assigned else None
    with pytest.raises(CredentialsRejected, match=f"{role} is missing: grant"):
        source_of(twin, tmp_path, "Claude Users", service_principal_id=application).read()

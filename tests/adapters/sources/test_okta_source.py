"""What must never look like everybody left, and what a status means; over the twin."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from idpsync.core.errors import NotFound
from idpsync.core.model import Coverage, DirectorySnapshot
from idpsync.sources.okta.settings import OktaConfig
from tests.adapters.sources.okta_world import APP, OktaWorld, okta_world, unavailable
from tests.contracts.directory_source import Sample, group_of, member_names
from tests.twins.okta.organisation import EVERYONE
from tests.twins.okta.server import Answer, Fault
from tests.twins.sockets import Wire


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OktaWorld]:
    """Three people, of whom ada and bob are in "Users"; people are the members of Everyone."""
    with okta_world(tmp_path) as world:
        for uid in ("ada", "bob", "eve"):
            world.put(Sample(uid))
        world.put_group("Users", ["ada", "bob"])
        yield world


@pytest.fixture
def app_world(tmp_path: Path) -> Iterator[OktaWorld]:
    with okta_world(tmp_path, app=True) as world:
        for uid in ("ada", "bob", "eve"):
            world.put(Sample(uid))
        world.put_group("Users", ["ada", "bob"])
        yield world


def active_of(snapshot: DirectorySnapshot) -> dict[str, bool | None]:
    return {user.user_name: user.active for user in snapshot.users}


# --- what a status means ------------------------------------------------------------------------------

USUAL = {
    "ACTIVE": True,
    "PASSWORD_EXPIRED": True,
    "LOCKED_OUT": True,
    "RECOVERY": True,
    "PROVISIONED": True,
    "STAGED": False,
    "SUSPENDED": False,
    "DEPROVISIONED": False,
    "A_NEW_ONE": None,
}


@pytest.mark.parametrize(("status", "active"), USUAL.items())
def test_each_status_has_its_meaning(world: OktaWorld, status: str, active: bool | None) -> None:
    world.org.change("ada", status=status)
    assert active_of(world.source().read())["ada"] is active


def test_the_configuration_may_overrule_what_a_status_means(world: OktaWorld) -> None:
    world.org.change("ada", status="PROVISIONED")
    world.org.change("bob", status="SUSPENDED")
    config = world.config(statuses={"provisioned": "wait", "suspended": "seat"})
    assert active_of(world.of(config).read()) == {"ada": None, "bob": True, "eve": True}
    assert config.scope != world.config().scope


def test_somebody_on_the_way_to_another_status_is_waited_for(world: OktaWorld) -> None:
    row = world.org.named("ada")
    assert row
    row["transitioningToStatus"] = "DEPROVISIONED"
    assert active_of(world.source().read())["ada"] is None


def test_an_app_user_may_be_active_under_a_suspended_person(app_world: OktaWorld) -> None:
    app_world.org.change("ada", status="SUSPENDED")
    assert app_world.org.apps[APP][app_world.id_of("ada")]["status"] == "ACTIVE"
    assert active_of(app_world.source().read())["ada"] is False


# --- who is read --------------------------------------------------------------------------------------


def test_only_those_assigned_to_the_application_are_people(app_world: OktaWorld) -> None:
    app_world.org.add_person("out@acme.example")
    app_world.org.join("Users", [app_world.id_of("out@acme.example")])
    snapshot = app_world.source("Users").read()
    assert snapshot.complete
    assert set(active_of(snapshot)) == {"ada", "bob", "eve"}
    assert len(group_of(snapshot, "Users").members or ()) == 3
    assert app_world.source("Users").find("out@acme.example") is None


def test_without_people_groups_the_members_of_what_is_asked_for_are_people(world: OktaWorld) -> None:
    source = world.of(world.config(people_groups=[]), "Users")
    assert set(active_of(source.read())) == {"ada", "bob"}
    assert source.find("eve") is None
    assert source.find("ada")


def test_without_people_groups_a_group_that_is_gone_leaves_the_people_in_doubt(world: OktaWorld) -> None:
    world.put_group("Premium", ["eve"])
    world.rename_group("Premium", "Gold")
    snapshot = world.of(world.config(people_groups=[]), "Users", "Premium").read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    (problem,) = snapshot.problems
    assert "known in part only" in problem
    assert "does not show, Premium; nobody leaves" in problem
    assert "directory.people_groups or directory.app_id" in problem


def test_without_people_groups_a_group_that_is_deleted_meanwhile_leaves_them_in_doubt_in_words(
    world: OktaWorld,
) -> None:
    world.put_group("Premium", ["eve"])
    team = world.org.team("Premium").row["id"]

    def delete(answer: Answer) -> Answer:
        del world.org.teams[team]
        return answer

    world.twin.faults.append(Fault(f"{team}/users", delete))
    snapshot = world.of(world.config(people_groups=[]), "Users", "Premium").read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert "does not show, Premium;" in snapshot.problems[0]


def test_a_group_of_people_that_is_gone_is_told(world: OktaWorld) -> None:
    snapshot = world.of(world.config(people_groups=[EVERYONE, "Never Made"])).read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert snapshot.problems == ("group 'Never Made' of people_groups: no group has this name or id",)


def test_an_app_user_without_the_person_inside_makes_the_people_partial(app_world: OktaWorld) -> None:
    def bare(answer: Answer) -> Answer:
        assert isinstance(answer.body, list)
        del answer.body[0]["_embedded"]
        return answer

    app_world.twin.faults.append(Fault(f"apps/{APP}/users", bare))
    snapshot = app_world.source().read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert snapshot.problems == ("1 app users came without the person they are",)


def test_an_application_that_does_not_exist_is_told_with_the_key_that_names_it(
    app_world: OktaWorld,
) -> None:
    with pytest.raises(NotFound, match="no application has the id 0oaother: check"):
        app_world.of(app_world.config(app_id="0oaother")).read()


# --- groups: found, proven, doubted -------------------------------------------------------------------


def test_a_group_may_be_named_by_its_id(world: OktaWorld) -> None:
    team = world.org.team("Users").row["id"]
    snapshot = world.source(team).read()
    assert member_names(snapshot, team) == {"ada", "bob"}
    assert group_of(snapshot, team).external_id == team
    world.rename_group("Users", "People")
    assert member_names(world.source(team).read(), team) == {"ada", "bob"}


def test_two_groups_of_one_name_are_not_guessed_between(world: OktaWorld) -> None:
    world.org.add_team("users", kind="APP_GROUP")
    group = group_of(world.source("Users").read(), "Users")
    assert (group.coverage, group.members) == (Coverage.FAILED, None)
    assert "2 groups have this name" in group.reason
    assert "give the id" in group.reason


def test_a_listing_has_its_proof_and_a_count_by_okta_itself(world: OktaWorld) -> None:
    snapshot = world.source("Users").read()
    proof = group_of(snapshot, "Users").proof
    assert proof
    assert (proof.ended_by, proof.pages, proof.expected) == ("no rel=next", 1, 2)
    assert snapshot.users_proof
    assert snapshot.requests == world.twin.calls.total()
    assert snapshot.throttled == 0


def test_a_page_that_lacks_somebody_is_read_once_more(world: OktaWorld) -> None:
    def one_less(answer: Answer) -> Answer:
        assert isinstance(answer.body, list)
        answer.body = answer.body[:1]
        return answer

    team = world.org.team("Users").row["id"]
    world.twin.faults.append(Fault(f"{team}/users", one_less))
    assert member_names(world.source("Users").read(), "Users") == {"ada", "bob"}


def test_fewer_members_than_okta_counts_are_suspect(world: OktaWorld) -> None:
    people = [world.org.add_person(f"p{n}")["id"] for n in range(20)]
    world.org.join("Users", people)

    def half(answer: Answer) -> Answer:
        assert isinstance(answer.body, list)
        answer.body = answer.body[:10]
        return answer

    team = world.org.team("Users").row["id"]
    world.twin.faults.append(Fault(f"{team}/users", half, times=2))
    snapshot = world.source("Users").read()
    assert group_of(snapshot, "Users").coverage is Coverage.SUSPECT
    reason = "shows 10 members where the directory itself counts 22"
    assert snapshot.problems == (f"group 'Users' {reason}",)
    assert snapshot.cursor is None


def test_a_group_that_changed_while_it_was_read_is_read_once_more(world: OktaWorld) -> None:
    team = world.org.team("Users").row["id"]
    eve, bob = world.id_of("eve"), world.id_of("bob")
    asked: list[Wire] = []

    def swap(answer: Answer) -> Answer:
        world.clock.pass_(timedelta(seconds=1))
        world.org.join("Users", [eve])  # after this page was made; as many as before
        world.org.leave("Users", [bob])
        return answer

    world.twin.faults.append(Fault(f"{team}/users", swap))
    world.twin.before = lambda wire: asked.append(wire) if f"{team}/users" in wire.target else None
    snapshot = world.source("Users").read()
    assert member_names(snapshot, "Users") == {"ada", "eve"}
    assert len(asked) == 2


def test_an_index_that_lags_does_not_give_a_name_to_another_group(world: OktaWorld) -> None:
    world.org.indexed = {team.row["id"]: team.name for team in world.org.teams.values()}
    world.rename_group("Users", "Former Users")
    world.put_group("Users", ["eve"])
    first, source = world.source("Users").read(), world.source("Users")
    group = group_of(first, "Users")
    assert (group.coverage, group.reason) == (Coverage.GONE, "is called 'Former Users' now")
    world.org.indexed = None
    assert member_names(source.read(), "Users") == {"eve"}


def test_a_group_that_was_made_a_moment_ago_is_found_without_the_index(world: OktaWorld) -> None:
    world.org.indexed = {}
    assert member_names(world.source("Users").read(), "Users") == {"ada", "bob"}


def test_a_group_deleted_while_it_is_read_is_gone(world: OktaWorld) -> None:
    team = world.org.team("Users").row["id"]

    def delete(answer: Answer) -> Answer:
        del world.org.teams[team]
        return answer

    world.twin.faults.append(Fault(f"{team}/users", delete))
    assert group_of(world.source("Users").read(), "Users").coverage is Coverage.GONE


def test_one_group_that_fails_leaves_the_others_whole(world: OktaWorld) -> None:
    world.put_group("Premium", ["ada"])
    team = world.org.team("Premium").row["id"]
    world.twin.faults.append(Fault(f"{team}/users", unavailable, times=100))
    snapshot = world.source("Users", "Premium").read()
    group = group_of(snapshot, "Premium")
    assert (group.coverage, group.members) == (Coverage.FAILED, None)
    assert "HTTP 503" in group.reason
    assert group_of(snapshot, "Users").complete
    assert snapshot.users_coverage is Coverage.COMPLETE


def test_what_cannot_be_counted_is_not_complete(world: OktaWorld) -> None:
    world.twin.faults.append(Fault("expand=stats", unavailable, times=100))
    group = group_of(world.source("Users").read(), "Users")
    assert group.coverage is Coverage.PARTIAL
    assert "could not be counted" in group.reason


def test_pages_that_are_too_large_for_okta_are_asked_for_smaller_from_then_on(world: OktaWorld) -> None:
    people = [world.org.add_person(f"p{n:04}")["id"] for n in range(450)]
    world.org.join("Users", people)
    world.twin.largest_page = 200
    source = world.of(world.config(people_groups=[]), "Users")
    first = source.read()
    assert len(group_of(first, "Users").members or ()) == 452
    before = world.twin.statuses[500]
    source.read()
    assert before > 0
    assert world.twin.statuses[500] == before


# --- one person, and the settings ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["me", "ada/../bob", "*", "%2A", "", "ada?x=1"])
def test_whatever_is_looked_for_only_that_very_login_is_found(world: OktaWorld, name: str) -> None:
    assert world.source("Users").find(name) is None


def test_an_id_is_not_a_login(world: OktaWorld) -> None:
    assert world.source("Users").find(world.id_of("ada")) is None


def test_somebody_who_was_deactivated_is_not_found(world: OktaWorld) -> None:
    world.org.deactivate("bob")
    assert world.source("Users").find("bob") is None


def test_somebody_is_found_by_another_case_and_with_groups_named_by_id(world: OktaWorld) -> None:
    team = world.org.team("Users").row["id"]
    found = world.source("users", team, "Nowhere").find("BOB")
    assert found
    assert found[1] == {"users", team}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "http://acme.okta.com"}, "https://"),
        ({"url": "https://acme.okta.com/api/v1"}, "as in https://acme.okta.com"),
        ({"url": "acme.okta.com"}, "as in https://acme.okta.com"),
        ({"view": "app", "app_id": None}, "needs app_id"),
        ({"view": "groups"}, "leave one of them out"),
        ({"people_groups": ["All"]}, "does not go with app_id"),
        ({"custom_domains": ["https://login.acme.example"]}, "name hosts only"),
        ({"statuses": {"suspended": "maybe"}}, "'seat', 'wait' or 'none'"),
        ({"statuses": {"asleep": "none"}}, "Extra inputs"),
        ({"rate_share": 0}, "greater than 0"),
        ({"auth": {"kind": "ssws", "token": "00secret"}}, "by reference"),
    ],
)
def test_mistakes_in_the_settings_are_refused_in_words(settings: dict[str, Any], says: str) -> None:
    auth = {"kind": "ssws", "token": "env:OKTA_TOKEN"}
    good = {"kind": "okta", "url": "https://acme.okta.com", "app_id": "0oa1", "auth": auth}
    with pytest.raises(ValidationError, match=says):
        OktaConfig.model_validate(good | settings)


def test_another_client_another_scope(world: OktaWorld) -> None:
    config = world.config()
    assert "client=0oa2example" in config.scope
    assert config.scope == world.config(rate_share=0.2, custom_domains=["x.example"]).scope
    assert config.scope != world.config(people_groups=["Users"]).scope

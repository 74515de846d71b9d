"""A listing of an application that ends well and is too short: nobody leaves by it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from idpsync.core.errors import CredentialsRejected
from idpsync.core.model import Coverage
from idpsync.sources.okta.absence import HANDFUL
from tests.adapters.sources.okta_world import APP, OktaWorld, okta_world, unavailable
from tests.twins.okta.server import Answer, Fault

PEOPLE = HANDFUL + 10
LISTING = f"apps/{APP}/users?"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OktaWorld]:
    with okta_world(tmp_path, app=True) as world:
        world.staff(PEOPLE, Users=3)
        yield world


def short_by(number: int) -> Fault:
    def spoil(answer: Answer) -> Answer:
        assert isinstance(answer.body, list)
        answer.body = answer.body[:-number]
        return answer

    return Fault(LISTING, spoil)


def unassign(world: OktaWorld, numbers: range) -> None:
    for n in numbers:
        del world.org.apps[APP][world.id_of(f"u{n:05}@acme.example")]


@pytest.mark.parametrize("number", [1, HANDFUL + 5])
def test_whoever_a_short_page_lacks_is_asked_for_and_has_not_left(world: OktaWorld, number: int) -> None:
    source = world.source("Users")
    source.read()
    world.twin.faults.append(short_by(number))
    snapshot = source.read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert "who is assigned to it" in snapshot.problems[0]
    again = source.read()
    assert again.complete
    assert len(again.users) == PEOPLE


def test_of_a_short_page_no_change_is_told(world: OktaWorld) -> None:
    source = world.source("Users")
    cursor = source.read().cursor
    world.clock.pass_(timedelta(minutes=10))
    world.twin.faults.append(short_by(1))
    assert source.changes(cursor or "") is None


def test_the_first_read_is_held_against_the_members_of_groups(world: OktaWorld) -> None:
    world.put_group("Last", [f"u{PEOPLE - 1:05}@acme.example"])
    world.twin.faults.append(short_by(1))
    snapshot = world.source("Last").read()
    assert snapshot.users_coverage is Coverage.PARTIAL


def test_whoever_is_unassigned_is_proven_gone_by_one_request_each(world: OktaWorld) -> None:
    source = world.source("Users")
    source.read()
    unassign(world, range(5, 8))
    before = world.twin.calls["apps"]
    snapshot = source.read()
    assert snapshot.complete
    assert len(snapshot.users) == PEOPLE - 3
    assert world.twin.calls["apps"] - before == 1 + 3
    before = world.twin.calls["apps"]
    assert source.read().complete
    assert world.twin.calls["apps"] - before == 1


def test_many_at_once_leave_when_two_reads_show_the_same(world: OktaWorld) -> None:
    source = world.source("Users")
    source.read()
    unassign(world, range(5, 5 + HANDFUL + 1))
    first = source.read()
    assert first.users_coverage is Coverage.PARTIAL
    assert first.problems == (
        f"{HANDFUL + 1} people left the application at once: the next read must show the same",
    )
    unassign(world, range(5 + HANDFUL + 1, 5 + HANDFUL + 2))
    assert source.read().users_coverage is Coverage.PARTIAL
    third = source.read()
    assert third.complete
    assert len(third.users) == PEOPLE - HANDFUL - 2


def test_where_it_cannot_be_asked_nobody_has_left(world: OktaWorld) -> None:
    source = world.source("Users")
    source.read()
    unassign(world, range(5, 6))
    world.twin.faults.append(Fault(f"apps/{APP}/users/", unavailable, times=100))
    snapshot = source.read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert "could not be asked" in snapshot.problems[0]


def test_where_it_may_not_be_asked_the_read_fails(world: OktaWorld) -> None:
    source = world.source("Users")
    source.read()
    unassign(world, range(5, 6))
    words = {"errorCode": "E0000006", "errorSummary": "no permission"}
    world.twin.faults.append(Fault(f"apps/{APP}/users/", lambda _: Answer(403, words)))
    with pytest.raises(CredentialsRejected):
        source.read()

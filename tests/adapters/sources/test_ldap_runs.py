"""Runs over a real OpenLDAP server that go on from what it says has changed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from idpsync.core.policy import GroupRule, Policy
from idpsync.core.records import RunState
from idpsync.sources import build
from tests.adapters.sources.ldap_world import config_of
from tests.engine.standing_house import MINUTE, StandingHouse
from tests.people import LADDER, PREMIUM, STANDARD
from tests.slapd import REFINT, SYNCPROV_LOG, LdapPerson, Slapd, running_slapd

pytestmark = pytest.mark.server

GROUPS = frozenset({"Premium", "Users"})
POLICY = Policy(
    LADDER,
    (GroupRule("Premium", PREMIUM), GroupRule("Users", STANDARD)),
    protected=frozenset(),
    min_hold=0 * MINUTE,
)


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    """Twelve people in "Users", three of them in "Premium"; groups follow their people."""
    everybody = [f"user{n:04d}" for n in range(12)]
    groups = {"Premium": everybody[:3], "Users": everybody}
    with running_slapd(tmp_path, people=12, groups=groups, overlays=(*SYNCPROV_LOG, *REFINT)) as server:
        yield server


@pytest.fixture
def house(slapd: Slapd) -> StandingHouse:
    """Two good runs are over."""
    house = StandingHouse(seats={PREMIUM: 5, STANDARD: 20}, policy=POLICY)
    source = build(config_of(slapd, page_size=5), clock=house.clock, groups=GROUPS)
    house.rooms = replace(house.rooms, source=source)
    house.begin()
    for _ in range(2):
        assert house.run().run.state is RunState.DONE
    return house


def searches(slapd: Slapd, house: StandingHouse) -> int:
    """How many searches a good run takes."""
    before = slapd.search_count()
    outcome = house.run()
    assert outcome.run.state is RunState.DONE, outcome
    return slapd.search_count() - before - 1


def test_a_run_in_which_nothing_changed_is_one_search(slapd: Slapd, house: StandingHouse) -> None:
    assert searches(slapd, house) == 1


def test_joiners_movers_and_leavers_are_served_without_reading_everything(
    slapd: Slapd, house: StandingHouse
) -> None:
    slapd.add_person(LdapPerson("zoe", "zoe@acme.example"))
    slapd.set_members("Premium", ["user0000", "user0001", "zoe"])
    assert searches(slapd, house) == 3  # who changed, the people, the groups
    tiers = house.tiers()
    assert (tiers["zoe"], tiers["user0002"]) == ("premium", "standard")
    slapd.delete_person("user0005")
    assert searches(slapd, house) < 5
    assert house.tiers()["user0005"] == "off"


def test_somebody_who_is_renamed_keeps_their_seat(slapd: Slapd, house: StandingHouse) -> None:
    slapd.rename_person("user0001", "renamed")
    slapd.wait_for_members("Premium", {"user0000", "renamed", "user0002"})
    assert searches(slapd, house) < 5
    assert sorted(house.tiers().values()).count("premium") == 3


def test_a_server_that_restarts_between_runs_costs_nobody_anything(
    slapd: Slapd, house: StandingHouse
) -> None:
    before = house.tiers()
    slapd.restart()
    house.run()
    assert house.tiers() == before

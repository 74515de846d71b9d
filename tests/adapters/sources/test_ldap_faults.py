"""Directory faults that make other tools empty an organisation: from a real server to the target."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from idpsync.core.policy import GroupRule, Policy
from idpsync.core.ports import DirectorySource
from idpsync.core.records import RunState
from idpsync.sources import LdapConfig, build
from tests.engine.house import EngineHouse
from tests.people import LADDER, PREMIUM, STANDARD
from tests.slapd import HIDE_MEMBERS, SUFFIX, Slapd, hide_people, running_slapd

pytestmark = pytest.mark.server

GROUPS = frozenset({"Premium", "Users"})
POLICY = Policy(
    LADDER, (GroupRule("Premium", PREMIUM), GroupRule("Users", STANDARD)), protected=frozenset()
)


def directory(slapd: Slapd, house: EngineHouse, **changes: object) -> DirectorySource:
    settings: dict[str, object] = {
        "kind": "ldap",
        "url": slapd.url,
        "bind_dn": slapd.bind_dn,
        "password": f"file:{slapd.password_file}",
        "user_base": slapd.people_base,
        "group_base": slapd.groups_base,
        "page_size": 7,
    }
    config = LdapConfig.model_validate(settings | changes)
    return build(config, clock=house.clock, groups=GROUPS)


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    """40 people in "Users", every fourth in "Premium"; rights and limits differ by bind DN."""
    everybody = [f"user{n:04d}" for n in range(40)]
    groups = {"Premium": everybody[::4], "Users": everybody}
    access = [HIDE_MEMBERS, hide_people("(title=Engineer 3)")]
    with running_slapd(tmp_path, people=40, groups=groups, size_limit=15, access=access) as server:
        yield server


@pytest.fixture
def house(slapd: Slapd) -> EngineHouse:
    """One good run is over: ten have premium, thirty standard."""
    house = EngineHouse(seats={PREMIUM: 10, STANDARD: 40}, policy=POLICY)
    house.rooms = replace(house.rooms, source=directory(slapd, house))
    assert house.run().run.state is RunState.DONE
    tiers = list(house.tiers().values())
    assert (tiers.count("premium"), tiers.count("standard")) == (10, 30)
    return house


def rename_the_group(slapd: Slapd) -> dict[str, object]:
    slapd.rename_group("Premium", "Gold")
    return {}


FAULTS: dict[str, Callable[[Slapd], dict[str, object]]] = {
    "a mapped group is renamed": rename_the_group,
    "a size limit cuts the people": lambda slapd: {"bind_dn": slapd.capped_dn},
    "an ACL hides members": lambda slapd: {"bind_dn": slapd.limited_dn},
    "an ACL hides members, nested": lambda slapd: {
        "bind_dn": slapd.limited_dn,
        "nested_groups": True,
    },
    "the user base is another": lambda slapd: {"user_base": f"ou=services,{SUFFIX}"},
    "the user base does not exist": lambda slapd: {"user_base": f"ou=peple,{SUFFIX}"},
    "the group base does not exist": lambda slapd: {"group_base": f"ou=grups,{SUFFIX}"},
    "the user filter finds nobody": lambda slapd: {"user_filter": "(uid=nobody)"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_nobody_loses_anything_and_the_run_says_so(slapd: Slapd, house: EngineHouse, fault: str) -> None:
    before = house.tiers()
    changes = FAULTS[fault](slapd)
    house.rooms = replace(house.rooms, source=directory(slapd, house, **changes))
    outcome = house.run()
    assert house.tiers() == before
    assert outcome.run.state in {RunState.INCOMPLETE, RunState.FAILED}
    assert outcome.error or outcome.run.problems


def test_leavers_are_let_go_after_a_whole_read(slapd: Slapd, house: EngineHouse) -> None:
    slapd.delete_person("user0000")
    slapd.set_members("Users", [f"user{n:04d}" for n in range(1, 40)])
    slapd.set_members("Premium", ["user0004", "user0008"])
    house.clock.advance(2 * POLICY.min_hold)
    house.run()
    tiers = house.tiers()
    assert tiers["user0000"] == "off"
    assert {n for n, tier in tiers.items() if tier == "premium"} == {"user0004", "user0008"}

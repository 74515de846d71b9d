"""From a real Active Directory to seats: who gets one, and that no cut read takes one from anybody."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from idpsync.core.policy import GroupRule, Policy
from idpsync.core.ports import DirectorySource
from idpsync.core.records import RunState
from idpsync.sources import build
from tests.adapters.sources.samba_world import DISABLED, Folder, config_of
from tests.adapters.sources.wire import broken_wire
from tests.engine.house import EngineHouse
from tests.people import LADDER, PREMIUM, STANDARD
from tests.samba import MEMBER

pytestmark = pytest.mark.server

CUTS = 24


def rules(premium: str, standard: str) -> Policy:
    given = (GroupRule(premium, PREMIUM), GroupRule(standard, STANDARD))
    return Policy(LADDER, given, protected=frozenset())


def directory(folder: Folder, house: EngineHouse, **changes: object) -> DirectorySource:
    config = config_of(folder.samba, folder.dn, **changes)
    groups = frozenset(rule.group for rule in house.policy.rules)
    return build(config, clock=house.clock, groups=groups)


def moved_in(folder: Folder, policy: Policy, **changes: object) -> EngineHouse:
    """One good run is over."""
    house = EngineHouse(seats={PREMIUM: 10, STANDARD: 20}, policy=policy)
    house.rooms = replace(house.rooms, source=directory(folder, house, **changes))
    assert house.run().run.state is RunState.DONE
    return house


@pytest.fixture(scope="module")
def crowded(crowd: Folder) -> EngineHouse:
    house = moved_in(crowd, rules("Few", "Everybody"))
    tiers = list(house.tiers().values())
    assert (tiers.count("premium"), tiers.count("standard")) == (4, 8)
    return house


@pytest.fixture(scope="module")
def size_of_a_read(crowd: Folder, crowded: EngineHouse) -> int:
    with broken_wire(636, host=crowd.samba.address) as wire:
        url = f"ldaps://127.0.0.1:{wire.port}"
        assert directory(crowd, crowded, url=url).read().complete
        return wire.answered


@pytest.mark.parametrize("cut", range(CUTS))
def test_a_read_cut_anywhere_takes_nothing_from_anybody(
    crowd: Folder, crowded: EngineHouse, size_of_a_read: int, cut: int
) -> None:
    before = crowded.tiers()
    # half of the cuts lie where people are read, before the long list of members
    size = 1200 + cut * 350 if cut % 2 else size_of_a_read * cut // CUTS
    with broken_wire(636, size, host=crowd.samba.address) as wire:
        url = f"ldaps://127.0.0.1:{wire.port}"
        source = directory(crowd, crowded, url=url)
        crowded.rooms = replace(crowded.rooms, source=source)
        outcome = crowded.run()
    assert crowded.tiers() == before
    assert outcome.run.state in {RunState.INCOMPLETE, RunState.FAILED}


@pytest.fixture
def folder(crowd: Folder) -> Folder:
    folder = Folder(crowd.samba, "plan")
    for name in ("ada", "bob", "eve", "zoe"):
        folder.add_person(name)
    folder.add_group("Inner", ["bob"])
    folder.add_group("Premium", ["ada", "Inner"])
    folder.add_group("Users", ["ada", "bob", "eve", "zoe"])
    return folder


def test_leavers_movers_and_the_disabled_are_planned_for(folder: Folder) -> None:
    house = moved_in(folder, rules("Premium", "Users"), nested_groups=True)
    assert house.tiers() == {"ada": "premium", "bob": "premium", "eve": "standard", "zoe": "standard"}
    folder.delete("ada")
    folder.leave("Inner", "bob")
    folder.join("Premium", "eve")
    folder.modify("zoe", userAccountControl=DISABLED)
    house.clock.advance(2 * house.policy.min_hold)
    assert house.run().run.state is RunState.DONE
    tiers = house.tiers()
    assert tiers == {"ada": "off", "bob": "standard", "eve": "premium", "zoe": "off"}


def hide_the_members(folder: Folder) -> dict[str, object]:
    for name in ("Premium", "Users"):
        folder.samba.load([("allow", folder.dn_of(name), f"(OD;;RP;{MEMBER};;@SID@)", "limited")])
    return {"bind_dn": folder.samba.limited}


def hide_the_people(folder: Folder) -> dict[str, object]:
    people = f"OU=people,{folder.dn}"
    folder.add(people, "organizationalUnit")
    for name in ("ada", "bob", "eve", "zoe"):
        folder.rename(name, name, into=people)
    folder.samba.load([("allow", people, "(D;;LC;;;@SID@)", "limited")])
    return {"bind_dn": folder.samba.limited}


def hide_the_states(folder: Folder) -> dict[str, object]:
    restrictions = "4c164200-20c0-11d0-a768-00aa006e0529"
    hide = f"(OD;;RP;{restrictions};;@SID@)"
    folder.samba.load([("allow", folder.dn_of(name), hide, "limited") for name in ("ada", "zoe")])
    return {"bind_dn": folder.samba.limited}


def rename_the_group(folder: Folder) -> dict[str, object]:
    folder.rename("Premium", "Gold")
    return {}


FAULTS: tuple[Callable[[Folder], dict[str, object]], ...] = (
    hide_the_members,
    hide_the_people,
    hide_the_states,
    rename_the_group,
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_what_is_hidden_or_renamed_takes_nothing_from_anybody(
    folder: Folder, fault: Callable[[Folder], dict[str, object]]
) -> None:
    house = moved_in(folder, rules("Premium", "Users"), nested_groups=True)
    before = house.tiers()
    changes = fault(folder)
    house.rooms = replace(house.rooms, source=directory(folder, house, nested_groups=True, **changes))
    house.clock.advance(2 * house.policy.min_hold)
    house.run()
    assert house.tiers() == before

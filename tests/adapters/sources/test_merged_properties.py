"""What is true of any two directories read as one, whatever is in them and whichever fails."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.errors import RemoteError
from idpsync.core.kinship import under_present_ids
from idpsync.core.model import DirectorySnapshot, DirectoryUser, Link, Profile
from idpsync.core.plan import ChangeTier, DeactivateAccount, DeleteAccount, Plan
from idpsync.core.planner import plan
from idpsync.core.records import LastRead
from idpsync.core.suspicion import examine
from tests.adapters.sources.merged_world import merged_of
from tests.fakes.source import FakeDirectory
from tests.people import NOW, POLICY, PREMIUM, STANDARD, account, world

GROUPS = ("Premium", "Users", "Contractors", "Admins")
NAMES = [f"p{n}" for n in range(6)]
SEATS = {PREMIUM: 9, STANDARD: 9}


@dataclass(frozen=True)
class Entry:
    """Somebody in one directory; who shares an address with whom follows from it."""

    address: str
    active: bool | None
    groups: frozenset[str]


Entries = Mapping[str, Entry]

entries = st.dictionaries(
    st.sampled_from(NAMES),
    st.builds(
        Entry,
        st.sampled_from(NAMES),
        st.sampled_from([True, True, False, None]),
        st.frozensets(st.sampled_from(GROUPS), max_size=2),
    ),
    min_size=1,
)
faults = st.tuples(
    st.sampled_from(["down", "locked_out", "cut", "hidden"]), st.booleans(), st.integers(0, 9)
)
links = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(NAMES))
)


def directory(people: Entries, order: int = 0) -> FakeDirectory:
    made = FakeDirectory(groups={name: set() for name in GROUPS})
    names = sorted(people)
    random.Random(order).shuffle(names)
    for name in names:
        entry = people[name]
        profile = Profile(f"{name}@acme.example", f"{entry.address}@acme.example")
        made.people[f"id-{name}"] = DirectoryUser("fake", f"id-{name}", profile, entry.active)
        for group in entry.groups:
            made.groups[group].add(f"id-{name}")
    return made


def read(first: FakeDirectory, second: FakeDirectory) -> DirectorySnapshot:
    return merged_of(*(d.source(*GROUPS) for d in (first, second)), groups=GROUPS).read()


def planned(snapshot: DirectorySnapshot, linked: Mapping[str, tuple[str, str]]) -> Plan:
    accounts = [account(name, PREMIUM, external_id=None) for name in sorted(linked)]
    made = [
        Link(f"acc-{name}", "fake", f"id-{who}" if where == "a" else f"b:id-{who}", NOW)
        for name, (where, who) in sorted(linked.items())
    ]
    believed = examine(snapshot, last=LastRead())
    here = world(
        believed,
        accounts,
        links=under_present_ids(made, believed, lambda _: None),
        seats=SEATS,
    )
    return plan(here, POLICY)


def losers(made: Plan) -> set[str]:
    """Accounts that lose anything by the plan."""
    taken = {a.account_id for a in made.actions if isinstance(a, DeactivateAccount | DeleteAccount)}
    lower = [a for a in made.actions if isinstance(a, ChangeTier) and a.previous_tier is not None]
    return taken | {
        a.account_id
        for a in lower
        if a.tier is None or (a.previous_tier is not None and a.tier > a.previous_tier)
    }


def broken(here: FakeDirectory, fault: str, number: int) -> FakeDirectory:
    match fault:
        case "cut":
            return replace(here, shows=min(number, len(here.people) - 1))
        case "hidden":
            return replace(here, hidden={GROUPS[number % len(GROUPS)]})
    return replace(here, down=fault == "down", locked_out=fault == "locked_out")


@settings(max_examples=300, deadline=None)
@given(entries, entries, links, faults)
def test_nobody_loses_by_a_directory_that_fails_what_they_would_not_lose_by_all(
    one: Entries,
    two: Entries,
    linked: Mapping[str, tuple[str, str]],
    how: tuple[str, bool, int],
) -> None:
    fault, which, number = how
    first, second = directory(one), directory(two)
    whole = losers(planned(read(first, second), linked))
    if which:
        second = broken(second, fault, number)
    else:
        first = broken(first, fault, number)
    try:
        partly = read(first, second)
    except RemoteError:
        return
    found = losers(planned(partly, linked))
    assert found <= whole
    if fault != "hidden":  # of a group that is doubted the people are known all the same
        assert found == set()


@settings(max_examples=150, deadline=None)
@given(entries, entries, links, st.integers(1, 99))
def test_the_order_of_people_changes_nothing(
    one: Entries, two: Entries, linked: Mapping[str, tuple[str, str]], order: int
) -> None:
    straight = read(directory(one), directory(two))
    shuffled = read(directory(one, order), directory(two, order))
    assert set(straight.groups) == set(shuffled.groups)
    assert {u.external_id: u for u in straight.users} == {u.external_id: u for u in shuffled.users}
    assert planned(straight, linked).digest == planned(shuffled, linked).digest

"""Whatever happens in a directory: changes lead to what a whole read shows, or nothing is told."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idpsync.core.ports import CanReadChanges
from tests.adapters.sources.ldap_world import source_of
from tests.contracts.directory_changes import carried_on, seen_in
from tests.slapd import REFINT, SUFFIX, SYNCPROV, SYNCPROV_LOG, LdapPerson, Slapd, running_slapd

pytestmark = pytest.mark.server

NAMES = [f"p{n}" for n in range(6)]
GROUPS = ("One", "Two")
KINDS = {
    "log": SYNCPROV_LOG,
    "no log": SYNCPROV,
    "refint": (*SYNCPROV_LOG, *REFINT),
    "short log": ("overlay syncprov", "syncprov-sessionlog 2"),
}
people = st.sampled_from(NAMES)
steps = st.one_of(
    st.tuples(st.just("put"), people),
    st.tuples(st.just("change"), people),
    st.tuples(st.just("delete"), people),
    st.tuples(st.just("rename"), people, st.sampled_from([*NAMES, "new"])),
    st.tuples(st.just("move out"), people),
    st.tuples(st.just("fill"), st.sampled_from(GROUPS), st.sets(people)),
)


@pytest.fixture(scope="module", params=KINDS)
def slapd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """Twelve people who stay, and two groups."""
    groups = {name: ["user0000"] for name in GROUPS}
    with running_slapd(
        tmp_path_factory.mktemp("on"), people=12, groups=groups, overlays=KINDS[request.param]
    ) as server:
        yield server


@dataclass
class Life:
    """What happens to the people of one directory."""

    slapd: Slapd
    there: set[str] = field(default_factory=set)
    count: int = 0

    def step(self, kind: str, *said: object) -> None:
        self.count += 1
        match kind, said:
            case "put", (str(uid),) if uid not in self.there:
                self.there.add(uid)
                self.slapd.add_person(LdapPerson(uid, f"{uid}@acme.example"))
            case "change", (str(uid),) if uid in self.there:
                self.slapd.modify_person(uid, givenName=f"Given {self.count}")
            case "delete", (str(uid),) if uid in self.there:
                self.there.discard(uid)
                self.slapd.delete_person(uid)
            case "rename", (str(uid), str(to)) if uid in self.there and to not in self.there:
                self.there = (self.there - {uid}) | {to}
                self.slapd.rename_person(uid, to)
            case "move out", (str(uid),) if uid in self.there:
                self.there.discard(uid)
                with self.slapd.root() as c:
                    away = f"ou=services,{SUFFIX}"
                    c.modify_dn(LdapPerson(uid).dn, f"uid={uid}-{self.count}", new_superior=away)
                    c.delete(f"uid={uid}-{self.count},{away}")  # type: ignore[no-untyped-call]
            case "fill", (str(group), set() as members):
                self.slapd.set_members(group, ["user0000", *sorted(map(str, members))])
            case _:
                pass

    def begin_anew(self) -> None:
        for uid in sorted(self.there | {"new"}):
            if uid in self.there:
                self.slapd.delete_person(uid)
        for group in GROUPS:
            self.slapd.set_members(group, ["user0000"])
        self.there.clear()


@given(st.lists(st.lists(steps, min_size=1, max_size=4), min_size=1, max_size=3))
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_changes_and_whole_reads_never_differ(
    slapd: Slapd, rounds: list[list[tuple[object, ...]]]
) -> None:
    life = Life(slapd)
    for uid in NAMES[:3]:
        life.step("put", uid)
    life.step("fill", "One", set(NAMES[:2]))
    time.sleep(0.05)
    source = source_of(slapd, *GROUPS)
    assert isinstance(source, CanReadChanges)
    read = source.read()
    seen, cursor = seen_in(read), read.cursor
    for happened in rounds:
        for kind, *said in happened:
            life.step(str(kind), *said)
        time.sleep(0.05)  # refint works by itself
        changes = source.changes(cursor) if cursor else None
        whole = source_of(slapd, *GROUPS).read()
        if changes is None:
            read = source.read()
            seen, cursor = seen_in(read), read.cursor
        else:
            seen, cursor = carried_on(seen, changes), changes.cursor
            assert whole.complete, whole.problems
        assert seen == seen_in(whole)
    life.begin_anew()

"""Whatever is not read before `read_deadline` counts as unread, wherever the time runs out."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from pydantic import ValidationError

from idpsync.core.errors import Transient
from idpsync.core.model import Coverage, DirectorySnapshot
from idpsync.core.ports import DirectorySource
from idpsync.pace import Timer
from idpsync.sources import FileConfig, ScimDirectoryConfig, build
from idpsync.sources.entra.source import EntraSource
from idpsync.sources.okta.source import OktaSource
from idpsync.sources.scim.source import ScimSource
from tests.adapters.sources.entra_world import GraphWorld, config_of
from tests.adapters.sources.ldap_world import config_of as config_of_ldap
from tests.adapters.sources.okta_world import OktaWorld, okta_world
from tests.contracts.directory_source import Sample
from tests.fakes.source import SteadyClock
from tests.people import StoppedClock
from tests.slapd import running_slapd
from tests.twins.graph.server import running_graph
from tests.twins.scim import TOKEN
from tests.twins.scim_directory import Habits, ScimDirectoryTwin, running

GROUPS = frozenset({"Claude Premium", "Claude Users"})
LONGEST, STEP = 1700, 7


def ticking() -> Timer:
    """Each look at it takes a second."""
    seconds = count()
    return Timer(lambda: float(next(seconds)), lambda _: None)


Make = Callable[[str, Timer], DirectorySource]


PEOPLE = ["ada", "bob", "cy", "dan", "eve", "fay"]


def fill(world: OktaWorld | GraphWorld) -> None:
    for uid in PEOPLE:
        world.put(Sample(uid))
    world.put_group("Claude Premium", PEOPLE[:1])
    world.put_group("Claude Users", PEOPLE[:3])


@pytest.fixture
def okta(tmp_path: Path) -> Iterator[Make]:
    with okta_world(tmp_path) as world:
        fill(world)
        yield lambda deadline, timer: OktaSource(
            world.config(read_deadline=deadline),
            clock=world.clock,
            groups=GROUPS,
            timer=replace(timer, sleep=world.clock.timer.sleep),  # else its limits never renew
        )


@pytest.fixture
def entra(tmp_path: Path) -> Iterator[Make]:
    with running_graph() as twin:
        fill(GraphWorld(twin, tmp_path))
        yield lambda deadline, timer: EntraSource(
            config_of(twin, tmp_path, read_deadline=deadline),
            clock=SteadyClock(),
            groups=GROUPS,
            timer=timer,
        )


@pytest.fixture
def scim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setenv("SCIM_DIRECTORY_TOKEN", TOKEN)
    with running(ScimDirectoryTwin(habits=Habits(page_size=3))) as twin:
        for name in PEOPLE:
            twin.person(name)
        twin.group("Claude Premium", PEOPLE[:1])
        twin.group("Claude Users", PEOPLE[:3])
        yield lambda deadline, timer: ScimSource(
            ScimDirectoryConfig.model_validate(
                {
                    "kind": "scim",
                    "url": twin.base_url,
                    "token": "env:SCIM_DIRECTORY_TOKEN",
                    "read_deadline": deadline,
                }
            ),
            clock=StoppedClock(),
            groups=GROUPS,
            timer=timer,
        )


@pytest.mark.parametrize("kind", ["okta", "entra", "scim"])
def test_time_that_runs_out_anywhere_never_makes_a_read_look_whole(
    kind: str, request: pytest.FixtureRequest
) -> None:
    make: Make = request.getfixturevalue(kind)
    whole = make("30m", ticking()).read()
    assert whole.users_coverage is Coverage.COMPLETE
    seen = [outcome(make(f"{seconds}s", ticking()), whole) for seconds in range(1, LONGEST, STEP)]
    assert seen[0] == "nothing"
    assert "a part" in seen
    assert seen[-1] == "everything"


def outcome(source: DirectorySource, whole: DirectorySnapshot) -> str:
    """How much was read; it never claims to be more."""
    try:
        snapshot = source.read()
    except Transient:
        return "nothing"
    known = {group.name: group.members for group in whole.groups}
    for group in snapshot.groups:
        assert not group.complete or group.members == known[group.name]
    if snapshot.users_coverage is Coverage.COMPLETE:
        assert {u.external_id for u in snapshot.users} == {u.external_id for u in whole.users}
    return "everything" if snapshot.complete == whole.complete else "a part"


@pytest.mark.server
def test_an_ldap_read_that_takes_too_long_is_cut(tmp_path: Path) -> None:
    with running_slapd(tmp_path, people=3, groups={"Claude Users": ["user0000"]}) as slapd:
        at_once = config_of_ldap(slapd).model_copy(update={"read_deadline": timedelta(0)})
        with pytest.raises(Transient, match="time for all of it is over"):
            build(at_once, clock=SteadyClock(), groups=GROUPS).read()


def test_no_time_at_all_is_no_deadline() -> None:
    with pytest.raises(ValidationError, match="at least 1s"):
        FileConfig.model_validate({"kind": "file", "path": "people.csv", "read_deadline": "0s"})

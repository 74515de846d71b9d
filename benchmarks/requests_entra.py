"""Requests that reading Entra ID takes, against the fewest that Graph's pages allow.

Graph chooses how much a page of changes holds; two sizes are measured.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from idpsync.sources.entra.source import EntraSource
from tests.adapters.sources.entra_world import source_of
from tests.twins.graph.server import GraphTwin, running_graph
from tests.twins.graph.tenant import Team, split

PEOPLE, GROUPS = 20_000, 200
LIST, BY_IDS, AT_ONCE = 999, 1000, 50  # rows of a page; people, and groups, of one request
COLD, UNCHANGED = 1.05, 1.0  # times the fewest


@dataclass(frozen=True)
class Measured:
    what: str
    made: int
    floor: int
    goal: float
    throttled: int

    @property
    def met(self) -> bool:
        return self.made <= self.floor * self.goal and not self.throttled


def main() -> int:
    measured = [*direct(999), *direct(200), *nested(), *everybody()]
    print(f"requests to Graph, {PEOPLE:,} people, {GROUPS} groups, 110,409 memberships")
    for one in measured:
        ratio, met = one.made / one.floor, "met" if one.met else "MISSED"
        print(
            f"  {one.what:45} {one.made:4}  floor {one.floor:4}  ratio {ratio:5.3f}  "
            f"goal {one.goal:.2f}: {met}  answered 429: {one.throttled}"
        )
    return 0 if all(one.met for one in measured) else 1


def direct(page: int) -> list[Measured]:
    """Groups that are assigned, their direct members, and these people by their ids."""
    with running_graph() as twin, tempfile.TemporaryDirectory() as folder:
        names = filled(twin)
        twin.delta_page = page
        source = assigned(twin, folder, names)
        floor = 1 + pages(GROUPS, LIST) + rounds(twin, page) + pages(PEOPLE, BY_IDS)
        what = f"assigned, {page} rows in a page of changes"
        unchanged = pages(GROUPS, LIST) + pages(GROUPS, AT_ONCE) + 1
        return twice(twin, what, source, floor, unchanged)


def nested() -> list[Measured]:
    """People come with the members; nothing changed is one list each."""
    with running_graph() as twin, tempfile.TemporaryDirectory() as folder:
        names = filled(twin)
        ids = [twin.tenant.team(name).id for name in names]
        source = assigned(twin, folder, ids, nested_groups=True)
        floor = 1 + pages(GROUPS, LIST) + sum(pages(len(t.members), LIST) for t in teams(twin))
        return twice(twin, "assigned, nested", source, floor, pages(GROUPS, LIST) + 2)


def everybody() -> list[Measured]:
    """The whole tenant as people; groups that are given by id."""
    with running_graph() as twin, tempfile.TemporaryDirectory() as folder:
        names = filled(twin)
        ids = [twin.tenant.team(name).id for name in names]
        floor = 1 + pages(PEOPLE, LIST) + rounds(twin, LIST)
        source = source_of(twin, Path(folder), *ids)
        return twice(twin, "everybody, groups by id", source, floor, pages(GROUPS, AT_ONCE) + 1)


def assigned(
    twin: GraphTwin, folder: str, wanted: list[str], *, nested_groups: bool = False
) -> EntraSource:
    twin.tenant.assign(*teams(twin))
    return source_of(
        twin,
        Path(folder),
        *wanted,
        service_principal_id=twin.tenant.application,
        nested_groups=nested_groups,
    )


def filled(twin: GraphTwin) -> list[str]:
    """47 groups of 1,200 people and 153 of 353."""
    tenant = twin.tenant
    ids = [tenant.put(f"p{n}@acme.example").id for n in range(PEOPLE)]
    names = [f"Team {n:03}" for n in range(GROUPS)]
    for n, name in enumerate(names):
        begin, size = n * (PEOPLE // GROUPS), 1200 if n < 47 else 353
        tenant.join(tenant.make(name), *(ids * 2)[begin : begin + size])
    return names


def teams(twin: GraphTwin) -> list[Team]:
    return twin.tenant.standing()


def pages(rows: int, size: int) -> int:
    return max(1, -(-rows // size))


def rounds(twin: GraphTwin, page: int) -> int:
    """Pages of all rounds over fifty groups each, as the twin packs them."""
    packed = twin.tenant.groups_told(None, None)
    by_id = {row["id"]: row for row in packed}
    ids = sorted(by_id)
    parts = [ids[n : n + AT_ONCE] for n in range(0, len(ids), AT_ONCE)]
    told = (
        [row for row in packed if row["id"] in set(part)]  # in the order of the tenant
        for part in parts
    )
    return sum(len(list(split(rows, page))) for rows in told)


def twice(twin: GraphTwin, what: str, source: EntraSource, floor: int, unchanged: int) -> list[Measured]:
    cold = counted(twin, f"{what}, cold", floor, COLD, lambda: whole(source))
    cursor = source.read().cursor
    same = counted(
        twin, f"{what}, nothing changed", unchanged, UNCHANGED, lambda: same_as(source, cursor)
    )
    return [cold, same]


def whole(source: EntraSource) -> None:
    snapshot = source.read()
    assert snapshot.complete, snapshot.problems
    assert len(snapshot.users) == PEOPLE


def same_as(source: EntraSource, cursor: str | None) -> None:
    assert cursor
    changes = source.changes(cursor)
    assert changes
    assert (changes.people, changes.groups) == ({}, {})


def counted(twin: GraphTwin, what: str, floor: int, goal: float, work: Callable[[], object]) -> Measured:
    before, refused = twin.requests - twin.throttles, twin.throttles
    work()
    made = twin.requests - twin.throttles - before
    return Measured(what, made, floor, goal, twin.throttles - refused)


if __name__ == "__main__":
    sys.exit(main())

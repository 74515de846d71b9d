"""Requests that reading a SCIM provider takes, against the fewest that its pages allow.

SCIM has no feed of changes that shows who was deleted, so a read where nothing changed is a whole read.
By index each page of a first read begins with the last row of the one before: that is what a ratio above
1 pays for. While everybody is still there a later read does without.
"""

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

from idpsync.sources.scim.settings import ScimDirectoryConfig
from idpsync.sources.scim.source import ScimSource
from tests.twins.scim import TOKEN
from tests.twins.scim_directory import Habits, ScimDirectoryTwin, running

PEOPLE, GROUPS, MEMBERS = 20_000, 200, 552  # 110,400 memberships in all
COLD, UNCHANGED = 1.05, 1.0  # times the fewest
VARIABLE = "IDPSYNC_BENCHMARK_SCIM_TOKEN"


class MachineClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class Case:
    what: str
    page: int
    cursors: bool
    wanted: int

    @property
    def floor(self) -> int:
        """Pages of people, pages of groups, and each wanted group where lists leave members out."""
        alone = self.wanted if self.wanted < 10 else 0
        return -(-PEOPLE // self.page) + -(-GROUPS // self.page) + alone


CASES = (
    Case("by index, pages of 100, 200 groups", 100, cursors=False, wanted=GROUPS),
    Case("by index, pages of 500, 200 groups", 500, cursors=False, wanted=GROUPS),
    Case("by cursor, pages of 100, 200 groups", 100, cursors=True, wanted=GROUPS),
    Case("by cursor, pages of 100, 3 groups", 100, cursors=True, wanted=3),
)


def main() -> int:
    os.environ[VARIABLE] = TOKEN
    print(f"requests to a SCIM provider, {PEOPLE:,} people, {GROUPS} groups")
    met = [told(case) for case in CASES]
    return 0 if all(met) else 1


def told(case: Case) -> bool:
    with running(filled(case)) as twin:
        source = source_of(twin.base_url, case)
        first, again = source.read(), source.read()
    good = True
    discovery = 1  # once in the life of a process
    reads = (
        ("cold", first, case.floor + discovery, COLD),
        ("nothing changed", again, case.floor, UNCHANGED),
    )
    for when, read, floor, goal in reads:
        ratio = read.requests / floor
        fits = ratio <= goal and read.throttled == 0 and read.complete
        good = good and fits
        print(
            f"  {case.what:36} {when:15} {read.requests:4}  floor {floor:4}  ratio {ratio:5.3f}  "
            f"goal {goal:.2f}: {'met' if fits else 'MISSED'}  answered 429: {read.throttled}"
        )
    return good


def filled(case: Case) -> ScimDirectoryTwin:
    twin = ScimDirectoryTwin(habits=Habits(page_size=case.page, cursors=case.cursors))
    names = [f"p{number}" for number in range(PEOPLE)]
    for name in names:
        twin.person(name)
    for number in range(GROUPS):
        begin = number * (PEOPLE // GROUPS)
        twin.group(f"Team {number:03}", (names * 2)[begin : begin + MEMBERS])
    return twin


def source_of(url: str, case: Case) -> ScimSource:
    config = ScimDirectoryConfig.model_validate(
        {"kind": "scim", "url": url, "token": f"env:{VARIABLE}", "page_size": case.page}
    )
    groups = frozenset(f"Team {number:03}" for number in range(case.wanted))
    return ScimSource(config, clock=MachineClock(), groups=groups)


if __name__ == "__main__":
    sys.exit(main())

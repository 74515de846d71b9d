"""Searches that reading OpenLDAP takes, counted by the server itself, against the fewest possible."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ldap_read import GROUPS, PEOPLE, groups, name
from idpsync.sources import LdapConfig
from idpsync.sources.ldap.source import LdapSource
from idpsync.wiring.clock import CLOCK
from tests.slapd import SYNCPROV_LOG, Slapd, person_number, running_slapd

PAGE = 1000
LOGIN = 1
COLD, UNCHANGED = 1.05, 1.0  # times the fewest


@dataclass(frozen=True)
class Measured:
    what: str
    made: int
    floor: int
    goal: float

    @property
    def met(self) -> bool:
        return self.made <= self.floor * self.goal


def main() -> int:
    if not shutil.which("/usr/sbin/slapd"):
        print("requests to OpenLDAP: it is missing: apt-get install slapd")
        return 0
    people = [person_number(number) for number in range(PEOPLE)]
    with (
        tempfile.TemporaryDirectory() as folder,
        running_slapd(Path(folder), people=people, groups=groups(), overlays=SYNCPROV_LOG) as slapd,
    ):
        measured = list(counted_on(slapd))
    print(f"requests to OpenLDAP, {PEOPLE:,} people, {GROUPS} groups, pages of {PAGE}")
    for one in measured:
        met = "met" if one.met else "MISSED"
        print(
            f"  {one.what:34} {one.made:4}  floor {one.floor:4}  ratio {one.made / one.floor:5.3f}  "
            f"goal {one.goal:.2f}: {met}"
        )
    return 0 if all(one.met for one in measured) else 1


def counted_on(slapd: Slapd) -> list[Measured]:
    source = LdapSource(config_of(slapd), clock=CLOCK, groups=frozenset(map(name, range(GROUPS))))
    pages = -(-PEOPLE // PAGE) + -(-GROUPS // PAGE)
    cursors: list[str] = []

    def cold() -> None:
        snapshot = source.read()
        assert snapshot.complete
        assert snapshot.cursor
        cursors.append(snapshot.cursor)

    def unchanged() -> None:
        changes = source.changes(cursors[-1])
        assert changes is not None
        assert not changes.people
        cursors.append(changes.cursor)

    def changed() -> None:
        changes = source.changes(cursors[-1])
        assert changes is not None
        assert (len(changes.people), len(changes.groups)) == (1, 1)

    measured = [
        Measured("cold, with the login", LOGIN + searches(slapd, cold), LOGIN + pages, COLD),
        Measured("nothing changed, searches", searches(slapd, unchanged), 1, UNCHANGED),
    ]
    slapd.modify_person("user0008", mail="other@acme.example")
    slapd.set_members(name(0), ["user0001"])
    # who changed, what they are now, what the groups are now
    return [
        *measured,
        Measured("people and a group changed, searches", searches(slapd, changed), 3, 1.0),
    ]


def searches(slapd: Slapd, work: Callable[[], None]) -> int:
    """How many the server was asked for by `work`."""
    before = slapd.search_count()
    work()
    return slapd.search_count() - before - 1  # the second count is one as well


def config_of(slapd: Slapd) -> LdapConfig:
    return LdapConfig.model_validate(
        {
            "kind": "ldap",
            "url": slapd.url,
            "bind_dn": slapd.bind_dn,
            "password": f"file:{slapd.password_file}",
            "user_base": slapd.people_base,
            "group_base": slapd.groups_base,
            "page_size": PAGE,
        }
    )


if __name__ == "__main__":
    sys.exit(main())

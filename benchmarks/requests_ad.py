"""Searches that reading Active Directory takes, counted by the session, and what nested groups cost us.

A tenth of the people of the other directories on pages of a tenth, since Samba takes its time to make
them: the same number of pages.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import pytest

from idpsync.sources import LdapConfig
from idpsync.sources.ldap.ad import AdSource
from idpsync.wiring.clock import CLOCK
from tests.samba import Samba, running_samba

PEOPLE, GROUPS, LARGE, PAGE = 1_990, 199, 1_800, 100  # Samba ends a full page with an empty one
RANGE = 1500
LOGIN, ROUNDS = 1, 5
COLD, UNCHANGED, NESTED = 1.05, 1.0, 2.0  # times the fewest; times the CPU of groups that are not nested


@dataclass(frozen=True)
class Measured:
    what: str
    made: float
    floor: float
    goal: float

    @property
    def met(self) -> bool:
        return self.made <= self.floor * self.goal


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        try:
            with running_samba(Path(folder)) as samba:
                fill(samba)
                measured = [*counted(samba), nested_against_flat(samba)]
        except pytest.skip.Exception as reason:
            print(f"requests to Active Directory: {reason}")
            return 0
    print(f"requests to Active Directory, {PEOPLE:,} people, {GROUPS} groups, pages of {PAGE}")
    for one in measured:
        met, ratio = "met" if one.met else "MISSED", one.made / one.floor
        print(
            f"  {one.what:34} {one.made:6.4g}  floor {one.floor:6.4g}  ratio {ratio:5.3f}  "
            f"goal {one.goal:.2f}: {met}"
        )
    return 0 if all(one.met for one in measured) else 1


def fill(samba: Samba) -> None:
    """One group of 1,800 people, the others of 10 to 59 people and up to three groups; one circle."""
    folder = samba.folder_of("bench", lasting=True)
    people = [
        {
            "dn": dn_of(f"user{n:04}", folder),
            "objectClass": "user",
            "sAMAccountName": f"user{n:04}",
            "userAccountControl": "544",
            "mail": f"user{n:04}@acme.example",
        }
        for n in range(PEOPLE)
    ]
    # a group has to be there before another holds it
    groups = [group_entry(n, folder) for n in reversed(range(GROUPS))]
    samba.load([("add", entry) for entry in (*people, *groups)])
    first, last = dn_of(name(0), folder), dn_of(name(GROUPS - 1), folder)
    samba.admin.modify(last, {"member": [("MODIFY_ADD", [first])]})  # type: ignore[no-untyped-call]


def group_entry(number: int, folder: str) -> dict[str, object]:
    size, inner = LARGE if number == 0 else 10 + number % 50, range(3 * number + 1, 3 * number + 4)
    people = (f"user{(number * 97 + n) % PEOPLE:04}" for n in range(size))
    members = (*people, *(name(n) for n in inner if n < GROUPS))
    return {
        "dn": dn_of(name(number), folder),
        "objectClass": "group",
        "sAMAccountName": name(number),
        "member": [dn_of(member, folder) for member in members],
    }


def name(number: int) -> str:
    return f"Group {number}"


def dn_of(name: str, folder: str) -> str:
    return f"CN={name},{folder}"


def counted(samba: Samba) -> list[Measured]:
    source = source_of(samba)
    snapshot = source.read()
    assert snapshot.complete, snapshot.problems
    assert snapshot.cursor
    pages = -(-PEOPLE // PAGE) + -(-GROUPS // PAGE) + -(-LARGE // RANGE) - 1
    measured = [Measured("cold, with the login", snapshot.requests, LOGIN + pages, COLD)]
    unchanged = source.changes(snapshot.cursor)
    assert unchanged
    assert not unchanged.people
    measured.append(Measured("nothing changed, searches", source.requests - LOGIN, 1, UNCHANGED))
    person = dn_of("user0007", f"OU=bench,{samba.base}")
    other = {"mail": [("MODIFY_REPLACE", ["other@acme.example"])]}
    samba.admin.modify(person, other)  # type: ignore[no-untyped-call]
    changed = source.changes(unchanged.cursor)
    assert changed
    assert len(changed.people) == 1
    # that they changed, and what they are now
    return [*measured, Measured("one person changed, searches", source.requests - LOGIN, 2, UNCHANGED)]


def nested_against_flat(samba: Samba) -> Measured:
    flat, nested = (source_of(samba, nested_groups=nested) for nested in (False, True))
    spent = {id(source): float("inf") for source in (flat, nested)}
    for _ in range(ROUNDS):
        for source in (flat, nested):
            begun = process_time()
            assert source.read().complete
            spent[id(source)] = min(spent[id(source)], process_time() - begun)
    return Measured("nested groups, CPU seconds of ours", spent[id(nested)], spent[id(flat)], NESTED)


def source_of(samba: Samba, **changes: object) -> AdSource:
    folder = f"OU=bench,{samba.base}"
    settings = {
        "kind": "ldap",
        "flavor": "ad",
        "url": samba.ldaps_url,
        "ca_file": samba.ca_file,
        "server_name": samba.server_name,
        "bind_dn": samba.reader,
        "password": f"file:{samba.password_file}",
        "user_base": folder,
        "group_base": folder,
        "user_name_attribute": "sAMAccountName",
        "page_size": PAGE,
    }
    config = LdapConfig.model_validate(settings | changes)
    return AdSource(config, clock=CLOCK, groups=frozenset(map(name, range(GROUPS))))


if __name__ == "__main__":
    sys.exit(main())

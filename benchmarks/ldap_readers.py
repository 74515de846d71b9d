"""Readers of one LDAP server, each run in a process of its own: `ldap_readers.py NAME SETTINGS`.

It prints one line of JSON: seconds of CPU, MB of memory taken, and a fingerprint of what was read. Only
what a reader needs is imported, so that python-ldap may live in another interpreter than ours.
"""

# ruff: noqa: PLC0415

import hashlib
import json
import pathlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Settings = dict[str, Any]
Reader = tuple[Callable[[], Any], Callable[[Any], Iterable[Any]]]

PAGE = 1000
PERSON = ["entryUUID", "uid", "mail", "givenName", "sn", "displayName"]
GROUP = ["entryUUID", "cn", "objectClass", "member", "uniqueMember", "memberUid"]
PEOPLE_FILTER, GROUP_FILTER = "(objectClass=inetOrgPerson)", "(objectClass=groupOfNames)"


def main() -> None:
    name, settings = sys.argv[1], json.loads(sys.argv[2])
    read = {
        "python-ldap": python_ldap,
        "ldap3": stock,
        "session": session,
        "stock session": session,
        "snapshot": snapshot,
        "python-ldap snapshot": python_ldap_snapshot,
    }[name]
    work, told = read(settings | {"stock": name == "stock session"})
    work_before, taken_before = time.process_time(), peak()
    found = work()
    spent, taken = time.process_time() - work_before, peak() - taken_before
    print(json.dumps({"cpu": spent, "memory": taken, "print": fingerprint(told(found))}))


def peak() -> float:
    """MB of this process; getrusage would tell those of whoever started it."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def fingerprint(rows: Iterable[Any]) -> str:
    lines = sorted(json.dumps(row, sort_keys=True) for row in rows)
    return f"{len(lines)} {hashlib.sha256(''.join(lines).encode()).hexdigest()[:16]}"


def texts(values: Iterable[bytes]) -> list[str]:
    return sorted(value.decode() for value in values)


def python_ldap(settings: Settings) -> Reader:
    import ldap  # type: ignore[import-not-found]
    from ldap.controls import SimplePagedResultsControl  # type: ignore[import-not-found]

    def listed(connection: Any, base: str, chosen: str, attributes: list[str]) -> list[Any]:
        paging = SimplePagedResultsControl(criticality=True, size=PAGE, cookie="")
        found: list[Any] = []
        while True:
            asked = connection.search_ext(
                base, ldap.SCOPE_SUBTREE, chosen, attributes, serverctrls=[paging]
            )
            _, rows, _, controls = connection.result3(asked)
            found += rows
            (paging.cookie,) = (c.cookie for c in controls if c.controlType == paging.controlType)
            if not paging.cookie:
                return found

    def work() -> Any:
        connection = ldap.initialize(settings["url"])
        connection.simple_bind_s(settings["bind_dn"], settings["password"])
        people = listed(connection, settings["people"], PEOPLE_FILTER, PERSON)
        return people, listed(connection, settings["groups"], GROUP_FILTER, GROUP)

    def told(found: Any) -> Iterable[Any]:
        for rows in found:
            for dn, attributes in rows:
                yield dn, {name.lower(): texts(values) for name, values in attributes.items()}

    return work, told


def python_ldap_snapshot(settings: Settings) -> Reader:
    """The same people and members that a snapshot has, as a program on python-ldap would put it."""
    work, _ = python_ldap(settings)

    def whole() -> Any:
        people, groups = work()
        ids: dict[str, str] = {}
        persons: dict[str, tuple[str, ...]] = {}
        for dn, attributes in people:
            one = first(attributes, "entryUUID")
            ids[dn.lower()] = one
            persons[one] = tuple(first(attributes, name) for name in PERSON[1:5])
        members = {
            first(attributes, "cn"): {
                ids[key] for value in attributes["member"] if (key := value.decode().lower()) in ids
            }
            for _, attributes in groups
        }
        return persons, members

    return whole, snapshot_rows


def first(attributes: dict[str, list[bytes]], name: str) -> str:
    return attributes.get(name, [b""])[0].decode()


def snapshot_rows(found: Any) -> Iterator[list[str]]:
    persons, members = found
    yield from ([key, *person] for key, person in persons.items())
    yield from ([name, *sorted(ids)] for name, ids in members.items())


def stock(settings: Settings) -> Reader:
    """ldap3 as it is: its SYNC strategy, and a loop that follows the cookie."""
    import ldap3

    server = ldap3.Server(settings["url"], get_info=ldap3.NONE)
    connection = ldap3.Connection(
        server,
        settings["bind_dn"],
        settings["password"],
        auto_bind=True,
        return_empty_attributes=False,
    )

    def listed(base: str, chosen: str, attributes: list[str]) -> list[Any]:
        found: list[Any] = []
        cookie = None
        while True:
            connection.search(base, chosen, attributes=attributes, paged_size=PAGE, paged_cookie=cookie)
            found += connection.response or []
            cookie = connection.result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
            if not cookie:
                return found

    def work() -> Any:
        people = listed(settings["people"], PEOPLE_FILTER, PERSON)
        return people, listed(settings["groups"], GROUP_FILTER, GROUP)

    def told(found: Any) -> Iterable[Any]:
        for rows in found:
            for row in rows:
                named = row["raw_attributes"].items()
                yield row["dn"], {name.lower(): texts(values) for name, values in named if values}

    return work, told


def _config(settings: Settings) -> Any:
    from idpsync.sources import LdapConfig

    return LdapConfig.model_validate(
        {
            "kind": "ldap",
            "url": settings["url"],
            "bind_dn": settings["bind_dn"],
            "password": f"file:{settings['password_file']}",
            "user_base": settings["people"],
            "group_base": settings["groups"],
            "group_filter": GROUP_FILTER,
            "nested_groups": settings.get("nested", False),
            "page_size": PAGE,
        }
    )


def session(settings: Settings) -> Reader:
    """Our search loop, with our receiving end or, `stock`, with that of ldap3."""
    from ldap3.strategy.sync import SyncStrategy

    from idpsync.sources.ldap.session import Search, Session

    opened = Session(_config(settings), "benchmark").__enter__()
    if settings["stock"]:
        opened.connection.strategy.__class__ = SyncStrategy

    def work() -> Any:
        people = Search("read", settings["people"], PEOPLE_FILTER, tuple(PERSON))
        groups = Search("read", settings["groups"], GROUP_FILTER, tuple(GROUP))
        return opened.read_all(people).whole(), opened.read_all(groups).whole()

    def told(found: Any) -> Iterable[Any]:
        for entries in found:
            for entry in entries:
                yield entry.dn, {name: texts(values) for name, values in entry.values.items()}

    return work, told


def snapshot(settings: Settings) -> Reader:
    """A whole read of the directory, as a run does it."""
    from idpsync.sources import build
    from idpsync.sources.ldap import source as _imported_before_the_clock_runs  # noqa: F401
    from idpsync.wiring.clock import CLOCK

    source = build(_config(settings), clock=CLOCK, groups=frozenset(settings["wanted"]))

    def told(found: Any) -> Iterable[Any]:
        assert found.complete, found.problems
        people = {
            user.external_id: (
                user.user_name,
                user.profile.email or "",
                user.profile.given_name,
                user.profile.family_name,
            )
            for user in found.users
        }
        return snapshot_rows((people, {group.name: group.members for group in found.groups}))

    return source.read, told


if __name__ == "__main__":
    main()

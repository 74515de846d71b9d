"""People of Entra as our people; reading everybody, or those of given ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from idpsync.core.errors import Malformed, NotFound, RemoteError
from idpsync.core.model import Coverage, DirectoryUser, Profile, Proof
from idpsync.sources.entra.errors import READ_PEOPLE, SYSTEM
from idpsync.sources.entra.graph import Graph, Round, chunks, query, raised_if_rejected
from idpsync.sources.pages import Row, rows_of, text, tolerated

TOLD = (
    "id",
    "userPrincipalName",
    "mail",
    "displayName",
    "givenName",
    "surname",
    "accountEnabled",
    "userType",
)
SELECT = ",".join(TOLD)
IDS_AT_ONCE = 1000  # directoryObjects/getByIds
REMOVED = "@removed"
GUEST_MARK = "#EXT#"  # in the user name that Entra makes up for a guest: no address

Rows = dict[str, dict[str, Any]]


@dataclass(slots=True)
class People:
    """Rows by id as Graph told them, how far they are all, and where their changes go on.

    `gone` are ids that were told to be removed since the last whole read, and not told of again.
    """

    rows: Rows
    coverage: Coverage
    problems: list[str] = field(default_factory=list)
    proof: Proof | None = None
    link: str = ""
    gone: frozenset[str] = frozenset()


def everybody(graph: Graph) -> People:
    """All people of the tenant, and the link to their changes, in one go."""
    told = graph.first_round(query("/users/delta", select=SELECT), "read people", role=READ_PEOPLE)
    if told.pages.error and not told.pages.rows:
        raise told.pages.error
    rows: Rows = {}
    merge(rows, told.pages.rows)
    people = People(rows, told.pages.coverage, proof=told.pages.proof(), link=told.link)
    if told.pages.error:
        people.problems.append(f"people are not whole: {told.pages.reason}")
    return people


def changes_from_now(graph: Graph) -> Round:
    """A link to what changes in people from here on, without anybody as they are now."""
    path = query("/users/delta", deltatoken="latest", select=SELECT)
    return graph.first_round(path, "read people's changes", role=READ_PEOPLE)


def by_ids(graph: Graph, ids: Iterable[str]) -> People:
    """Those of `ids` who are there. The few who are not shown are asked for one by one: only "not found"
    proves that somebody is not there. Where many are not shown, the coverage says so.
    """
    wanted = sorted(ids)
    if not wanted:
        return People({}, Coverage.COMPLETE, proof=Proof("nobody to ask for", 0))
    rows: Rows = {}
    parts = list(chunks(wanted, IDS_AT_ONCE))
    for told in graph.at_once(lambda part: _some(graph, part), parts):
        if isinstance(told, RemoteError):
            problem = f"people are not whole: {told}"
            return People(rows, Coverage.PARTIAL, [problem], Proof(f"cut: {told}", len(parts)))
        merge(rows, told)
    people = People(rows, Coverage.COMPLETE, proof=Proof("every id asked for", len(parts), len(wanted)))
    missing = sorted(set(wanted) - rows.keys())
    if len(missing) > tolerated(len(wanted)):
        people.coverage = Coverage.SUSPECT
        people.problems.append(f"{len(missing)} of {len(wanted)} people are not shown")
    elif missing:
        _look_for(graph, missing, people)
    return people


def _look_for(graph: Graph, missing: list[str], people: People) -> None:
    for told in graph.at_once(lambda key: _one(graph, key), missing):
        if isinstance(told, RemoteError):
            people.coverage = Coverage.PARTIAL
            people.problems.append(f"people are not whole: {told}")
        else:
            merge(people.rows, told)


def _one(graph: Graph, key: str) -> list[Row] | RemoteError:
    """The person with this id, or nobody."""
    operation = "look at person"
    try:
        row = graph.get(query(f"/users/{key}", select=SELECT), operation, role=READ_PEOPLE)
    except NotFound:
        return []
    except RemoteError as error:
        raised_if_rejected(error)
        return error
    if text(row, "id") != key:
        return Malformed(SYSTEM, operation, "the answer is not the person who was asked for")
    return [row]


def _some(graph: Graph, ids: list[str]) -> list[Row] | RemoteError:
    path = query("/directoryObjects/getByIds", select=SELECT)
    operation = "read people by id"
    body = {"ids": ids, "types": ["user"]}
    try:
        told = graph.post(path, body, operation, role=READ_PEOPLE)
        rows = rows_of(told.get("value"), system=SYSTEM, operation=operation)
    except RemoteError as error:
        raised_if_rejected(error)
        return error
    return rows


def merge(rows: Rows, told: Iterable[Row]) -> None:
    """Take over what was told, the latest last; what is not told of stays as it was.

    Whoever is removed is out, soft-deleted or gone for good: both kinds cannot sign in.
    """
    for row in told:
        if not (key := text(row, "id")):
            continue
        if REMOVED in row:
            rows.pop(key, None)
            continue
        known = {name: row[name] for name in TOLD if name in row}
        rows[key] = {**rows.get(key, {}), **known}


def users_in(rows: Mapping[str, Mapping[str, Any]], source: str) -> tuple[dict[str, DirectoryUser], int]:
    """The people in `rows` by id, and how many of them came without a user name."""
    people = {key: user_of(row, source) for key, row in rows.items() if text(row, "userPrincipalName")}
    return people, len(rows) - len(people)


def user_of(row: Row, source: str) -> DirectoryUser:
    """A null `accountEnabled` is a right that is missing: it says nothing about the person."""
    name, enabled = text(row, "userPrincipalName"), row.get("accountEnabled")
    kind = text(row, "userType")
    return DirectoryUser(
        source=source,
        external_id=text(row, "id"),
        profile=Profile(
            user_name=name,
            email=text(row, "mail") or (name if _is_address(name) else None),
            given_name=text(row, "givenName"),
            family_name=text(row, "surname"),
            display_name=text(row, "displayName"),
        ),
        active=enabled if isinstance(enabled, bool) else None,
        attributes={"user_type": kind} if kind else {},
    )


def _is_address(name: str) -> bool:
    return "@" in name and GUEST_MARK not in name.upper()

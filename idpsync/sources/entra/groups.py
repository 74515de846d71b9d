"""Members of groups: direct ones with the link to their changes in one go, or nested ones, flat."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from idpsync.core.errors import NotFound, RemoteError
from idpsync.core.model import Coverage, Proof
from idpsync.sources.entra.errors import READ_HIDDEN, READ_MEMBERS, SYSTEM
from idpsync.sources.entra.graph import MOST, Graph, Round, among, chunks, query, raised_if_rejected
from idpsync.sources.entra.people import REMOVED, SELECT
from idpsync.sources.pages import Pages, Row, judged, rows_of, text, tolerated

IDS_AT_ONCE = 50  # of groups, in the filter of one round of changes
USER = "#microsoft.graph.user"
NO_GROUP = "no group has this id"


@dataclass(slots=True)
class Found:
    """One group as it was read. `users` are ids of people; `others` of devices, groups and the like."""

    name: str = ""
    users: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    coverage: Coverage = Coverage.COMPLETE
    reason: str = ""
    proof: Proof | None = None
    people: tuple[Row, ...] = ()  # nested: the people themselves come with the members

    def doubt(self, coverage: Coverage, reason: str) -> None:
        self.coverage, self.reason = coverage, reason


@dataclass(slots=True)
class Membership:
    """Groups by id, and where their changes go on."""

    groups: dict[str, Found]
    links: tuple[str, ...] = ()


def direct(graph: Graph, ids: Iterable[str]) -> Membership:
    """Direct members. A round that was cut says so of each of its groups; one that it lacks is GONE."""
    parts = list(chunks(sorted(ids), IDS_AT_ONCE))
    rounds = graph.at_once(partial(_first_round, graph), parts)
    found: dict[str, Found] = {}
    for part, told in zip(parts, rounds, strict=True):
        found |= _of_round(part, told.pages)
    return Membership(found, tuple(told.link for told in rounds))


def nested(graph: Graph, ids: Iterable[str]) -> Membership:
    """Members through any depth of groups. The link is to the changes of all groups of the tenant."""
    path = query("/groups/delta", deltatoken="latest", select="id,displayName,members")
    told = graph.first_round(path, "read changes of groups", role=READ_MEMBERS)
    wanted = sorted(ids)
    found = graph.at_once(partial(flat, graph), wanted)
    return Membership(dict(zip(wanted, found, strict=True)), (told.link,))


def flat(graph: Graph, group: str) -> Found:
    """All people in one group, through any depth (the header is sent for each page)."""
    path = query(
        f"/groups/{group}/transitiveMembers/microsoft.graph.user",
        count="true",
        select=SELECT,
        top=str(MOST),
    )
    listing = graph.listing(path, "read nested members", role=READ_MEMBERS, eventual=True)
    pages = listing.pages
    found = Found(users={text(row, "id") for row in pages.rows}, people=tuple(pages.rows))
    found.proof = pages.proof(listing.count)
    if isinstance(pages.error, NotFound) and not pages.rows:
        found.doubt(Coverage.GONE, NO_GROUP)
    elif pages.error:
        found.doubt(pages.coverage, pages.reason)
    elif found.users:  # one that shows nobody is looked at more closely
        found.doubt(*judged(found.users, listing.count))
    return found


def take_over(groups: dict[str, Found], rows: Iterable[Row]) -> set[str]:
    """What a round tells of `groups`, merged by id: one group may come on many pages, and again.

    The ids of groups that are removed.
    """
    removed: set[str] = set()
    for row in rows:
        key = text(row, "id")
        if REMOVED in row:
            removed.add(key)
            continue
        found = groups.setdefault(key, Found())
        found.name = text(row, "displayName") or found.name
        for member in rows_of(row.get("members@delta", []), system=SYSTEM, operation="read groups"):
            _move(found, member)
    return removed


def look_closer(
    graph: Graph, membership: Membership, before: Mapping[str, int], *, hidden: bool
) -> None:
    """Ask for the count where a list shows nobody, or far fewer than before: SUSPECT if it disagrees.

    `hidden` says whether we may see members that a group hides.
    """
    doubtful = [
        (key, found)
        for key, found in sorted(membership.groups.items())
        if found.coverage is Coverage.COMPLETE and _is_odd(found, before.get(key, 0))
    ]
    graph.at_once(lambda one: _compare(graph, *one, hidden=hidden), doubtful)


def _first_round(graph: Graph, ids: list[str]) -> Round:
    path = query("/groups/delta", select="id,displayName,members", filter=among("id", ids))
    return graph.first_round(path, "read groups", role=READ_MEMBERS)


def _of_round(ids: Iterable[str], pages: Pages) -> dict[str, Found]:
    told: dict[str, Found] = {}
    removed = take_over(told, pages.rows)
    found: dict[str, Found] = {}
    for key in ids:
        one = found[key] = told.get(key, Found())
        one.proof = pages.proof()
        if key in removed or (key not in told and not pages.error):
            one.doubt(Coverage.GONE, NO_GROUP)
        elif pages.error:
            one.doubt(Coverage.PARTIAL if key in told else Coverage.FAILED, pages.reason)
    return found


def _move(found: Found, member: Row) -> None:
    key = text(member, "id")
    kind = text(member, "@odata.type") or USER
    if REMOVED in member:
        found.users.discard(key)
        found.others.discard(key)
    else:
        (found.users if kind == USER else found.others).add(key)


def _is_odd(found: Found, before: int) -> bool:
    shown = len(found.users)
    return not (shown or found.others) or shown < before - tolerated(before)


def _compare(graph: Graph, key: str, found: Found, *, hidden: bool) -> None:
    shown = found.users | found.others
    try:
        counted = _counted(graph, key, found)
        found.proof = Proof(found.proof.ended_by, found.proof.pages, counted) if found.proof else None
        if not shown and counted:
            reason = (
                f"shows nobody where the directory itself counts {counted}: are its members hidden? "
            )
            found.doubt(Coverage.SUSPECT, f"{reason}{READ_HIDDEN} lets them be seen")
        elif not shown and not hidden and _hides_members(graph, key):
            reason = f"hides its members, and the app role {READ_HIDDEN} is missing: grant it"
            found.doubt(Coverage.SUSPECT, reason)
        else:
            found.doubt(*judged(shown, counted))
    except NotFound:
        found.doubt(Coverage.GONE, NO_GROUP)
    except RemoteError as error:
        raised_if_rejected(error)
        found.doubt(
            Coverage.SUSPECT, f"shows nobody, or far fewer than before, and no count came: {error}"
        )


def _counted(graph: Graph, key: str, found: Found) -> int:
    if found.proof and found.proof.expected is not None:  # it came with the list
        return found.proof.expected
    path = f"/groups/{key}/members/$count"
    return graph.count(path, "count members", role=READ_MEMBERS)


def _hides_members(graph: Graph, key: str) -> bool:
    told = graph.get(query(f"/groups/{key}", select="id,visibility"), "look at group", role=READ_MEMBERS)
    return text(told, "visibility").casefold() == "hiddenmembership"

"""From the names that policy mentions to groups: by id, or by a name that only one group has."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from idpsync.core.model import fold
from idpsync.sources.entra.errors import READ_MEMBERS
from idpsync.sources.entra.graph import MOST, Graph, among, chunks, query
from idpsync.sources.pages import text

NAMES_AT_ONCE = 15  # clauses of one filter
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(slots=True)
class Resolved:
    """Wanted name → group id. `absent` are names that no group has; `doubtful` say why none is meant."""

    ids: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    doubtful: dict[str, str] = field(default_factory=dict)


def is_id(name: str) -> bool:
    return bool(_ID.fullmatch(name.strip()))


def resolve(graph: Graph, wanted: Iterable[str], known: Mapping[str, str]) -> Resolved:
    """`known` are groups by id with their names: whoever is found there is not asked for."""
    found = Resolved()
    open_names: list[str] = []
    for name in sorted(wanted):
        if is_id(name):
            found.ids[name] = name.strip().lower()
        elif not _settle(
            found, name, [key for key, called in known.items() if fold(called) == fold(name)]
        ):
            open_names.append(name)
    for chunk in chunks(open_names, NAMES_AT_ONCE):
        _ask(graph, chunk, found)
    return found


def everything_called(graph: Graph) -> dict[str, str]:
    """All groups by id with their names, as far as they can be read: for telling only."""
    path = query("/groups", select="id,displayName", top=str(MOST))
    rows = graph.listing(path, "look for renamed groups", role=READ_MEMBERS).pages.rows
    return {text(row, "id"): text(row, "displayName") for row in rows}


def _ask(graph: Graph, names: list[str], found: Resolved) -> None:
    path = query("/groups", filter=among("displayName", names), select="id,displayName", top=str(MOST))
    pages = graph.listing(path, "find groups", role=READ_MEMBERS).pages
    for name in names:
        same = [text(row, "id") for row in pages.rows if fold(text(row, "displayName")) == fold(name)]
        if pages.error:
            found.doubtful[name] = pages.reason
        elif not _settle(found, name, same):
            found.absent.add(name)


def _settle(found: Resolved, name: str, ids: list[str]) -> bool:
    """Whether `ids` answer who is called `name`."""
    match sorted(set(ids)):
        case []:
            return False
        case [one]:
            found.ids[name] = one
        case several:
            told = ", ".join(several)
            found.doubtful[name] = (
                f"{len(several)} groups are called '{name}' ({told}): give the id instead"
            )
    return True

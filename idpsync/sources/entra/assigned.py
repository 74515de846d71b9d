"""Who is assigned to an enterprise application: people, and groups whose direct members are."""

from dataclasses import dataclass

from idpsync.core.errors import NotFound
from idpsync.sources.entra.errors import READ_ASSIGNED, SYSTEM
from idpsync.sources.entra.graph import MOST, Graph, query
from idpsync.sources.pages import Pages, text

OPERATION = "read assignments"


@dataclass(frozen=True, slots=True)
class Assigned:
    """Ids of people; groups by id with their names. `pages` proves that these are all."""

    people: frozenset[str]
    groups: dict[str, str]
    pages: Pages


class Application:
    """One enterprise application, given by its object id or by its application id."""

    def __init__(self, graph: Graph, given: str) -> None:
        self._graph, self._given = graph, given
        self._place = f"/servicePrincipals/{given}"

    def assigned(self) -> Assigned:
        """Raises where nothing came: NotFound where the tenant has no such application."""
        pages = self._listed()
        if isinstance(pages.error, NotFound) and not pages.rows and self._is_object_id():
            self._place = f"/servicePrincipals(appId='{self._given}')"
            pages = self._listed()
        if isinstance(pages.error, NotFound) and not pages.rows:
            reason = f"no enterprise application {self._given}: check service_principal_id"
            raise NotFound(SYSTEM, OPERATION, reason)
        if pages.error and not pages.rows:
            raise pages.error
        return _told_apart(pages)

    def _is_object_id(self) -> bool:
        return "(" not in self._place

    def _listed(self) -> Pages:
        select = "principalId,principalType,principalDisplayName"
        path = query(f"{self._place}/appRoleAssignedTo", select=select, top=str(MOST))
        return self._graph.listing(path, OPERATION, role=READ_ASSIGNED).pages


def _told_apart(pages: Pages) -> Assigned:
    people, groups = set(), {}
    for row in pages.rows:
        match text(row, "principalType"):
            case "User":
                people.add(text(row, "principalId"))
            case "Group":
                groups[text(row, "principalId")] = text(row, "principalDisplayName")
    return Assigned(frozenset(people), groups, pages)

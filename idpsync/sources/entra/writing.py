"""Writing the groups that we were told to own, one member at a time."""

from idpsync.answers import Response
from idpsync.core.errors import Malformed, NotFound, Refused, UnknownOutcome
from idpsync.sources.entra.errors import (
    READ_HIDDEN,
    READ_MEMBERS,
    SYSTEM,
    WRITE_MEMBERS,
    graph_detail,
    lacks,
)
from idpsync.sources.entra.graph import MOST, Graph, query
from idpsync.sources.entra.groups import USER
from idpsync.sources.entra.names import resolve
from idpsync.sources.pages import text

ADD, REMOVE = "add member", "remove member"


class OwnedGroups:
    """`owned` are names or ids; each name is resolved once."""

    def __init__(self, graph: Graph, owned: frozenset[str]) -> None:
        self._graph, self._owned = graph, owned
        self._ids: dict[str, str] = {}

    def members_of(self, group: str) -> frozenset[str]:
        """Ids of the people who are direct members; Malformed where Entra itself counts others."""
        operation, key = "read members", self._id_of(group, "read members")
        path = query(f"/groups/{key}/members", select="id", top=str(MOST))
        rows = self._graph.listing(path, operation, role=READ_MEMBERS).pages.whole()
        counted = self._graph.count(f"/groups/{key}/members/$count", operation, role=READ_MEMBERS)
        if len(rows) != counted:
            shown = f"'{group}' shows {len(rows)} members where Entra itself counts {counted}"
            raise Malformed(SYSTEM, operation, f"{shown}: ask again, or grant {READ_HIDDEN}")
        return frozenset(text(row, "id") for row in rows if (text(row, "@odata.type") or USER) == USER)

    def add_member(self, group: str, external_id: str) -> None:
        """Who is a member already stays one."""
        place = f"/groups/{self._id_of(group, ADD)}/members/$ref"
        person = {"@odata.id": f"{self._graph.base}/directoryObjects/{external_id}"}
        try:
            answer = self._graph.write("POST", place, ADD, body=person)
        except UnknownOutcome:  # the same question by itself tells: "already" is as it should be
            answer = self._graph.write("POST", place, ADD, body=person)
        if answer.status == 400 and "already exist" in graph_detail(answer):
            return
        self._judge("POST", answer, ADD, f"'{group}' or the person {external_id} does not exist")

    def remove_member(self, group: str, external_id: str) -> None:
        """Who is no member, or is gone, is as it should be.

        Only ever with `/$ref`: the same address without it deletes the person.
        """
        key = self._id_of(group, REMOVE)
        answer = self._graph.write("DELETE", f"/groups/{key}/members/{external_id}/$ref", REMOVE)
        if answer.status != 404:
            self._judge("DELETE", answer, REMOVE, "")

    def _id_of(self, group: str, operation: str) -> str:
        if group not in self._owned:
            reason = f"'{group}' is not one of the groups that idpsync was told to own"
            raise Refused(SYSTEM, operation, reason)
        if group not in self._ids:
            found = resolve(self._graph, {group}, {})
            if group in found.doubtful:
                raise Refused(SYSTEM, operation, found.doubtful[group])
            if group in found.absent:
                raise NotFound(SYSTEM, operation, f"no group is called '{group}'")
            self._ids |= found.ids
        return self._ids[group]

    def _judge(self, method: str, answer: Response, operation: str, missing: str) -> None:
        if answer.ok:
            return
        if answer.status == 403:
            raise lacks(operation, WRITE_MEMBERS, writes=True)
        if answer.status == 404 and missing:
            raise NotFound(SYSTEM, operation, f"HTTP 404: {missing}")
        raise self._graph.refusal(method, operation, answer)

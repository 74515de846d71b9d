"""Members of groups at a service provider, one at a time: what others write meanwhile stays."""

from collections.abc import Mapping
from urllib.parse import quote

from idpsync.answers import Response
from idpsync.core.errors import Malformed, NotFound, Refused, UnknownOutcome
from idpsync.core.model import fold
from idpsync.scim_client.messages import (
    PATCH_OP,
    RemoteGroup,
    encode,
    equals,
    member,
    read_group,
    read_text,
)
from idpsync.scim_client.reader import BODY_HEADERS, HEADERS, ScimReader


class ScimGroups:
    """A `CanWriteGroups` of `owned` groups, by name or id; members are ids of users.

    Success is not taken for proof: who was added must be shown, who was removed must not be. A provider
    that hides the members of its groups cannot be used so, since nobody could count them.
    """

    def __init__(self, reader: ScimReader, owned: frozenset[str]) -> None:
        self._reader, self._owned = reader, {fold(name) for name in owned}
        self._ids: dict[str, str] = {}

    def members_of(self, group: str) -> frozenset[str]:
        return _members(self._get(self._id(group, "read members"), "read members"))

    def add_member(self, group: str, external_id: str) -> None:
        """UnknownOutcome where the provider says yes, and then shows nobody."""
        group_id = self._id(group, "add member")
        operation = {"op": "add", "path": "members", "value": [{"value": external_id}]}
        response = self._patch(group_id, operation, "add member")
        if not response.ok:
            raise self._reader.error("PATCH", "add member", response)
        if external_id not in _members(self._get(group_id, "add member")):
            reason = f"the provider says that it was done, and group '{group}' does not show it"
            raise UnknownOutcome(self._reader.http.system, "add member", reason)

    def remove_member(self, group: str, external_id: str) -> None:
        """Take one member out by a filter (RFC 7644 §3.5.2.2): without one, all of them would go.

        Whoever is not in the group is out of it already.
        """
        group_id = self._id(group, "remove member")
        operation = {"op": "remove", "path": f"members[{equals('value', external_id)}]"}
        response = self._patch(group_id, operation, "remove member")
        if external_id not in _members(self._get(group_id, "remove member")):
            return
        if not response.ok:
            raise self._reader.error("PATCH", "remove member", response)
        reason = f"the provider says that it was done, and group '{group}' still shows them"
        raise UnknownOutcome(self._reader.http.system, "remove member", reason)

    def _patch(self, group_id: str, operation: Mapping[str, object], named: str) -> Response:
        return self._reader.http.exchange(
            "PATCH",
            _place(group_id),
            operation=named,
            headers=BODY_HEADERS,
            body=encode({"schemas": [PATCH_OP], "Operations": [operation]}),
            repeatable=True,  # one member, in or out: twice ends in the same state
        )

    def _get(self, group_id: str, operation: str) -> RemoteGroup:
        response = self._reader.http.exchange(
            "GET", _place(group_id), operation=operation, headers=HEADERS
        )
        if not response.ok:
            raise self._reader.error("GET", operation, response)
        return self._reader.read("GET", operation, response, read_group)

    def _id(self, group: str, operation: str) -> str:
        """Looked up once; NotFound where it is not, Malformed where several are so called."""
        system = self._reader.http.system
        if fold(group) not in self._owned:
            raise Refused(system, operation, f"{group} is not a group that idpsync was told to own")
        if fold(group) not in self._ids:
            listing = self._reader.listing(
                "/Groups",
                read_group,
                lambda one: (one.id, one.name),
                query="&excludedAttributes=members",
            )
            found = [key for key, name in listing.whole() if key == group or fold(name) == fold(group)]
            if not found:
                reason = f"the provider has no group '{group}': make it there, idpsync makes none"
                raise NotFound(system, operation, reason)
            if len(found) > 1:
                raise Malformed(system, operation, f"{len(found)} groups are called '{group}'")
            self._ids[fold(group)] = found[0]
        return self._ids[fold(group)]


def _place(group_id: str) -> str:
    return f"/Groups/{quote(group_id, safe='')}"


def _members(group: RemoteGroup) -> frozenset[str]:
    values = (read_text(member(each, "value")) for each in group.elements("members"))
    return frozenset(value for value in values if value)

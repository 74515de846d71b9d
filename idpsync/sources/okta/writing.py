"""Groups of Okta that idpsync was told to own: one member at a time comes or goes."""

from urllib.parse import quote

from idpsync.core.errors import NotFound, Refused, RemoteError
from idpsync.core.model import Coverage
from idpsync.sources.okta.api import Api
from idpsync.sources.okta.auth import SYSTEM
from idpsync.sources.okta.groups import GROUPS, Groups, Known


class Writer:
    """Writes the groups that are `owned`, by name or id, and no other."""

    def __init__(self, api: Api, groups: Groups, owned: frozenset[str]) -> None:
        self._api, self._groups, self._owned = api, groups, owned
        self._known: dict[str, Known] = {}

    def members_of(self, group: str) -> frozenset[str]:
        known = self._resolved(group, "read members")
        members = self._groups.read([known])[known.id]
        if members.coverage is not Coverage.COMPLETE:
            raise members.pages.error or RemoteError(SYSTEM, "read members", f"{group} {members.reason}")
        return members.ids

    def add(self, group: str, external_id: str) -> None:
        """PUT is idempotent."""
        with self._api.ahead():
            known = self._resolved(group, "add member")
            self._api.write("PUT", _place(known, external_id), operation="add member")

    def remove(self, group: str, external_id: str) -> None:
        """Somebody who is not there, or not in it, is out of it already."""
        with self._api.ahead():
            known = self._resolved(group, "remove member")
            try:
                self._api.write("DELETE", _place(known, external_id), operation="remove member")
            except NotFound:
                if not self._groups.by_ids([known.id]):
                    raise

    def _resolved(self, group: str, operation: str) -> Known:
        if group not in self._owned:
            raise Refused(SYSTEM, operation, f"{group} is not a group that idpsync was told to own")
        if group not in self._known:
            found = self._groups.find([group])
            if group in found.lacking:
                coverage, reason = found.lacking[group]
                kind = NotFound if coverage is Coverage.GONE else RemoteError
                raise kind(SYSTEM, operation, f"{group}: {reason}")
            self._known[group] = found.groups[group]
        return self._known[group]


def _place(known: Known, external_id: str) -> str:
    return f"{GROUPS}/{quote(known.id, safe='')}/users/{quote(external_id, safe='')}"

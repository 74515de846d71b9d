"""Whether those whom the listing of an application lacks are out of it.

Okta counts the members of a group, but not the people of an application: a page that ends well and is
too short shows nothing of itself. So whoever is missing is asked for by id.
"""

from collections.abc import Set as AbstractSet
from urllib.parse import quote

from idpsync.core.errors import CredentialsRejected, RemoteError
from idpsync.sources.okta.api import Api

HANDFUL = 20  # people asked for one by one


class Assigned:
    """The people of one application as the last believed listing showed them."""

    def __init__(self, api: Api, app_id: str | None) -> None:
        self._api, self._app = api, quote(app_id or "", safe="")
        self._known: frozenset[str] = frozenset()
        self._doubted: frozenset[str] = frozenset()

    def doubt(self, listed: AbstractSet[str], members: AbstractSet[str]) -> str:
        """Why a listing that ended well is not believed, "" where it is.

        Where nothing is known from before, those `members` of groups whom it lacks are asked for. Of
        more than a handful that are missing some are asked for, and two listings must lack the same.
        """
        missing = self._known - listed
        there = self._still_there(missing or (members - listed if not self._known else frozenset()))
        if there:
            return there
        if len(missing) > HANDFUL and missing != self._doubted:
            self._doubted = missing
            lost = f"{len(missing)} people left the application at once"
            return f"{lost}: the next read must show the same"
        self._known, self._doubted = frozenset(listed), frozenset()
        return ""

    def includes(self, person: str) -> bool:
        place = f"/api/v1/apps/{self._app}/users/{quote(person, safe='')}"
        return self._api.one(place, operation="find person") is not None

    def _still_there(self, missing: AbstractSet[str]) -> str:
        """The reason for doubt, if one of some of these is in the application all the same."""
        some = sorted(missing)[:: max(1, -(-len(missing) // HANDFUL))]
        try:
            there = next((one for one in some if self.includes(one)), None)
        except CredentialsRejected:
            raise
        except RemoteError as error:
            return f"whether {len(missing)} people left the application could not be asked: {error}"
        return f"the listing of the application lacks {there}, who is assigned to it" if there else ""

"""Rows of Okta as people, and what their status means."""

from collections.abc import Iterable, Mapping

from idpsync.core.model import DirectoryUser, Profile
from idpsync.sources.okta.settings import Claim, OktaConfig
from idpsync.sources.pages import Row, text

ACTIVE: Mapping[Claim, bool | None] = {Claim.SEAT: True, Claim.WAIT: None, Claim.NONE: False}
DEPROVISIONED = "DEPROVISIONED"
STATE = ("id", "status", "transitioningToStatus")
NAMES = ("login", "email", "firstName", "lastName", "displayName")


class People:
    """Makes people of rows. An app user's own status says nothing of the person: it is not looked at."""

    def __init__(self, config: OktaConfig, source: str) -> None:
        self._statuses, self._source = config.statuses, source

    def of(self, rows: Iterable[Row]) -> tuple[dict[str, DirectoryUser], int]:
        """People by id, and how many rows were none. A row later in the listing is newer."""
        people: dict[str, DirectoryUser] = {}
        spoiled = 0
        for row in rows:
            user = self.user(row)
            if user:
                people[user.external_id] = user
            else:
                spoiled += 1
        return people, spoiled

    def user(self, row: Row) -> DirectoryUser | None:
        """None where the row lacks the id or the login that make a person."""
        external_id, login = text(row, "id"), text(row, "profile", "login")
        if not external_id or not login:
            return None
        profile = Profile(
            user_name=login,
            email=text(row, "profile", "email") or None,
            given_name=text(row, "profile", "firstName"),
            family_name=text(row, "profile", "lastName"),
            display_name=text(row, "profile", "displayName"),
        )
        return DirectoryUser(self._source, external_id, profile, active=self._active(row))

    def _active(self, row: Row) -> bool | None:
        """None: not known, or on the way to another status. Nothing is given or taken meanwhile."""
        if text(row, "transitioningToStatus"):
            return None
        claim = self._statuses.of(text(row, "status"))
        return ACTIVE[claim] if claim else None


def slim(row: Row) -> Row:
    """What is looked at of a person; Okta tells ten times as much."""
    profile = row.get("profile")
    told = {key: profile[key] for key in NAMES if key in profile} if isinstance(profile, Mapping) else {}
    return {**{key: row[key] for key in STATE if key in row}, "profile": told}


def embedded(row: Row) -> Row:
    """The person inside an app user (`expand=user`); nothing where there is none."""
    inside = row.get("_embedded")
    user = inside.get("user") if isinstance(inside, Mapping) else None
    return slim(user) if isinstance(user, Mapping) else {}


def has_left(row: Row) -> bool:
    """Okta takes people out of every group when they are deactivated."""
    return text(row, "status") == DEPROVISIONED

"""The people, groups and applications of one Okta organisation, with Okta's stamps."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from idpsync.core.ports import Clock

Body = dict[str, Any]
EVERYONE = "Everyone"


def stamped(instant: datetime) -> str:
    """Whole seconds, written with thousandths as Okta writes them."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass
class Team:
    """One group: its row, and who is in it."""

    row: Body
    members: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return str(self.row["profile"]["name"])


@dataclass
class Organisation:
    """State behind the API. Every change has its stamp; a search index may lag behind."""

    clock: Clock
    people: dict[str, Body] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    apps: dict[str, dict[str, Body]] = field(default_factory=dict)
    indexed: dict[str, str] | None = None  # id → name, as searches see it; None: as it is
    stamps_on_leaving: bool = True  # whether a deactivation stamps the groups it takes somebody out of
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.add_team(EVERYONE, kind="BUILT_IN")

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self.numbers):017}"

    def now(self) -> str:
        return stamped(self.clock.now())

    # --- people -----------------------------------------------------------------------------------

    def add_person(self, login: str, *, status: str = "ACTIVE", **profile: str) -> Body:
        now = self.now()
        row: Body = {
            "id": self.new_id("00u"),
            "status": status,
            "created": now,
            "activated": None if status == "STAGED" else now,
            "statusChanged": now,
            "lastLogin": None,
            "lastUpdated": now,
            "passwordChanged": now,
            "type": {"id": "oty1"},
            "profile": {"login": login, "firstName": "Ada", "lastName": "Lovelace", **profile},
            "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
            "_links": {"self": {"href": "https://acme.okta.com/api/v1/users/x"}},
        }
        self.people[row["id"]] = row
        self.join(EVERYONE, [row["id"]])
        return row

    def named(self, login: str) -> Body | None:
        found = (row for row in self.people.values() if row["profile"]["login"].lower() == login.lower())
        return next(found, None)

    def change(self, login: str, *, status: str | None = None, **profile: str) -> None:
        row = self._person(login)
        row["profile"] |= profile
        if status:
            row |= {"status": status, "statusChanged": self.now()}
        row["lastUpdated"] = self.now()

    def deactivate(self, login: str) -> None:
        """Out of every group and application; the record stays until it is deleted."""
        self.change(login, status="DEPROVISIONED")
        one = self._person(login)["id"]
        for team in self.teams.values():
            if one in team.members:
                team.members.remove(one)
                if self.stamps_on_leaving:
                    team.row["lastMembershipUpdated"] = self.now()
        for assigned in self.apps.values():
            assigned.pop(one, None)

    def delete(self, login: str) -> None:
        self.deactivate(login)
        del self.people[self._person(login)["id"]]

    def _person(self, login: str) -> Body:
        row = self.named(login)
        assert row, login
        return row

    # --- groups -----------------------------------------------------------------------------------

    def add_team(self, name: str, *, kind: str = "OKTA_GROUP") -> Team:
        now = self.now()
        row: Body = {
            "id": self.new_id("00g"),
            "created": now,
            "lastUpdated": now,
            "lastMembershipUpdated": now,
            "objectClass": ["okta:user_group"],
            "type": kind,
            "profile": {"name": name, "description": None},
            "_links": {"users": {"href": "https://acme.okta.com/api/v1/groups/x/users"}},
        }
        team = self.teams[row["id"]] = Team(row)
        return team

    def team(self, name: str) -> Team:
        found = [team for team in self.teams.values() if team.name == name]
        if not found:
            raise KeyError(name)
        return found[0]

    def join(self, name: str, ids: Iterable[str]) -> None:
        self._set(self.team(name), self.team(name).members | set(ids))

    def leave(self, name: str, ids: Iterable[str]) -> None:
        self._set(self.team(name), self.team(name).members - set(ids))

    def set_members(self, name: str, logins: Iterable[str]) -> None:
        self._set(self.team(name), {self._person(login)["id"] for login in logins})

    def rename(self, name: str, to: str) -> None:
        team = self.team(name)
        team.row["profile"]["name"] = to
        team.row["lastUpdated"] = self.now()

    def _set(self, team: Team, members: set[str]) -> None:
        if members != team.members:
            team.members = members
            team.row["lastMembershipUpdated"] = self.now()

    # --- applications -----------------------------------------------------------------------------

    def assign(self, app: str, ids: Iterable[str], *, status: str = "ACTIVE") -> None:
        assigned = self.apps.setdefault(app, {})
        for one in ids:
            now = self.now()
            assigned[one] = {
                "id": one,
                "externalId": None,
                "created": now,
                "lastUpdated": now,
                "scope": "USER",
                "status": status,
                "statusChanged": now,
                "passwordChanged": None,
                "syncState": "DISABLED",
                "credentials": {"userName": self.people[one]["profile"]["login"]},
                "profile": {},
                "_links": {"app": {"href": f"https://acme.okta.com/api/v1/apps/{app}"}},
            }

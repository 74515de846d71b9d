"""A SCIM service provider read as a directory: the contract on a real provider, and on a twin."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pydantic import ValidationError

from idpsync.core.ports import DirectorySource
from idpsync.sources.scim.settings import ScimDirectoryConfig
from idpsync.sources.scim.source import ScimSource
from tests.adapters.targets.parts import Sleepless
from tests.contracts.directory_source import DirectorySourceContract, DirectoryWorld, Sample
from tests.people import StoppedClock
from tests.scim_provider import RunningProvider, running_scim_provider
from tests.twins.scim import TOKEN, Request
from tests.twins.scim_directory import (
    Habits,
    Instead,
    ScimDirectoryTwin,
    html,
    running,
    truncated_json,
)

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIM_DIRECTORY_TOKEN", TOKEN)


def source_of(url: str, *groups: str, **settings: Any) -> ScimSource:
    config = ScimDirectoryConfig.model_validate(
        {"kind": "scim", "url": url, "token": "env:SCIM_DIRECTORY_TOKEN", **settings}
    )
    return ScimSource(config, clock=StoppedClock(), groups=frozenset(groups), timer=Sleepless().timer)


class TwinWorld:
    def __init__(self, twin: ScimDirectoryTwin) -> None:
        self.twin, self.away = twin, False

    def put(self, person: Sample) -> None:
        name = {"givenName": person.given_name, "familyName": person.family_name}
        self.twin.person(person.uid, name=name)

    def remove(self, uid: str) -> None:
        del self.twin.people[f"u-{uid}"]
        for group in self.twin.groups.values():
            group["members"] = [m for m in group["members"] if m["value"] != f"u-{uid}"]

    def put_group(self, name: str, members: Iterable[str]) -> None:
        self.twin.group(name, members)

    def rename_group(self, name: str, to: str) -> None:
        self.twin.groups[f"g-{name}"]["displayName"] = to

    def cut(self) -> None:
        self.twin.habits.page_size = 1
        self.twin.fault = lambda _, asked: (
            truncated_json if asked.query.get("startIndex") == "2" else None
        )

    def go_away(self) -> None:
        self.twin.fault = lambda *_: lambda _: b""

    def source(self, *groups: str) -> DirectorySource:
        return source_of(self.twin.base_url, *groups)


class TestOnTheTwin(DirectorySourceContract):
    @pytest.fixture
    def world(self) -> Iterator[DirectoryWorld]:
        with running() as twin:
            yield TwinWorld(twin)


class TestOnTheTwinByCursor(DirectorySourceContract):
    @pytest.fixture
    def world(self) -> Iterator[DirectoryWorld]:
        twin = ScimDirectoryTwin(habits=Habits(cursors=True, page_size=2))
        with running(twin):
            world = TwinWorld(twin)
            world.cut = lambda: setattr(twin, "fault", cut_by_cursor)  # type: ignore[method-assign]
            yield world


def cut_by_cursor(_: int, asked: Request) -> Instead | None:
    return html if asked.query.get("cursor") == "2" else None


class RealWorld:
    """On scim2-server. A cut cannot be asked of it: it goes away instead."""

    def __init__(self, provider: RunningProvider, stack: ExitStack) -> None:
        self.provider, self.stack = provider, stack

    def put(self, person: Sample) -> None:
        user = {
            "schemas": [USER],
            "userName": person.uid,
            "active": True,
            "name": {"givenName": person.given_name, "familyName": person.family_name},
            "emails": [{"value": person.email, "primary": True}],
        }
        known = self._id("Users", "userName", person.uid)
        self._ask("PUT" if known else "POST", f"/Users/{known}" if known else "/Users", user)

    def remove(self, uid: str) -> None:
        gone = self._id("Users", "userName", uid)
        for group in self._rows("Groups"):
            kept = [m for m in group.get("members", []) if m["value"] != gone]
            self._ask("PUT", f"/Groups/{group['id']}", self._group(group["displayName"], kept))
        self._ask("DELETE", f"/Users/{gone}")

    def put_group(self, name: str, members: Iterable[str]) -> None:
        ids = [{"value": self._id("Users", "userName", uid), "type": "User"} for uid in members]
        known = self._id("Groups", "displayName", name)
        place = f"/Groups/{known}" if known else "/Groups"
        self._ask("PUT" if known else "POST", place, self._group(name, ids))

    def rename_group(self, name: str, to: str) -> None:
        known = self._id("Groups", "displayName", name)
        members = self._ask("GET", f"/Groups/{known}").get("members", [])
        self._ask("PUT", f"/Groups/{known}", self._group(to, members))

    def cut(self) -> None:
        self.go_away()

    def go_away(self) -> None:
        self.stack.close()

    def source(self, *groups: str) -> DirectorySource:
        return source_of(self.provider.base_url, *groups, page_size=2)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.provider.ask(method, path, body)

    def _rows(self, kind: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._ask("GET", f"/{kind}?count=100").get("Resources", [])
        return rows

    def _id(self, kind: str, attribute: str, value: str) -> str:
        return next((row["id"] for row in self._rows(kind) if row[attribute] == value), "")

    def _group(self, name: str, members: list[dict[str, Any]]) -> dict[str, Any]:
        told = [{"value": m["value"], "type": m.get("type", "User")} for m in members]
        return {"schemas": [GROUP], "displayName": name, **({"members": told} if told else {})}


@pytest.mark.server
class TestOnARealProvider(DirectorySourceContract):
    @pytest.fixture
    def world(self) -> Iterator[DirectoryWorld]:
        with ExitStack() as stack:
            yield RealWorld(stack.enter_context(running_scim_provider(TOKEN)), stack)


SECRET = "env:SOME_SECRET"
GRANT = {"kind": "oauth2_client_credentials", "client_id": "c", "client_secret": SECRET}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"token": SECRET, "auth": {"kind": "bearer", "token": SECRET}}, "give one of them"),
        ({"url": "http://people.example/scim", "token": SECRET}, "in the clear"),
        ({"auth": GRANT | {"token_url": "http://login.example/token"}}, "in the clear"),
        ({"token": "written-out"}, "by reference"),
        ({"page_size": 0}, "greater than or equal to 1"),
    ],
)
def test_mistakes_in_the_settings_are_refused(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ScimDirectoryConfig.model_validate({"kind": "scim", "url": "https://x.example"} | settings)


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        ({"kind": "bearer", "token": SECRET}, SECRET),
        ({"kind": "basic", "username": "reader", "password": SECRET}, "reader"),
        (GRANT | {"token_url": "https://login.example/token"}, "c"),
    ],
)
def test_another_credential_asks_for_something_else(auth: dict[str, str], told: str) -> None:
    """Who asks decides what is shown."""
    plain: dict[str, object] = {"kind": "scim", "url": "https://x.example"}
    config = ScimDirectoryConfig.model_validate(plain | {"auth": auth})
    assert config.shown_as == f" as {told}"
    assert config.scope != ScimDirectoryConfig.model_validate(plain).scope

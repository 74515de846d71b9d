"""Okta's own OpenAPI document judges both: what our client asks, and what the twin answers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.sources.okta_world import OktaWorld, okta_world
from tests.okta_document import NULLS, Document, as_fetched, document
from tests.okta_recordings import RECORDED_HOST, exchanges
from tests.twins.okta.server import Answer
from tests.twins.sockets import Wire

pytestmark = pytest.mark.server


class Hearing:
    """Listens to everything between a source and the twin, and has it judged."""

    def __init__(self, judge: Document, world: OktaWorld) -> None:
        self._judge = judge
        self.faults: list[str] = []
        self.heard: set[str] = set()
        world.twin.after = self._hear

    def _hear(self, wire: Wire, answer: Answer) -> None:
        operation = self._judge.operation(wire)
        self.heard |= {f"{operation.method} {operation.template}"} if operation else set()
        body = None if answer.body is None else json.loads(json.dumps(answer.body))
        self.faults += self._judge.of_request(wire)
        self.faults += self._judge.of_answer(wire, answer.status, body)


@pytest.fixture(params=["app", "groups"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OktaWorld]:
    with okta_world(tmp_path, app=request.param == "app") as world:
        world.staff(30, Users=20, Owned=3)
        for status in ("STAGED", "PROVISIONED", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT"):
            world.org.add_person(f"{status}@acme.example".lower(), status=status)
        world.org.change("u00001@acme.example", status="SUSPENDED")
        world.org.deactivate("u00002@acme.example")
        yield world


def test_all_that_is_asked_and_answered_is_oktas(world: OktaWorld) -> None:
    hearing = Hearing(document(), world)
    source = world.of(world.config(), "Users", "Owned", owned=frozenset({"Owned"}))
    source.probe()
    cursor = source.read().cursor
    assert cursor
    world.org.leave("Users", [world.id_of("u00005@acme.example")])
    world.org.change("u00006@acme.example", firstName="Grace")
    assert source.changes(cursor)
    assert source.find("u00006@acme.example")
    assert source.find("nobody@acme.example") is None
    newcomer = world.id_of("u00010@acme.example")
    source.add_member("Owned", newcomer)
    assert newcomer in source.members_of("Owned")
    source.remove_member("Owned", newcomer)

    assert hearing.faults == []
    assert hearing.heard == ASKED | (OF_AN_APP if world.app else OF_GROUPS)


ASKED = {
    "GET /api/v1/groups",
    "GET /api/v1/groups/{groupId}/users",
    "PUT /api/v1/groups/{groupId}/users/{userId}",
    "DELETE /api/v1/groups/{groupId}/users/{userId}",
    "GET /api/v1/users/{userId}",
    "GET /api/v1/users/{userId}/groups",
}
OF_AN_APP = {"GET /api/v1/apps/{appId}/users", "GET /api/v1/apps/{appId}/users/{userId}"}
OF_GROUPS = {"GET /api/v1/users"}


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/groups?limt=5",
        "/api/v1/groups?limit=20&limit=30",
        "/api/v1/groups?limit=ten",
        "/api/v1/users?limit=201",
        "/api/v1/apps/0oa1/users?limit=501",
        "/api/v1/groups/00g1/people",
    ],
)
def test_the_document_knows_a_request_that_is_none_of_oktas(target: str) -> None:
    assert len(document().of_request(Wire("GET", target, {}, b""))) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"type": "A_TEAM"}),
        (200, {"members": []}),
        (200, {"lastUpdated": "yesterday"}),
        (200, {"created": None}),
        (201, {}),
    ],
)
def test_the_document_knows_an_answer_that_is_none_of_oktas(status: int, body: object) -> None:
    asked = Wire("GET", "/api/v1/groups/00g1", {}, b"")
    assert document().of_answer(asked, 200, {"type": "OKTA_GROUP"}) == []
    assert len(document().of_answer(asked, status, body)) == 1


NULL = re.compile(r"/api/v1/(\w+).*\.(\w+): None is not of type")
SHOWN_BY = {"User": "users", "GroupProfile": "groups", "AppUser": "apps"}


def test_what_is_null_beside_the_document_is_null_in_oktas_recorded_answers() -> None:
    to_the_letter = Document(as_fetched(), nulls={})
    seen = set()
    for one in exchanges("users"):
        wire = Wire(one.method, one.url.removeprefix(RECORDED_HOST), {}, b"")
        faults = to_the_letter.of_answer(wire, one.status, json.loads(one.body or b"null"))
        seen |= {found.groups() for fault in faults if (found := NULL.search(fault))}
    assert seen >= {(SHOWN_BY[name], field) for name, fields in NULLS.items() for field in fields}

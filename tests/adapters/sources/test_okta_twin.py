"""The twin answers as Okta's own models, which are generated from its OpenAPI document, demand."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from idpsync.http import HttpClient
from tests.adapters.sources.okta_world import APP, OktaWorld, okta_world
from tests.okta_recordings import limits, unpack_models
from tests.twins.okta.server import MOST

pytestmark = [pytest.mark.server, pytest.mark.slow]

JUDGE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import okta.models

def unknown(row, model, path):
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    return [f"{path}.{key}" for key in row if key not in fields]

faults = []
for name, rows in json.load(sys.stdin).items():
    model = getattr(okta.models, name)
    for row in rows:
        try:
            made = model.from_dict(row)
            assert made.to_dict(), "nothing of it was understood"
        except Exception as error:
            faults.append(f"{name}: {error}")
        faults += unknown(row, model, name)
print(json.dumps(faults))
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OktaWorld]:
    with okta_world(tmp_path, app=True) as world:
        world.staff(4, Users=3)
        world.org.add_person("new@acme.example", status="STAGED")
        world.org.change("u00001@acme.example", status="SUSPENDED")
        world.org.deactivate("u00002@acme.example")
        yield world


def body(world: OktaWorld, place: str) -> Any:
    http = HttpClient("twin", world.twin.url, clock=world.clock, timer=world.clock.timer)
    headers = {"Authorization": "SSWS t"}
    return json.loads(http.exchange("GET", place, operation="judge", headers=headers).body)


def judged(folder: Path, rows: dict[str, list[Any]]) -> list[str]:
    """What Okta's models say against these rows, by the name of the model."""
    package = folder / "models"
    package.mkdir(exist_ok=True)
    if not (package / "okta").exists():
        unpack_models(package)
    done = subprocess.run(
        [sys.executable, "-c", JUDGE],
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(package)},
        timeout=120,
    )
    faults: list[str] = json.loads(done.stdout)
    return faults


def test_every_listing_of_the_twin_is_one_of_oktas(world: OktaWorld, tmp_path: Path) -> None:
    world.twin.api_token = "t"
    team, person = world.org.team("Users").row["id"], world.id_of("u00000@acme.example")
    groups = [*body(world, "/api/v1/groups"), *body(world, "/api/v1/groups?expand=stats")]
    users = [*body(world, f"/api/v1/groups/{team}/users"), *body(world, "/api/v1/users")]
    users.append(body(world, f"/api/v1/users/{person}"))
    assigned = [row["_embedded"]["user"] for row in body(world, f"/api/v1/apps/{APP}/users?expand=user")]
    rows = {
        "Group": [*groups, *body(world, f"/api/v1/users/{person}/groups")],
        "User": [*users, *assigned],
        "AppUser": body(world, f"/api/v1/apps/{APP}/users?expand=user"),
        "Error": [body(world, "/api/v1/groups/00gnone/users"), body(world, "/api/v1/users?limit=201")],
    }
    assert all(rows.values())
    assert judged(tmp_path, rows) == []


OTHERS: list[dict[str, Any]] = [{"type": "A_TEAM"}, {"members": []}, {"lastUpdated": "yesterday"}]


def test_the_judge_sees_what_is_no_answer_of_oktas(world: OktaWorld, tmp_path: Path) -> None:
    row = world.org.team("Users").row
    wrong = {
        "Group": [
            {**row, "type": "A_TEAM"},
            {**row, "members": []},
            {**row, "lastUpdated": "yesterday"},
        ],
        "User": [{"id": "00u", "status": "AWAY"}],
    }
    assert len(judged(tmp_path, wrong)) == 4


@pytest.mark.parametrize(
    ("api", "call", "listing"),
    [
        ("application_users_api", "list_application_users", "apps"),
        ("group_api", "list_groups", "groups"),
    ],
)
def test_the_twin_allows_pages_as_large_as_okta_does_and_no_larger(
    api: str, call: str, listing: str
) -> None:
    assert limits(api, call) == [MOST[listing]]

"""Microsoft's own client reads the twin and sees what it holds: it is not only ours to believe."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.twins.graph.server import GraphTwin, running_graph

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "build/msgraph"
READER = ROOT / "tests/twins/graph/sdk_reader.py"


@pytest.fixture(scope="module")
def python() -> Path:
    if not (CLIENT / "ready").exists():
        pytest.skip("msgraph-sdk is not installed: `make clients` installs it apart from the program")
    return CLIENT / "bin/python"


def seen_by_sdk(python: Path, twin: GraphTwin) -> dict[str, Any]:
    done = subprocess.run(
        [str(python), str(READER), twin.url, twin.tenant.application],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.slow
def test_the_sdk_sees_what_the_twin_holds(python: Path) -> None:
    with running_graph() as twin:
        tenant = twin.tenant
        twin.anybody, twin.page, twin.delta_page = True, 3, 3
        names = [f"p{number}@acme.example" for number in range(10)]
        for number, name in enumerate(names):
            tenant.put(name, accountEnabled=number % 2 == 0, mail=None if number == 3 else name)
        tenant.put("gus#EXT#@acme.example", userType="Guest")
        big = tenant.make("Big", *names[:7])
        tenant.nest(big, tenant.make("Small", names[1]))
        tenant.make("Empty")
        tenant.bin(names[9])
        tenant.assign(big, tenant.people[tenant.id_of(names[8])])

        seen = seen_by_sdk(python, twin)

        assert seen["users"] == {
            person.id: [
                person.properties[name]
                for name in ("userPrincipalName", "mail", "accountEnabled", "userType")
            ]
            for person in tenant.living()
        }
        shown = {team.name: sorted(tenant.shown(team)) for team in tenant.standing()}
        assert seen["members"] == seen["groups"] == shown
        assert seen["people"] == sorted(person.id for person in tenant.living())
        assert seen["assigned"] == [[kind, key] for kind, key in tenant.assigned]
        assert seen["again"] == []
        assert min(seen["pages"]) > 1

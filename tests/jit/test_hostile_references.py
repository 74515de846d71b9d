"""Documents that try to make the machine work or read: refused, quickly, by each defence alone.

They run in a process of their own that is killed when it does not answer.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PATIENCE = 60.0
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.jit.hostile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: dict[str, str] = json.loads(done.stdout)
    return answers


def test_every_hostile_document_is_refused_by_the_screen(outcomes: dict[str, str]) -> None:
    screened = {name: said for name, said in outcomes.items() if name.startswith("door: ")}
    assert len(screened) >= 12
    assert {said.partition(":")[0] for said in screened.values()} == {"refused"}


def test_references_are_refused_without_the_screen_too(outcomes: dict[str, str]) -> None:
    library = {name: said for name, said in outcomes.items() if name.startswith("library: ")}
    assert len(library) >= 5
    assert {said.partition(":")[0] for said in library.values()} == {"refused"}


def test_an_honest_response_still_passes_both(outcomes: dict[str, str]) -> None:
    assert outcomes["honest door"] == "accepted"
    assert outcomes["honest library"] == "accepted"

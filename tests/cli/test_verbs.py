"""Verbs are known by name before they are imported: what is known must be true of the real ones."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from idpsync.cli.program import program
from idpsync.cli.verbs import Verb, all_verbs
from tests.cli.conftest import Inside

VERBS = {verb.name: verb for verb in all_verbs()}
LIBRARIES = "alembic apscheduler babel cryptography flask granian jinja2 ldap3 lxml prometheus_client"
LIBRARIES += " pydantic requests rich sqlalchemy structlog werkzeug yaml"
WEB = {"apscheduler", "flask", "granian", "jinja2", "lxml", "prometheus_client", "werkzeug"}


def imported_by(*words: str, folder: Path | None = None) -> set[str]:
    """The packages that one call of the program imports."""
    call = f"import sys\nfrom idpsync.cli import main\nsys.argv = ['idpsync', *{list(words)!r}]\n"
    call += "try:\n    main()\nfinally:\n    print(*(n for n in sys.modules if '.' not in n))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", call],
        capture_output=True,
        check=False,
        cwd=folder,
        env=environment,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_loads_under_its_name_and_its_line_is_that_of_the_verb(name: str) -> None:
    known, real = VERBS[name], VERBS[name].real
    assert real.name == name
    assert known.get_short_help_str(45) == real.get_short_help_str(45)
    assert known.get_short_help_str(1000) == real.get_short_help_str(1000)


def test_calling_a_verb_gives_click_the_real_one() -> None:
    with click.Context(program) as root, VERBS["plan"].make_context("plan", [], root) as context:
        assert not isinstance(context.command, Verb)
        assert context.command is VERBS["plan"].real


def test_the_overview_imports_no_library_but_click() -> None:
    assert imported_by("--help") & set(LIBRARIES.split()) == set()


def test_the_help_of_a_verb_and_the_version_open_nothing() -> None:
    opening = {"sqlalchemy", "requests", "ldap3", "pydantic", "yaml"} | WEB
    assert imported_by("version") & opening == set()
    assert imported_by("plan", "--help") & {"ldap3", *WEB} == set()


def test_a_plan_imports_no_library_that_it_does_not_use(idpsync: Inside) -> None:
    idpsync.done("plan")  # makes the store, which takes Alembic
    imported = imported_by("-c", "idpsync.yaml", "plan", folder=idpsync.folder)
    assert imported & {"alembic", "babel", "ldap3", *WEB} == set()

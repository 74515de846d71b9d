"""Verbs are known by name before they are imported: what is known must be true of the real ones."""

import subprocess
import sys

import click
import pytest

from idpsync.cli.program import program
from idpsync.cli.verbs import Verb, all_verbs

VERBS = {verb.name: verb for verb in all_verbs()}
HEAVY = {
    "alembic",
    "apscheduler",
    "flask",
    "granian",
    "ldap3",
    "pydantic",
    "requests",
    "rich",
    "structlog",
}
HEAVY |= {
    "babel",
    "cryptography",
    "jinja2",
    "lxml",
    "msgspec",
    "prometheus_client",
    "sqlalchemy",
    "yaml",
}
WEB = {"apscheduler", "flask", "granian", "jinja2", "lxml", "prometheus_client", "werkzeug"}


def imported_by(*words: str) -> set[str]:
    """The top-level modules that one call of the program imports."""
    call = f"import sys\nfrom idpsync.cli import main\nsys.argv = ['idpsync', *{list(words)!r}]\n"
    call += "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stderr.split()}


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
    assert imported_by("--help") & HEAVY == set()


def test_the_help_of_a_verb_and_the_version_open_nothing() -> None:
    opening = {"sqlalchemy", "requests", "ldap3", "pydantic", "yaml"} | WEB
    assert imported_by("version") & opening == set()
    assert imported_by("plan", "--help") & {"ldap3", *WEB} == set()

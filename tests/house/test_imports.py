"""A bad import in any room fails the check, by the name of the rule it breaks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BAD = [
    ("core/model.py", "import requests", "Core is the standard library only"),
    ("core/planner.py", "import structlog", "Core imports no third-party library"),
    ("core/plan.py", "import idpsync.engine.reconcile", "Floors"),
    ("engine/admit.py", "import idpsync.store.seats", "Floors"),
    ("engine/reconcile.py", "import sqlalchemy", "Core is the standard library only"),
    ("sources/ldap/source.py", "import idpsync.targets.scim", "Floors"),
    ("sources/file/source.py", "import idpsync.sources.ldap", "Sources are strangers"),
    ("targets/local.py", "import idpsync.targets.scim", "Targets are strangers"),
    ("notify/slack.py", "import idpsync.notify.webhook", "Receivers are strangers"),
    ("jit/door.py", "import idpsync.store.seats", "Doors never reach into the side rooms"),
    ("jit/app.py", "import xmlsec", "Home of python3-saml"),
    ("jit/door.py", "import babel", "Home of babel"),
    ("console/app.py", "import idpsync.jit.door", "Floors"),
    ("daemon.py", "import idpsync.notify.slack", "Doors never reach into the side rooms"),
    ("store/seats.py", "import apscheduler", "Home of apscheduler"),
    ("targets/scim.py", "import requests", "Home of requests"),
    ("scim_client/client.py", "import ldap3", "Home of ldap3"),
    ("notify/webhook.py", "import flask", "Home of the web framework"),
    ("notify/slack.py", "import smtplib", "Home of smtplib"),
]


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    if not program.exists():
        pytest.skip("import-linter is missing: pip install -e '.[dev]'")
    return subprocess.run(
        [str(program), "--no-cache"],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "idpsync", folder / "idpsync", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_house_as_it_stands_keeps_every_rule(copy: Path) -> None:
    done = check(copy)
    assert done.returncode == 0, done.stdout


def test_bad_imports_are_named(copy: Path) -> None:
    """All at once: every broken rule appears with the file that broke it."""
    for file, line, _ in BAD:
        path = copy / "idpsync" / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}  # noqa\n", encoding="utf-8")

    done = check(copy)

    assert done.returncode == 1
    rules, _, details = done.stdout.partition("Broken contracts")
    for file, line, rule in BAD:
        module = "idpsync." + file.removesuffix(".py").replace("/", ".")
        broken = [text for text in rules.splitlines() if text.startswith(rule)]
        assert broken, rule
        assert module in details, (file, line)

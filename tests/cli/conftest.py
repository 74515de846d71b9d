"""The program on a configuration on disk, called in this process: what a verb prints and returns."""

import io
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from idpsync.cli import main
from tests.e2e.program import Ended, Program, base_config
from tests.twins.scim import TOKEN, ScimTwin, running_twin

LINK = "http://127.0.0.1:8099/saml/login"

PEOPLE = """\
external_id,user_name,email,given_name,family_name,active,groups
p0,owner@acme.example,owner@acme.example,Olga,Owner,true,
p1,ada@acme.example,ada@acme.example,Ada,Almeida,true,Premium
p2,bob@acme.example,bob@acme.example,Bob,Barros,true,
p3,cleo@acme.example,cleo@acme.example,Cleo,Costa,true,
#group Premium
"""


@dataclass
class Inside(Program):
    """`idpsync -c FILE …` without a process of its own; `width` is that of the terminal."""

    width: int = 200

    def call(self, *words: str, stdin: str = "") -> Ended:
        self.write()
        out, err = io.StringIO(), io.StringIO()
        argv, folder, columns = sys.argv, Path.cwd(), os.environ.get("COLUMNS")
        sys.argv = ["idpsync", "-c", str(self.file), *words]
        os.environ["COLUMNS"] = str(self.width)
        os.chdir(self.folder)
        try:
            with redirect_stdout(out), redirect_stderr(err):
                main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        finally:
            sys.argv = argv
            os.chdir(folder)
            del os.environ["COLUMNS"]
            if columns is not None:
                os.environ["COLUMNS"] = columns
        return Ended(code, out.getvalue(), err.getvalue())

    def done(self, *words: str) -> Ended:
        """A call that must succeed."""
        ended = self.call(*words)
        assert ended.code == 0, (words, ended.err, ended.out)
        return ended

    def json(self, *words: str) -> Any:
        """What a successful call prints with --json."""
        return self.done(*words, "--json").json


def manual_config(folder: Path) -> dict[str, Any]:
    """Two premium and four standard seats; a rule gives premium, everybody else takes what is free."""
    config = base_config(folder) | {
        "directory": {"kind": "file", "path": "people.csv"},  # as the store of the first run knows it
        "target": {"kind": "local"},
        "policy": {
            "without_rule": "lowest_available",
            "min_hold": "0h",
            "rules": [{"group": "Premium", "tier": "premium"}],
        },
        "jit": {"base_url": LINK.removesuffix("/saml/login"), "idp": {"demo": True}},
        "web": {"listen": "127.0.0.1:8099"},
    }
    config["organization"]["primary_owner"] = "owner@acme.example"
    config["contract"] |= {
        "starts": "2000-01-01",
        "ends": "2099-12-31",
        "seats": {"premium": 2, "standard": 4},
    }
    return config


def beginning(folder: Path) -> Inside:
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    return Inside(folder, manual_config(folder))


@contextmanager
def own_log() -> Iterator[None]:
    """The log as it was: that of a call goes to a stream that is gone."""
    handlers = logging.getLogger().handlers[:]
    try:
        yield
    finally:
        logging.getLogger().handlers[:] = handlers
        structlog.reset_defaults()


@pytest.fixture
def idpsync(tmp_path: Path) -> Iterator[Inside]:
    """Before the first run: nobody has an account."""
    with own_log():
        yield beginning(tmp_path)


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first run was made, once for everybody."""
    folder = tmp_path_factory.mktemp("first-run")
    with own_log():
        beginning(folder).done("apply", "--yes")
    return folder


@pytest.fixture
def staffed(idpsync: Inside, first_run: Path) -> Inside:
    """After the first run: four people, ada has premium, the others standard."""
    for file in first_run.glob("store.db*"):
        shutil.copy(file, idpsync.folder)
    return idpsync


@pytest.fixture
def twin() -> Iterator[ScimTwin]:
    with running_twin() as running:
        yield running


@pytest.fixture
def serviced(idpsync: Inside, twin: ScimTwin) -> Inside:
    """The four people of the directory, with accounts at a SCIM service provider."""
    (idpsync.folder / "token").write_text(TOKEN, encoding="utf-8")
    idpsync.config["jit"]["idp"] = {"metadata_url": "https://idp.acme.example/metadata"}
    idpsync.config["target"] = {
        "kind": "scim",
        "url": twin.base_url,
        "auth": {"kind": "bearer", "token": f"file:{idpsync.folder}/token"},
        "seat_lever": {"kind": "entitlement"},
        "tier_values": {"premium": "Premium", "standard": "Standard"},
        "rate": "2000/s",
    }
    idpsync.done("apply", "--yes")
    return idpsync

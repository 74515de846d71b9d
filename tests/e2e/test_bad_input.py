"""Wrong input at the command line: each fault named with file and line, nobody taken from."""

from pathlib import Path

import pytest
import yaml

from tests.e2e.program import Program
from tests.e2e.test_run import assigned, quickstart

SIX_FAULTS = """\
organization:
  id: acme
  verified_domain: [acme.example]
tiers:
  - {name: premium}
  - {name: premium}
contract:
  starts: 2026-13-01
  ends: 2026-12-31
  seats: {premium: 3, gold: 1}
directory:
  kind: ldpa
target:
  kind: scim
  url: https://app.example/scim/v2
  auth: {kind: bearer, token: swordfish-of-the-deep}
"""


def test_six_faults_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "idpsync.yaml"
    program = Program(tmp_path, {})
    file.write_text(SIX_FAULTS, encoding="utf-8")
    program.write = lambda: None  # type: ignore[method-assign]

    for verb in (["check"], ["plan"], ["apply", "--yes"], ["run"], ["seats", "--json"]):
        ended = program.call(*verb)
        assert ended.code == 2
        assert ended.out == ""
        for line in (3, 6, 8, 10, 12, 16):
            assert f"{file}:{line}:" in ended.err, (line, ended.err)
        assert "swordfish" not in ended.err


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        (["fly"], "No such command"),
        (["plan", "--format", "pdf"], "pdf"),
        (["alerts", "silence", "x", "--for", "soon"], "whole number"),
        (["seats", "add", "gold=1"], "gold=1"),
        (["seats", "add", "premium=-1"], "premium=-1"),
        (["approve", "sha256:none"], "no plan with digest"),
        (["ledger", "--since", "yesterday"], "yesterday"),
    ],
)
def test_a_wrong_call_is_explained(tmp_path: Path, verb: list[str], said: str) -> None:
    ended = quickstart(tmp_path).call(*verb)

    assert ended.code == 2, ended.err
    assert said in ended.err


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    program = quickstart(tmp_path)
    program.write = lambda: None  # type: ignore[method-assign]

    ended = program.call("check")

    assert ended.code == 2
    assert str(program.file) in ended.err


HEADER = "external_id,user_name,email,given_name,family_name,active,groups"
GROUPS = "#group Acme Premium\n#group Acme Staff\n#group Acme Admins\n"
ADA = "1,ada@acme.example,ada@acme.example,Ada,Example,true,Acme Staff"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{HEADER}\n{ADA}\n2,bob@acme.example\n{GROUPS}".encode(), 3),
        (f"external_id,user_name,email\n1,ada,ada@acme.example\n{GROUPS}".encode(), 1),
        (f"{HEADER}\n{ADA}\n{ADA}\n{GROUPS}".encode(), 3),
        (f"{HEADER}\n{ADA}\n2,zo".encode() + b"\xeb@acme.example,z,Z,E,true,\n", 3),
        (b"", None),
    ],
    ids=["broken line", "missing column", "duplicate id", "wrong encoding", "empty"],
)
def test_a_faulty_people_file_is_named_and_takes_nothing(
    tmp_path: Path, text: bytes, line: int | None
) -> None:
    idpsync = quickstart(tmp_path)
    assert idpsync.call("apply", "--yes").code == 0
    people = tmp_path / "config" / "people.csv"
    people.write_bytes(text)

    ended = idpsync.call("apply", "--yes", "--json")

    assert ended.code == 4, ended.err
    assert assigned(idpsync) == 12
    problems = " ".join(ended.json["run"]["problems"])
    assert "people.csv" in problems
    assert line is None or f"people.csv:{line}" in problems


def test_a_people_file_without_its_trailer_takes_nothing(tmp_path: Path) -> None:
    idpsync = quickstart(tmp_path)
    people = tmp_path / "config" / "people.csv"
    whole = people.read_text(encoding="utf-8").rstrip("\n")
    people.write_text(f"{whole}\n#complete\n", encoding="utf-8")
    idpsync.config["directory"]["require_trailer"] = True
    assert idpsync.call("apply", "--yes").code == 0
    people.write_text("\n".join(whole.splitlines()[:-3]) + "\n", encoding="utf-8")

    ended = idpsync.call("apply", "--yes", "--json")

    assert ended.code == 4
    assert "#complete" in " ".join(ended.json["run"]["problems"])
    assert assigned(idpsync) == 12


def test_every_example_is_checked_and_says_what_is_not_built(tmp_path: Path) -> None:
    idpsync = quickstart(tmp_path)
    examples = sorted((tmp_path / "config").glob("*.yaml"))
    assert examples
    for example in examples:
        idpsync.config = yaml.safe_load(example.read_text(encoding="utf-8"))
        (tmp_path / "idpsync.yaml").write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
        idpsync.write = lambda: None  # type: ignore[method-assign]
        ended = idpsync.call("check", "--json")
        assert ended.code == 0, (example, ended.err)
        unbuilt = [row["detail"] for row in ended.json if "not built" in row["detail"]]
        assert not any(idpsync.config["directory"]["kind"] in text for text in unbuilt)

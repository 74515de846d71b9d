"""Files and directories of files."""

from pathlib import Path

import pytest

from idpsync.config import load, locate
from idpsync.core.errors import ConfigError
from tests.config.writing import SMALL, problems_of, write


def test_the_option_comes_before_the_variable_and_that_before_the_default() -> None:
    variable = {"IDPSYNC_CONFIG": "/etc/idpsync.yaml"}
    assert locate("mine.yaml", variable) == Path("mine.yaml")
    assert locate(None, variable) == Path("/etc/idpsync.yaml")
    assert locate(None, {}) == Path("idpsync.yaml")


def test_a_directory_holds_one_organisation_for_each_yaml_file(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(tmp_path, SMALL.replace("id: acme", f"id: org-{name}"), f"{name}.yaml")
    write(tmp_path, "not read", "notes.txt")
    write(tmp_path, "not: read", ".hidden.yaml")
    assert [c.organization.id for c in load(tmp_path)] == ["org-a", "org-b"]


def test_two_files_cannot_speak_for_one_organisation(tmp_path: Path) -> None:
    write(tmp_path, name="a.yaml")
    second = write(tmp_path, "# again\n" + SMALL, "b.yaml")
    (problem,) = problems_of(tmp_path)
    assert (problem.path, problem.file, problem.line) == ("organization.id", str(second), 3)
    assert "a.yaml" in problem.message


def test_the_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, SMALL.replace("id: acme", "id: a b"), "a.yaml")
    write(tmp_path, "x: [", "b.yaml")
    write(tmp_path, SMALL.replace("kind: local", "kind: loca"), "c.yaml")
    assert [Path(p.file or "").name for p in problems_of(tmp_path)] == ["a.yaml", "b.yaml", "c.yaml"]


def test_an_empty_directory_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no \*\.yaml"):
        load(tmp_path)


def test_a_file_that_is_not_there_is_told_with_the_way_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="IDPSYNC_CONFIG"):
        load(tmp_path / "gone.yaml")


def test_a_file_that_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"organization:\n  name: Caf\xe9\n")
    (problem,) = problems_of(path)
    assert (problem.line, problem.message) == (2, "is not UTF-8 text")


def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path) -> None:
    looped = tmp_path / "loop.yaml"
    looped.symlink_to(looped)
    (problem,) = problems_of(looped)
    assert "cannot be read" in problem.message


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert load(write(tmp_path, "\ufeff" + SMALL))[0].organization.id == "acme"


def test_a_section_that_is_commented_out_whole_counts_as_left_out(tmp_path: Path) -> None:
    (config,) = load(write(tmp_path, SMALL + "alerts:\n  # repeat: 1h\n"))
    assert config.alerts.stale_after == 3


def test_a_file_with_nothing_in_it_misses_every_section_that_is_needed(tmp_path: Path) -> None:
    missing = {p.path for p in problems_of(write(tmp_path, "alerts:\n"))}
    assert missing == {"organization", "tiers", "contract", "directory", "target"}

"""Standard output that nobody reads, or that is full: the verb keeps its exit code."""

import os
import subprocess
from pathlib import Path
from typing import IO

import pytest

from idpsync.core.remedies import Exit
from tests.cli.conftest import Inside
from tests.cli.test_holds import BOB, write

FULL_DISK = "Error: standard output cannot be written: No space left on device\n"


def into(idpsync: Inside, out: int | IO[bytes], *words: str) -> tuple[int, str]:
    """The exit code and what was complained of, with standard output going to `out`."""
    idpsync.write()
    done = subprocess.run(
        [*idpsync.command, *words],
        check=False,
        stdout=out,
        stderr=subprocess.PIPE,
        env=idpsync.environment,
        cwd=idpsync.folder,
        timeout=120,
    )
    return done.returncode, done.stderr.decode()


def unread(idpsync: Inside, *words: str) -> tuple[int, str]:
    """Into a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return into(idpsync, writer, *words)
    finally:
        os.close(writer)


@pytest.fixture
def held(staffed: Inside) -> Inside:
    staffed.config["guard"] = {"removals": {"count": 0}}
    write(staffed, BOB)
    return staffed


def test_a_held_plan_ends_with_3_whoever_stops_reading(held: Inside) -> None:
    for words in (("plan",), ("plan", "--json"), ("apply", "--yes")):
        code, complaint = unread(held, *words)
        assert code == Exit.HELD, words
        assert "Traceback" not in complaint


def test_a_reader_who_has_seen_enough_is_no_fault(staffed: Inside) -> None:
    for words in (("plan",), ("apply", "--yes")):
        assert unread(staffed, *words) == (Exit.DONE, "")


def test_a_full_disk_is_one_sentence_and_never_exit_code_0(staffed: Inside) -> None:
    with Path("/dev/full").open("wb") as full:
        assert into(staffed, full, "plan") == (Exit.FAULT, FULL_DISK)
        assert into(staffed, full, "plan", "--json") == (Exit.FAULT, FULL_DISK)


def test_a_full_disk_does_not_hide_that_the_plan_is_held(held: Inside) -> None:
    with Path("/dev/full").open("wb") as full:
        assert into(held, full, "plan") == (Exit.HELD, FULL_DISK)

"""What is asked where a person sits at the keyboard."""

import os
import pty
import subprocess

from tests.cli.conftest import Inside
from tests.cli.test_members import BOB, CLEO, everybody, leave_the_directory


def on_a_terminal(idpsync: Inside, answer: str, *words: str) -> tuple[int, str]:
    """The exit code and what was asked, where a person sits at the keyboard."""
    idpsync.write()
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*idpsync.command, *words],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=idpsync.environment,
        cwd=idpsync.folder,
    ) as process:
        os.close(theirs)
        os.write(ours, answer.encode())
        said, _ = process.communicate(timeout=60)
        os.close(ours)
    return process.returncode, said


def test_a_removal_asks_a_person_first(staffed: Inside) -> None:
    leave_the_directory(staffed, "bob", "cleo")
    code, said = on_a_terminal(staffed, "n\n", "members", "remove", BOB)
    assert code == 2
    assert f"Remove {BOB}? They lose access at once." in said
    assert everybody(staffed)[BOB]["standing"] == "active"

    code, said = on_a_terminal(staffed, "y\n", "members", "remove", BOB)
    assert code == 0
    assert "the standard seat is free again" in said
    assert everybody(staffed)[BOB]["standing"] == "deactivated"

    code, said = on_a_terminal(staffed, "", "members", "remove", CLEO, "--yes")
    assert (code, "Remove" in said) == (0, False)

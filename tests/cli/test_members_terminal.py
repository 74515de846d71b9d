"""What is asked where a person sits at the keyboard."""

import os
import pty
import signal
import subprocess
import time

from tests.cli.conftest import Inside
from tests.cli.test_members import BOB, CLEO, everybody, leave_the_directory
from tests.cli.test_members_import import HEAD, export


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


def test_ctrl_c_ends_an_import_and_the_same_call_goes_on(staffed: Inside) -> None:
    people = "\n".join(f"P {n},p{n}@acme.example,,none" for n in range(400))
    file = export(staffed, f"{HEAD}\n{people}\n")
    process = subprocess.Popen(
        [*staffed.command, "members", "import", file, "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=staffed.environment,
        cwd=staffed.folder,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(everybody(staffed)) < 20:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    there = len(everybody(staffed)) - 4
    assert process.returncode == 5, err
    assert 0 < there < 400
    assert f"{there} of 400 actions done." in out
    (told,) = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert told.startswith(f"Error: {400 - there} not begun: the program is stopping")
    assert f"{400 - there} of {400 - there} actions done." in (
        staffed.done("members", "import", file, "--yes").out
    )

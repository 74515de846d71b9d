"""20,000 people and 200 groups with 110,000 members read from OpenLDAP, beside python-ldap and ldap3.

Seconds are CPU of the reading process alone, memory is what it took while reading; medians of rounds in
which every reader has its turn. Whatever a reader found is compared before its time counts.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.slapd import SYNCPROV_LOG, LdapGroup, Slapd, person_number, running_slapd

PEOPLE, GROUPS, ROUNDS = 20_000, 200, 5
READERS = Path(__file__).with_name("ldap_readers.py")
OTHER_PYTHON = "/usr/bin/python3"  # where apt-get puts python-ldap (python3-ldap)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one reading took, and the fingerprint of what it found."""

    cpu: float
    memory: float
    print: str


def main() -> int:
    if not has_python_ldap():
        print("LDAP: python-ldap is missing, nothing to measure by: apt-get install python3-ldap")
        return 0
    if not shutil.which("/usr/sbin/slapd"):
        print("LDAP: OpenLDAP is missing: apt-get install slapd")
        return 0
    people = [person_number(number) for number in range(PEOPLE)]
    with (
        tempfile.TemporaryDirectory() as folder,
        running_slapd(Path(folder), people=people, groups=groups(), overlays=SYNCPROV_LOG) as slapd,
    ):
        return measured(slapd)


def groups() -> list[LdapGroup]:
    """Of 53 to 1,048 people each; every group holds up to three others, and the last one the first."""
    return [
        LdapGroup(
            name(number),
            tuple(person_number((number * 97 + n * 19) % PEOPLE).uid for n in range(53 + 5 * number)),
            inner(number),
        )
        for number in range(GROUPS)
    ]


def inner(number: int) -> tuple[str, ...]:
    """A tree of five levels with one circle in it."""
    held = [3 * number + n for n in (1, 2, 3) if 3 * number + n < GROUPS]
    return tuple(map(name, held if number < GROUPS - 1 else [0]))


def name(number: int) -> str:
    return f"Group {number}"


def measured(slapd: Slapd) -> int:
    settings: dict[str, object] = {
        "url": slapd.url,
        "bind_dn": slapd.bind_dn,
        "password": slapd.password,
        "password_file": str(slapd.password_file),
        "people": slapd.people_base,
        "groups": slapd.groups_base,
        "wanted": [name(number) for number in range(GROUPS)],
    }
    nested = settings | {"nested": True}
    readers = {
        "python-ldap": ("python-ldap", settings),
        "ldap3": ("ldap3", settings),
        "our loop on ldap3's strategy": ("stock session", settings),
        "our loop and decoder": ("session", settings),
        "python-ldap, same work": ("python-ldap snapshot", settings),
        "whole read": ("snapshot", settings),
        "whole read, nested": ("snapshot", nested),
    }
    rounds = [{told: run(kind, asked) for told, (kind, asked) in readers.items()} for _ in range(ROUNDS)]
    same_end_state(rounds)
    cpu = {told: median(one[told].cpu for one in rounds) for told in readers}
    memory = {told: median(one[told].memory for one in rounds) for told in readers}
    members = sum(len(group.members) for group in groups())
    print(f"LDAP read: {PEOPLE:,} people, {GROUPS} groups, {members:,} members")
    for told in readers:
        print(f"  {told:<32} {cpu[told]:6.3f} s {memory[told]:7.1f} MB")
    ratios = (
        ("decoding ÷ python-ldap, CPU", cpu["our loop and decoder"] / cpu["python-ldap"], 2.0),
        ("whole read ÷ the same work, CPU", cpu["whole read"] / cpu["python-ldap, same work"], 2.0),
        ("decoding ÷ ldap3, memory", memory["our loop and decoder"] / memory["ldap3"], 0.5),
        ("whole read ÷ ldap3, memory", memory["whole read"] / memory["ldap3"], 0.5),
        ("nested ÷ flat, CPU", cpu["whole read, nested"] / cpu["whole read"], 2.0),
    )
    for told, ratio, goal in ratios:
        met = "met" if ratio <= goal else "MISSED"
        print(f"  {told:<32} {ratio:6.2f}     goal ≤ {goal:.1f}: {met}")
    return 0 if all(ratio <= goal for _, ratio, goal in ratios) else 1


def same_end_state(rounds: list[dict[str, Spent]]) -> None:
    """Each reader found the same in every round, and the readers of one kind the same as each other."""
    for alike in (
        ("python-ldap", "ldap3", "our loop on ldap3's strategy", "our loop and decoder"),
        ("python-ldap, same work", "whole read"),
        ("whole read, nested",),
    ):
        prints = {one[told].print for one in rounds for told in alike}
        assert len(prints) == 1, prints


def run(reader: str, settings: dict[str, object]) -> Spent:
    python = OTHER_PYTHON if reader.startswith("python-ldap") else sys.executable
    command = [python, str(READERS), reader, json.dumps(settings)]
    folder = Path(__file__).parents[1]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout.splitlines()[-1])
    return Spent(told["cpu"], told["memory"], told["print"])


def has_python_ldap() -> bool:
    asked = [OTHER_PYTHON, "-c", "import ldap"]
    return (
        Path(OTHER_PYTHON).exists()
        and not subprocess.run(asked, capture_output=True, check=False).returncode
    )


if __name__ == "__main__":
    sys.exit(main())

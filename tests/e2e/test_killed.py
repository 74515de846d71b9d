"""The program is killed at each step of its writes; the next runs end where it would have ended."""

import os
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.program import Program, base_config
from tests.twins.scim import TOKEN, Answer, Fault, ScimTwin, running_twin
from tests.twins.sockets import Connection

HEADER = "external_id,user_name,email,given_name,family_name,active,groups"
PREMIUM, USERS = "Claude Premium", "Claude Users"
LONG_AGO = "2026-01-01T00:00:00.000000Z"
RUNS = 3
"""So many calls at most until nothing is left to do: what was in doubt is settled in one of them."""


@pytest.fixture
def twin() -> Iterator[ScimTwin]:
    with running_twin() as twin:
        yield twin


class Killer:
    """Ends the program with SIGKILL while it waits for an answer of the twin."""

    def __init__(self) -> None:
        self.running: subprocess.Popen[bytes] | None = None

    def strike(self) -> None:
        assert self.running is not None
        os.kill(self.running.pid, signal.SIGKILL)
        self.running.wait(30)

    def before_the_answer(self, connection: Connection, answer: bytes) -> None:
        self.strike()

    def after_the_answer(self, connection: Connection, answer: bytes) -> None:
        connection.send(answer)
        self.strike()


Stage = Callable[[Killer, str, str], Fault]

STAGES: dict[str, Stage] = {
    "received and not carried out": lambda killer, method, who: Fault(
        method, who, instead=Answer(500), wire=killer.before_the_answer
    ),
    "carried out and not answered": lambda killer, method, who: Fault(
        method, who, wire=killer.before_the_answer
    ),
    "answered": lambda killer, method, who: Fault(method, who, wire=killer.after_the_answer),
}


def write_people(folder: Path, *rows: str) -> None:
    (folder / "people.csv").write_text("\n".join([HEADER, *rows, "#complete", ""]))


def person(name: str, *groups: str) -> str:
    return f"id-{name},{name}@acme.example,{name}@acme.example,{name},Example,true,{';'.join(groups)}"


def program(folder: Path, twin: ScimTwin) -> Program:
    config = base_config(folder) | {
        "policy": {
            "without_rule": "none",
            "min_hold": "0s",
            "rules": [
                {"group": PREMIUM, "tier": "premium", "priority": 10},
                {"group": USERS, "tier": "standard"},
            ],
        },
        "guard": {"removals": "off", "tier_drops": "off", "group_losses": "off", "changes": "off"},
        "directory": {"kind": "file", "path": str(folder / "people.csv"), "require_trailer": True},
        "target": {
            "kind": "scim",
            "url": twin.base_url,
            "auth": {"kind": "bearer", "token": "env:SCIM_TOKEN"},
            "tier_values": {"premium": "Premium", "standard": "Standard"},
            "concurrency": 1,
            "rate": "2000/s",
        },
    }
    return Program(folder, config, {"SCIM_TOKEN": TOKEN})


def run_and_be_killed(idpsync: Program, killer: Killer) -> None:
    """A run that comes to the fault; one before it may first have to settle what was in doubt."""
    idpsync.write()
    for _ in range(RUNS):
        with subprocess.Popen(
            [*idpsync.command, "apply", "--yes"],
            cwd=idpsync.folder,
            env=idpsync.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as running:
            killer.running = running
            if running.wait(120) == -signal.SIGKILL:
                return
    pytest.fail("the program was never killed: it did not come to the write")


def settle(idpsync: Program) -> None:
    """Run until a plan is empty and nothing failed."""
    for _ in range(RUNS):
        done = idpsync.call("apply", "--yes", "--json")
        if done.code == 0 and done.json["plan"]["actions"] == []:
            return
    pytest.fail(f"{done.code} {done.out} {done.err}")


def seats_at(twin: ScimTwin) -> dict[str, str | None]:
    """Everybody who works there, once, by name."""
    names = Counter(user["userName"] for user in twin.users.values())
    assert max(names.values()) == 1, names
    working = [user for user in twin.users.values() if user["active"]]
    return {
        user["userName"].partition("@")[0]: next(
            (one["value"] for one in user.get("entitlements", [])), None
        )
        for user in working
    }


def make_seats_older(folder: Path) -> None:
    """What was only just given is not taken for given up: a listing might not know of it yet."""
    with closing(sqlite3.connect(folder / "store.db")) as store, store:
        store.execute("UPDATE seat SET changed_at = ? WHERE state <> 'free'", (LONG_AGO,))


def assert_books_agree(idpsync: Program, seats: dict[str, str | None]) -> None:
    assert idpsync.call("ledger", "verify").code == 0
    tiers = idpsync.call("seats", "--json").json["tiers"]
    counted = Counter(seat for seat in seats.values() if seat)
    for tier in tiers:
        assert tier["assigned"] == counted[tier["tier"].title()], tier
        assert tier["held"] == 0, tier


@pytest.mark.slow
def test_killed_at_creates_nobody_gets_two_accounts_and_no_seat_is_lost(
    tmp_path: Path, twin: ScimTwin
) -> None:
    write_people(
        tmp_path,
        *(person(name, PREMIUM, USERS) for name in ("ada", "bob", "cy")),
        *(person(name, USERS) for name in ("dan", "eve", "fay", "gus", "hal")),
    )
    idpsync, killer = program(tmp_path, twin), Killer()
    for who, stage in zip(("ada@", "dan@", "eve@"), STAGES.values(), strict=True):
        twin.faults.append(stage(killer, "POST", who))
        run_and_be_killed(idpsync, killer)
    settle(idpsync)

    seats = seats_at(twin)
    assert seats == {
        "ada": "Premium", "bob": "Premium", "cy": "Standard", "dan": "Standard",
        "eve": "Standard", "fay": "Standard", "gus": "Standard",
    }  # fmt: skip
    assert_books_agree(idpsync, seats)


@pytest.mark.slow
def test_killed_at_changes_and_leavers_each_seat_goes_on_to_whom_it_is_for(
    tmp_path: Path, twin: ScimTwin
) -> None:
    people = [person("ada", PREMIUM), person("bob", PREMIUM), person("cy", PREMIUM, USERS)]
    write_people(tmp_path, *people)
    idpsync, killer = program(tmp_path, twin), Killer()
    settle(idpsync)
    assert seats_at(twin) == {"ada": "Premium", "bob": "Premium", "cy": "Standard"}
    make_seats_older(tmp_path)
    ids = {user["userName"].partition("@")[0]: key for key, user in twin.users.items()}

    # Ada leaves, Cy moves up, Bob is renamed, Dan joins
    renamed = people[1].replace("bob,Example", "Robert,Example")
    write_people(tmp_path, renamed, people[2], person("dan", USERS))
    for who, stage in zip(("ada", "cy", "bob"), reversed(STAGES.values()), strict=True):
        twin.faults.append(stage(killer, "PATCH", ids[who]))
        run_and_be_killed(idpsync, killer)
    settle(idpsync)

    seats = seats_at(twin)
    assert seats == {"bob": "Premium", "cy": "Premium", "dan": "Standard"}
    assert twin.users[ids["bob"]]["name"]["givenName"] == "Robert"
    assert_books_agree(idpsync, seats)

"""The daemon of one configuration, as the program builds it: whole reads, and changes in between."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from structlog.testing import capture_logs

from idpsync.config import load
from idpsync.wiring.doors import daemon
from idpsync.wiring.house import House, build, open_books
from idpsync.wiring.probes import not_built

HEADER = "external_id,user_name,email,given_name,family_name,active,groups"
CONFIG: dict[str, Any] = {
    "organization": {"id": "acme", "name": "Acme Ltda", "verified_domains": ["acme.example"]},
    "tiers": [{"name": "premium"}, {"name": "standard"}],
    "contract": {
        "starts": "2000-01-01",
        "ends": "2099-12-31",
        "seats": {"premium": 2, "standard": 9},
    },
    "policy": {"rules": [{"group": "Staff", "tier": "standard"}]},
    "target": {"kind": "local"},
    "guard": {"removals": {"count": 3, "percent": 50}},
}


def write_people(folder: Path, *names: str) -> None:
    lines = [f"id-{n},{n}@acme.example,{n}@acme.example,{n.title()},Example,true,Staff" for n in names]
    beside = folder / "people.new"
    beside.write_text("\n".join([HEADER, *lines, "#complete", ""]), encoding="utf-8")
    beside.replace(folder / "people.csv")


def write_config(folder: Path, **sections: object) -> Path:
    directory = {"kind": "file", "path": str(folder / "people.csv")}
    store = {"url": f"sqlite:///{folder}/idpsync.db"}
    config = {**CONFIG, "directory": directory, "store": store, **sections}
    path = folder / "idpsync.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    write_people(tmp_path, "ada", "bob", "cyd", "dan", "eve")
    (config,) = load(write_config(tmp_path))
    with closing(open_books(config)) as store:
        yield build(config, store)


def events(house: House, times: int) -> list[list[str]]:
    """What each of so many runs of the daemon says of how it read."""
    told, runs = [], daemon(house)
    for _ in range(times):
        with capture_logs() as logs:
            runs._reconcile()
        told.append([line["event"] for line in logs if line["event"].startswith("changes.")])
    return told


def test_the_daemon_reads_everything_once_and_then_what_changed(house: House, tmp_path: Path) -> None:
    assert events(house, 2) == [[], ["changes.read"]]
    write_people(tmp_path, "ada", "bob", "cyd", "dan", "fay")

    assert events(house, 2) == [["changes.read"], ["changes.read"]]
    standing = {account.user_name: account.standing.value for account in house.rooms.target.accounts()}
    assert standing["eve@acme.example"] == "deactivated"
    assert standing["fay@acme.example"] == "active"


def test_a_file_that_is_odd_is_read_whole_and_takes_nothing(house: House, tmp_path: Path) -> None:
    events(house, 2)
    people = tmp_path / "people.csv"
    people.write_text(people.read_text(encoding="utf-8").replace("true", "perhaps", 1), encoding="utf-8")

    assert events(house, 2) == [["changes.left"], []]
    assert {account.standing.value for account in house.rooms.target.accounts()} == {"active"}


def complaints(path: Path) -> list[str]:
    (config,) = load(path)
    return [str(problem) for problem in not_built(config) if "full_read" in str(problem)]


def test_check_says_where_full_read_has_no_effect(tmp_path: Path) -> None:
    write_people(tmp_path, "ada")
    schedule = {"full_read": "6h"}
    scim = {"kind": "scim", "url": "https://scim.acme.example", "token": "env:SCIM_TOKEN"}

    assert complaints(write_config(tmp_path, schedule=schedule)) == []
    assert complaints(write_config(tmp_path, directory=scim)) == []
    (told,) = complaints(write_config(tmp_path, schedule=schedule, directory=scim))
    assert "a directory of kind scim cannot tell what changed; everything is read each time" in told

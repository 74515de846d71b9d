"""Every configuration that ships can be loaded, and the full one leaves no key out."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from idpsync.config import Config, load
from idpsync.config.document import Path as Way
from idpsync.config.document import parse
from idpsync.config.known import keys_at
from idpsync.core.seats import Door

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "config").glob("*.yaml"))

# one kind is chosen in these, and what the others need stands beside it as a comment
ONE_OF_SEVERAL = {"directory", "target", "jit", "receivers"}


def example(name: str) -> Config:
    (config,) = load(ROOT / "config" / name)
    return config


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_loads(path: Path) -> None:
    (config,) = load(path)
    assert config.rulebook().ladder == config.ladder()
    assert sum(config.purchased().values()) > 0


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_says_what_it_is_for(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")


def places(tree: object, path: Way = ()) -> Iterator[tuple[Way, dict[str, Any]]]:
    if isinstance(tree, dict):
        yield path, tree
        for key, inner in tree.items():
            if key not in ONE_OF_SEVERAL:
                yield from places(inner, (*path, key))
    elif isinstance(tree, list):
        for n, inner in enumerate(tree):
            yield from places(inner, (*path, n))


def test_the_full_example_uses_every_key_of_every_section() -> None:
    document, _ = parse((ROOT / "config" / "full.yaml").read_text(encoding="utf-8"), "full.yaml")
    used: dict[tuple[str, ...], set[str]] = {}
    known: dict[tuple[str, ...], set[str]] = {}
    for path, mapping in places(document.tree):
        section = tuple("*" if isinstance(part, int) else part for part in path)
        used.setdefault(section, set()).update(mapping)
        known.setdefault(section, set()).update(keys_at(Config, document.tree, path))
    left_out = {s: known[s] - used[s] for s in known if known[s] - used[s]}
    # the two thresholds of a headroom rule are one model: either may leave out what the other has
    for threshold in ("warn", "critical"):
        left_out.pop(("alerts", "headroom", "*", threshold), None)
    assert left_out == {}
    assert issubclass(Config, BaseModel)
    assert set(known[()]) == set(Config.model_fields)


def test_the_full_example_shows_the_defaults_where_it_says_so() -> None:
    full, bare = example("full.yaml"), example("ldap-local.yaml")
    assert full.guard == bare.guard
    assert full.schedule == bare.schedule
    assert full.alerts.run_out == bare.alerts.run_out
    assert full.alerts.repeat == bare.alerts.repeat
    assert full.policy.leavers == bare.policy.leavers
    assert full.store == bare.store
    assert full.log == bare.log


def test_the_quickstart_needs_nothing_but_this_machine() -> None:
    config = example("quickstart.yaml")
    assert config.store.url == "sqlite:///var/idpsync.db"
    assert (config.directory[0].kind, config.target.kind) == ("file", "local")
    assert config.jit is not None
    assert config.jit.idp.demo
    assert config.jit.base_url == f"http://{config.web.listen}" == "http://127.0.0.1:8080"
    assert config.alerts.receivers == ()
    assert set(config.organization.doors) == set(Door)
    assert "env:" not in config.model_dump_json()
    assert "file:/" not in config.model_dump_json()


def people() -> list[dict[str, str]]:
    with (ROOT / "config" / "people.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_people_of_the_quickstart_have_the_columns_of_a_people_file() -> None:
    header = ["external_id", "user_name", "email", "given_name", "family_name", "active", "groups"]
    rows = people()
    assert all(list(row) == header for row in rows)
    assert len({row["external_id"] for row in rows}) == len({row["user_name"] for row in rows}) == 14


def test_the_quickstart_seats_everybody_with_two_seats_to_spare() -> None:
    config = example("quickstart.yaml")
    policy = config.rulebook()
    wishes: Counter[str] = Counter()
    for row in people():
        entitlement = policy.entitle(frozenset(row["groups"].split(";")))
        if row["active"] == "true" and policy.admits_domain(row["email"]) and entitlement.ceiling:
            wishes[entitlement.options[0].name] += 1
    seats = {tier.name: number for tier, number in config.purchased().items()}
    assert wishes["premium"] == seats["premium"] + 1, "one person waits for premium"
    assert wishes.total() + 2 == sum(seats.values())
    assert sum(config.reserved().values()) == 2


def test_the_groups_of_the_quickstart_are_the_groups_of_its_people() -> None:
    named = {group for row in people() for group in row["groups"].split(";") if group}
    assert named == example("quickstart.yaml").rule_groups()

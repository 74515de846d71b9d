"""A small configuration to make mistakes in."""

from pathlib import Path

from idpsync.config import Config, load
from idpsync.core.errors import ConfigError, Problem

SMALL = """\
organization:
  id: acme
  verified_domains: [Acme.Example, café.example]
  primary_owner: Owner@acme.example
tiers:
  - {name: premium, price_per_seat_month: "100.00"}
  - {name: standard}
contract:
  starts: 2026-01-01
  ends: 2026-12-31
  seats: {premium: 3, standard: 8}
  reserve: {standard: 2}
policy:
  rules:
    - {group: Gold, tier: premium, priority: 5}
    - {group: Guests, tier: none}
    - {group: Bosses, role: admin}
directory:
  kind: scim
  url: https://directory.example/scim/v2
  token: env:DIRECTORY_TOKEN
target:
  kind: local
"""


def write(folder: Path, text: str = SMALL, name: str = "idpsync.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str = SMALL) -> Config:
    (config,) = load(write(folder, text))
    return config


def problems_of(path: Path) -> tuple[Problem, ...]:
    """What `load` complains about; none when it is content."""
    try:
        load(path)
    except ConfigError as error:
        return error.problems
    return ()


def complaints(folder: Path, text: str) -> dict[str, str]:
    """Path → message of every problem in `text`."""
    return {p.path: p.message for p in problems_of(write(folder, text))}


def line_of(text: str, part: str) -> int:
    """The number of the one line that holds `part`."""
    (line,) = [n for n, each in enumerate(text.splitlines(), 1) if part in each]
    return line

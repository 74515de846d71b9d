"""The whole `plan` command in steady state: LDAP on one side, SCIM on the other, nothing to do.

    python -m benchmarks.plan_command [--people N]

A real OpenLDAP and a service provider on loopback, two groups (everybody gets standard, every fourth
premium), every account linked. What counts is the CPU time (user and system) and the peak memory of the
command's own process, from its first import to its last line; servers are not in it. Before that, one
`apply` brings the store to where it stands in daily life, and a plan is checked: everybody read, no
action, nobody waiting.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import create_engine, insert

from benchmarks.scim_stub import PREMIUM_EVERY, TOKEN, user
from benchmarks.spent import Spent, spent_by
from idpsync.config import load
from idpsync.store.schema import link
from idpsync.wiring import open_books
from tests.slapd import Slapd, person_number, running_slapd

PEOPLE = 50_000
ROUNDS = 3
CPU_GOAL, MEMORY_GOAL = 6.0, 265.0  # seconds, MB: the nearest Python peer took 6.7 s and 265 MB
GOALS_ARE_FOR = 50_000
PREMIUM, EVERYBODY = "Claude Premium", "Claude Users"


@dataclass(frozen=True, slots=True)
class Setting:
    """Both servers up, the configuration written."""

    file: Path
    environment: Mapping[str, str]

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "idpsync", "-c", str(self.file)]

    def told(self, *words: str) -> Any:
        """What a verb says in JSON; the run ends here when it fails."""
        done = subprocess.run(
            [*self.command, *words, "--json"], env=self.environment, capture_output=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr.decode()}")
        return json.loads(done.stdout)


@contextmanager
def setting(people: int) -> Iterator[Setting]:
    """Directory and provider with the same people, and a store in which all of them are linked."""
    uids = [person_number(n).uid for n in range(people)]
    groups = {PREMIUM: uids[::PREMIUM_EVERY], EVERYBODY: uids}
    with tempfile.TemporaryDirectory(prefix="idpsync-bench-") as name:
        folder = Path(name)
        with running_slapd(folder, people=people, groups=groups) as slapd, provider(people) as url:
            file = folder / "idpsync.yaml"
            file.write_text(yaml.safe_dump(configuration(folder, slapd, url, people)))
            os.environ["SCIM_TOKEN"] = TOKEN
            made = Setting(file, {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])})
            link_everybody(file, people)
            yield made


@contextmanager
def provider(people: int) -> Iterator[str]:
    """The address of a service provider that has everybody."""
    command = [sys.executable, "-m", "benchmarks.scim_stub", str(people)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def configuration(folder: Path, slapd: Slapd, url: str, people: int) -> dict[str, Any]:
    premium = len(range(0, people, PREMIUM_EVERY))
    return {
        "organization": {"id": "acme", "name": "Acme", "verified_domains": ["acme.example"]},
        "store": {"url": f"sqlite:///{folder}/store.db"},
        "tiers": [{"name": "premium"}, {"name": "standard"}],
        "contract": {
            "starts": "2026-01-01",
            "ends": "2099-12-31",
            "seats": {"premium": premium + 10, "standard": people - premium + 10},
        },
        "policy": {
            "without_rule": "none",
            "rules": [
                {"group": PREMIUM, "tier": "premium", "priority": 10},
                {"group": EVERYBODY, "tier": "standard"},
            ],
        },
        "directory": {
            "kind": "ldap",
            "url": slapd.url,
            "bind_dn": slapd.bind_dn,
            "password": f"file:{slapd.password_file}",
            "allow_cleartext": True,
            "user_base": slapd.people_base,
            "group_base": slapd.groups_base,
        },
        "target": {
            "kind": "scim",
            "url": url,
            "auth": {"kind": "bearer", "token": "env:SCIM_TOKEN"},
            "seat_lever": {"kind": "entitlement"},
            "rate": "2000/s",
        },
    }


def link_everybody(file: Path, people: int) -> None:
    """The links alone, in bulk: adopting one account after another would take minutes."""
    (config,) = load(file)
    with closing(open_books(config)):
        pass
    now = datetime.now(UTC)
    rows = [
        {
            "organization": config.organization.id,
            "account_id": told["id"],
            "source": "ldap",
            "external_id": told["externalId"],
            "adopted_at": now,
        }
        for told in map(user, range(people))
    ]
    engine = create_engine(config.store.reveal())
    with engine.begin() as connection:
        connection.execute(insert(link), rows)
    engine.dispose()


def check_end_state(made: Setting, people: int) -> None:
    """The run ends here unless the world is as the setting says: a wrong state has no time."""
    applied = made.told("apply", "--yes")["plan"]
    planned = made.told("plan")
    premium = len(range(0, people, PREMIUM_EVERY))
    expected = {
        "complete": (planned["directory"]["complete"], True),
        "people": (planned["directory"]["users"], people),
        "actions when applied": (applied["actions"], []),
        "actions": (planned["actions"], []),
        "waiting": (planned["waiting"], []),
        "refused": (planned["refused"], []),
        "orphans": (planned["orphans"], []),
        "held": (planned["guard"]["held"], False),
        "seats": (
            [tier["assigned"] for tier in planned["pool"]["before"]],
            [premium, people - premium],
        ),
    }
    wrong = [
        f"{name}: {str(seen)[:200]}, not {wanted}"
        for name, (seen, wanted) in expected.items()
        if seen != wanted
    ]
    if wrong:
        sys.exit("the end state is not what it should be: " + "; ".join(wrong))


def print_parts(made: Setting) -> None:
    """Where the time of one plan goes, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.plan_parts", str(made.file)]
    done = subprocess.run(command, env=made.environment, stdout=subprocess.PIPE, check=True)
    parts: dict[str, float] = json.loads(done.stdout)
    whole = sum(parts.values())
    print(f"\n{'where it goes':28}{'CPU s':>8}{'share':>8}")
    for name, seconds in parts.items():
        print(f"{name:28}{seconds:>8.2f}{seconds / whole:>8.0%}")
    print(f"{max(parts, key=lambda name: parts[name])} dominates.")


def print_goals(spent: list[Spent], people: int) -> bool:
    """The medians against the goals; True when all were met."""
    cpu = statistics.median(one.cpu for one in spent)
    memory = statistics.median(one.memory for one in spent)
    judged = people == GOALS_ARE_FOR
    met = cpu <= CPU_GOAL, memory <= MEMORY_GOAL
    words = ["met" if one else "MISSED" for one in met] if judged else ["not judged"] * 2
    print(f"idpsync plan, {people:,} people, nothing to do (median of {len(spent)})")
    print(f"{'CPU, user and system':28}{cpu:>8.2f} s    goal <= {CPU_GOAL:g} s {words[0]}")
    times, load = sorted(one.cpu for one in spent), os.getloadavg()[0]
    print(f"{'  from, to':28}{times[0]:>8.2f} s    {times[-1]:.2f} s, at a load of {load:.1f}")
    print(f"{'peak memory':28}{memory:>8.0f} MB   goal <= {MEMORY_GOAL:g} MB {words[1]}")
    return all(met) or not judged


def main() -> int:
    """Print figures and parts; 1 when a goal was missed and `--strict` was given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    chosen = parser.parse_args()
    with setting(chosen.people) as made:
        check_end_state(made, chosen.people)
        spent = [spent_by([*made.command, "plan"], made.environment) for _ in range(ROUNDS)]
        if any(one.code for one in spent):
            sys.exit(f"plan failed: {spent}")
        met = print_goals(spent, chosen.people)
        print_parts(made)
    return 1 if chosen.strict and not met else 0


if __name__ == "__main__":
    sys.exit(main())

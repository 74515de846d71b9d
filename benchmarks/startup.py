"""How long a call takes before it does anything: CPU time against an interpreter that does nothing.

    python -m benchmarks.startup

Every command and the bare interpreter in turns; medians of CPU time, user and system.
"""

import argparse
import statistics
import sys
from pathlib import Path

from benchmarks.spent import spent_by

ROUNDS = 20
GOAL = 3.0
PROGRAM = str(Path(sys.executable).with_name("idpsync"))
FLOOR = "python -c pass"
COMMANDS = {
    FLOOR: [sys.executable, "-c", "pass"],
    "python -c 'import click'": [sys.executable, "-c", "import click"],
    "idpsync --help": [PROGRAM, "--help"],
    "idpsync version": [PROGRAM, "version"],
    "idpsync plan --help": [PROGRAM, "plan", "--help"],
    "idpsync config schema": [PROGRAM, "config", "schema"],
}
MEASURED = "idpsync --help"


def measured() -> dict[str, float]:
    """Median seconds of CPU time by command."""
    seen: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            seen[name].append(spent_by(command).cpu)
    return {name: statistics.median(times) for name, times in seen.items()}


def main() -> int:
    """Print the table; 1 when the goal was missed and `--strict` was given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--strict", action="store_true", help="exit 1 when the goal is missed")
    strict = parser.parse_args().strict
    times = measured()
    floor, missed = times[FLOOR], False
    print(f"{'CPU time, median of ' + str(ROUNDS):28}{'ms':>8}{'ratio':>8}   goal")
    for name, seconds in times.items():
        goal = ""
        if name == MEASURED:
            missed = seconds > GOAL * floor
            goal = f"<= {GOAL:g}x {'MISSED' if missed else 'met'}"
        print(f"{name:28}{seconds * 1e3:>8.1f}{seconds / floor:>7.2f}x   {goal}".rstrip())
    inner = (times["python -c 'import click'"] - floor) / (times[MEASURED] - floor)
    print(f"Of what --help adds to the interpreter, {inner:.0%} is the import of Click.")
    return 1 if strict and missed else 0


if __name__ == "__main__":
    sys.exit(main())

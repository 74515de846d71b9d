"""What a command costs: CPU seconds and peak memory of its process and nobody else's."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A process counts the memory of whoever started it until it becomes itself, so somebody small starts it.
_LAUNCHER = """
import json, os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                       file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, used = os.wait4(child, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """One call: exit code, seconds of CPU (user and system), peak resident memory in MB."""

    code: int
    cpu: float
    memory: float


def spent_by(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Spent:
    """Run `command`, whose first word is a path, with its output thrown away."""
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    folder = Path(__file__).parents[1]
    done = subprocess.run(launcher, env=environment, cwd=folder, stdout=subprocess.PIPE, check=True)
    code, cpu, kilobytes = json.loads(done.stdout)
    return Spent(code, cpu, kilobytes / 1024)

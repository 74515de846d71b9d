"""The daemon as a process, from start to stop."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.program import Program
from tests.simplesamlphp import Journey


@dataclass
class RunningDaemon:
    """`base` is where it answers."""

    program: Program
    process: subprocess.Popen[str]
    base: str

    @property
    def log(self) -> str:
        return (self.program.folder / "log").read_text(encoding="utf-8")

    def wait_until(self, holds: Callable[[], bool], patience: float = 60.0) -> None:
        """Until `holds()`; AssertionError with the log when the daemon ends or it takes too long."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log
            try:
                if holds():
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(self.log)

    def workers(self) -> list[int]:
        """The process ids of the web workers."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def press_ctrl_c(self) -> int:
        """SIGINT to the whole foreground group, as a terminal sends it; the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)

    def stop(self) -> int:
        """SIGTERM, as a service manager does it; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def running(program: Program) -> Iterator[RunningDaemon]:
    """The daemon once it is ready; ended by its own pid."""
    program.write()
    with (program.folder / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*program.command, "run"],
            stderr=log,
            stdout=log,
            text=True,
            env=program.environment,
            cwd=program.folder,
            start_new_session=True,
        )
    daemon = RunningDaemon(program, process, f"http://{program.config['web']['listen']}")
    try:
        daemon.wait_until(lambda: Journey().open(f"{daemon.base}/readyz").status == 200)
        yield daemon
    finally:
        if process.poll() is None:
            daemon.stop()

"""A private PostgreSQL cluster for the tests: made by initdb, on loopback, ended by its own pid."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

STEPS = "apt-get install postgresql, and pip install 'idpsync[postgres]'"
WANTED_WITHIN = 60.0


def binaries() -> Path | None:
    """The folder of the newest installed server, or None."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    newest = sorted(found, key=lambda path: float(path.parent.name))
    return newest[-1] if newest else Path(on_path).parent if on_path else None


def free_port() -> int:
    """A loopback port below the range the kernel gives out by itself."""
    for port in range(20000 + os.getpid() % 8000, 32000):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no free port")


def _servant() -> list[str]:
    """How to run the server's programs: they refuse to be root."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL must not run as root and there is no user `postgres`: " + STEPS)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]


@contextmanager
def cluster(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """`postgresql://` address of a fresh cluster's maintenance database.

    `environment` is added to what the server itself starts with.
    """
    bin_folder = binaries()
    if bin_folder is None:
        pytest.skip("PostgreSQL is not installed: " + STEPS)
    pytest.importorskip("psycopg", reason="psycopg is not installed: " + STEPS)
    with tempfile.TemporaryDirectory(prefix="idpsync-pg-", ignore_cleanup_errors=True) as name:
        folder, servant = Path(name), _servant()
        if servant:
            shutil.chown(folder, "postgres", "postgres")
        make = [str(bin_folder / "initdb"), "-D", f"{folder}/db", "-U", "idpsync", "-A", "trust", "-N"]
        subprocess.run(
            [*servant, *make, "-E", "UTF8", "--locale=C.UTF-8"],
            check=True,
            capture_output=True,
            cwd="/",
        )
        port = free_port()
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*servant, str(bin_folder / "postgres"), "-D", f"{folder}/db", *_options(folder, port)],
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, **(environment or {})},
            )
        try:
            _await(server, port, folder / "log")
            yield f"postgresql://idpsync@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(2)  # SIGINT: fast shutdown
            server.wait(timeout=30)


def _options(folder: Path, port: int) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": folder,
        "max_connections": 150,
        "shared_buffers": "128MB",
    }
    return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]


def _await(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    import psycopg  # noqa: PLC0415 - only where PostgreSQL is installed

    deadline = time.monotonic() + WANTED_WITHIN
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            psycopg.connect(f"postgresql://idpsync@127.0.0.1:{port}/postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-2000:]}")


def new_database(address: str, name: str) -> str:
    """The address of a fresh, empty database in the cluster."""
    import psycopg  # noqa: PLC0415 - only where PostgreSQL is installed

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return address.removesuffix("/postgres") + "/" + name

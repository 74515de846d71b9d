"""`run`: the daemon. The schedule lives in this process, the web workers are its children."""

import multiprocessing
import os
import socket

import click
import structlog
from granian.constants import Interfaces
from granian.server import MPServer

from idpsync import wiring
from idpsync.cli.context import Desk, pass_desk
from idpsync.config import VARIABLE, Config
from idpsync.core.errors import ConfigError, Problem
from idpsync.log import GRANIAN_LOGGING, configure

log = structlog.get_logger()

WORKER_THREADS = 4
KILL_AFTER = 10  # seconds that a worker may take to end


@click.command()
@pass_desk
def run(desk: Desk) -> None:
    """The daemon: schedule, login door, console, API, metrics, alert delivery."""
    config = desk.config
    configure(format=config.log.format, level=config.log.level)
    daemon = wiring.daemon(desk.house)
    desk.book_what_is_due()
    os.environ[VARIABLE] = str(desk.path.resolve())
    wiring.session_key(config)
    # a forked worker would inherit locks and connections of this process's threads
    multiprocessing.set_start_method("spawn", force=True)
    _claim_address(config)
    server = _server(config)
    click.echo(
        f"idpsync {config.organization.id}: http://{config.web.listen} (Ctrl-C stops it)", err=True
    )
    daemon.start()
    try:
        server.serve()
    finally:
        if not daemon.stop():
            log.warning("daemon.hurried", reason="a run did not finish in time; the next one takes over")
        desk.store.close()


def _claim_address(config: Config) -> None:
    """ConfigError when `web.listen` cannot be had; nothing has been started by then.

    The web server shares its port with anybody who asks for that; two daemons side by side would
    answer in turns, each with keys of its own.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        config.web.host, config.web.port, type=socket.SOCK_STREAM
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            message = f"{config.web.listen} cannot be listened on: {error.strerror}"
            raise ConfigError(Problem("web.listen", message)) from error


def _server(config: Config) -> MPServer:
    # the demo identity provider makes its key per process: one worker, so that its word is known
    demo = config.jit is not None and config.jit.idp.demo
    return MPServer(
        "idpsync.wsgi:create",
        factory=True,
        address=config.web.host,
        port=config.web.port,
        interface=Interfaces.WSGI,
        workers=1 if demo else 2,
        blocking_threads=WORKER_THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_AFTER,
        log_access=False,
        log_dictconfig=dict(GRANIAN_LOGGING),
    )

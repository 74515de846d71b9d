"""The web application as servers load it: `idpsync.wsgi:create` under the configuration of `run`."""

import os
import signal
import threading
import time

from flask import Flask

from idpsync import log, wiring
from idpsync.config import load, locate


def create() -> Flask:
    """One worker's application. The configuration is where IDPSYNC_CONFIG says."""
    _live_and_die_with_the_parent()
    config = load(locate(None, os.environ))[0]
    log.configure(format=config.log.format, level=config.log.level)
    return wiring.web(wiring.build(config, wiring.open_books(config)))


def _live_and_die_with_the_parent() -> None:
    """The parent alone decides when a worker ends.

    Ctrl-C reaches the whole foreground group: a worker that took it beside the parent's own signal
    could lose the one it waits for. And a parent that was killed must not leave workers behind that
    answer with its configuration.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)

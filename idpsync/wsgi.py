"""The web application as servers load it: `idpsync.wsgi:create` under the configuration of `run`."""

import os

from flask import Flask

from idpsync import log, wiring
from idpsync.config import load, locate


def create() -> Flask:
    """One worker's application. The configuration is where IDPSYNC_CONFIG says."""
    config = load(locate(None, os.environ))[0]
    log.configure(format=config.log.format, level=config.log.level)
    return wiring.web(wiring.build(config, wiring.open_books(config)))

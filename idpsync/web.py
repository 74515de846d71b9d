"""One web application of the doors: login, console, health, and the demo identity provider."""

from collections.abc import Iterable

from flask import Blueprint, Flask

LARGEST_BODY = 256 * 1024


def compose(blueprints: Iterable[Blueprint]) -> Flask:
    """The doors in one application. Its public address is configuration, never a request header."""
    app = Flask("idpsync", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    return app

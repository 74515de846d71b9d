"""One web application of the doors: login, console, health, and the demo identity provider."""

from collections.abc import Iterable

from flask import Blueprint, Flask
from werkzeug.middleware.proxy_fix import ProxyFix

LARGEST_BODY = 256 * 1024


def compose(blueprints: Iterable[Blueprint], *, proxies: int = 0) -> Flask:
    """The doors in one application. `proxies` is how many trusted proxies stand before it."""
    app = Flask("idpsync", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    return app

"""`/healthz`, `/readyz`, `/metrics`: for machines, without signing in."""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify
from werkzeug.wrappers import Response as AnyResponse

from idpsync.core.errors import IdpSyncError

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def create_health(ready: Callable[[], list[str]], metrics: Callable[[], bytes]) -> Blueprint:
    """The three machine routes. Liveness asks nobody; readiness asks `ready`."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> AnyResponse:
        return _fresh(Response("ok\n", mimetype="text/plain"))

    @blueprint.get("/readyz")
    def readyz() -> AnyResponse:
        problems = _problems(ready)
        answer = _fresh(jsonify(ready=not problems, problems=problems))
        answer.status_code = 503 if problems else 200
        return answer

    @blueprint.get("/metrics")
    def metrics_text() -> AnyResponse:
        return _fresh(Response(metrics(), content_type=PROMETHEUS_TEXT))

    return blueprint


def _problems(ready: Callable[[], list[str]]) -> list[str]:
    try:
        return ready()
    except IdpSyncError as error:
        return [str(error) or type(error).__name__]


def _fresh(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer

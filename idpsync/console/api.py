"""`/api/v1/…`: what the verbs print with `--json`, for admins. It only reads."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from idpsync.console.ports import ConsolePorts
from idpsync.core.errors import IdpSyncError
from idpsync.core.model import fold
from idpsync.core.remedies import remedy
from idpsync.core.report import alert_json, entry_json, held_json, run_json, seats_json, waiting_json
from idpsync.core.statement import pending_of

log = structlog.get_logger()

RUNS = 20
ROWS, MOST_ROWS = 200, 1000

Document = Callable[[], object]


def create_api(ports: ConsolePorts) -> Blueprint:
    """The API as a blueprint of its own, to be nested in the console's."""
    blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
    documents = Documents(ports)

    @blueprint.before_request
    def admit() -> None:
        viewer = ports.viewer(request)
        if viewer is None:
            raise Unauthorized("sign in first")
        if not viewer.admin:
            raise Forbidden("only admins may read this")

    for name in ("seats", "waitlist", "alerts", "runs", "holds", "ledger"):
        blueprint.add_url_rule(f"/{name}", name, _view(getattr(documents, name)))
    blueprint.register_error_handler(HTTPException, _refused)
    blueprint.register_error_handler(IdpSyncError, _unavailable)
    blueprint.register_error_handler(Exception, _broken)
    return blueprint


class Documents:
    """One JSON document per verb."""

    def __init__(self, ports: ConsolePorts) -> None:
        self._ports = ports

    def seats(self) -> object:
        ports = self._ports
        pending = pending_of(ports.invites.invites())
        return seats_json(ports.seats.pool(), ports.organization.id, ports.clock.now(), pending)

    def waitlist(self) -> object:
        return waiting_json(self._ports.waiting.entries())

    def alerts(self) -> object:
        """Every alert that is known, by key; `phase` says which of them fire."""
        states = self._ports.alerts.states()
        return [alert_json(states[key]) for key in sorted(states)]

    def runs(self) -> object:
        """Newest first."""
        return [run_json(run) for run in self._ports.runs.runs(RUNS)]

    def holds(self) -> object:
        """Newest first, every state."""
        return [held_json(held) for held in self._ports.runs.held_plans()]

    def ledger(self) -> object:
        """In order of writing, the newest `limit` of those that fit `user` and `since`."""
        user = request.args.get("user")
        entries = self._ports.ledger.entries(
            member=fold(user) if user else None,
            since=_instant(request.args.get("since")),
            limit=_limit(request.args.get("limit")),
        )
        return [entry_json(entry) for entry in entries]


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest("since: give an instant such as 2026-03-01T10:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _limit(text: str | None) -> int:
    if not text:
        return ROWS
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:6]) <= MOST_ROWS:
        raise BadRequest(f"limit: give a whole number from 1 to {MOST_ROWS}")
    return int(text)


def _view(document: Document) -> Callable[[], AnyResponse]:
    def view() -> AnyResponse:
        return jsonify(document())

    return view


_WORDS = {400: "bad_request", 401: "not_signed_in", 403: "not_admin"}


def _refused(error: HTTPException) -> AnyResponse:
    status = error.code or 500
    answer = _problem(status, _WORDS.get(status, "refused"), error.description or error.name)
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="idpsync"'
    return answer


def _unavailable(error: IdpSyncError) -> AnyResponse:
    log.error("api.unavailable", error=type(error).__name__, reason=str(error))
    return _problem(remedy(error).status, "unavailable", "the store cannot be read right now")


def _broken(error: Exception) -> AnyResponse:
    incident = secrets.token_hex(4)
    log.error("api.broken", incident=incident, exc_info=error)
    return _problem(500, "fault", f"a fault of ours; the log tells more under incident {incident}")


def _problem(status: int, word: str, message: str) -> Response:
    answer = jsonify(error=word, message=message)
    answer.status_code = status
    return answer

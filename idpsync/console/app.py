"""The console on the web: one page for admins, a small one for everybody else, and the API."""

import secrets
from functools import partial

import structlog
from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from idpsync.console import words
from idpsync.console.api import create_api
from idpsync.console.overview import MEMBERS_SHOWN, QUEUE_SHOWN, look, queue
from idpsync.console.ports import ConsolePorts, Viewer
from idpsync.console.trend import WINDOW
from idpsync.core.errors import IdpSyncError
from idpsync.core.remedies import remedy
from idpsync.core.report import iso

log = structlog.get_logger()

REFRESH_SECONDS = 30
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_console(ports: ConsolePorts) -> Blueprint:
    """The console and its API as one blueprint. It reads the books and writes nothing."""
    blueprint = Blueprint(
        "console",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/console/static",
    )
    web = _Web(ports)
    blueprint.add_url_rule("/", "home", web.home)
    blueprint.register_blueprint(create_api(ports))
    blueprint.register_error_handler(HTTPException, _as_it_is)
    blueprint.register_error_handler(IdpSyncError, web.unavailable)
    blueprint.register_error_handler(Exception, web.broken)
    blueprint.after_request(_protect)
    return blueprint


class _Web:
    """The pages."""

    def __init__(self, ports: ConsolePorts) -> None:
        self._ports = ports

    def home(self) -> AnyResponse:
        viewer = self._ports.viewer(request)
        if viewer is not None:
            return self._overview(viewer) if viewer.admin else self._own(viewer)
        login = self._ports.login_path
        return redirect(f"{login}?next=/") if login else self._page("closed.html", status=403)

    def _overview(self, viewer: Viewer) -> AnyResponse:
        """The whole page. It reloads itself only when asked to: a reload takes a reader's place away."""
        refresh = REFRESH_SECONDS if request.args.get("live") == "1" else None
        return self._page(
            "overview.html",
            viewer=viewer,
            view=look(self._ports),
            refresh=refresh,
            seconds=REFRESH_SECONDS,
            queue_shown=QUEUE_SHOWN,
            members_shown=MEMBERS_SHOWN,
            trend_days=WINDOW.days,
        )

    def _own(self, viewer: Viewer) -> AnyResponse:
        """What one person may know: their own seat, and their own place in the queue."""
        waiting = queue(self._ports.waiting.entries())
        return self._page(
            "own.html",
            viewer=viewer,
            holding=self._ports.seats.holding(viewer.member),
            queued=next((q for q in waiting if q.entry.member == viewer.member), None),
        )

    def unavailable(self, error: IdpSyncError) -> AnyResponse:
        log.error("console.unavailable", error=type(error).__name__, reason=str(error))
        answer = self._page("unavailable.html", status=remedy(error).status)
        answer.headers["Retry-After"] = str(REFRESH_SECONDS)
        return answer

    def broken(self, error: Exception) -> AnyResponse:
        incident = secrets.token_hex(4)
        log.error("console.broken", incident=incident, exc_info=error)
        return self._page("broken.html", status=500, incident=incident)

    def _page(self, template: str, status: int = 200, **facts: object) -> AnyResponse:
        now = self._ports.clock.now()
        html = render_template(
            f"console/{template}",
            organization=self._ports.organization.name,
            contact=self._ports.contact,
            logout_path=self._ports.logout_path,
            now=now,
            iso=iso,
            words=words,
            ago=partial(words.relative, now=now),
            **facts,
        )
        return Response(html, status=status)


def _as_it_is(error: HTTPException) -> HTTPException:
    """A missing style sheet is not found; it is no fault of ours."""
    return error


def _protect(answer: AnyResponse) -> AnyResponse:
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer

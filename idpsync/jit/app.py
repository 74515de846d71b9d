"""The login door on the web: `/saml/…` and `/auth/verify`, as a Flask blueprint."""

import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import structlog
from flask import Blueprint, Flask, Response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from idpsync.core.admission import NO_SEAT, NOT_ASSIGNED, REASONS
from idpsync.core.errors import AssertionRejected, IdpSyncError, NoSeatAvailable
from idpsync.jit.door import Arrival, LoginDoor, Parts
from idpsync.jit.paths import local_path
from idpsync.jit.settings import JitConfig
from idpsync.languages import Languages

log = structlog.get_logger()

LARGEST_BODY = 256_000
_BINDING_LIFE = 600
_TRANSLATIONS = Path(__file__).parent / "translations"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def build_app(jit: JitConfig, parts: Parts) -> Flask:
    """The login door alone, as a WSGI application."""
    app = Flask("idpsync.jit", static_folder=None)
    app.register_blueprint(login_blueprint(LoginDoor(jit, parts)))
    return app


def login_blueprint(door: LoginDoor) -> Blueprint:
    """All routes of the login door. Make the door once; its `sessions` tell the console who is there."""
    blueprint = Blueprint(
        "login",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/saml/static",
    )
    web = _Web(door)
    blueprint.add_url_rule("/saml/metadata", view_func=web.metadata, endpoint="metadata")
    blueprint.add_url_rule("/saml/login", view_func=web.login, endpoint="start")
    blueprint.add_url_rule("/saml/acs", view_func=web.acs, endpoint="acs", methods=["POST"])
    blueprint.add_url_rule("/saml/slo", view_func=web.slo, endpoint="slo", methods=["GET", "POST"])
    blueprint.add_url_rule("/saml/signed-in", view_func=web.signed_in, endpoint="signed_in")
    blueprint.add_url_rule("/auth/verify", view_func=web.verify, endpoint="verify")
    blueprint.register_error_handler(AssertionRejected, web.rejected)
    blueprint.register_error_handler(NoSeatAvailable, web.no_seat)
    blueprint.register_error_handler(IdpSyncError, web.unavailable)
    blueprint.register_error_handler(HTTPException, web.wrong)
    blueprint.register_error_handler(Exception, web.broken)
    blueprint.after_request(_protect)
    return blueprint


class _Web:
    """The views; each turns one answer of the door into one page, redirect or header set."""

    def __init__(self, door: LoginDoor) -> None:
        self._door = door
        self._languages = Languages(_TRANSLATIONS)
        # a cross-site POST brings this cookie back only with SameSite=None, which needs https
        self._binding = "__Host-idpsync-login" if door.jit.https else "idpsync-login"

    def metadata(self) -> AnyResponse:
        return Response(self._door.provider.metadata(), mimetype="application/samlmetadata+xml")

    def login(self) -> AnyResponse:
        start = self._door.begin(
            local_path(request.args.get("next")), request.cookies.get(self._binding)
        )
        answer = redirect(start.url)
        answer.set_cookie(
            self._binding,
            start.browser,
            max_age=_BINDING_LIFE,
            secure=self._door.jit.https,
            httponly=True,
            samesite="None" if self._door.jit.https else None,
            path="/",
        )
        return answer

    def acs(self) -> AnyResponse:
        if request.content_length is None or request.content_length > LARGEST_BODY:
            raise AssertionRejected(f"a body of {request.content_length} bytes")
        responses = request.form.getlist("SAMLResponse")
        if len(responses) != 1:
            raise AssertionRejected(f"{len(responses)} SAMLResponse fields in the form")
        arrival = self._door.finish(
            responses[0], request.form.get("RelayState", ""), request.cookies.get(self._binding)
        )
        return self._welcome(arrival) if arrival.admission.let_in else self._refuse(arrival)

    def _welcome(self, arrival: Arrival) -> AnyResponse:
        admission = arrival.admission
        log.info(
            "login.admitted",
            member=admission.member,
            tier=admission.tier.name if admission.tier else None,
            because=admission.because,
        )
        landing = self._door.jit.landing_url or url_for("login.signed_in")
        answer = redirect(arrival.next or landing, code=303)
        self._door.sessions.end(request.cookies)
        self._door.sessions.open(arrival.login, admission, answer)
        return answer

    def _refuse(self, arrival: Arrival) -> AnyResponse:
        admission = arrival.admission
        incident = _incident()
        reason = admission.reason if admission.reason in REASONS else NOT_ASSIGNED
        log.info(
            "refusal.shown",
            member=admission.member,
            reason=reason,
            because=admission.because,
            incident=incident,
        )
        answer = self._page(
            f"{reason}.html",
            403,
            incident=incident,
            admission=admission,
            email=arrival.login.profile.email,
        )
        answer.headers["X-Idpsync-Reason"] = reason
        self._door.sessions.close(request.cookies, answer)
        return answer

    def slo(self) -> AnyResponse:
        if "SAMLRequest" in request.values or "SAMLResponse" in request.values:
            # an unsigned LogoutRequest would let anybody sign anybody out
            raise AssertionRejected("single logout messages are not accepted")
        answer = self._page("signed_out.html", 200)
        self._door.sessions.close(request.cookies, answer)
        return answer

    def signed_in(self) -> AnyResponse:
        visitor = self._door.sessions.visitor(request.cookies)
        if visitor is None:
            return redirect(url_for("login.start"))
        presence = self._door.presence(visitor.member)
        return self._page("signed_in.html", 200, visitor=visitor, presence=presence)

    def verify(self) -> AnyResponse:
        visitor = self._door.sessions.visitor(request.cookies)
        presence = self._door.presence(visitor.member) if visitor else None
        if visitor is None or presence is None:
            return Response(status=401)
        groups = visitor.groups if presence.groups is None else sorted(presence.groups)
        answer = Response(status=200)
        answer.headers["X-Auth-Request-User"] = _header(visitor.user_name)
        answer.headers["X-Auth-Request-Email"] = _header(visitor.email)
        answer.headers["X-Auth-Request-Groups"] = ",".join(_header(group) for group in groups)
        answer.headers["X-Idpsync-Tier"] = _header(presence.tier.name if presence.tier else "")
        return answer

    def rejected(self, error: AssertionRejected) -> AnyResponse:
        incident = _incident()
        log.warning("assertion.rejected", reason=error.reason, incident=incident)
        return self._page("rejected.html", 401, incident=incident)

    def no_seat(self, error: NoSeatAvailable) -> AnyResponse:
        incident = _incident()
        log.info("refusal.shown", member=error.member, reason=NO_SEAT, incident=incident)
        answer = self._page("no_seat.html", 403, incident=incident, admission=None)
        answer.headers["X-Idpsync-Reason"] = NO_SEAT
        return answer

    def unavailable(self, error: IdpSyncError) -> AnyResponse:
        incident = _incident()
        log.error("login.unavailable", error=type(error).__name__, reason=str(error), incident=incident)
        answer = self._page("unavailable.html", 503, incident=incident)
        answer.headers["Retry-After"] = "30"
        return answer

    def wrong(self, error: HTTPException) -> AnyResponse:
        return self._page("wrong.html", error.code or 400, incident=_incident())

    def broken(self, error: Exception) -> AnyResponse:
        incident = _incident()
        log.error("login.broken", incident=incident, exc_info=error)
        return self._page("wrong.html", 500, incident=incident)

    def _page(self, template: str, status: int, **facts: object) -> AnyResponse:
        language = self._languages.choose(request.accept_languages)
        html = render_template(
            f"login/{template}",
            _=self._translator(language),
            language=language,
            contact=self._door.jit.no_seat_contact,
            organization=self._door.organization,
            **facts,
        )
        answer = Response(html, status=status)
        answer.headers["Content-Language"] = language
        answer.headers["Vary"] = "Accept-Language"
        return answer

    def _translator(self, language: str) -> Callable[..., str]:
        def translate(text: str, **facts: object) -> str:
            return self._languages.translate(language, text, **facts)

        return translate


def _protect(answer: AnyResponse) -> AnyResponse:
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def _header(text: str) -> str:
    """A header value: percent-encoded, but for what names and addresses are usually made of.

    A comma inside a group name must not look like the end of it.
    """
    return quote(text, safe="@ +-_.:/()&'")


def _incident() -> str:
    """What a person reads out on the telephone, and the log line it leads to."""
    incident = secrets.token_hex(4).upper()
    return f"{incident[:4]}-{incident[4:]}"

"""The demo identity provider on the web: `/demo-idp/…`, for this machine only."""

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable, Sequence

import structlog
from flask import Blueprint, Response, abort, render_template, request
from lxml import etree

from idpsync.demo.idp import DemoIdp, DemoPerson, on_this_machine

log = structlog.get_logger()

_SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
_LARGEST_REQUEST = 20_000
_MANY = 200
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,253}")
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,255}")
_SUBMIT = "document.forms[0].submit()"


def demo_blueprint(idp: DemoIdp, people: Callable[[], Sequence[DemoPerson]]) -> Blueprint:
    """The people picker and its answers. `people` is asked for every page: the file may change."""
    log.warning("demo_idp.open", advice="anybody on this machine can sign in as anybody")
    blueprint = Blueprint(
        "demo_idp",
        __name__,
        url_prefix="/demo-idp",
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    web = _Web(idp, people)
    blueprint.before_request(web.refuse_strangers)
    blueprint.after_request(_protect)
    blueprint.add_url_rule("/metadata", view_func=web.metadata, endpoint="metadata")
    blueprint.add_url_rule("/sso", view_func=web.choose, endpoint="sso")
    blueprint.add_url_rule("/sso", view_func=web.answer, endpoint="answer", methods=["POST"])
    return blueprint


class _Web:
    def __init__(self, idp: DemoIdp, people: Callable[[], Sequence[DemoPerson]]) -> None:
        self._idp = idp
        self._people = people

    def refuse_strangers(self) -> None:
        """Neither another machine, nor a page elsewhere that has found a name for this one."""
        if not on_this_machine(request.remote_addr or "") or request.host != self._idp.host:
            abort(403)

    def metadata(self) -> Response:
        return Response(self._idp.metadata(), mimetype="application/samlmetadata+xml")

    def choose(self) -> Response:
        request_id = _request_id(request.args.get("SAMLRequest", ""))
        people = self._people()
        page = render_template(
            "demo/choose.html",
            request_id=request_id,
            relay_state=request.args.get("RelayState", ""),
            people=people[:_MANY],
            hidden=max(0, len(people) - _MANY),
        )
        return Response(page)

    def answer(self) -> Response:
        request_id = request.form.get("request_id", "")
        if not _ID.fullmatch(request_id):
            abort(400, "start at /saml/login")
        person = self._person()
        log.info("demo_idp.vouched", email=person.email)
        page = render_template(
            "demo/answer.html",
            acs_url=self._idp.acs_url,
            saml_response=self._idp.vouch(person, request_id),
            relay_state=request.form.get("relay_state", ""),
            person=person,
            submit=_SUBMIT,
        )
        return Response(page)

    def _person(self) -> DemoPerson:
        said = {name: value.strip() for name, value in request.form.items()}
        email = said.get("email", "")
        if not _ADDRESS.fullmatch(email) or not all(value.isprintable() for value in said.values()):
            abort(400, "an e-mail address is needed, and nothing that cannot be printed")
        known = next((p for p in self._people() if p.email == email), None)
        if known is not None:
            return known
        groups = tuple(g.strip() for g in said.get("groups", "").split(";") if g.strip())
        return DemoPerson(
            email=email,
            given_name=said.get("given_name", ""),
            family_name=said.get("family_name", ""),
            groups=groups or None,
        )


def _request_id(deflated: str) -> str:
    """The ID of an AuthnRequest in the redirect binding; 400 for anything else."""
    try:
        raw = zlib.decompressobj(-15).decompress(base64.b64decode(deflated), _LARGEST_REQUEST)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(raw, parser)
    except (binascii.Error, zlib.error, etree.LxmlError, ValueError):
        abort(400, "start at /saml/login")
    if root.tag != f"{{{_SAMLP}}}AuthnRequest" or not root.get("ID"):
        abort(400, "start at /saml/login")
    return str(root.get("ID"))


def _protect(answer: Response) -> Response:
    digest = base64.b64encode(hashlib.sha256(_SUBMIT.encode()).digest()).decode()
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; script-src 'sha256-{digest}'; frame-ancestors 'none'"
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer

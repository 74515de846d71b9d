"""The demo identity provider: a whole login through it, and the places where it refuses to be."""

import re
from dataclasses import replace
from html import unescape

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idpsync.core.errors import ConfigError
from idpsync.demo import DemoIdp, DemoPerson, demo_blueprint
from idpsync.jit.app import build_app
from idpsync.jit.settings import JitConfig, demo_problem
from idpsync.jit.trust import trusted_idp
from tests.jit.doors import World
from tests.jit.forge import NOW
from tests.people import StoppedClock

BASE = "http://127.0.0.1:8080"
ADA = DemoPerson("ada@acme.example", "Ada", "Lovelace", ("Claude Premium",))


class Demo:
    def __init__(self) -> None:
        self.world = _world()
        self.client: FlaskClient = self.world.app.test_client()

    def get(self, path: str, **environ: str) -> TestResponse:
        return self.client.get(path, base_url=BASE, environ_overrides=environ)

    def post(self, path: str, form: dict[str, str]) -> TestResponse:
        return self.client.post(path, base_url=BASE, data=form)

    def choose(self) -> TestResponse:
        start = self.get("/saml/login")
        assert start.headers["Location"].startswith(f"{BASE}/demo-idp/sso?")
        return self.client.get(start.headers["Location"], base_url=BASE)

    def log_in(self, **said: str) -> TestResponse:
        chosen = _hidden(self.choose().text)
        form = {name: chosen[name] for name in ("request_id", "relay_state")}
        answer = self.post("/demo-idp/sso", {**form, **said})
        assert answer.status_code == 200, answer.text
        return self.post("/saml/acs", _hidden(answer.text))


def _hidden(html: str) -> dict[str, str]:
    return {n: unescape(v) for n, v in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html)}


def _world() -> World:
    world = World(base_url=BASE)
    idp = DemoIdp(BASE, world.clock)
    world.jit = JitConfig.model_validate({"base_url": BASE, "idp": {"demo": True}})
    world.parts = replace(
        world.parts,
        idp=trusted_idp(
            world.jit.idp, world.once, world.clock, fetch=world.idp.fetch, demo=idp.metadata
        ),
    )
    world.app = build_app(world.jit, world.parts)
    world.app.register_blueprint(demo_blueprint(idp, lambda: [ADA]))
    return world


def test_a_known_person_signs_in_with_their_groups() -> None:
    demo = Demo()
    page = demo.choose()
    assert "Ada Lovelace" in page.text
    assert "lets anybody in" in page.text
    answer = demo.log_in(email=ADA.email)
    assert answer.status_code == 303
    assert list(demo.world.members.accounts) == ["ada@acme.example"]
    assert demo.world.members.logins[0].groups == frozenset({"Claude Premium"})


def test_somebody_new_signs_in_with_what_they_typed() -> None:
    demo = Demo()
    answer = demo.log_in(email="new@acme.example", given_name="Nía", family_name="<b>", groups="A; B")
    assert answer.status_code == 303
    login = demo.world.members.logins[0]
    assert login.profile.given_name == "Nía"
    assert login.profile.family_name == "<b>"
    assert login.groups == frozenset({"A", "B"})


def test_a_refusal_reaches_the_person() -> None:
    assert Demo().log_in(email="eve@other.example").headers["X-Idpsync-Reason"] == "domain_not_verified"


@pytest.mark.parametrize(
    "form", [{}, {"email": "nobody"}, {"email": "a@b.example", "request_id": "<x>"}], ids=range(3)
)
def test_rubbish_is_refused(form: dict[str, str]) -> None:
    assert Demo().post("/demo-idp/sso", {"request_id": "_a", **form}).status_code == 400


@pytest.mark.parametrize("query", ["", "?SAMLRequest=x", "?SAMLRequest=eJwDAAAAAAE%3D"])
def test_a_picker_without_a_request_sends_people_to_the_start(query: str) -> None:
    assert Demo().get(f"/demo-idp/sso{query}").status_code == 400


def test_another_machine_is_refused() -> None:
    assert Demo().get("/demo-idp/metadata", REMOTE_ADDR="192.0.2.7").status_code == 403
    assert Demo().get("/demo-idp/metadata", REMOTE_ADDR="127.0.0.1").status_code == 200


def test_a_foreign_name_for_this_machine_is_refused() -> None:
    """DNS rebinding: the page of somebody else, whose name leads here."""
    answer = Demo().client.get("/demo-idp/metadata", base_url="http://evil.example:8080")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "base_url", ["https://sso.acme.example", "http://192.0.2.1:8080", "http://127.0.0.1.evil.example"]
)
def test_it_is_not_built_elsewhere(base_url: str) -> None:
    with pytest.raises(ConfigError, match="lets anybody in"):
        DemoIdp(base_url, StoppedClock(NOW))


@pytest.mark.parametrize(
    ("listen", "target", "allowed"),
    [
        ("127.0.0.1:8080", "local", True),
        ("[::1]:8080", "local", True),
        ("0.0.0.0:8080", "local", False),
        ("127.0.0.1:8080", "scim", False),
    ],
)
def test_the_configuration_must_be_local_throughout(listen: str, target: str, allowed: bool) -> None:
    jit = JitConfig.model_validate({"base_url": BASE, "idp": {"demo": True}})
    assert (demo_problem(jit, listen=listen, target_kind=target) is None) is allowed

"""Who may see what: every route, every kind of visitor, in one table."""

import json

import pytest
from flask import Flask

from idpsync.console import Viewer
from tests.console.scenes import ADA, BOB, Stage, busy, store, store_is_gone

PAGE, API, OPEN = "page", "api", "open"
ROUTES = {
    "/": PAGE,
    "/api/v1/seats": API,
    "/api/v1/waitlist": API,
    "/api/v1/alerts": API,
    "/api/v1/runs": API,
    "/api/v1/holds": API,
    "/api/v1/ledger": API,
    "/healthz": OPEN,
    "/readyz": OPEN,
    "/metrics": OPEN,
}
STATUS = {
    (PAGE, None): 302,
    (PAGE, BOB): 200,
    (PAGE, ADA): 200,
    (API, None): 401,
    (API, BOB): 403,
    (API, ADA): 200,
    (OPEN, None): 200,
    (OPEN, BOB): 200,
    (OPEN, ADA): 200,
}
VISITORS = pytest.mark.parametrize("viewer", [None, BOB, ADA], ids=["nobody", "member", "admin"])


@VISITORS
@pytest.mark.parametrize("path", ROUTES)
def test_every_route_lets_in_exactly_whom_it_should(path: str, viewer: Viewer | None) -> None:
    assert Stage(busy(), viewer).get(path).status == STATUS[ROUTES[path], viewer]


def test_the_table_names_every_route() -> None:
    rules = {rule.rule for rule in _app().url_map.iter_rules() if "static" not in rule.endpoint}
    assert rules == set(ROUTES)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ROUTES)
def test_nothing_can_be_written(path: str, method: str) -> None:
    assert _app().test_client().open(path, method=method).status_code == 405


def test_somebody_unknown_is_sent_to_the_login_door_and_back_here() -> None:
    answer = Stage(busy(), None).get("/")
    assert answer.headers["Location"] == "/saml/login?next=/"
    assert "carla" not in answer.text


def test_where_nobody_can_sign_in_the_page_says_so_instead_of_sending_people_nowhere() -> None:
    answer = Stage(busy(), None, login_path=None).get("/")
    assert answer.status == 403
    assert "No login door is configured" in answer.text
    assert "acme.example" not in answer.text


@pytest.mark.parametrize("path", [path for path, kind in ROUTES.items() if kind == API])
def test_a_refusal_of_the_api_is_json_and_names_no_person(path: str) -> None:
    unknown, member = Stage(busy(), None).get(path), Stage(busy(), BOB).get(path)
    assert json.loads(unknown.text)["error"] == "not_signed_in"
    assert unknown.headers["WWW-Authenticate"].startswith("Bearer")
    assert json.loads(member.text)["error"] == "not_admin"
    assert "acme.example" not in unknown.text + member.text


def test_a_member_who_is_no_admin_sees_nobody_else() -> None:
    text = Stage(busy(), BOB).get("/").text
    assert "bob@acme.example" in text
    for other in ("carla", "eve", "person00", "mallory", "Headroom", "sha256:", "run-4"):
        assert other not in text


@pytest.mark.parametrize("viewer", [BOB, ADA])
def test_pages_forbid_scripts_frames_and_caches(viewer: Viewer) -> None:
    answer = Stage(busy(), viewer).get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", [path for path, kind in ROUTES.items() if kind == API])
def test_the_answers_of_the_api_are_not_kept_by_caches(path: str) -> None:
    assert Stage(busy(), ADA).get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [path for path, kind in ROUTES.items() if kind != OPEN])
def test_without_a_store_everybody_is_told_to_come_back(path: str) -> None:
    def nobody_knows(request: object) -> Viewer | None:
        raise store_is_gone()

    answer = Stage(store(), who=nobody_knows).get(path)
    assert answer.status == 503
    assert "cannot be read" in answer.text


def test_a_fault_of_ours_shows_a_reference_and_nothing_else() -> None:
    def fault(request: object) -> Viewer | None:
        raise ZeroDivisionError("postgresql://user:hunter2@db")

    for path, status in (("/", 500), ("/api/v1/seats", 500), ("/healthz", 200)):
        answer = Stage(store(), who=fault).get(path)
        assert answer.status == status
        assert "hunter2" not in answer.text


def test_a_missing_style_sheet_is_simply_not_found() -> None:
    assert Stage(store()).get("/console/static/none.css").status == 404


def _app() -> Flask:
    return Stage(busy(), ADA).app()

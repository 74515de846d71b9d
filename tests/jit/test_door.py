"""The login door from outside: every answer it can give, and what it leaves behind."""

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from idpsync.core.errors import StoreError, Transient
from idpsync.core.seats import Tier
from tests.jit.doors import World
from tests.jit.forge import BASE, IDP, NOW, Draft, key, metadata_xml, signed

BOB = Draft().but(name_id="Bob@acme.example", attributes={})


@pytest.fixture
def world() -> World:
    return World()


# --- let in -----------------------------------------------------------------------------------


def test_somebody_with_a_seat_is_let_in_and_sent_where_they_wanted_to_go(world: World) -> None:
    answer = world.browser().log_in(next_path="/report?month=3")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/report?month=3")
    assert world.members.accounts == {"ada@acme.example": Tier(0, "premium")}
    login = world.members.logins[0]
    assert login.source == f"saml:{IDP}"
    assert login.profile.user_name == "Ada@acme.example"
    assert login.groups == frozenset({"Claude Premium", "All Staff"})


def test_without_a_wish_the_landing_is_next() -> None:
    landed = World(landing_url="https://app.acme.example/").browser().log_in()
    assert landed.headers["Location"] == "https://app.acme.example/"
    world = World()
    browser = world.browser()
    assert browser.log_in().headers["Location"] == "/saml/signed-in"
    page = browser.get("/saml/signed-in")
    assert page.status_code == 200
    assert "Welcome, Ada Lovelace" in page.text
    assert "premium" in page.text


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/path\r\nSet-Cookie: a=b",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/a//evil.example",
        "/ /evil.example",
        "/saml/login",
        "/demo-idp/sso",
        "/\u202egnp.exe",
        "/" + "a" * 3_000,
        "",
    ],
)
def test_nobody_is_sent_to_another_host(wanted: str) -> None:
    assert World().browser().log_in(next_path=wanted).headers["Location"] == "/saml/signed-in"


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/", "/"),
        ("/a/b?c=d&e=f#g", "/a/b?c=d&e=f#g"),
        ("/relatório", "/relat%C3%B3rio"),
        ("/a?next=https://evil.example/", "/a?next=https://evil.example/"),
    ],
)
def test_a_path_of_ours_is_kept(wanted: str, location: str) -> None:
    assert World().browser().log_in(next_path=wanted).headers["Location"] == location


# --- refused: known, but not let in -----------------------------------------------------------


def test_without_a_free_seat_the_page_tells_the_place_in_the_queue() -> None:
    world = World(no_seat_contact="it@acme.example")
    world.members.seats = 1
    world.browser().log_in(BOB)
    world.members.waiting.append("carol@acme.example")
    answer = world.browser().log_in()
    assert (answer.status_code, answer.headers["X-Idpsync-Reason"]) == (403, "no_seat")
    assert "All seats are taken" in answer.text
    assert re.search(r'class="number">2<', answer.text)
    assert 'href="mailto:it@acme.example"' in answer.text
    assert "ada@acme.example" not in world.members.accounts


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("domain_not_verified", "mallory@other.example"),
        ("deactivated", "switched off"),
        ("not_assigned", "no access yet"),
    ],
)
def test_other_refusals_have_a_reason_and_a_page(reason: str, words: str) -> None:
    world = World()
    world.members.required = "Claude Users" if reason == "not_assigned" else None
    world.members.deactivated = {"ada@acme.example"} if reason == "deactivated" else set()
    other = Draft().but(name_id="mallory@other.example", attributes={})
    answer = world.browser().log_in(other if reason == "domain_not_verified" else None)
    assert (answer.status_code, answer.headers["X-Idpsync-Reason"]) == (403, reason)
    assert words in answer.text


def test_a_refusal_signs_out_whoever_was_signed_in_before(world: World) -> None:
    browser = world.browser()
    browser.log_in()
    world.members.deactivated = {"ada@acme.example"}
    browser.log_in()
    world.members.deactivated = set()
    assert browser.get("/auth/verify").status_code == 401


# --- refused: not to be trusted ---------------------------------------------------------------


def test_an_assertion_is_used_once(world: World) -> None:
    browser = world.browser()
    started = browser.start()
    asked = Draft().but(in_response_to=started.request_id, response_in_response_to=started.request_id)
    form = {"SAMLResponse": signed(asked), "RelayState": started.relay_state}
    assert browser.post("/saml/acs", form).status_code == 303
    assert browser.post("/saml/acs", form).status_code == 401
    assert len(world.members.logins) == 1


def test_an_unasked_assertion_is_used_once() -> None:
    world = World(allow_idp_initiated=True)
    form = {"SAMLResponse": signed(Draft().but(in_response_to=None, response_in_response_to=None))}
    assert world.browser().post("/saml/acs", form).status_code == 303
    world.clock.advance(timedelta(minutes=5, seconds=30))
    assert world.browser().post("/saml/acs", form).status_code == 401
    assert len(world.members.logins) == 1


def test_of_two_at_the_same_moment_one_is_let_in() -> None:
    world = World(allow_idp_initiated=True)
    form = {"SAMLResponse": signed(Draft().but(in_response_to=None, response_in_response_to=None))}
    with ThreadPoolExecutor(8) as pool:
        posts = [pool.submit(world.browser().post, "/saml/acs", form) for _ in range(8)]
        codes = sorted(post.result().status_code for post in posts)
    assert codes == [303] + [401] * 7
    assert len(world.members.logins) == 1


def test_an_unasked_login_is_refused_unless_it_is_allowed(world: World) -> None:
    unasked = {"SAMLResponse": signed(Draft().but(in_response_to=None, response_in_response_to=None))}
    assert world.browser().post("/saml/acs", unasked).status_code == 401


def test_an_unasked_login_never_chooses_where_to_go() -> None:
    world = World(allow_idp_initiated=True)
    form = {
        "SAMLResponse": signed(Draft().but(in_response_to=None, response_in_response_to=None)),
        "RelayState": "https://evil.example/",
    }
    assert world.browser().post("/saml/acs", form).headers["Location"] == "/saml/signed-in"


def test_another_browser_cannot_finish_a_login(world: World) -> None:
    """Login CSRF: somebody else's answer must not sign this browser in."""
    started = world.browser().start()
    stranger = world.browser()
    assert stranger.answer(started).status_code == 401
    stranger.start()
    assert stranger.answer(world.browser().start()).status_code == 401
    assert world.members.logins == []


def test_two_tabs_can_both_finish(world: World) -> None:
    browser = world.browser()
    first, second = browser.start("/one"), browser.start("/two")
    assert browser.answer(first).headers["Location"] == "/one"
    assert browser.answer(second, BOB).headers["Location"] == "/two"


def test_an_answer_to_a_login_of_ten_minutes_ago_is_refused(world: World) -> None:
    browser = world.browser()
    started = browser.start()
    world.clock.advance(timedelta(minutes=10, seconds=1))
    late = (
        Draft()
        .but(issued=world.clock.now(), not_before=None, ends=world.clock.now() + timedelta(minutes=5))
        .but(confirmation_ends=world.clock.now() + timedelta(minutes=5))
    )
    assert browser.answer(started, late).status_code == 401


def test_an_answer_to_somebody_elses_request_is_refused(world: World) -> None:
    browser = world.browser()
    started = browser.start()
    form = {"SAMLResponse": signed(Draft()), "RelayState": started.relay_state}
    assert browser.post("/saml/acs", form).status_code == 401


@pytest.mark.parametrize(
    "form",
    [{}, {"SAMLResponse": ""}, {"SAMLResponse": "%%%"}, {"SAMLResponse": "x" * 260_000}],
    ids=["nothing", "empty", "rubbish", "too large"],
)
def test_rubbish_gets_the_uniform_page(form: dict[str, str]) -> None:
    world = World(allow_idp_initiated=True)
    answer = world.browser().post("/saml/acs", form)
    assert answer.status_code == 401
    assert "Signing in did not work" in answer.text


def test_a_refusal_tells_nothing_but_a_reference(world: World) -> None:
    browser = world.browser()
    started = browser.start()
    other = Draft().but(audiences=(("https://secret-audience.example",),))
    page = browser.answer(started, other)
    assert page.status_code == 401
    assert re.search(r"<code>[0-9A-F]{4}-[0-9A-F]{4}</code>", page.text)
    for word in ("audience", "Assertion", "saml:", "Traceback", "onelogin", started.relay_state):
        assert word not in page.text


def test_an_assertion_without_an_address_is_refused(world: World) -> None:
    nobody = Draft().but(name_id="00u1abcd", attributes={"firstName": ["Ada"]})
    assert world.browser().log_in(nobody).status_code == 401


# --- not possible now --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [StoreError("locked"), Transient("scim target", "create account", "timed out")]
)
def test_when_the_store_or_the_target_is_down_the_answer_is_503(
    world: World, fault: StoreError | Transient
) -> None:
    world.members.fault = fault
    answer = world.browser().log_in()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "locked" not in answer.text
    assert "timed out" not in answer.text
    world.members.fault = None
    assert world.browser().log_in().status_code == 303


def test_without_metadata_of_the_identity_provider_nobody_can_start(world: World) -> None:
    world.idp.fault = Transient("http", "get", "unreachable")
    assert world.browser().get("/saml/login").status_code == 503
    world.idp.fault = None
    assert world.browser().log_in().status_code == 303


def test_a_new_signing_key_is_fetched_when_it_first_appears(world: World) -> None:
    world.browser().log_in()
    world.clock.advance(timedelta(minutes=6))
    world.idp.document = metadata_xml(key("next").certificate_base64)
    browser = world.browser()
    started = browser.start()
    now = world.clock.now()
    asked = Draft().but(
        in_response_to=started.request_id,
        response_in_response_to=started.request_id,
        issued=now,
        not_before=None,
        ends=now + timedelta(minutes=5),
        confirmation_ends=now + timedelta(minutes=5),
    )
    form = {"SAMLResponse": signed(asked, with_key=key("next")), "RelayState": started.relay_state}
    assert browser.post("/saml/acs", form).status_code == 303


# --- sessions and forward auth -----------------------------------------------------------------


def test_forward_auth_names_the_person_and_the_tier_of_this_moment(world: World) -> None:
    browser = world.browser()
    assert browser.get("/auth/verify").status_code == 401
    browser.log_in()
    answer = browser.get("/auth/verify")
    assert answer.status_code == 200
    assert answer.headers["X-Auth-Request-User"] == "Ada@acme.example"
    assert answer.headers["X-Auth-Request-Email"] == "Ada@acme.example"
    assert answer.headers["X-Auth-Request-Groups"] == "All Staff,Claude Premium"
    assert answer.headers["X-Idpsync-Tier"] == "premium"
    world.members.accounts["ada@acme.example"] = Tier(1, "standard")
    assert browser.get("/auth/verify").headers["X-Idpsync-Tier"] == "standard"
    del world.members.accounts["ada@acme.example"]
    assert browser.get("/auth/verify").status_code == 401


def test_a_group_name_cannot_pretend_to_be_two(world: World) -> None:
    browser = world.browser()
    sly = Draft().but(attributes={"email": ["ada@acme.example"], "groups": ["a,Claude Admins", "ção"]})
    browser.log_in(sly)
    groups = browser.get("/auth/verify").headers["X-Auth-Request-Groups"]
    assert groups == "a%2CClaude Admins,%C3%A7%C3%A3o"


def test_forward_auth_answers_503_when_it_cannot_know(world: World) -> None:
    browser = world.browser()
    browser.log_in()
    world.members.fault = StoreError("locked")
    assert browser.get("/auth/verify").status_code == 503


def test_a_session_ends_after_eight_hours(world: World) -> None:
    browser = world.browser()
    browser.log_in()
    world.clock.advance(timedelta(hours=7, minutes=59))
    assert browser.get("/auth/verify").status_code == 200
    world.clock.advance(timedelta(minutes=2))
    assert browser.get("/auth/verify").status_code == 401


def test_signing_in_again_ends_the_session_before(world: World) -> None:
    browser, thief = world.browser(), world.browser()
    browser.log_in()
    cookie = browser.client.get_cookie("__Host-idpsync-session", "sso.acme.example")
    assert cookie is not None
    thief.client.set_cookie(cookie.key, cookie.value, domain="sso.acme.example", secure=True)
    browser.log_in(BOB)
    assert browser.get("/auth/verify").headers["X-Auth-Request-User"] == "Bob@acme.example"
    assert thief.get("/auth/verify").status_code == 401


def test_signing_out_is_final_even_for_a_copied_cookie(world: World) -> None:
    browser, thief = world.browser(), world.browser()
    browser.log_in()
    cookie = browser.client.get_cookie("__Host-idpsync-session", "sso.acme.example")
    assert cookie is not None
    thief.client.set_cookie(cookie.key, cookie.value, domain="sso.acme.example", secure=True)
    assert thief.get("/auth/verify").status_code == 200
    assert browser.get("/saml/slo").status_code == 200
    assert browser.get("/auth/verify").status_code == 401
    assert thief.get("/auth/verify").status_code == 401


@pytest.mark.parametrize("value", ["", "x", "InNlc3Npb24i.c2ln", "null"])
def test_a_made_up_cookie_is_nobody(world: World, value: str) -> None:
    browser = world.browser()
    browser.client.set_cookie("__Host-idpsync-session", value, domain="sso.acme.example", secure=True)
    assert browser.get("/auth/verify").status_code == 401


def test_an_unsigned_logout_message_signs_nobody_out(world: World) -> None:
    browser = world.browser()
    browser.log_in()
    message = base64.b64encode(b"<LogoutRequest/>").decode()
    assert browser.get(f"/saml/slo?SAMLRequest={message}").status_code == 401
    assert browser.post("/saml/slo", {"SAMLRequest": message}).status_code == 401
    assert browser.get("/auth/verify").status_code == 200


def test_cookies_are_as_strict_as_their_purpose_allows(world: World) -> None:
    browser = world.browser()
    started = browser.client.get("/saml/login", base_url=BASE)
    (binding,) = started.headers.getlist("Set-Cookie")
    for word in (
        "__Host-idpsync-login=",
        "Secure",
        "HttpOnly",
        "Path=/",
        "SameSite=None",
        "Max-Age=600",
    ):
        assert word in binding
    (session,) = browser.log_in().headers.getlist("Set-Cookie")
    for word in ("__Host-idpsync-session=", "Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert word in session
    assert "Domain" not in session + binding


def test_on_loopback_the_cookies_work_without_https() -> None:
    world = World(base_url="http://127.0.0.1:8080")
    (binding,) = world.app.test_client().get("/saml/login").headers.getlist("Set-Cookie")
    assert binding.startswith("idpsync-login=")
    assert "Secure" not in binding
    assert "SameSite" not in binding


# --- the rest ----------------------------------------------------------------------------------


def test_our_metadata_is_published(world: World) -> None:
    answer = world.browser().get("/saml/metadata")
    assert answer.mimetype == "application/samlmetadata+xml"
    assert f"{BASE}/saml/acs" in answer.text


def test_pages_are_not_kept_and_run_no_scripts(world: World) -> None:
    page = world.browser().get("/saml/slo")
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text


def test_a_fault_of_ours_is_a_calm_page(world: World) -> None:
    world.members.admins = None  # type: ignore[assignment]
    page = world.browser().log_in()
    assert page.status_code == 500
    assert "Something went wrong" in page.text
    assert "TypeError" not in page.text


def test_the_host_of_the_request_is_never_believed(world: World) -> None:
    answer = world.app.test_client().get("/saml/login", headers={"Host": "evil.example"})
    assert "evil" not in answer.headers["Location"]
    assert world.clock.now() == NOW

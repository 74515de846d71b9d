"""What reaches stderr: one line per event, with its ids, without secrets."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from idpsync import log
from idpsync.log import GRANIAN_LOGGING, REDACTED, configure, is_secretive, redact
from idpsync.settings import Secret


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in log.CHATTY}
    yield
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def fail(reason: str) -> None:
    raise RuntimeError(reason)


def fail_with(token: str) -> None:
    fail(f"no answer after {len(token)} tries")


Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Lines:
    """Logging set up for a pipe; the lines so far as JSON."""
    stream = io.StringIO()
    configure(level="debug", stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_logger_and_event_first(lines: Lines) -> None:
    structlog.get_logger("idpsync.engine").info("plan.made", actions=3)
    (line,) = lines()
    assert list(line)[:4] == ["timestamp", "level", "logger", "event"]
    assert (line["level"], line["logger"], line["event"]) == ("info", "idpsync.engine", "plan.made")
    assert line["actions"] == 3


def test_time_is_utc_in_iso_form(lines: Lines) -> None:
    structlog.get_logger().info("run.started")
    at = datetime.fromisoformat(lines()[0]["timestamp"])
    assert at.utcoffset() == timedelta(0)
    assert lines()[0]["timestamp"].endswith("Z")


def test_a_logger_without_a_name_is_called_by_its_module(lines: Lines) -> None:
    structlog.get_logger().info("run.started")
    assert lines()[0]["logger"].endswith("test_log")


def test_bound_ids_are_on_every_line_until_they_are_cleared(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(run_id="r1"):
        structlog.get_logger().info("plan.made")
        logging.getLogger("urllib3.connectionpool").warning("retrying")
    structlog.get_logger().info("run.ended")
    assert [line.get("run_id") for line in lines()] == ["r1", "r1", None]


def test_the_standard_library_comes_out_of_the_same_end(lines: Lines) -> None:
    logging.getLogger("apscheduler.scheduler").warning("missed by %s", "3s", extra={"job": "reconcile"})
    (line,) = lines()
    assert (line["event"], line["level"], line["job"]) == ("missed by 3s", "warning", "reconcile")
    assert "timestamp" in line


def test_warnings_become_lines_too(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old API", UserWarning, stacklevel=1)
    assert any(line["logger"] == "py.warnings" and "old API" in line["event"] for line in lines())


def test_an_exception_is_one_line_with_its_traceback(lines: Lines) -> None:
    try:
        fail("no answer, Authorization: Bearer hunter2hunter2")
    except RuntimeError:
        structlog.get_logger().exception("run.failed")
    (line,) = lines()
    assert "RuntimeError: no answer" in line["exception"]
    assert "hunter2" not in line["exception"]


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    configure(level="warning", stream=stream)
    structlog.get_logger().info("plan.made")
    logging.getLogger("anything").info("quiet")
    structlog.get_logger().warning("seat.short")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["seat.short"]


def test_chatty_libraries_speak_below_a_warning_only_when_debugging() -> None:
    stream = io.StringIO()
    configure(level="info", stream=stream)
    logging.getLogger("apscheduler.executors.default").info("Running job")
    assert stream.getvalue() == ""
    configure(level="debug", stream=stream)
    logging.getLogger("apscheduler.executors.default").info("Running job")
    assert "Running job" in stream.getvalue()


def test_setting_up_again_replaces_the_first_and_leaves_other_handlers() -> None:
    root, other = logging.getLogger(), logging.NullHandler()
    root.addHandler(other)
    first, second = io.StringIO(), io.StringIO()
    configure(stream=first)
    configure(stream=second)
    structlog.get_logger().warning("seat.short")
    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1
    assert other in root.handlers


def test_on_a_terminal_auto_is_for_people() -> None:
    stream = Terminal()
    configure(stream=stream)
    structlog.get_logger().info("plan.made", actions=3)
    assert "plan.made" in stream.getvalue()
    assert not stream.getvalue().lstrip().startswith("{")


@pytest.mark.parametrize(
    ("format", "terminal", "is_json"),
    [("json", True, True), ("console", False, False), ("auto", False, True), ("auto", True, False)],
)
def test_the_format_can_be_chosen(format: log.LogFormat, terminal: bool, is_json: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    configure(format=format, stream=stream)
    structlog.get_logger().info("plan.made")
    assert stream.getvalue().startswith("{") is is_json


def test_a_console_traceback_shows_no_local_variables() -> None:
    stream = Terminal()
    configure(stream=stream)
    try:
        fail_with("hunter2-in-a-local")
    except RuntimeError:
        structlog.get_logger().exception("run.failed")
    assert "no answer after 18 tries" in stream.getvalue()
    assert "in fail_with" in stream.getvalue()
    assert stream.getvalue().count("hunter2") == 1, "only the line of source that calls"


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "Authorization", "token", "access_token", "password", "bind_password"),
        *("secret", "client_secret", "key", "api_key", "X-Api-Key", "apiKey", "routing_key", "cookie"),
        *(
            "Set-Cookie",
            "SAMLResponse",
            "saml_response",
            "SAMLRequest",
            "client_assertion",
            "passphrase",
        ),
        *("token_value", "authorization_header", "private_key_pem", "credentials", "session"),
    ],
)
def test_a_key_that_may_hold_a_secret_is_known(lines: Lines, name: str) -> None:
    structlog.get_logger().info("x.y", **{name: "hunter2hunter2"})
    structlog.get_logger().info("x.y", headers={name: ["hunter2hunter2"]}, listed=[{name: b"hunter2"}])
    logging.getLogger("lib").warning("x", extra={name: "hunter2hunter2"})
    assert "hunter2" not in json.dumps(lines())
    assert lines()[0][name] == REDACTED


@pytest.mark.parametrize(
    "name",
    ["event", "token_url", "key_id", "keys", "user_name", "tier", "monkey", "digest", "client_id"],
)
def test_a_key_that_is_only_about_a_secret_stays(name: str) -> None:
    assert not is_secretive(name)


def test_numbers_stay_under_any_key(lines: Lines) -> None:
    structlog.get_logger().info("lease.acquired", token=7, secrets=True, key=None)
    line = lines()[0]
    assert (line["token"], line["secrets"], line["key"]) == (7, True, None)


def test_a_secret_is_shown_by_its_reference(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDPSYNC_TEST_SECRET", "hunter2hunter2")
    structlog.get_logger().info("x.y", credential=Secret("env:IDPSYNC_TEST_SECRET"))
    assert "env:IDPSYNC_TEST_SECRET" in lines()[0]["credential"]


@pytest.mark.parametrize(
    "text",
    [
        "GET / Authorization: Bearer hunter2hunter2",
        "sent bearer hunter2hunter2.abc-def/x= and failed",
        "tried Basic aHVudGVyMmh1bnRlcjI=",
        "Authorization: SSWS hunter2hunter2",
        "Cookie: session=hunter2; other=hunter2",
        "POST grant_type=client_credentials&client_secret=hunter2&scope=x",
        "GET /hook?token=hunter2&x=1",
        '{"access_token": "hunter2", "expires_in": 3600}',
        "{'password': 'hunter2'}",
        "SAMLResponse=hunter2hunter2&RelayState=x",
        "postgresql://idpsync:hunter2@db.example/idpsync",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter2 cut off",
    ],
)
def test_a_secret_inside_a_message_is_taken_out(lines: Lines, text: str) -> None:
    assert "hunter2" not in redact(text)
    assert "aHVudGVy" not in redact(text)
    structlog.get_logger().warning(text, detail=[text], error=ValueError(text))
    logging.getLogger("lib").warning("failed: %s", text)
    assert "hunter2" not in json.dumps(lines())


@pytest.mark.parametrize(
    "text",
    [
        "the bearer token is not accepted",
        "basic authentication is refused",
        "invalid token: ask for a new one",
        "https://acme.example:8443/scim/v2",
        "ada@acme.example has no seat",
        "password expired",
    ],
)
def test_an_ordinary_message_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


@given(secret=st.text(alphabet="abcdefXYZ0123456789._~+/=-", min_size=8, max_size=60))
def test_no_bearer_credential_passes(secret: str) -> None:
    said = redact(f"request failed (Authorization: Bearer {secret}) after 3 tries; bearer {secret}")
    assert secret not in said


@given(text=st.text(max_size=200))
def test_redacting_is_total_and_settled_after_one_pass(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


def test_granian_speaks_through_our_handler(lines: Lines) -> None:
    from granian.log import LogLevels, configure_logging  # noqa: PLC0415 - configures nothing on import

    configure_logging(LogLevels.info, dict(GRANIAN_LOGGING))
    logging.getLogger("_granian").info("Listening at: 127.0.0.1:8080")
    assert [line["event"] for line in lines()] == ["Listening at: 127.0.0.1:8080"]

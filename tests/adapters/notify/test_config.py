"""Which receivers a configuration may name, and what is said about the others."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from idpsync.core.alerts import Severity
from idpsync.core.errors import ConfigError
from idpsync.notify import EmailConfig, ReceiverConfig, build, not_built
from tests.people import StoppedClock

RECEIVER: TypeAdapter[ReceiverConfig] = TypeAdapter(ReceiverConfig)

PAGER = {"name": "oncall", "kind": "pagerduty", "routing_key": "env:KEY", "severities": ["critical"]}
SLACK = {"name": "it", "kind": "slack", "url": "env:SLACK_WEBHOOK"}
EMAIL = {
    "name": "mailbox",
    "kind": "email",
    "smtp": "smtp://mail.acme.example:587",
    "from": "idpsync@acme.example",
    "to": ["it@acme.example"],
}
HOOK = {"name": "siem", "kind": "webhook", "url": "https://hooks.acme.example/idpsync"}


@pytest.mark.parametrize("settings", [PAGER, SLACK, EMAIL, HOOK])
def test_every_kind_is_accepted(settings: dict[str, Any]) -> None:
    assert RECEIVER.validate_python(settings).kind == settings["kind"]


def test_a_receiver_wants_both_severities_unless_it_says_otherwise() -> None:
    assert RECEIVER.validate_python(SLACK).severities == (Severity.WARNING, Severity.CRITICAL)
    assert RECEIVER.validate_python(PAGER).severities == (Severity.CRITICAL,)


def test_the_sender_of_mail_is_called_from() -> None:
    config = RECEIVER.validate_python(EMAIL)
    assert isinstance(config, EmailConfig)
    assert config.sender == "idpsync@acme.example"


@pytest.mark.parametrize(
    "settings",
    [
        {**SLACK, "url": "https://hooks.slack.example/services/T/B/inline"},  # a secret, inline
        {**PAGER, "routing_key": "0123456789abcdef0123456789abcdef"},
        {**HOOK, "url": "http://hooks.acme.example/idpsync"},  # names of people in the clear
        {**HOOK, "url": "https://user:word@hooks.acme.example/"},
        {**HOOK, "url": "ftp://hooks.acme.example/"},
        {**HOOK, "severities": []},
        {**HOOK, "severities": ["fatal"]},
        {**HOOK, "colour": "red"},
        {**HOOK, "name": "two words"},
        {**EMAIL, "to": []},
        {**EMAIL, "to": ["nobody"]},
        {**EMAIL, "smtp": "smtp://user:word@mail.acme.example"},
        {"name": "x", "kind": "pigeon"},
    ],
)
def test_faulty_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RECEIVER.validate_python(settings)


def test_this_machine_may_be_reached_in_the_clear() -> None:
    assert RECEIVER.validate_python({**HOOK, "url": "http://127.0.0.1:9000/x"}).kind == "webhook"
    assert RECEIVER.validate_python({**HOOK, "url": "http://[::1]:9000/x"}).kind == "webhook"


@pytest.mark.parametrize("settings", [PAGER, EMAIL])
def test_a_kind_that_is_not_built_says_so_and_names_those_that_are(settings: dict[str, Any]) -> None:
    config = RECEIVER.validate_python(settings)
    with pytest.raises(ConfigError) as caught:
        build(config, organization="acme", clock=StoppedClock())
    (problem,) = caught.value.problems
    assert problem.path == f"alerts.receivers[{config.name}].kind"
    expected = f"{config.kind} is not built in this version; built are: slack, webhook"
    assert problem.message == expected


def test_all_receivers_that_are_not_built_are_named_at_once() -> None:
    configs = [RECEIVER.validate_python(one) for one in (PAGER, SLACK, EMAIL, HOOK)]
    assert [problem.path for problem in not_built(configs)] == [
        "alerts.receivers[oncall].kind",
        "alerts.receivers[mailbox].kind",
    ]

"""The webhook against a real socket: contract, CloudEvents, Standard Webhooks."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from idpsync.core.alerts import Severity
from idpsync.core.errors import CredentialsRejected
from idpsync.core.ports import Notifier
from idpsync.notify import WebhookConfig, build
from idpsync.notify.webhook import event, sign
from tests.adapters.notify.conftest import IMPATIENT, SocketWorld
from tests.contracts.notifier import ALERT, RESOLVED, NotifierContract, World
from tests.people import StoppedClock
from tests.receiver import Received, Receiver

KEY = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
NEXT = "plain-text-secret-of-tomorrow"


def read(request: Received) -> tuple[str, str, bool]:
    body = request.json()
    return request.headers["webhook-id"], body["data"]["summary"], body["type"] == "idpsync.alert.firing"


@pytest.fixture
def subject(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Notifier:
    monkeypatch.setenv("HOOK_SECRET", KEY)
    return hook(receiver, "env:HOOK_SECRET")


def hook(
    receiver: Receiver,
    secret: str | None,
    severities: tuple[Severity, ...] = (Severity.WARNING, Severity.CRITICAL),
) -> Notifier:
    config = WebhookConfig.model_validate(
        {
            "name": "siem",
            "kind": "webhook",
            "url": f"{receiver.url}/idpsync",
            "secret": secret,
            "severities": severities,
        }
    )
    return build(config, organization="acme", clock=StoppedClock(), limits=IMPATIENT)


class TestWebhookContract(NotifierContract):
    @pytest.fixture
    def world(self, receiver: Receiver) -> World:
        return SocketWorld(receiver, read, hidden=(KEY,), ids=True)


def expected(key: bytes, request: Received) -> str:
    """The signature, made again from the text of the standard."""
    signed = b".".join(
        (
            request.headers["webhook-id"].encode(),
            request.headers["webhook-timestamp"].encode(),
            request.body,
        )
    )
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_the_signature_is_that_of_standard_webhooks(subject: Notifier, receiver: Receiver) -> None:
    subject.send(ALERT, "d-1")
    (request,) = receiver.received
    assert request.headers["webhook-signature"] == expected(b"0123456789abcdef01234567", request)


def test_the_signature_matches_the_published_example() -> None:
    """The worked example of the standard's specification and libraries."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
    assert sign(key, signed) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_timestamp_is_that_of_sending(subject: Notifier, receiver: Receiver) -> None:
    subject.send(ALERT, "d-1")
    sent = int(receiver.received[0].headers["webhook-timestamp"])
    assert sent == int(StoppedClock().now().timestamp())


def test_two_secrets_give_two_signatures_while_one_replaces_the_other(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", f"{NEXT} {KEY}")
    hook(receiver, "env:HOOK_SECRET").send(ALERT, "d-1")
    (request,) = receiver.received
    assert request.headers["webhook-signature"].split(" ") == [
        expected(NEXT.encode(), request),
        expected(b"0123456789abcdef01234567", request),
    ]


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    hook(receiver, None).send(ALERT, "d-1")
    assert "webhook-signature" not in receiver.received[0].headers


def test_a_secret_that_is_not_there_is_a_matter_for_a_person(receiver: Receiver) -> None:
    with pytest.raises(CredentialsRejected, match="env:NOT_SET_ANYWHERE"):
        hook(receiver, "env:NOT_SET_ANYWHERE").send(ALERT, "d-1")
    assert receiver.received == []


def test_a_broken_secret_is_not_repeated(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "whsec_this is no base64!".replace(" ", "-"))
    with pytest.raises(CredentialsRejected) as caught:
        hook(receiver, "env:HOOK_SECRET").send(ALERT, "d-1")
    assert "this-is" not in str(caught.value)


def test_the_body_is_a_cloud_event(subject: Notifier, receiver: Receiver) -> None:
    subject.send(RESOLVED, "d-9")
    (request,) = receiver.received
    assert request.headers["content-type"].startswith("application/cloudevents+json")
    assert request.json() == {
        "specversion": "1.0",
        "id": "d-9",
        "source": "/idpsync/acme",
        "type": "idpsync.alert.resolved",
        "subject": "idpsync/acme/headroom/premium",
        "time": datetime(2026, 3, 1, 10, 0, tzinfo=UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "key": "idpsync/acme/headroom/premium",
            "state": "resolved",
            "severity": "critical",
            "summary": RESOLVED.summary,
            "facts": {"free": "0", "purchased": "20", "waiting": "2"},
            "runbook": "deploy/RUNBOOK.md#headroom",
        },
    }


def test_the_same_delivery_has_the_same_bytes() -> None:
    assert event(ALERT, "d-1", "acme") == event(ALERT, "d-1", "acme")


def test_only_the_configured_severities_are_wanted(receiver: Receiver) -> None:
    oncall = hook(receiver, None, severities=(Severity.CRITICAL,))
    assert oncall.wants(ALERT)
    assert not hook(receiver, None, severities=(Severity.WARNING,)).wants(ALERT)

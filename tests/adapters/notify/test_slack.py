"""The Slack receiver against a real socket: contract, limits, and an address that stays secret."""

import html
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idpsync.core.errors import CredentialsRejected
from idpsync.core.ports import Notifier
from idpsync.notify import SlackConfig, build
from idpsync.notify.slack import escaped, message
from tests.adapters.notify.conftest import IMPATIENT, SocketWorld
from tests.contracts.notifier import ALERT, RESOLVED, NotifierContract, World
from tests.people import StoppedClock
from tests.receiver import Received, Receiver

PATH = "/services/T00000001/B00000002/bearerpartoftheaddress"


def read(request: Received) -> tuple[str, str, bool]:
    text = html.unescape(request.json()["text"])
    return "", text, "Resolved" not in text


@pytest.fixture
def subject(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Notifier:
    monkeypatch.setenv("SLACK_WEBHOOK", receiver.url + PATH)
    return channel()


def channel() -> Notifier:
    config = SlackConfig.model_validate(
        {"name": "it-channel", "kind": "slack", "url": "env:SLACK_WEBHOOK"}
    )
    return build(config, organization="acme", clock=StoppedClock(), limits=IMPATIENT)


class TestSlackContract(NotifierContract):
    @pytest.fixture
    def world(self, receiver: Receiver) -> World:
        return SocketWorld(receiver, read, hidden=(PATH, "bearerpartoftheaddress"), ids=False)


def test_the_message_goes_to_the_whole_address(subject: Notifier, receiver: Receiver) -> None:
    subject.send(ALERT, "d-1")
    assert receiver.received[0].path == PATH


@pytest.mark.parametrize("address", ["http://hooks.slack.example/services/T/B/x", "not an address", ""])
def test_an_address_that_is_not_guarded_is_not_used(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK", address)
    with pytest.raises(CredentialsRejected) as caught:
        channel().send(ALERT, "d-1")
    assert "env:SLACK_WEBHOOK" in str(caught.value)
    assert not address or address not in str(caught.value)
    assert not channel().probe().ok


def test_trouble_shows_facts_and_runbook_and_its_end_does_not() -> None:
    trouble, end = message(ALERT, "acme"), message(RESOLVED, "acme")
    assert "RUNBOOK.md#headroom" in str(trouble["blocks"])
    assert "*purchased*\\n20" in str(trouble["blocks"])
    assert "RUNBOOK.md" not in str(end["blocks"])
    assert str(trouble["text"]).startswith(":red_circle: Critical (acme): premium: 0 of 20")
    assert str(end["text"]).startswith(":white_check_mark: Resolved (acme): premium: 9 of 20")


def test_names_cannot_call_the_whole_channel() -> None:
    loud = replace(ALERT, summary="<!channel> & <@U1>", facts={"<b>": "<!here>"})
    assert "<!" not in str(message(loud, "acme"))
    assert "&lt;!channel&gt; &amp; &lt;@U1&gt;" in str(message(loud, "acme")["text"])


@given(st.text(max_size=4000), st.integers(min_value=10, max_value=3000))
def test_escaping_keeps_the_limit_and_cuts_no_escape(text: str, limit: int) -> None:
    shown = escaped(text, limit)
    assert len(shown) <= limit
    assert html.unescape(shown.removesuffix("…")) == text[: len(html.unescape(shown.removesuffix("…")))]


@given(
    st.text(max_size=5000), st.dictionaries(st.text(max_size=300), st.text(max_size=3000), max_size=15)
)
def test_every_message_keeps_the_limits_of_block_kit(summary: str, facts: dict[str, str]) -> None:
    blocks: Any = message(replace(ALERT, summary=summary, facts=facts), "acme")["blocks"]
    assert len(blocks) <= 50
    for block in blocks:
        match block["type"]:
            case "header":
                assert len(block["text"]["text"]) <= 150
            case "section" if "fields" in block:
                assert len(block["fields"]) <= 10
                assert all(1 <= len(field["text"]) <= 2000 for field in block["fields"])
            case "section":
                assert 1 <= len(block["text"]["text"]) <= 3000

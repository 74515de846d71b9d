"""Alerts to a Slack channel through an incoming webhook.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; limits of Block Kit:
150 characters in a header, 3000 in a section, 10 fields of 2000; `text` is what notifications show.
"""

import json
from urllib.parse import urlsplit

from idpsync.core.alerts import Alert, Severity
from idpsync.core.errors import CredentialsRejected, RemoteError
from idpsync.core.records import Health
from idpsync.notify.endpoint import OPERATION, Endpoint, Letter
from idpsync.notify.kinds import SlackConfig, is_guarded

HEADER, SECTION, FIELD, FIELDS, TEXT = 150, 3000, 2000, 10, 3000

SIGNS = {Severity.WARNING: ":large_orange_circle:", Severity.CRITICAL: ":red_circle:"}
RESOLVED = ":white_check_mark:"


class Slack:
    """One Slack channel. Who knows the address may post there: it is treated as a secret."""

    def __init__(self, config: SlackConfig, endpoint: Endpoint, *, organization: str) -> None:
        self.name, self._config, self._organization = config.name, config, organization
        self._endpoint = endpoint

    def wants(self, alert: Alert) -> bool:
        return alert.severity in self._config.severities

    def send(self, alert: Alert, delivery_id: str) -> None:
        """Slack knows no delivery id: a repetition after a lost answer shows twice."""
        del delivery_id
        url = self._url()
        body = json.dumps(message(alert, self._organization), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        self._endpoint.post(Letter(url, headers, body, _secret_parts(url)))

    def probe(self) -> Health:
        try:
            return self._endpoint.reach(self._url())
        except RemoteError as error:
            return Health(self._endpoint.system, ok=False, detail=error.reason)

    def _url(self) -> str:
        url = self._endpoint.reveal(self._config.url)
        if is_guarded(url):
            return url
        reason = f"{self._config.url.reference} holds no https:// address"
        raise CredentialsRejected(self._endpoint.system, OPERATION, reason)


def message(alert: Alert, organization: str) -> dict[str, object]:
    """The payload: `text` for notifications, blocks for the channel."""
    sign, word = _headline(alert)
    text = f"{sign} {word} ({organization}): {escaped(alert.summary, TEXT)}"
    fields: list[object] = [
        {"type": "mrkdwn", "text": f"*{escaped(label, 100)}*\n{escaped(fact or '–', FIELD - 200)}"}
        for label, fact in list(alert.facts.items())[:FIELDS]
    ]
    footing = f"{alert.key} · {alert.guide}" if alert.firing else alert.key
    summary = escaped(alert.summary or alert.key, SECTION)
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(f"{sign} {word}", HEADER)}},
        {"type": "section", "text": {"type": "mrkdwn", "text": summary}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(footing, FIELD)}]},
    ]
    if fields and alert.firing:
        blocks.insert(2, {"type": "section", "fields": fields})
    return {"text": text, "blocks": blocks}


def _headline(alert: Alert) -> tuple[str, str]:
    if alert.firing:
        return SIGNS[alert.severity], alert.severity.value.capitalize()
    return RESOLVED, "Resolved"


def escaped(text: str, limit: int) -> str:
    """`text` with Slack's three control characters escaped; at most `limit` long, no escape cut."""
    shown = ""
    for letter in text:
        piece = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(letter, letter)
        if len(shown) + len(piece) > limit - 1:
            return shown + "…"
        shown += piece
    return shown


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _secret_parts(url: str) -> tuple[str, ...]:
    """The address and the parts of its path, longest first: an answer may quote any of them."""
    parts = urlsplit(url)
    return (url, parts.path, *sorted((p for p in parts.path.split("/") if len(p) > 6), key=len)[::-1])

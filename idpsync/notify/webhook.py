"""Alerts as CloudEvents 1.0, signed after Standard Webhooks.

https://github.com/cloudevents/spec (structured mode, §3 HTTP binding);
https://github.com/standard-webhooks/standard-webhooks (headers webhook-id, -timestamp, -signature).
"""

import base64
import binascii
import hashlib
import hmac
import json

from idpsync.core.alerts import Alert
from idpsync.core.errors import CredentialsRejected
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.notify.endpoint import OPERATION, Endpoint, Letter
from idpsync.notify.kinds import WebhookConfig

PREFIX = "whsec_"  # what follows is base64; a secret without it is taken as it stands


class Webhook:
    """One webhook. `id` of the event is the delivery id: with `source` it tells repetitions apart."""

    def __init__(
        self, config: WebhookConfig, endpoint: Endpoint, *, organization: str, clock: Clock
    ) -> None:
        self.name, self._config, self._organization = config.name, config, organization
        self._clock, self._endpoint = clock, endpoint

    def wants(self, alert: Alert) -> bool:
        return alert.severity in self._config.severities

    def send(self, alert: Alert, delivery_id: str) -> None:
        body = event(alert, delivery_id, self._organization)
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": delivery_id,
            "webhook-timestamp": timestamp,
        }
        secrets = self._secrets()
        if secrets:
            signed = f"{delivery_id}.{timestamp}.".encode() + body
            headers["webhook-signature"] = " ".join(sign(self._key(s), signed) for s in secrets)
        self._endpoint.post(Letter(self._config.url, headers, body, secrets))

    def probe(self) -> Health:
        return self._endpoint.reach(self._config.url)

    def _secrets(self) -> tuple[str, ...]:
        """Several, apart by white space, while one replaces the other: each gives a signature."""
        secret = self._config.secret
        return tuple(self._endpoint.reveal(secret).split()) if secret else ()

    def _key(self, secret: str) -> bytes:
        if not secret.startswith(PREFIX):
            return secret.encode()
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            reason = f"the secret begins with {PREFIX} but does not go on in base64"
            raise CredentialsRejected(self._endpoint.system, OPERATION, reason) from None


def event(alert: Alert, delivery_id: str, organization: str) -> bytes:
    """The alert as a CloudEvent in JSON; `source` and `id` together name one delivery."""
    state = "firing" if alert.firing else "resolved"
    return json.dumps(
        {
            "specversion": "1.0",
            "id": delivery_id,
            "source": f"/idpsync/{organization}",
            "type": f"idpsync.alert.{state}",
            "subject": alert.key,
            "time": alert.at.isoformat(),
            "datacontenttype": "application/json",
            "data": {
                "key": alert.key,
                "state": state,
                "severity": alert.severity,
                "summary": alert.summary,
                "facts": dict(alert.facts),
                "runbook": alert.guide,
            },
        },
        ensure_ascii=False,
    ).encode()


def sign(key: bytes, signed: bytes) -> str:
    """One `v1` signature: HMAC-SHA256 over `id.timestamp.body`, in base64."""
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()

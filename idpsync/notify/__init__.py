"""Receivers of alerts. The kinds of the configuration, and `build`."""

from collections.abc import Iterable
from typing import assert_never

from idpsync.core.errors import ConfigError, Problem
from idpsync.core.ports import Clock, Notifier
from idpsync.http import Limits
from idpsync.notify.endpoint import ONE_TRY, Endpoint
from idpsync.notify.kinds import (
    EmailConfig,
    PagerdutyConfig,
    ReceiverConfig,
    SlackConfig,
    WebhookConfig,
)
from idpsync.notify.slack import Slack
from idpsync.notify.webhook import Webhook

__all__ = [
    "EmailConfig",
    "PagerdutyConfig",
    "ReceiverConfig",
    "SlackConfig",
    "WebhookConfig",
    "build",
    "not_built",
]

BUILT = ("slack", "webhook")


def build(
    config: ReceiverConfig, *, organization: str, clock: Clock, limits: Limits = ONE_TRY
) -> Notifier:
    """The receiver that `config` describes; ConfigError for a kind that this version does not have."""
    match config:
        case SlackConfig():
            endpoint = Endpoint(config.name, clock=clock, limits=limits)
            return Slack(config, endpoint, organization=organization)
        case WebhookConfig():
            endpoint = Endpoint(config.name, clock=clock, limits=limits)
            return Webhook(config, endpoint, organization=organization, clock=clock)
        case PagerdutyConfig() | EmailConfig():
            raise ConfigError(*not_built([config]))
        case _:
            assert_never(config)


def not_built(configs: Iterable[ReceiverConfig]) -> tuple[Problem, ...]:
    """One problem for each receiver of a kind that this version validates but cannot deliver to."""
    return tuple(
        Problem(
            f"alerts.receivers[{config.name}].kind",
            f"{config.kind} is not built in this version; built are: {', '.join(BUILT)}",
        )
        for config in configs
        if config.kind not in BUILT
    )

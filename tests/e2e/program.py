"""The installed program as a user runs it: a configuration file, environment, exit code, output."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.receiver import Receiver
from tests.scim_provider import RunningProvider


@dataclass(frozen=True)
class Ended:
    """One finished call."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Program:
    """`idpsync -c FILE …` in a process of its own, with its configuration and secrets."""

    folder: Path
    config: dict[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.folder / "idpsync.yaml"

    def write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file.write_text(yaml.safe_dump(self.config, sort_keys=False), encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("IDPSYNC")}
        return {**kept, **self.secrets, "COLUMNS": "200"}

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "idpsync", "-c", str(self.file)]

    def call(self, *words: str, stdin: str = "") -> Ended:
        self.write()
        done = subprocess.run(
            [*self.command, *words],
            check=False,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.folder,
            input=stdin,
            timeout=240,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


def base_config(folder: Path) -> dict[str, Any]:
    """What every end-to-end configuration shares."""
    return {
        "organization": {"id": "acme", "name": "Acme", "verified_domains": ["acme.example"]},
        "store": {"url": f"sqlite:///{folder}/store.db"},
        "tiers": [{"name": "premium"}, {"name": "standard"}],
        "contract": {
            "starts": "2026-01-01",
            "ends": "2099-12-31",
            "seats": {"premium": 2, "standard": 5},
        },
        "log": {"format": "json", "level": "info"},
    }


def policy(*, premium: str | None = "Claude Premium", users: str = "Claude Users") -> dict[str, Any]:
    """Premium for one group, standard for the other, nothing without a group; taken back at once."""
    rules: list[dict[str, Any]] = [{"group": users, "tier": "standard"}]
    if premium:
        rules.insert(0, {"group": premium, "tier": "premium", "priority": 10})
    return {"without_rule": "none", "min_hold": "0s", "rules": rules}


def alerts_to(webhook: Receiver) -> dict[str, Any]:
    return {"receivers": [{"name": "hook", "kind": "webhook", "url": webhook.url}]}


def scim_target(provider: RunningProvider) -> dict[str, Any]:
    """The provider as the place of seats; its token is the secret SCIM_TOKEN."""
    return {
        "kind": "scim",
        "url": provider.base_url,
        "auth": {"kind": "bearer", "token": "env:SCIM_TOKEN"},
        "seat_lever": {"kind": "entitlement"},
        "tier_values": {"premium": "Premium", "standard": "Standard"},
        "rate": "2000/s",
    }


def seat_groups_target() -> dict[str, Any]:
    """The groups seat-premium and seat-standard of the directory itself."""
    return {
        "kind": "idp_groups",
        "groups": {"premium": "seat-premium", "standard": "seat-standard"},
    }

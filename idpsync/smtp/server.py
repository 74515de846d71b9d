"""Where mail is handed over, and who we are there."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from idpsync.core.policy import domain_of
from idpsync.settings import Secret

PORTS = {"smtp": 587, "smtps": 465}
"""Of submission (RFC 8314 §3.3), where the address names none."""

_URL = re.compile(r"smtps?://[^/\s@?#]+")
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*|[0-9a-f:.]*:[0-9a-f:.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: for one address to connect, for one answer, for everything together."""

    connect: float = 10.0
    answer: float = 30.0
    whole: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """One mail server. `encrypted` from the first byte on, else by STARTTLS where it is offered.

    `ca_file` names the authorities to trust instead of those of this machine.
    """

    host: str
    port: int
    encrypted: bool = False
    username: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None
    patience: Patience = Patience()

    @classmethod
    def at(
        cls,
        url: str,
        *,
        username: str | None = None,
        password: Secret | None = None,
        ca_file: Path | None = None,
        patience: Patience | None = None,
    ) -> "SmtpServer":
        """From `smtp://host:port` or `smtps://host:port`; ValueError for anything else."""
        if (username is None) != (password is None):
            raise ValueError("username and password belong together: give both or neither")
        host, port = _place(url)
        scheme = url.partition(":")[0]
        return cls(
            host=host,
            port=port or PORTS[scheme],
            encrypted=scheme == "smtps",
            username=username,
            password=password,
            ca_file=ca_file,
            patience=patience or Patience(),
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mail server {host}:{self.port}"


def _place(url: str) -> tuple[str, int]:
    """Host and port of the address; 0 where it names no port."""
    try:
        parts = urlsplit(url if _URL.fullmatch(url) else "")
        host, port = domain_of(f"x@{parts.hostname or ''}"), parts.port
    except ValueError:  # a port beyond 65535, a bracket too many
        host, port = "", None
    if not _HOST.fullmatch(host) or port == 0:
        raise ValueError("must be smtp://host:port or smtps://host:port")
    return host, port or 0

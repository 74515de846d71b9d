"""What Okta really answered: the exchanges recorded in the source distribution of its own Python client.

The archive (Apache-2.0) is fetched once by pip and kept in the user's cache; nothing of it is in this
project. Tests that need it are skipped, with the reason, where it cannot be had.
"""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.twins.sockets import Connection, Wire, listening

VERSION = "3.4.6"
SHA256 = "068a91390c9b9f9998a84ee2d42cd5c08352ca3a2c447682ea604ff4050ccdf7"
CASSETTES = f"okta-{VERSION}/tests/integration/cassettes/"
RECORDED_HOST = "https://test.okta.com"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def archive() -> Path:
    """The source distribution; skips the test where it cannot be fetched."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = caches / "idpsync-tests" / f"okta-{VERSION}.tar.gz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        asked = ["--no-deps", "--no-binary", "okta", f"okta=={VERSION}", "--dest", str(kept.parent)]
        try:
            done = subprocess.run(
                [*command, *asked], capture_output=True, text=True, timeout=240, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"okta {VERSION} could not be fetched by pip within four minutes")
        if done.returncode or not kept.exists():
            pytest.skip(f"okta {VERSION} could not be fetched by pip: {done.stderr.strip()[-300:]}")
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == SHA256, f"{kept} is another file: remove it"
    return kept


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as recorded."""

    method: str
    url: str
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


def exchanges(name: str) -> list[Exchange]:
    """Those of the cassettes whose path holds `name`, in order."""
    with tarfile.open(archive()) as content:
        members = [m for m in content.getmembers() if m.name.startswith(CASSETTES) and name in m.name]
        texts = [file.read() for m in members if (file := content.extractfile(m))]
    return [made for text in texts for made in _exchanges(text)]


@cache
def throttled() -> list[list[Exchange]]:
    """The cassettes in which Okta answered 429."""
    with tarfile.open(archive()) as content:
        members = [m for m in content.getmembers() if m.name.startswith(CASSETTES) and m.isfile()]
        texts = [file.read() for m in members if (file := content.extractfile(m))]
    return [_exchanges(text) for text in texts if b"code: 429" in text]


def _exchanges(text: bytes) -> list[Exchange]:
    told = yaml.load(text, Loader=LOADER)
    return [_exchange(one["request"], one["response"]) for one in told["interactions"]]


def _exchange(request: Mapping[str, Any], response: Mapping[str, Any]) -> Exchange:
    body = (response.get("body") or {}).get("string") or ""
    headers = [
        (name, value)
        for name, values in response["headers"].items()
        for value in (values if isinstance(values, list) else [values])
        if name.lower() not in {"content-encoding", "transfer-encoding", "content-length", "connection"}
    ]
    content = body if isinstance(body, bytes) else body.encode()
    return Exchange(request["method"], request["uri"], response["status"]["code"], headers, content)


class Replay:
    """Answers each method and path with what was recorded for it, in order; the last again and again."""

    def __init__(self, recorded: Sequence[Exchange]) -> None:
        self.url = ""
        self.seen: list[Wire] = []
        self._left: dict[tuple[str, str], list[Exchange]] = {}
        for one in recorded:
            self._left.setdefault((one.method, one.path), []).append(one)

    def serve(self, connection: Connection, wire: Wire) -> bool:
        self.seen.append(wire)
        left = self._left.get((wire.method, urlsplit(wire.target).path))
        if not left:
            connection.send(b"HTTP/1.1 404 Not recorded\r\nContent-Length: 0\r\n\r\n")
            return True
        one = left.pop(0) if len(left) > 1 else left[0]
        here = [(name, value.replace(RECORDED_HOST, self.url)) for name, value in one.headers]
        lines = "".join(f"{name}: {value}\r\n" for name, value in here)
        size = f"Content-Length: {len(one.body)}\r\n"
        connection.send(f"HTTP/1.1 {one.status} Recorded\r\n{size}{lines}\r\n".encode() + one.body)
        return True


@contextmanager
def replaying(recorded: Sequence[Exchange]) -> Iterator[Replay]:
    replay = Replay(recorded)
    with listening(replay.serve) as port:
        replay.url = f"http://127.0.0.1:{port}"
        yield replay


def unpack_models(folder: Path) -> None:
    """Okta's models, generated from its OpenAPI document, as a package `okta` in `folder`.

    Without the client around them, which needs more libraries than the models do.
    """
    models = f"okta-{VERSION}/okta/models/"
    (folder / "okta").mkdir()
    (folder / "okta" / "__init__.py").touch()
    (folder / "okta" / "models").mkdir()
    with tarfile.open(archive()) as content:
        for member in content.getmembers():
            file = content.extractfile(member) if member.name.startswith(models) else None
            if file and member.name.endswith(".py"):
                (folder / "okta" / "models" / Path(member.name).name).write_bytes(file.read())


def limits(api: str, call: str) -> list[int]:
    """The largest `limit` that Okta's client lets a call ask for."""
    with tarfile.open(archive()) as content:
        file = content.extractfile(f"okta-{VERSION}/okta/api/{api}.py")
        assert file
        _, _, text = file.read().decode().partition(f"async def {call}(")
    _, _, text = text.partition("limit: Annotated[")
    return [int(found) for found in re.findall(r"le=(\d+)", text[:120])]

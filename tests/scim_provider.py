"""A real SCIM 2.0 service provider (scim2-server) on an ephemeral loopback port."""

import json
import random
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from scim2_models import ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME, BearerTokenApplication
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

EVERYBODY_ELSE = 32768  # above it the system hands out ports by itself


@dataclass(frozen=True)
class Seen:
    """One request that reached the provider."""

    method: str
    path: str
    body: dict[str, Any] | None


@dataclass
class RunningProvider:
    """`base_url` is what `target.url` wants; `seen` are the requests so far."""

    base_url: str
    token: str
    seen: list[Seen] = field(default_factory=list)

    def users(self) -> list[dict[str, Any]]:
        """All users as the provider tells them, User resources in JSON."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self.ask("GET", f"/Users?startIndex={len(rows) + 1}&count=100")
            rows += page.get("Resources", [])
            if len(rows) >= page["totalResults"]:
                return rows

    def user(self, user_name: str) -> dict[str, Any]:
        """KeyError when nobody has that name."""
        for row in self.users():
            if row["userName"].casefold() == user_name.casefold():
                return row
        raise KeyError(user_name)

    def put(self, **attributes: Any) -> dict[str, Any]:
        """Make a user past idpsync: `put(userName="ada@acme.example", active=False)`."""
        schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
        return self.ask("POST", "/Users", {"schemas": schemas, **attributes})

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request past idpsync."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        headers["X-Test"] = "1"
        data = json.dumps(body).encode() if body else None
        request = Request(self.base_url + path, data, headers, method=method)
        with urlopen(request, timeout=10) as answer:
            told = answer.read()
        result: dict[str, Any] = json.loads(told) if told else {}
        return result


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False


class _Handler(WSGIRequestHandler):
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Watching:
    """Writes down what passes, but for what the test itself asks."""

    def __init__(self, inner: "WSGIApplication", seen: list[Seen]) -> None:
        self._inner, self._seen = inner, seen

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if "HTTP_X_TEST" not in environ:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = _Again(body)
            query = environ.get("QUERY_STRING")
            path = environ["PATH_INFO"] + (f"?{query}" if query else "")
            self._seen.append(Seen(environ["REQUEST_METHOD"], path, json.loads(body) if body else None))
        return self._inner(environ, start_response)


class _Again:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        return self._body if size < 0 else self._body[:size]


@contextmanager
def running_scim_provider(token: str = "scim-token") -> Iterator[RunningProvider]:
    """Run the provider in this process until the block ends. It accepts only the bearer `token`."""
    config = load_default_service_provider_config()
    config.authentication_schemes = [BEARER_TOKEN_SCHEME]
    provider = ScimProvider.from_discovery(
        load_default_schemas().values(), load_default_resource_types().values(), config=config
    )
    running = RunningProvider("", token)
    application = BearerTokenApplication(InMemoryStorage(), provider, bearer_tokens=[token])
    server = _listening(_Watching(application, running.seen))
    running.base_url = f"http://127.0.0.1:{server.server_port}/v2"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def _listening(application: "WSGIApplication") -> WSGIServer:
    for _ in range(50):
        port = random.randrange(20000, EVERYBODY_ELSE)
        try:
            return make_server(
                "127.0.0.1", port, application, server_class=_Server, handler_class=_Handler
            )
        except OSError:
            continue
    raise RuntimeError("no free port on loopback")

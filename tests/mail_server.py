"""A real mail server on loopback (aiosmtpd): keeps what it got, fails as it is told to.

with mail_server() as server:                          # smtp://, no encryption, no login
    server.answer("RCPT", "550 5.1.1 nobody of that name")
    server.answer("DATA", "451 4.3.0 not now", times=1)    # MAIL, RCPT, DATA or AUTH
    server.drop("DATA")                                # keep the whole letter and hang up
    server.fall_silent("MAIL")                         # never answer
    ... server.url, server.received, server.letters ...

Options: tls="starttls" or "implicit" (with `certificates`, a folder of `make_certificates`),
login=("idpsync", "secret"), smtputf8=True.

`speaking(script)` is for what no mail server does: one function per connection, on a bare socket.
"""

import asyncio
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Stage = Literal["MAIL", "RCPT", "DATA", "AUTH"]
Tls = Literal["none", "starttls", "implicit"]

DROP, SILENCE = "drop", "silence"


@dataclass(frozen=True, slots=True)
class Received:
    """One letter as it arrived: the envelope, the bytes, how."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    encrypted: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, EmailMessage, policy=policy.SMTP)

    def part(self, kind: str) -> str:
        """The content of the part of that type, `text/plain` or `text/html`."""
        found = self.message.get_body((kind.removeprefix("text/"),))
        assert found is not None, kind
        content = found.get_content()
        assert isinstance(content, str)
        return content.replace("\r\n", "\n")


class MailServer:
    """What the server knows and how it behaves."""

    def __init__(self, login: tuple[str, str] | None) -> None:
        self.url = ""
        self.received: list[Received] = []
        self.logins: list[tuple[str, str]] = []  # whatever was shown, right or wrong
        self.senders: list[str] = []  # of every MAIL command, whatever became of it
        self._login = login
        self._always: dict[Stage, str] = {}
        self._next: dict[Stage, list[str]] = {}

    @property
    def letters(self) -> list[EmailMessage]:
        return [one.message for one in self.received]

    def answer(self, stage: Stage, reply: str, times: int | None = None) -> None:
        """Say so from now on, or the next `times` times; "" is the usual answer again."""
        if times is None:
            self._always[stage] = reply
        else:
            self._next.setdefault(stage, []).extend([reply] * times)

    def drop(self, stage: Stage, times: int | None = None) -> None:
        self.answer(stage, DROP, times)

    def fall_silent(self, stage: Stage, times: int | None = None) -> None:
        self.answer(stage, SILENCE, times)

    # --- the hooks of aiosmtpd ------------------------------------------------------------------------

    async def handle_MAIL(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.senders.append(address)
        if self._login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        reply = await self._answered(self._planned("MAIL"), server)
        if reply:
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 fine"

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self._answered(self._planned("RCPT"), server)
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        reply = self._planned("DATA")
        if reply in {"", DROP}:
            self._keep(_transport(server), session, envelope)
        return await self._answered(reply, server) or "250 2.0.0 queued as 4F2A"

    def _keep(self, transport: asyncio.Transport, session: Session, envelope: Envelope) -> None:
        assert envelope.original_content is not None
        letter = Received(
            envelope.mail_from or "",
            tuple(envelope.rcpt_tos),
            envelope.original_content,
            encrypted=transport.get_extra_info("sslcontext") is not None,
            user=session.auth_data,
        )
        self.received.append(letter)

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        user, password = given.login.decode(), given.password.decode()
        self.logins.append((user, password))
        reply = self._planned("AUTH")
        if reply:
            return AuthResult(success=False, handled=False, message=reply)
        # as careless servers do, it repeats what it was told
        echo = f"535 5.7.8 {user} {password} {b64encode(password.encode()).decode()} is wrong"
        no = AuthResult(success=False, handled=False, message=ascii(echo).strip("'"))
        return AuthResult(success=True, auth_data=user) if (user, password) == self._login else no

    def _planned(self, stage: Stage) -> str:
        waiting = self._next.get(stage)
        return waiting.pop(0) if waiting else self._always.get(stage, "")

    async def _answered(self, reply: str, server: SMTP) -> str:
        if reply == DROP:
            _transport(server).abort()
            return "421 gone"  # nobody hears it
        if reply == SILENCE:
            await asyncio.Event().wait()
        return reply


@contextmanager
def mail_server(
    *,
    tls: Tls = "none",
    certificates: Path | None = None,
    login: tuple[str, str] | None = None,
    smtputf8: bool = False,
    host: str = "127.0.0.1",
) -> Iterator[MailServer]:
    """A running mail server on a free port. With `login` it takes mail from nobody else."""
    assert tls == "none" or certificates is not None, "TLS needs certificates"
    server, context = MailServer(login), encrypting(certificates) if certificates else None
    options: dict[str, Any] = {
        "hostname": "mail.acme.example",
        "enable_SMTPUTF8": smtputf8,
        "auth_require_tls": tls == "starttls",
        "authenticator": server.authenticate if login else None,
        "auth_exclude_mechanism": [] if login else ["PLAIN", "LOGIN"],
        "tls_context": context if tls == "starttls" else None,
    }
    with socket.create_server((host, 0)) as listener:
        scheme = "smtps" if tls == "implicit" else "smtp"
        server.url = f"{scheme}://{host}:{listener.getsockname()[1]}"
        with _serving(server, listener, options, context if tls == "implicit" else None):
            yield server


@contextmanager
def _serving(
    server: MailServer, listener: socket.socket, options: Mapping[str, Any], tls: ssl.SSLContext | None
) -> Iterator[None]:
    """An event loop in a thread of its own, as long as the block runs."""
    loop, lines = asyncio.new_event_loop(), list[SMTP]()

    def line() -> SMTP:
        lines.append(SMTP(server, loop=loop, **options))
        return lines[-1]

    async def end() -> None:
        listening.close()
        for one in lines:
            if one.transport is not None:
                _transport(one).abort()
        others = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    listening = loop.run_until_complete(loop.create_server(line, sock=listener, ssl=tls))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(end())
        loop.close()


def _transport(server: SMTP) -> asyncio.Transport:
    assert isinstance(server.transport, asyncio.Transport)
    return server.transport


def encrypting(certificates: Path) -> ssl.SSLContext:
    """For the server's end, with what `make_certificates` made."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    return context


# --- a bare socket ------------------------------------------------------------------------------------

Script = Callable[["Line"], None]


@dataclass
class Line:
    """The server's end of one connection. `heard` collects the client's commands."""

    connection: socket.socket
    heard: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.connection.sendall(text.replace("\n", "\r\n").encode())

    def hear(self) -> str:
        """The next line of the client; "" when it has hung up."""
        text = b""
        while not text.endswith(b"\n"):
            piece = self.connection.recv(1)
            if not piece:
                break
            text += piece
        line = text.decode("utf-8", "replace").rstrip("\r\n")
        self.heard.append(line)
        return line


@contextmanager
def speaking(script: Script, host: str = "127.0.0.1") -> Iterator[tuple[str, list[str]]]:
    """(URL, commands heard) of a listener that runs `script` for each connection, then hangs up."""
    heard: list[str] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                script(Line(connection, heard))

    with socket.create_server((host, 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"smtp://{host}:{listener.getsockname()[1]}", heard
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()

"""One SMTP conversation: TLS where there is any, no password in the clear, what an answer means.

A letter is handed over when the server has answered to its last line (RFC 5321 §4.2.5). Until that
line has left nothing was sent; between the two nobody knows.
"""

import base64
import ipaddress
import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass

from idpsync.answers import scrubbed
from idpsync.core.errors import (
    ConfigError,
    CredentialsRejected,
    Malformed,
    Refused,
    RemoteError,
    Transient,
    UnknownOutcome,
)
from idpsync.pace import Watchdog
from idpsync.settings import Secret
from idpsync.smtp.server import SmtpServer

FAULTS = (OSError, smtplib.SMTPException)
"""What a conversation raises besides errors of ours; `failure` translates them."""

GOODBYE = 2.0
"""Seconds for the answer to QUIT."""

_Answer = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Letter:
    """The envelope, and what is in it. `international`: a name before the @ that is not ASCII."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    international: bool


class Conversation:
    """From the greeting to QUIT."""

    def __init__(self, server: SmtpServer, operation: str, watchdog: Watchdog) -> None:
        self._server, self._operation, self._watchdog = server, operation, watchdog
        # the default name would ask DNS, and wait for it
        self._line = smtplib.SMTP(local_hostname="", timeout=server.patience.answer)
        self._socket: socket.socket | None = None
        self._secrets: tuple[str, ...] = ()
        self._all_said = False  # the last line of the letter has left
        self.encrypted = False

    # --- being there ----------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect, be greeted, encrypt, log in."""
        connected = self._attend(self._dial())
        if self._server.encrypted:
            connected = self._encrypt(connected)
        self._expect("the greeting", self._line.getreply())
        self._introduce(connected)
        if not self.encrypted and self._line.has_extn("starttls"):
            # offered and then refused is no reason to go on in the clear
            self._expect("STARTTLS", self._line.docmd("STARTTLS"))
            connected = self._encrypt(connected)
            self._introduce(connected)
        if self._server.username is not None and self._server.password is not None:
            self._log_in(self._server.username, self._server.password, connected)

    def _dial(self) -> socket.socket:
        """A connection to the first of the host's addresses that takes one."""
        server, patience = self._server, self._server.patience
        until = time.monotonic() + patience.whole
        failure: OSError = TimeoutError()
        for *_, address in socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM):
            left = min(patience.connect, until - time.monotonic())
            if left <= 0:
                break
            try:
                dialled = socket.create_connection((str(address[0]), server.port), left)
            except OSError as error:
                failure = error
                continue
            dialled.settimeout(patience.answer)
            return dialled
        raise failure

    def _attend(self, connected: socket.socket) -> socket.socket:
        self._socket = self._line.sock = connected
        self._line.file = None  # what was read before encryption is not believed (RFC 3207 §4.2)
        self._watchdog.attend(connected)
        return connected

    def _encrypt(self, plain: socket.socket) -> socket.socket:
        server = self._server
        try:
            context = ssl.create_default_context(cafile=server.ca_file)
        except OSError as error:
            why = f"{server.ca_file} cannot be used ({_why(error)}), nothing was sent"
            raise self._refused(why) from None
        secured = context.wrap_socket(plain, server_hostname=server.host, do_handshake_on_connect=False)
        self._attend(secured)
        secured.do_handshake()
        self.encrypted = True
        return secured

    def _introduce(self, connected: socket.socket) -> None:
        self._line.local_hostname = _own_name(connected)
        answer = self._line.ehlo()
        self._expect("EHLO", self._line.helo() if answer[0] // 100 == 5 else answer)

    def leave(self) -> None:
        """QUIT; whatever is said to that changes nothing, and it is not waited for long."""
        try:
            if self._socket is not None:
                self._socket.settimeout(GOODBYE)
            self._line.docmd("QUIT")
        except FAULTS:
            return

    def close(self) -> None:
        self._line.close()
        if self._socket is not None:
            self._socket.close()

    # --- who we are -----------------------------------------------------------------------------------

    def _log_in(self, username: str, secret: Secret, connected: socket.socket) -> None:
        if not may_show_password(connected.getpeername()[0], encrypted=self.encrypted):
            raise self._refused(
                "the server offers no encryption, so username and password were not sent: use smtps://, "
                "or have STARTTLS switched on there"
            )
        try:
            password = secret.reveal()
        except ConfigError as error:
            raise CredentialsRejected(str(self._server), self._operation, str(error)) from None
        self._secrets = (_b64(f"\0{username}\0{password}"), _b64(password), password)
        offered = self._line.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:  # RFC 4616
            answer = self._line.docmd("AUTH", f"PLAIN {self._secrets[0]}")
        elif "LOGIN" in offered:
            answer = self._line.docmd("AUTH", f"LOGIN {_b64(username)}")
            answer = self._line.docmd(_b64(password)) if answer[0] == 334 else answer
        else:
            ways = ", ".join(offered) or "none"
            raise self._refused(f"the server offers no login by password (it offers: {ways})")
        if answer[0] // 100 == 5:
            reason = self._said("the login", answer)
            raise CredentialsRejected(str(self._server), self._operation, reason)
        self._expect("the login", answer)

    # --- the letter -----------------------------------------------------------------------------------

    def hand_over(self, letter: Letter) -> str:
        """Send it to all its recipients or to none; the server's last words, often a queue id."""
        options = ["SMTPUTF8", "BODY=8BITMIME"] if letter.international else []
        if options and not self._line.has_extn("smtputf8"):
            raise self._refused("the server takes only ASCII letters before the @ of an address")
        self._expect(f"the sender {letter.sender}", self._line.mail(letter.sender, options))
        for recipient in letter.recipients:
            self._expect(f"the recipient {recipient}", self._line.rcpt(recipient))
        self._expect("DATA", self._line.docmd("DATA"), 3)
        # a line that begins with a dot gets another one (RFC 5321 §4.5.2)
        content = re.sub(rb"(?m)^\.", b"..", letter.content).removesuffix(b"\r\n")
        self._line.send(content + b"\r\n.\r\n")
        self._all_said = True
        answer = self._line.getreply()
        self._expect("the letter", answer)
        return scrubbed(answer[1].decode("utf-8", "replace"), self._secrets)

    # --- what an answer means -------------------------------------------------------------------------

    def _expect(self, what: str, answer: _Answer, kind: int = 2) -> None:
        """The error for an answer that is not of this kind (RFC 5321 §4.2.1)."""
        found, said = answer[0] // 100, self._said(what, answer)
        system, operation = str(self._server), self._operation
        if found == kind:
            return
        if found == 4:
            raise Transient(system, operation, said)
        if answer[0] == 530 and self._server.username is None:  # RFC 4954 §6
            raise CredentialsRejected(system, operation, f"{said}; set a username and a password")
        if found == 5:
            raise Refused(system, operation, said)
        raise Malformed(system, operation, "an answer that is none of SMTP", said)

    def _said(self, what: str, answer: _Answer) -> str:
        text = scrubbed(answer[1].decode("utf-8", "replace"), self._secrets)
        return f"to {what} the server said {answer[0]} {text}".rstrip()

    def _refused(self, reason: str) -> Refused:
        return Refused(str(self._server), self._operation, reason)

    def failure(self, fault: OSError | smtplib.SMTPException, *, late: bool) -> RemoteError:
        """Our error for a connection that failed; `late` when the deadline cut it."""
        if isinstance(fault, ssl.SSLCertVerificationError):
            why = fault.verify_message.rstrip(".")
            return self._refused(
                f"the server's certificate is not accepted ({why}), nothing was sent: have it renewed, "
                "or name who signed it in ca_file"
            )
        reason = f"not done in {self._server.patience.whole:g} seconds" if late else _why(fault)
        system, operation = str(self._server), self._operation
        if self._all_said:
            return UnknownOutcome(system, operation, f"no answer to the whole letter ({reason})")
        if self._socket is None:
            return Transient(system, operation, f"cannot be reached ({reason})")
        return Transient(system, operation, f"the connection broke, nothing was sent ({reason})")


def may_show_password(peer: str, *, encrypted: bool) -> bool:
    """Whether nobody on the way can read a password: encrypted, or never leaving this machine."""
    return encrypted or ipaddress.ip_address(peer.partition("%")[0]).is_loopback


def _own_name(connected: socket.socket) -> str:
    """Our name, or our address in brackets where that is none of the whole world (RFC 5321 §4.1.4)."""
    name, own = socket.gethostname(), str(connected.getsockname()[0])
    if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name):
        return name
    return f"[IPv6:{own}]" if ":" in own else f"[{own}]"


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _why(fault: Exception) -> str:
    if isinstance(fault, ssl.SSLError):
        return f"TLS: {(fault.reason or 'failed').replace('_', ' ').lower()}"
    if isinstance(fault, TimeoutError) or "timed out" in str(fault):
        return "no answer in time"
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    return "closed by the other side"

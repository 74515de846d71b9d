"""Letters go out here: one conversation each, one deadline, errors by remedy."""

from collections.abc import Iterator
from contextlib import contextmanager
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

import structlog

from idpsync.core.errors import RemoteError
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.pace import Watchdog
from idpsync.smtp.conversation import FAULTS, Conversation, Letter
from idpsync.smtp.server import SmtpServer

log = structlog.get_logger()


class Postman:
    """Hands letters to one server, from any number of threads."""

    def __init__(self, server: SmtpServer, *, clock: Clock) -> None:
        self.system, self._server, self._clock = str(server), server, clock
        self._watchdog = Watchdog()

    def send(self, message: EmailMessage) -> None:
        """To everybody in To and Cc, or to nobody. `From` hears of what comes back; Date is set here.

        Transient (not reached, not now), CredentialsRejected, Refused (sender, recipient, letter,
        certificate), Malformed, UnknownOutcome (no answer to the whole letter). None holds a password.
        """
        letter = _letter(message, f"Date: {format_datetime(self._clock.now())}\r\n")
        with self._conversation(f"send mail to {', '.join(letter.recipients)}") as talk:
            answer = talk.hand_over(letter)
        log.info("letter.sent", to=letter.recipients, server=self.system, answer=answer)

    def probe(self) -> Health:
        """Connect and log in; nothing is sent."""
        started = self._clock.now()
        try:
            with self._conversation("log in") as talk:
                detail = "answers, encrypted" if talk.encrypted else "answers, not encrypted"
        except RemoteError as error:
            return Health(self.system, ok=False, detail=error.reason)
        if self._server.username:
            detail += f", accepts {self._server.username}"
        return Health(self.system, ok=True, detail=detail, latency=self._clock.now() - started)

    @contextmanager
    def _conversation(self, operation: str) -> Iterator[Conversation]:
        """A server that knows who we are; whatever goes wrong on the way is an error of ours."""
        with self._watchdog.watch(self._server.patience.whole) as watch:
            talk = Conversation(self._server, operation, self._watchdog)
            try:
                talk.open()
                yield talk
                talk.leave()
            except FAULTS as fault:
                raise talk.failure(fault, late=watch.fired) from None
            finally:
                talk.close()


def _letter(message: EmailMessage, stamp: str) -> Letter:
    """The message with its Date, and the envelope that its headers ask for."""
    sender, *_ = _addresses(message, "From")
    recipients = tuple(dict.fromkeys((*_addresses(message, "To"), *_addresses(message, "Cc"))))
    international = not all(address.isascii() for address in (sender, *recipients))
    content = message.as_bytes(policy=SMTPUTF8 if international else SMTP)
    return Letter(sender, recipients, stamp.encode() + content, international)


def _addresses(message: EmailMessage, name: str) -> list[str]:
    found: list[AddressHeader] = message.get_all(name, [])
    return [address.addr_spec for header in found for address in header.addresses]

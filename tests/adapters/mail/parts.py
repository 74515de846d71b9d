"""A postman, a letter, and what goes wrong between them."""

from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import pytest

from idpsync.core.errors import RemoteError
from idpsync.notify.invitations import Letters
from idpsync.notify.invitations import Postman as Sender
from idpsync.settings import Secret
from idpsync.smtp import Patience, Postman, SmtpServer
from tests.people import StoppedClock

PASSWORD = "Tr0ub4dor-and-3"
LOGIN = ("idpsync", PASSWORD)
SECRET = Secret("env:SMTP_PASSWORD")
IMPATIENT = Patience(connect=5, answer=0.3, whole=0.6)


def postman(
    url: str, *, ca_file: Path | None = None, login: bool = False, patience: Patience | None = None
) -> Postman:
    user, password = ("idpsync", SECRET) if login else (None, None)
    server = SmtpServer.at(url, username=user, password=password, ca_file=ca_file, patience=patience)
    return Postman(server, clock=StoppedClock())


def letter(text: str = "Hello.\n", to: str = "ada@acme.example") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "idpsync <idpsync@acme.example>"
    made["To"] = to
    made["Subject"] = "Olá"
    made.set_content(text)
    return made


def failure(man: Postman, made: EmailMessage | None = None) -> RemoteError:
    """The error that the letter ends in."""
    with pytest.raises(RemoteError) as caught:
        man.send(made or letter())
    return caught.value


LINK = "https://sso.acme.example/saml/login"


@dataclass
class Pigeonhole:
    """Keeps letters instead of sending them."""

    system: str = "pigeonhole"
    kept: list[EmailMessage] = field(default_factory=list)

    def send(self, message: EmailMessage) -> None:
        self.kept.append(message)


def letters(
    man: Sender | None = None,
    *,
    name: str = "Acme Ltda",
    sender: str = "idpsync <idpsync@acme.example>",
    contact: str | None = "it@acme.example",
    language: str = "en",
) -> Letters:
    return Letters(man or Pigeonhole(), sender, name, LINK, contact=contact, language=language)

"""Invitations by mail: one letter as text and as HTML, in the language of the reader."""

import re
from datetime import UTC
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit
from uuid import uuid4

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from idpsync.core.errors import ConfigError, Problem, Refused
from idpsync.core.membership import Invite
from idpsync.core.model import USER
from idpsync.languages import ENGLISH, Languages, spelled_day
from idpsync.mailbox import mailbox, on_one_line

OPERATION = "send invitation"
SUBJECT = "Invitation from %(organization)s: a seat is kept for you"

_ROOM = Path(__file__).parent


class Postman(Protocol):
    """Who takes a letter to the mail server."""

    system: str

    def send(self, message: EmailMessage) -> None: ...


class Letters:
    """Invitations in the name of one organisation.

    `sender` is an address, with a name or without; `link` is where the invited sign in; `contact` is
    an address, a page or words: whom to ask. `language` is spoken to readers of languages we lack.
    """

    def __init__(
        self,
        postman: Postman,
        sender: str,
        organization_name: str,
        link: str,
        *,
        contact: str | None = None,
        language: str = ENGLISH,
    ) -> None:
        self._postman, self._organization = postman, _line("organization.name", organization_name)
        self._sender, self._link = _sender(sender, organization_name), _web_address(link)
        self._contact = _line("jit.no_seat_contact", contact or "")
        self._replies = _address(self._contact)
        self._languages = Languages(_ROOM / "translations")
        self._language = self._languages.choose([(language, 1.0)])
        self._templates = Environment(
            loader=FileSystemLoader(_ROOM / "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def invite(self, invite: Invite, language: str) -> None:
        """Hand the letter over; RemoteError as the postman says, Refused where the address is none."""
        self._postman.send(self.letter(invite, language))

    def letter(self, invite: Invite, language: str) -> EmailMessage:
        """The letter, ready to go; each has an id of its own: some programs hide what they know."""
        spoken = self._languages.choose([(language, 1.0)], default=self._language)
        letter = EmailMessage()
        letter["From"], letter["To"] = self._sender, self._recipient(invite)
        letter["Subject"] = self._say(spoken, SUBJECT, organization=self._organization)
        letter["Message-ID"] = (
            f"<invite-{quote(invite.id, safe='')}.{uuid4().hex[:12]}@{self._sender.domain}>"
        )
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no holiday notes in answer
        if self._replies:
            letter["Reply-To"] = self._replies
        facts = self._facts(invite, spoken)
        # quoted-printable: what arrives is what was sent, whatever the servers between can carry
        letter.set_content(self._render("invitation.txt", facts), cte="quoted-printable")
        html = self._render("invitation.html", facts)
        letter.add_alternative(html, subtype="html", cte="quoted-printable")
        letter["Content-Language"] = spoken  # last: setting the content takes away what it was before
        return letter

    def _recipient(self, invite: Invite) -> Address:
        try:
            return mailbox(invite.email)
        except ValueError as error:
            reason = f"{error}; nothing was sent"
            raise Refused(self._postman.system, OPERATION, reason) from None

    def _facts(self, invite: Invite, language: str) -> dict[str, object]:
        def say(text: str, **facts: object) -> str:
            return self._say(language, text, **facts)

        until = invite.expires_at.astimezone(UTC)
        return {
            "_": say,
            "language": language,
            "organization": self._organization,
            "inviter": inviter(invite.invited_by),
            "email": invite.email,
            "tier": invite.tier.name,
            "role": "" if invite.role == USER else " ".join(invite.role.split()),
            "day": spelled_day(language, until),
            "time": f"{until:%H:%M}\N{NO-BREAK SPACE}UTC",
            "link": self._link,
            "contact": self._contact,
        }

    def _render(self, template: str, facts: dict[str, object]) -> str:
        return self._templates.get_template(template).render(facts)

    def _say(self, language: str, text: str, **facts: object) -> str:
        return self._languages.translate(language, text, **facts)


def inviter(invited_by: str) -> str:
    """The address of who invites, "" if it is not a member: the name of an account says nobody anything.

    `cli:root as ada@acme.example` and `console:ada@acme.example` are Ada; `cli:root` is nobody.
    """
    found = re.search(r"[^\s:]+@[^\s:]+$", invited_by)
    address = _address(found[0]) if found else None
    return address.addr_spec if address else ""


def _address(text: str) -> Address | None:
    try:
        return mailbox(text)
    except ValueError:
        return None


def _sender(text: str, organization_name: str) -> Address:
    try:
        sender = mailbox(text)
    except ValueError as error:
        raise ConfigError(Problem("mail.from", str(error))) from None
    return Address(sender.display_name or organization_name, sender.username, sender.domain)


def _line(path: str, text: str) -> str:
    if not on_one_line(text):
        raise ConfigError(Problem(path, "must be one line, to stand in a letter"))
    return text


def _web_address(text: str) -> str:
    parts = urlsplit(text) if on_one_line(text) else urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"the link of invitations must be an http:// or https:// address: {text!r}")
    return text

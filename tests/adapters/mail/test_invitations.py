"""The invitation as people and programs read it: both languages, both forms, nothing smuggled in."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idpsync.core.errors import ConfigError, Refused
from idpsync.core.membership import Invite
from idpsync.languages import Languages, spelled_day
from idpsync.notify import invitations
from idpsync.notify.invitations import SUBJECT, Letters, inviter
from tests.adapters.mail.parts import LINK, Pigeonhole, letters, postman
from tests.contracts.courier import INVITE
from tests.mail_server import MailServer

ROOM = Path(invitations.__file__).parent
TEMPLATES = sorted((ROOM / "templates").iterdir())
SPOKEN = Languages(ROOM / "translations")


class Reader(HTMLParser):
    """The tags, the text that a person sees, where links lead, and what is fetched from elsewhere."""

    VOID = frozenset({"meta", "br"})
    FETCHING = frozenset(
        {"img", "link", "script", "iframe", "object", "embed", "video", "audio", "base"}
    )

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.links, self.fetched = "", list[str](), list[str]()
        self.open: list[str] = []
        self.language = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag in self.FETCHING or {"src", "background", "srcset"} & set(given):
            self.fetched.append(tag)
        if tag == "html":
            self.language = given["lang"] or ""
        if tag == "a":
            self.links.append(given["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += f" {data}"


def plain(letter: EmailMessage) -> str:
    return content(letter, "plain")


def content(letter: EmailMessage, kind: str) -> str:
    part = letter.get_body((kind,))
    assert part is not None
    text = part.get_content()
    assert isinstance(text, str)
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split(" "))


def page(letter: EmailMessage) -> Reader:
    read = Reader(content(letter, "html"))
    assert read.open == []
    return read


def both(letter: EmailMessage) -> Iterator[str]:
    yield " ".join(plain(letter).split())
    yield " ".join(page(letter).text.split())


def write(invite: Invite = INVITE, language: str = "en") -> EmailMessage:
    return letters().letter(invite, language)


# --- what people read ---------------------------------------------------------------------------------

ENGLISH = (
    *("grace@acme.example has invited you to join Acme Ltda.", "A seat is kept for you"),
    *("Seat", "premium", "Kept until", "22 March 2026, 10:00 UTC", "sign in as ada@acme.example"),
    *(LINK, "Questions? Please ask: it@acme.example", "nothing happens unless you sign in"),
)
PORTUGUESE = (
    *("grace@acme.example convidou você para participar de Acme Ltda.", "Há uma licença reservada"),
    *("Licença", "premium", "Reservada até", "22 de março de 2026, 10:00 UTC"),
    *("entre como ada@acme.example", LINK, "Dúvidas? Fale com: it@acme.example"),
)


@pytest.mark.parametrize(("language", "said"), [("en", ENGLISH), ("pt_BR", PORTUGUESE)])
def test_both_forms_say_who_what_where_until_when_and_whom_to_ask(
    server: MailServer, language: str, said: tuple[str, ...]
) -> None:
    letters(postman(server.url)).invite(INVITE, language)
    (arrived,) = server.letters
    assert arrived.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in arrived.iter_parts()] == ["text/plain", "text/html"]
    for text in both(arrived):
        assert [words for words in said if words not in text] == []
    assert page(arrived).links == [LINK, LINK, "mailto:it@acme.example"]


def test_subjects_are_in_the_language_too() -> None:
    assert write()["Subject"] == "Invitation from Acme Ltda: a seat is kept for you"
    assert write(language="pt-BR")["Subject"] == (
        "Convite de Acme Ltda: há uma licença reservada para você"
    )


def test_the_page_names_its_language() -> None:
    assert page(write(language="pt_BR")).language == "pt-BR"
    assert page(write()).language == "en"


def test_readers_of_other_languages_get_the_one_of_the_configuration() -> None:
    made = letters(language="pt_BR")
    assert made.letter(INVITE, "de")["Content-Language"] == "pt-BR"
    assert made.letter(INVITE, "en")["Content-Language"] == "en"


def test_a_role_with_rights_is_told_and_no_other() -> None:
    assert "Role: admin" in plain(write(replace(INVITE, role="admin")))
    assert "Função: administrador" in plain(write(replace(INVITE, role="admin"), "pt_BR"))
    assert "Role: billing" in plain(write(replace(INVITE, role="billing")))
    for text in both(write()):
        assert "Role" not in text


@pytest.mark.parametrize(
    ("invited_by", "shown"),
    [
        ("cli:root as grace@acme.example", "grace@acme.example"),
        ("console:grace@acme.example", "grace@acme.example"),
        ("grace@acme.example", "grace@acme.example"),
        ("cli:root", ""),
        ("", ""),
        ("cli:grace@", ""),
    ],
)
def test_who_invites_is_told_by_address_and_never_by_the_name_of_an_account(
    invited_by: str, shown: str
) -> None:
    assert inviter(invited_by) == shown
    for text in both(write(replace(INVITE, invited_by=invited_by))):
        assert "root" not in text
        assert (f"{shown} has invited you" if shown else "You are invited to join Acme Ltda.") in text


@pytest.mark.parametrize(
    ("contact", "invited_by", "said", "links"),
    [
        (None, "cli:ada@acme.example", "Please ask: ada@acme.example", ["mailto:ada@acme.example"]),
        (None, "cli:root", "Your IT team can help.", []),
        ("https://help.example", "cli:root", "ask: https://help.example", ["https://help.example"]),
        ("room 7, or call 112", "cli:root", "Please ask: room 7, or call 112", []),
    ],
)
def test_whom_to_ask_is_an_address_a_page_or_words(
    contact: str | None, invited_by: str, said: str, links: list[str]
) -> None:
    made = letters(contact=contact).letter(replace(INVITE, invited_by=invited_by), "en")
    for text in both(made):
        assert said in text
    assert page(made).links[2:] == links


def test_the_end_is_told_in_utc_wherever_it_was_reckoned() -> None:
    there = timezone(timedelta(hours=-3))
    late = replace(INVITE, expires_at=datetime(2026, 12, 31, 22, 5, tzinfo=there))
    assert "1 January 2027, 01:05 UTC" in plain(write(late))
    assert "1 de janeiro de 2027, 01:05 UTC" in plain(write(late, "pt_BR"))


def test_days_are_spelled_as_people_write_them() -> None:
    assert spelled_day("en", datetime(2026, 3, 1, tzinfo=UTC)) == "1 March 2026"
    assert spelled_day("pt-BR", datetime(2026, 3, 1, tzinfo=UTC)) == "1 de março de 2026"
    west = timezone(timedelta(hours=-3))
    assert spelled_day("en", datetime(2026, 12, 31, 22, 5, tzinfo=west)) == "1 January 2027"


# --- what programs read -------------------------------------------------------------------------------


def test_headers_say_whose_it_is_and_that_a_program_wrote_it(server: MailServer) -> None:
    letters(postman(server.url)).invite(INVITE, "en")
    (arrived,) = server.letters
    assert arrived["From"] == "idpsync <idpsync@acme.example>"
    assert arrived["To"] == "ada@acme.example"
    assert arrived["Reply-To"] == "it@acme.example"
    assert re.fullmatch(r"<invite-9b1c2d3e\.[0-9a-f]{12}@acme\.example>", arrived["Message-ID"])
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Content-Language"] == "en"
    assert arrived["Date"] is not None
    assert arrived.defects == []
    assert all(part["Content-Transfer-Encoding"] == "quoted-printable" for part in arrived.iter_parts())
    assert max(len(line) for line in server.received[0].raw.split(b"\r\n")) <= 998


def test_a_sender_without_a_name_gets_that_of_the_organisation() -> None:
    made = letters(sender="idpsync@acme.example").letter(INVITE, "en")
    assert made["From"] == "Acme Ltda <idpsync@acme.example>"


def test_words_are_no_address_to_reply_to() -> None:
    assert letters(contact="room 7").letter(INVITE, "en")["Reply-To"] is None


def test_international_domains_go_as_dns_knows_them(server: MailServer) -> None:
    made = letters(postman(server.url), sender="João <idpsync@bücher.example>")
    made.invite(replace(INVITE, email="ada@MÜNCHEN.example"), "pt_BR")
    (one,) = server.received
    assert one.sender == "idpsync@xn--bcher-kva.example"
    assert one.recipients == ("ada@xn--mnchen-3ya.example",)
    assert one.message["From"] == "João <idpsync@xn--bcher-kva.example>"
    assert one.message["Message-ID"].endswith("@xn--bcher-kva.example>")
    assert "ada@MÜNCHEN.example" in one.part("text/plain")
    assert one.raw.isascii()


def test_the_page_asks_nobody_else_for_anything_and_knows_the_dark() -> None:
    html = content(write(), "html")
    assert page(write()).fetched == []
    assert re.findall(r"url\(|@import|@font-face", html) == []
    assert [link for link in re.findall(r"https?://[^\s\"'<]+", html) if link != LINK] == []
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "prefers-color-scheme: dark" in html
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in html


# --- nothing smuggled in ------------------------------------------------------------------------------

BREAKS = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\0")


@pytest.mark.parametrize("mark", BREAKS)
def test_a_line_break_starts_no_header(mark: str) -> None:
    sly = f"x{mark}Bcc: eve@other.example"
    kept = Pigeonhole()
    with pytest.raises(Refused, match="nothing was sent"):
        letters(kept).invite(replace(INVITE, email=f"ada@acme.example{mark}Bcc: eve@x.example"), "en")
    assert kept.kept == []
    with pytest.raises(ConfigError, match=r"organization\.name: must be one line"):
        letters(name=sly)
    with pytest.raises(ConfigError, match=r"mail\.from"):
        letters(sender=f"{sly} <idpsync@acme.example>")
    with pytest.raises(ConfigError, match="must be one line"):
        letters(contact=sly)
    with pytest.raises(ConfigError, match="link of invitations"):
        Letters(kept, "a@b.example", "Acme", f"https://a.example/{mark}x")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "", "sso.acme.example", "https://"])
def test_a_link_leads_to_a_page(link: str) -> None:
    with pytest.raises(ConfigError, match="must be an http:// or https:// address"):
        Letters(Pigeonhole(), "a@b.example", "Acme", link)


@given(
    name=st.text(max_size=200),
    role=st.text(max_size=40),
    by=st.text(max_size=40),
    id=st.text(max_size=40),
)
def test_whatever_names_hold_the_letter_stays_the_same_letter(
    name: str, role: str, by: str, id: str
) -> None:
    try:
        writer = letters(name=name)
    except ConfigError:
        return
    made = writer.letter(
        replace(INVITE, role=role, invited_by=by, id=id.encode("utf-8", "ignore").decode()), "en"
    )
    raw = made.as_bytes()
    head = raw.partition(b"\n\n")[0]
    names = re.findall(rb"^([A-Za-z-]+):", head, re.M)
    assert sorted(names) == sorted(set(names))
    assert {n.decode().lower() for n in names} == {
        *("from", "to", "subject", "message-id", "auto-submitted", "reply-to", "mime-version"),
        *("content-type", "content-language"),
    }
    assert page(made).links == [LINK, LINK, "mailto:it@acme.example"]


def test_a_role_stays_on_its_line() -> None:
    text = plain(write(replace(INVITE, role="admin\n\nhttps://evil.example\n")))
    assert "Role: admin https://evil.example\n" in text


def test_names_are_escaped() -> None:
    sly = "<img src=x onerror=alert(1)> & Co"
    made = letters(name=sly, contact='"><b>x').letter(replace(INVITE, role="<script>"), "en")
    html = content(made, "html")
    assert "<img" not in html
    assert "<script" not in html
    assert '"><b>' not in html
    assert sly in page(made).text
    assert sly in plain(made)


# --- translations -------------------------------------------------------------------------------------


def texts() -> set[str]:
    found = {
        text
        for path in TEMPLATES
        for text in re.findall(r'_\("((?:[^"\\]|\\.)*)"', path.read_text(encoding="utf-8"))
    }
    return found | {SUBJECT, "admin", "owner"}


def test_every_text_has_a_portuguese_translation() -> None:
    same = {"%(day)s, %(time)s"}
    missing = [t for t in texts() - same if SPOKEN.translate("pt-BR", t) == t]
    assert len(texts()) > 15
    assert missing == []


def test_translations_keep_the_placeholders() -> None:
    for text in texts():
        names = sorted(re.findall(r"%\((\w+)\)s", text))
        assert sorted(re.findall(r"%\((\w+)\)s", SPOKEN.translate("pt-BR", text))) == names


def test_nothing_is_translated_that_nobody_says() -> None:
    source = (ROOM / "translations/pt_BR/LC_MESSAGES/messages.po").read_text(encoding="utf-8")
    assert set(re.findall(r'^msgid "(.+)"$', source, re.M)) == texts()

"""The `mail:` section: server, sender, login, language."""

from pathlib import Path

import pytest

from idpsync.config import load
from idpsync.config.sections import MailConfig
from tests.config.writing import SMALL, complaints, write

MAIL = "mail:\n  smtp: smtp://mail.acme.example:587\n  from: idpsync <idpsync@acme.example>\n"


def mail_of(tmp_path: Path, more: str = "") -> MailConfig:
    (config,) = load(write(tmp_path, SMALL + MAIL + more))
    assert config.mail is not None
    return config.mail


def test_server_and_sender_are_enough(tmp_path: Path) -> None:
    mail = mail_of(tmp_path)
    assert (mail.smtp, mail.sender) == (
        "smtp://mail.acme.example:587",
        "idpsync <idpsync@acme.example>",
    )
    assert (mail.language, mail.username, mail.ca_file) == ("en", None, None)


@pytest.mark.parametrize(
    ("written", "language"), [("en", "en"), ("pt_BR", "pt_BR"), ("pt-BR", "pt_BR"), ('"en"', "en")]
)
def test_both_ways_of_writing_a_language_are_read(tmp_path: Path, written: str, language: str) -> None:
    assert mail_of(tmp_path, f"  language: {written}\n").language == language


@pytest.mark.parametrize(
    ("more", "path", "says"),
    [
        ("  language: de\n", "mail.language", "en"),
        ("  language: 7\n", "mail.language", "en"),
        ("  username: idpsync\n", "mail.password", "is missing, and there is a mail.username"),
        ("  password: env:SMTP\n", "mail.username", "is missing, and there is a mail.password"),
        ("  ca_fiel: /x\n", "mail.ca_fiel", "did you mean `ca_file`?"),
    ],
)
def test_what_does_not_go_together_is_told_where_it_stands(
    tmp_path: Path, more: str, path: str, says: str
) -> None:
    found = complaints(tmp_path, SMALL + MAIL + more)
    assert list(found) == [path]
    assert says in found[path]


@pytest.mark.parametrize("sender", ["@", "idpsync", "a@b, c@d", '"x\\ny <a@b>"', "a b@c"])
def test_a_sender_is_one_address(tmp_path: Path, sender: str) -> None:
    found = complaints(
        tmp_path, SMALL + MAIL.replace("idpsync <idpsync@acme.example>", repr_yaml(sender))
    )
    assert list(found) == ["mail.from"]


def repr_yaml(text: str) -> str:
    return text if text.startswith('"') else f"'{text}'"


@pytest.mark.parametrize("url", ["smtp://mail:99999", "smtp://a..b", "http://mail", "mail.acme.example"])
def test_a_server_is_an_smtp_address(tmp_path: Path, url: str) -> None:
    found = complaints(tmp_path, SMALL + MAIL.replace("smtp://mail.acme.example:587", f"'{url}'"))
    assert list(found) == ["mail.smtp"]

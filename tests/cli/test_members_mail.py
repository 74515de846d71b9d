"""Invitations through a real mail server, from the command line."""

from collections.abc import Iterator

import pytest

from tests.cli.conftest import LINK, Inside
from tests.cli.test_members import ZOE, events, ledger, tiers
from tests.mail_server import MailServer, mail_server


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def mailing(staffed: Inside, server: MailServer) -> Inside:
    staffed.config["mail"] = {"smtp": server.url, "from": "idpsync@acme.example"}
    return staffed


def test_the_invitation_arrives_with_the_link_of_the_login(mailing: Inside, server: MailServer) -> None:
    said = mailing.done("members", "invite", ZOE).out
    assert said.endswith("The invitation was sent; it is accepted by logging in for the first time.\n")
    assert LINK not in said  # nothing to hand on
    (letter,) = server.received
    assert (letter.sender, letter.recipients) == ("idpsync@acme.example", (ZOE,))
    assert LINK in letter.part("text/plain")
    assert f'href="{LINK}"' in letter.part("text/html")
    assert "Acme" in str(letter.message["Subject"])
    assert letter.message["Content-Language"] == "en"
    assert events(mailing, ZOE)[-1] == "invite.mailed"


def test_the_language_is_that_of_the_call_else_of_the_configuration(
    mailing: Inside, server: MailServer
) -> None:
    assert mailing.json("members", "invite", ZOE, "--language", "pt-br")["mailed"] is True
    mailing.config["mail"]["language"] = "pt-BR"
    mailing.done("members", "resend", ZOE)
    mailing.done("members", "resend", ZOE, "--language", "en")
    languages = [letter["Content-Language"] for letter in server.letters]
    assert languages == ["pt-BR", "pt-BR", "en"]


def test_whom_to_ask_stands_in_the_letter(mailing: Inside, server: MailServer) -> None:
    mailing.config["jit"]["no_seat_contact"] = "it@acme.example"
    mailing.done("members", "invite", ZOE)
    (letter,) = server.received
    assert "it@acme.example" in letter.part("text/plain")


def test_a_mail_that_does_not_get_away_leaves_the_invite(mailing: Inside, server: MailServer) -> None:
    server.answer("RCPT", "550 5.1.1 nobody of that name")
    ended = mailing.call("members", "invite", ZOE)
    assert ended.code == 5
    assert ended.out.startswith(f"{ZOE} is invited as user with a premium seat")
    assert "nobody of that name" in ended.err
    assert f"The invite stands, its seat is kept: `idpsync members resend {ZOE}`" in ended.err
    assert tiers(mailing)[ZOE] == "premium"
    assert ledger(mailing, ZOE)[-1]["outcome"] == "failed"

    failed = mailing.call("members", "resend", ZOE, "--json")
    assert failed.code == 5
    assert failed.json["mailed"] is False
    assert "nobody of that name" in failed.json["problem"]

    server.answer("RCPT", "")
    assert mailing.json("members", "resend", ZOE)["problem"] is None
    assert len(server.received) == 1
    assert free_of_repeats(events(mailing, ZOE)) == ["seat.held", "invite.sent", "invite.mailed"]


def free_of_repeats(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def test_check_online_asks_the_mail_server(mailing: Inside, server: MailServer) -> None:
    lines = mailing.json("check", "--online")
    (mail,) = [line for line in lines if "mail server" in line["system"]]
    assert mail["ok"] is True
    assert "answers" in mail["detail"]
    assert server.received == []

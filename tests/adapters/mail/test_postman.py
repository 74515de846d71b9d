"""Letters are handed to a real server: whole, in time, and with errors that name the remedy."""

import socket
import threading
from email.utils import parsedate_to_datetime

import pytest

from idpsync.core.errors import Malformed, Refused, RemoteError, Transient, UnknownOutcome
from idpsync.pace import Watchdog
from idpsync.smtp import Patience, SmtpServer
from tests.adapters.mail.parts import IMPATIENT, SECRET, failure, letter, postman
from tests.mail_server import Line, MailServer, Stage, mail_server, speaking
from tests.people import NOW

# --- what arrives -------------------------------------------------------------------------------------


def test_a_letter_arrives_with_its_envelope_and_the_date_of_sending(server: MailServer) -> None:
    postman(server.url).send(letter())
    (one,) = server.received
    assert (one.sender, one.recipients) == ("idpsync@acme.example", ("ada@acme.example",))
    assert one.message["Subject"] == "Olá"
    assert parsedate_to_datetime(str(one.message["Date"])) == NOW
    assert one.part("text/plain") == "Hello.\n"


@pytest.mark.parametrize("text", [".\n", ".hidden\n..two\n\n.\nend\n", "no line end", "a\n\n\n"])
def test_the_text_arrives_as_it_was_whatever_begins_with_a_dot(server: MailServer, text: str) -> None:
    postman(server.url).send(letter(text))
    (one,) = server.received
    assert one.part("text/plain").rstrip("\n") == text.rstrip("\n")


def test_everybody_in_to_and_cc_gets_it_once(server: MailServer) -> None:
    made = letter(to="ada@acme.example, bob@acme.example")
    made["Cc"] = "Bob <bob@acme.example>, eve@acme.example"
    postman(server.url).send(made)
    assert server.received[0].recipients == ("ada@acme.example", "bob@acme.example", "eve@acme.example")


def test_the_letter_itself_is_not_changed_by_sending(server: MailServer) -> None:
    made = letter()
    before = made.as_bytes()
    postman(server.url).send(made)
    assert made.as_bytes() == before


def test_letters_leave_from_many_threads_at_once(server: MailServer) -> None:
    man, people = postman(server.url), [f"p{n}@acme.example" for n in range(8)]
    threads = [threading.Thread(target=man.send, args=(letter(to=one),)) for one in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.recipients[0] for one in server.received) == people


def test_an_address_that_is_not_ascii_before_the_at_needs_a_server_for_it(server: MailServer) -> None:
    error = failure(postman(server.url), letter(to="zoë@acme.example"))
    assert isinstance(error, Refused)
    assert "only ASCII letters before the @" in error.reason
    assert server.senders == []
    with mail_server(smtputf8=True) as modern:
        postman(modern.url).send(letter(to="zoë@acme.example"))
    assert modern.received[0].recipients == ("zoë@acme.example",)
    assert "\nTo: zoë@acme.example\r\n".encode() in modern.received[0].raw


def test_a_server_from_before_ehlo_takes_letters_too() -> None:
    def old(line: Line) -> None:
        line.say("220 here\n")
        while command := line.hear():
            match command.split()[0].upper():
                case "EHLO":
                    line.say("500 what?\n")
                case "DATA":
                    line.say("354 go on\n")
                    while line.hear() != ".":
                        pass
                    line.say("250 taken\n")
                case _:
                    line.say("250 fine\n")

    with speaking(old) as (url, heard):
        postman(url).send(letter())
    assert [line.split()[0].upper() for line in heard[:2]] == ["EHLO", "HELO"]


def test_we_introduce_ourselves_without_asking_dns() -> None:
    def hang_up(line: Line) -> None:
        line.say("220 here\n")
        line.hear()

    with speaking(hang_up) as (url, heard):
        assert isinstance(failure(postman(url)), Transient)
    name = socket.gethostname()
    assert heard[0].lower() == f"ehlo {name if '.' in name else '[127.0.0.1]'}".lower()


def test_a_server_that_never_answers_the_goodbye_has_the_letter_all_the_same() -> None:
    def taking(line: Line) -> None:
        line.say("220 here\n")
        while line.hear().upper() != "DATA":
            line.say("250 fine\n")
        line.say("354 go on\n")
        while line.hear() != ".":
            pass
        line.say("250 taken\n")

    with speaking(taking) as (url, heard):
        postman(url).send(letter())
    assert "." in heard


# --- errors by remedy ---------------------------------------------------------------------------------

BEFORE: tuple[Stage, ...] = ("MAIL", "RCPT")
STAGES: tuple[Stage, ...] = (*BEFORE, "DATA")


@pytest.mark.parametrize("stage", STAGES)
def test_what_passes_by_itself_is_transient(server: MailServer, stage: Stage) -> None:
    server.answer(stage, "451 4.3.0 greylisted, come back")
    error = failure(postman(server.url))
    assert isinstance(error, Transient)
    assert "451 4.3.0 greylisted" in error.reason
    server.answer(stage, "")
    postman(server.url).send(letter())
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("stage", "about"),
    [
        ("MAIL", "the sender idpsync@acme.example"),
        ("RCPT", "the recipient ada@acme.example"),
        ("DATA", "the letter"),
    ],
)
def test_what_never_passes_is_refused_and_the_server_is_quoted(
    server: MailServer, stage: Stage, about: str
) -> None:
    server.answer(stage, "550 5.7.1 not from you")
    error = failure(postman(server.url))
    assert isinstance(error, Refused)
    assert error.reason == f"to {about} the server said 550 5.7.1 not from you"
    assert server.received == []


def test_one_refused_recipient_means_that_nobody_gets_it(server: MailServer) -> None:
    server.answer("RCPT", "", times=1)
    server.answer("RCPT", "550 5.1.1 nobody of that name", times=1)
    error = failure(postman(server.url), letter(to="ada@acme.example, bob@acme.example"))
    assert isinstance(error, Refused)
    assert "the recipient bob@acme.example" in error.reason
    assert server.received == []


@pytest.mark.parametrize("stage", BEFORE)
def test_a_connection_lost_before_the_letter_has_left_is_transient(
    server: MailServer, stage: Stage
) -> None:
    server.drop(stage)
    error = failure(postman(server.url))
    assert isinstance(error, Transient)
    assert "the connection broke, nothing was sent" in error.reason


def test_a_connection_lost_after_the_letter_has_left_leaves_the_outcome_open(server: MailServer) -> None:
    server.drop("DATA")
    error = failure(postman(server.url))
    assert isinstance(error, UnknownOutcome)
    assert "no answer to the whole letter" in error.reason


@pytest.mark.parametrize("stage", BEFORE)
def test_a_silent_server_is_not_waited_for_for_ever(server: MailServer, stage: Stage) -> None:
    server.fall_silent(stage)
    error = failure(postman(server.url, patience=Patience(connect=30, answer=0.3, whole=30)))
    assert isinstance(error, Transient)
    assert error.reason == "the connection broke, nothing was sent (no answer in time)"


def test_silence_after_the_letter_leaves_the_outcome_open(server: MailServer) -> None:
    server.fall_silent("DATA")
    assert isinstance(failure(postman(server.url, patience=IMPATIENT)), UnknownOutcome)


def test_a_server_that_drips_is_cut_off_at_the_deadline() -> None:
    """Each piece comes in time for one answer; only the whole is too long."""
    over = threading.Event()

    def drip(line: Line) -> None:
        line.say("220-")
        while not over.wait(0.02):
            line.say("x")

    with speaking(drip) as (url, _):
        error = failure(postman(url, patience=IMPATIENT))
        over.set()
    assert isinstance(error, Transient)
    assert "not done in 0.6 seconds" in error.reason


def test_a_connection_that_comes_after_the_deadline_is_cut_at_once() -> None:
    watchdog = Watchdog()
    ours, theirs = socket.socketpair()
    with ours, theirs, watchdog.watch(0) as watch:
        while not watch.fired:
            pass
        watchdog.attend(ours)
        assert ours.recv(1) == b""


def test_a_server_that_is_down_cannot_be_reached() -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else gets the port meanwhile
        taken.bind(("127.0.0.1", 0))
        man = postman(f"smtp://127.0.0.1:{taken.getsockname()[1]}")
        error = failure(man)
        assert not man.probe().ok
    assert isinstance(error, Transient)
    assert error.reason == "cannot be reached (Connection refused)"


def test_a_host_that_does_not_exist_cannot_be_reached() -> None:
    error = failure(postman("smtp://nobody.invalid:25"))
    assert isinstance(error, Transient)
    assert str(error).startswith("mail server nobody.invalid:25: send mail to ada@acme.example: cannot")


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [("554 5.3.2 no mail here\n", Refused), ("421 4.3.2 too busy\n", Transient), ("hi\n", Malformed)],
)
def test_a_greeting_that_is_none_is_told_apart(greeting: str, kind: type[RemoteError]) -> None:
    with speaking(lambda line: line.say(greeting)) as (url, _):
        assert type(failure(postman(url))) is kind


# --- where --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host", "port", "encrypted"),
    [
        ("smtp://mail.acme.example", "mail.acme.example", 587, False),
        ("smtps://mail.acme.example", "mail.acme.example", 465, True),
        ("smtp://mail.acme.example:25", "mail.acme.example", 25, False),
        ("smtps://[::1]:2465", "::1", 2465, True),
        ("smtp://bücher.example:25", "xn--bcher-kva.example", 25, False),
    ],
)
def test_an_address_names_host_port_and_encryption(
    url: str, host: str, port: int, encrypted: bool
) -> None:
    server = SmtpServer.at(url)
    assert (server.host, server.port, server.encrypted) == (host, port, encrypted)


@pytest.mark.parametrize(
    "url",
    [
        *("", "mail.acme.example", "http://mail.acme.example", "smtp://", "smtp://:25"),
        *("smtp://mail:99999", "smtp://mail:0", "smtp://mail/x", "smtp://a:b@mail", "smtp://a..b:25"),
        *("smtp://[::1", "smtp://mail:port", "smtp://ma il:25", "smtp://mail:25?x", "smtp://-\n:25"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be smtp://host:port or smtps://host:port"):
        SmtpServer.at(url)


def test_a_username_without_a_password_is_refused() -> None:
    with pytest.raises(ValueError, match="belong together"):
        SmtpServer.at("smtp://mail", username="idpsync")
    with pytest.raises(ValueError, match="belong together"):
        SmtpServer.at("smtp://mail", password=SECRET)

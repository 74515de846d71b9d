"""Who may read along: encryption, certificates, passwords, and what errors and logs show."""

import socket
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from idpsync.core.errors import CredentialsRejected, Refused, Transient
from idpsync.smtp.conversation import may_show_password
from tests.adapters.mail.parts import IMPATIENT, LOGIN, PASSWORD, failure, letter, postman
from tests.mail_server import Line, MailServer, Tls, encrypting, mail_server, speaking

# --- encryption ---------------------------------------------------------------------------------------


def test_starttls_is_used_when_it_is_offered(certificates: Path) -> None:
    with mail_server(tls="starttls", certificates=certificates) as server:
        postman(server.url, ca_file=certificates / "ca.pem").send(letter())
    assert server.received[0].encrypted


def test_smtps_is_encrypted_from_the_first_byte(certificates: Path) -> None:
    with mail_server(tls="implicit", certificates=certificates) as server:
        assert server.url.startswith("smtps://")
        postman(server.url, ca_file=certificates / "ca.pem").send(letter())
    assert server.received[0].encrypted


@pytest.mark.parametrize("ca", ["other-ca.pem", None])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    tls: Tls, ca: str | None, certificates: Path
) -> None:
    with mail_server(tls=tls, certificates=certificates, login=LOGIN) as server:
        error = failure(postman(server.url, ca_file=certificates / ca if ca else None, login=True))
    assert isinstance(error, Refused)
    assert error.reason.startswith("the server's certificate is not accepted (")
    assert "ca_file" in error.reason
    assert (server.received, server.logins, server.senders) == ([], [], [])


def test_a_certificate_of_another_host_is_refused(certificates: Path) -> None:
    with mail_server(tls="starttls", certificates=certificates, host="127.0.0.2") as server:
        error = failure(postman(server.url, ca_file=certificates / "ca.pem"))
    assert isinstance(error, Refused)
    assert "certificate is not valid for '127.0.0.2'" in error.reason
    assert server.senders == []


@pytest.mark.parametrize("name", ["nothing-there.pem", "server.key"])
def test_a_ca_file_without_certificates_is_named(certificates: Path, name: str) -> None:
    with mail_server(tls="starttls", certificates=certificates) as server:
        error = failure(postman(server.url, ca_file=certificates / name))
    assert isinstance(error, Refused)
    assert f"{name} cannot be used (" in error.reason
    assert server.senders == []


def test_smtps_to_a_server_that_does_not_encrypt_sends_nothing(server: MailServer) -> None:
    error = failure(postman(server.url.replace("smtp:", "smtps:"), patience=IMPATIENT))
    assert isinstance(error, Transient)
    assert "nothing was sent (TLS: wrong version number)" in error.reason
    assert server.senders == []


def test_starttls_that_is_offered_and_then_refused_does_not_end_in_the_clear() -> None:
    def script(line: Line) -> None:
        line.say("220 here\n")
        line.hear()
        line.say("250-here\n250 STARTTLS\n")
        line.hear()
        line.say("454 4.7.0 not just now\n")
        while line.hear():
            line.say("250 fine\n")

    with speaking(script) as (url, heard):
        error = failure(postman(url))
    assert isinstance(error, Transient)
    assert "to STARTTLS the server said 454" in error.reason
    assert [line.split()[0].upper() for line in heard if line] == ["EHLO", "STARTTLS"]


def test_what_was_said_before_encryption_is_not_believed_after_it(certificates: Path) -> None:
    """RFC 3207 §6: somebody on the way slips in an answer behind the one to STARTTLS."""

    def script(line: Line) -> None:
        line.say("220 here\n")
        line.hear()
        line.say("250-here\n250 STARTTLS\n")
        line.hear()
        line.say("220 go on\n250-somebody\n250 AUTH PLAIN\n")
        with encrypting(certificates).wrap_socket(line.connection, server_side=True) as encrypted:
            line.connection = encrypted
            while line.hear():
                line.say("250 the true one, without logins\n")

    with speaking(script) as (url, heard):
        error = failure(postman(url, ca_file=certificates / "ca.pem", login=True))
    assert isinstance(error, Refused)
    assert "offers no login by password" in error.reason
    assert not [line for line in heard if "AUTH" in line]


# --- who we are ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", [PASSWORD, "Zoë's pässword"])
def test_the_password_is_shown_over_tls(
    certificates: Path, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", password)
    login = ("idpsync", password)
    with mail_server(tls="starttls", certificates=certificates, login=login) as server:
        postman(server.url, ca_file=certificates / "ca.pem", login=True).send(letter())
    assert server.logins == [login]
    assert (server.received[0].user, server.received[0].encrypted) == ("idpsync", True)


def test_a_server_that_knows_only_the_older_way_of_logging_in_is_served() -> None:
    def script(line: Line) -> None:
        line.say("220 here\n")
        for answer in ("250-here\n250 AUTH LOGIN\n", "334 VXNlcm5hbWU6\n", "235 fine\n", "250 bye\n"):
            line.hear()
            line.say(answer)

    with speaking(script) as (url, heard):
        assert postman(url, login=True).probe().ok
    assert heard[1:3] == ["AUTH LOGIN aWRwc3luYw==", "VHIwdWI0ZG9yLWFuZC0z"]


def test_to_this_machine_itself_the_password_may_go_unencrypted() -> None:
    with mail_server(login=LOGIN) as server:
        postman(server.url, login=True).send(letter())
    assert server.received[0].user == "idpsync"


@pytest.mark.parametrize(
    ("peer", "encrypted", "may"),
    [
        ("127.0.0.1", False, True),
        ("127.8.9.10", False, True),
        ("::1", False, True),
        ("10.1.2.3", False, False),
        ("192.0.2.1", False, False),
        ("fe80::1%eth0", False, False),
        ("::ffff:192.0.2.1", False, False),
        ("192.0.2.1", True, True),
        ("fe80::1%eth0", True, True),
    ],
)
def test_a_password_in_the_clear_never_leaves_this_machine(
    peer: str, encrypted: bool, may: bool
) -> None:
    assert may_show_password(peer, encrypted=encrypted) is may


def own_address() -> str | None:
    """An address of this machine that is not loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, suppress(OSError):
        asking.connect(("192.0.2.1", 9))
        found = str(asking.getsockname()[0])
        return None if found.startswith("127.") else found
    return None


@pytest.mark.skipif(own_address() is None, reason="this machine has only loopback addresses")
def test_a_server_elsewhere_that_does_not_encrypt_sees_neither_name_nor_password() -> None:
    with mail_server(login=LOGIN, host=own_address() or "") as server:
        error = failure(postman(server.url, login=True))
    assert isinstance(error, Refused)
    assert "offers no encryption, so username and password were not sent" in error.reason
    assert (server.logins, server.senders) == ([], [])


def test_a_wrong_password_is_a_matter_for_a_person() -> None:
    with mail_server(login=("idpsync", "another")) as server:
        error = failure(postman(server.url, login=True))
    assert isinstance(error, CredentialsRejected)
    assert "to the login the server said 535" in error.reason


def test_a_server_that_wants_a_login_and_gets_none_says_so() -> None:
    with mail_server(login=LOGIN) as server:
        error = failure(postman(server.url))
    assert isinstance(error, CredentialsRejected)
    assert "said 530" in error.reason
    assert error.reason.endswith("set a username and a password")


def test_a_server_without_logins_is_not_shown_the_password(server: MailServer) -> None:
    error = failure(postman(server.url, login=True))
    assert isinstance(error, Refused)
    assert "offers no login by password" in error.reason
    assert (server.logins, server.received) == ([], [])


def test_a_login_that_is_not_possible_just_now_is_tried_again() -> None:
    with mail_server(login=LOGIN) as server:
        server.answer("AUTH", "454 4.7.0 Temporary authentication failure")
        error = failure(postman(server.url, login=True))
    assert isinstance(error, Transient)
    assert "454" in error.reason


def test_a_password_that_is_not_where_the_reference_says_is_named_by_its_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SMTP_PASSWORD")
    with mail_server(login=LOGIN) as server:
        error = failure(postman(server.url, login=True))
    assert isinstance(error, CredentialsRejected)
    assert "env:SMTP_PASSWORD" in error.reason
    assert server.logins == []


# --- nothing secret -----------------------------------------------------------------------------------


def told(error: BaseException | None) -> str:
    """Everything that a report of the error could show, with all that led to it."""
    text = ""
    while error is not None:
        text += f"{error} {error!r} {vars(error)} "
        error = error.__cause__ or error.__context__
    return text


@pytest.mark.parametrize("answer", ["", "535 wrong", "454 later"])
def test_no_error_and_no_log_holds_the_password(answer: str) -> None:
    """The server repeats name, password and what went over the wire, as careless ones do."""
    on_the_wire = ("VHIwdWI0ZG9yLWFuZC0z", "AGlkcHN5bmMAVHIwdWI0ZG9yLWFuZC0z")
    with mail_server(login=("idpsync", "another")) as server, capture_logs() as logs:
        server.answer("AUTH", answer and f"{answer} {PASSWORD} {' '.join(on_the_wire)}")
        man = postman(server.url, login=True)
        shown = told(failure(man)) + str(logs) + str(vars(man)) + str(man.probe())
    assert set(server.logins) == {LOGIN}
    assert "[redacted]" in shown
    for secret in (PASSWORD, *on_the_wire):
        assert secret not in shown


def test_a_letter_that_left_is_logged_with_the_queue_id_of_the_server() -> None:
    with mail_server(login=LOGIN) as server, capture_logs() as logs:
        postman(server.url, login=True).send(letter())
    (line,) = logs
    assert (line["event"], line["to"]) == ("letter.sent", ("ada@acme.example",))
    assert "4F2A" in line["answer"]
    assert PASSWORD not in str(logs)


# --- looking ------------------------------------------------------------------------------------------


def test_a_probe_logs_in_and_sends_nothing(certificates: Path) -> None:
    with mail_server(tls="starttls", certificates=certificates, login=LOGIN) as server:
        health = postman(server.url, ca_file=certificates / "ca.pem", login=True).probe()
    assert (health.ok, health.detail) == (True, "answers, encrypted, accepts idpsync")
    assert health.latency == timedelta(0)
    assert server.senders == []


def test_a_probe_says_what_is_wrong() -> None:
    with mail_server(login=("idpsync", "another")) as server:
        health = postman(server.url, login=True).probe()
    assert not health.ok
    assert "535" in health.detail
    assert PASSWORD not in health.detail

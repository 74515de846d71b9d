"""Mail, talking to a real server on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.mail.parts import PASSWORD
from tests.mail_server import MailServer, mail_server
from tests.slapd_certificates import make_certificates


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls") / "certificates"
    make_certificates(folder)
    return folder


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running

"""Who brings invitations: the letters through a real mail server, and the fake."""

import pytest

from idpsync.core.errors import Refused, Transient, UnknownOutcome
from idpsync.core.ports import Courier
from tests.adapters.mail.parts import letters, postman
from tests.contracts.courier import CourierContract, World
from tests.fakes.courier import FakeCourier
from tests.mail_server import MailServer


class ServerWorld(World):
    def __init__(self, server: MailServer) -> None:
        self.server = server

    def refuse(self) -> None:
        self.server.answer("RCPT", "550 5.1.1 nobody of that name")

    def go_down(self) -> None:
        self.server.answer("MAIL", "421 4.3.2 not now")

    def lose_the_answer(self) -> None:
        self.server.drop("DATA")

    def recover(self) -> None:
        self.server.answer("RCPT", "")

    def letters(self) -> list[tuple[str, str, str]]:
        return [
            (one.recipients[0], str(one.message["Content-Language"]), str(one.message["Message-ID"]))
            for one in self.server.received
        ]


class TestLetters(CourierContract):
    @pytest.fixture
    def subject(self, server: MailServer) -> Courier:
        return letters(postman(server.url))

    @pytest.fixture
    def world(self, server: MailServer) -> World:
        return ServerWorld(server)


class FakeWorld(World):
    def __init__(self, fake: FakeCourier) -> None:
        self.fake = fake

    def refuse(self) -> None:
        self.fake.error = Refused

    def go_down(self) -> None:
        self.fake.error = Transient

    def lose_the_answer(self) -> None:
        self.fake.error = UnknownOutcome

    def recover(self) -> None:
        self.fake.error = None

    def letters(self) -> list[tuple[str, str, str]]:
        arrived = enumerate(self.fake.letters)
        return [(invite.email, language, f"{number}") for number, (invite, language) in arrived]


class TestFakeCourier(CourierContract):
    @pytest.fixture
    def fake(self) -> FakeCourier:
        return FakeCourier()

    @pytest.fixture
    def subject(self, fake: FakeCourier) -> Courier:
        return fake

    @pytest.fixture
    def world(self, fake: FakeCourier) -> World:
        return FakeWorld(fake)

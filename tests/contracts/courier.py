"""What everybody who brings invitations must do."""

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import Refused, Transient, UnknownOutcome
from idpsync.core.membership import Invite
from idpsync.core.ports import Courier
from tests.people import NOW, PREMIUM

INVITE = Invite(
    id="9b1c2d3e",
    member="ada@acme.example",
    email="ada@acme.example",
    tier=PREMIUM,
    invited_by="cli:root as grace@acme.example",
    invited_at=NOW,
    expires_at=NOW + timedelta(days=21),
)


class World(ABC):
    """The other side: how it behaves, and what reached it."""

    @abstractmethod
    def refuse(self) -> None:
        """Take no letter to anybody, for good reasons."""

    @abstractmethod
    def go_down(self) -> None:
        """Take no letter just now."""

    @abstractmethod
    def lose_the_answer(self) -> None:
        """Take the letter and never say so."""

    @abstractmethod
    def recover(self) -> None: ...

    @abstractmethod
    def letters(self) -> list[tuple[str, str, str]]:
        """(address, language as `en` or `pt-BR`, id of the letter) of all that arrived, in order."""


class CourierContract:
    """Subclasses give `subject`, which speaks English to readers of languages it lacks, and `world`."""

    def test_the_letter_reaches_the_invited(self, subject: Courier, world: World) -> None:
        subject.invite(INVITE, "en")
        subject.invite(replace(INVITE, id="2", email="bob@acme.example"), "en")
        assert [address for address, _, _ in world.letters()] == ["ada@acme.example", "bob@acme.example"]

    @pytest.mark.parametrize(
        ("asked", "spoken"),
        [("en", "en"), ("pt_BR", "pt-BR"), ("pt-BR", "pt-BR"), ("de", "en"), ("", "en")],
    )
    def test_it_speaks_the_language_that_was_asked_for(
        self, subject: Courier, world: World, asked: str, spoken: str
    ) -> None:
        subject.invite(INVITE, asked)
        assert [language for _, language, _ in world.letters()] == [spoken]

    def test_each_sending_is_a_letter_of_its_own(self, subject: Courier, world: World) -> None:
        for invite in (INVITE, INVITE, replace(INVITE, id="2")):
            subject.invite(invite, "en")
        assert len({letter for _, _, letter in world.letters()}) == 3

    def test_a_refusal_is_told_and_nothing_arrives(self, subject: Courier, world: World) -> None:
        world.refuse()
        with pytest.raises(Refused):
            subject.invite(INVITE, "en")
        assert world.letters() == []
        world.recover()
        subject.invite(INVITE, "en")
        assert len(world.letters()) == 1

    def test_what_passes_by_itself_is_transient(self, subject: Courier, world: World) -> None:
        world.go_down()
        with pytest.raises(Transient):
            subject.invite(INVITE, "en")
        assert world.letters() == []

    def test_a_lost_answer_leaves_the_outcome_open(self, subject: Courier, world: World) -> None:
        world.lose_the_answer()
        with pytest.raises(UnknownOutcome):
            subject.invite(INVITE, "en")
        assert len(world.letters()) == 1

    @pytest.mark.parametrize(
        "address",
        [
            *("ada@acme.example\nBcc: eve@other.example", "ada@acme.example\r\n\r\nHello", "", "ada"),
            *(
                "ada@acme.example, eve@other.example",
                "ada\u2028@acme.example",
                "=?utf-8?q?eve?=@a.example",
            ),
        ],
    )
    def test_what_is_not_one_address_on_one_line_is_refused(
        self, subject: Courier, world: World, address: str
    ) -> None:
        with pytest.raises(Refused):
            subject.invite(replace(INVITE, email=address), "en")
        assert world.letters() == []

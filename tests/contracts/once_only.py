"""Contract of `OnceOnly`."""

from datetime import timedelta

import pytest

from tests.contracts.stores import Books, Opener
from tests.people import NOW

SOON = NOW + timedelta(minutes=5)


class OnceOnlyContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh)

    def test_an_id_is_claimed_once_until_it_expires(self, books: Books) -> None:
        claim = books.store.once.claim

        assert [claim("assertion", "a", SOON), claim("assertion", "a", SOON)] == [True, False]
        assert claim("assertion", "b", SOON)
        assert claim("logout", "a", SOON)
        books.clock.advance(timedelta(minutes=5))
        assert claim("assertion", "a", SOON + timedelta(hours=1))
        assert not claim("assertion", "a", SOON + timedelta(hours=1))

    def test_what_is_remembered_is_taken_once(self, books: Books) -> None:
        once = books.store.once
        once.remember("request", "r1", '{"next": "/"}', SOON)

        assert once.recall("request", "r1", NOW) == '{"next": "/"}'
        assert once.recall("request", "r1", NOW) == '{"next": "/"}'
        assert once.take("request", "r1", NOW) == '{"next": "/"}'
        assert once.take("request", "r1", NOW) is None
        assert once.recall("request", "r1", NOW) is None

    def test_what_expired_is_not_given_out(self, books: Books) -> None:
        books.store.once.remember("request", "r1", "x", SOON)

        assert books.store.once.recall("request", "r1", SOON) is None
        assert books.store.once.take("request", "r1", SOON) is None

    def test_a_claimed_id_cannot_be_taken(self, books: Books) -> None:
        books.store.once.claim("assertion", "a", SOON)

        assert books.store.once.take("assertion", "a", NOW) is None
        assert not books.store.once.claim("assertion", "a", SOON)

    def test_remembering_again_replaces(self, books: Books) -> None:
        books.store.once.remember("request", "r1", "old", SOON)
        books.store.once.remember("request", "r1", "new", SOON)

        assert books.store.once.take("request", "r1", NOW) == "new"

"""Contract of `Registry`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.stores import CAUSE, Books, Opener
from tests.people import NOW, link


class RegistryContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh)

    def test_a_link_made_twice_is_there_once(self, books: Books) -> None:
        books.store.registry.link(link("ada"), CAUSE)
        books.store.registry.link(link("ada"), CAUSE)

        assert books.store.registry.links() == (link("ada"),)
        assert books.events() == ["account.linked"]

    def test_a_refreshed_link_keeps_the_day_of_its_adoption(self, books: Books) -> None:
        books.store.registry.link(link("ada"), CAUSE)
        other = replace(link("ada"), external_id="id-2", adopted_at=NOW)

        books.store.registry.link(other, CAUSE)

        assert books.store.registry.links() == (replace(other, adopted_at=link("ada").adopted_at),)

    def test_an_unlinked_account_is_nobodys(self, books: Books) -> None:
        for name in ("bob", "ada"):
            books.store.registry.link(link(name), CAUSE)

        books.store.registry.unlink("acc-bob", CAUSE)
        books.store.registry.unlink("acc-bob", CAUSE)

        assert books.store.registry.links() == (link("ada"),)
        assert books.events().count("account.unlinked") == 1

    def test_missing_people_are_marked_and_cleared(self, books: Books) -> None:
        for name in ("ada", "bob"):
            books.store.registry.link(link(name), CAUSE)

        books.store.registry.mark_missing({"acc-ada": NOW, "acc-nobody": NOW}, CAUSE)
        assert [entry.missing_since for entry in books.store.registry.links()] == [NOW, None]

        later = NOW + timedelta(days=1)
        books.store.registry.mark_missing({"acc-ada": None, "acc-bob": later}, CAUSE)
        assert [entry.missing_since for entry in books.store.registry.links()] == [None, later]

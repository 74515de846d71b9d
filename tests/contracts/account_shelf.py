"""Contract of `AccountShelf`."""

from dataclasses import replace

import pytest

from idpsync.core.errors import Conflict
from idpsync.core.model import Standing
from tests.contracts.stores import Books, Opener
from tests.people import NOW, PREMIUM, account


class AccountShelfContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh)

    def test_an_account_comes_back_whole(self, books: Books) -> None:
        ada = replace(
            account("ada", PREMIUM, roles=["user", "admin"]), last_active_at=NOW, version='W/"3"'
        )
        books.store.shelf.put(ada)

        assert books.store.shelf.get("acc-ada") == ada
        assert books.store.shelf.find("ADA@acme.example ") == ada
        assert books.store.shelf.all() == (ada,)

    def test_putting_again_replaces(self, books: Books) -> None:
        books.store.shelf.put(account("ada"))
        invited = account("ada", None, standing=Standing.INVITED, external_id=None)

        books.store.shelf.put(invited)

        assert books.store.shelf.all() == (invited,)

    def test_two_accounts_never_share_a_user_name(self, books: Books) -> None:
        books.store.shelf.put(account("ada"))
        shouted = replace(account("ada").profile, user_name="ADA@ACME.example")

        with pytest.raises(Conflict):
            books.store.shelf.put(replace(account("bob"), profile=shouted))
        assert [a.id for a in books.store.shelf.all()] == ["acc-ada"]

    def test_a_removed_account_is_gone(self, books: Books) -> None:
        books.store.shelf.put(account("ada"))

        books.store.shelf.remove("acc-ada")
        books.store.shelf.remove("acc-ada")

        assert books.store.shelf.get("acc-ada") is None
        assert books.store.shelf.find("ada@acme.example") is None
        books.store.shelf.put(replace(account("ada"), id="acc-2"))

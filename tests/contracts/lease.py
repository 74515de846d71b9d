"""Contract of `Lease`. A lease of no length at all has run out at once, on any clock."""

from datetime import timedelta

import pytest

from tests.contracts.stores import Books, Opener

HOUR = timedelta(hours=1)
NONE = timedelta(0)


class LeaseContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh)

    def test_one_holder_at_a_time(self, books: Books) -> None:
        lease = books.store.lease

        assert lease.acquire("leader", "one", HOUR) == 1
        assert lease.acquire("leader", "two", HOUR) is None
        assert lease.acquire("leader", "one", HOUR) == 1
        assert lease.acquire("other", "two", HOUR) == 1

    def test_the_token_grows_with_every_change_of_holder(self, books: Books) -> None:
        lease = books.store.lease
        lease.acquire("leader", "one", NONE)

        assert lease.acquire("leader", "two", NONE) == 2
        assert lease.acquire("leader", "one", HOUR) == 3

    def test_only_the_holder_renews_and_only_in_time(self, books: Books) -> None:
        lease = books.store.lease
        assert not lease.renew("leader", "one", HOUR)
        lease.acquire("leader", "one", HOUR)

        assert lease.renew("leader", "one", HOUR)
        assert not lease.renew("leader", "two", HOUR)
        lease.acquire("leader", "one", NONE)
        assert not lease.renew("leader", "one", HOUR)

    def test_a_released_lease_is_anybodys(self, books: Books) -> None:
        lease = books.store.lease
        lease.acquire("leader", "one", HOUR)

        lease.release("leader", "two")
        assert lease.acquire("leader", "two", HOUR) is None
        lease.release("leader", "one")
        assert not lease.renew("leader", "one", HOUR)
        assert lease.acquire("leader", "two", HOUR) == 2

"""Contract of `Outbox`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.alert_book import ALERT, STATE
from tests.contracts.stores import Books, Opener
from tests.people import NOW

MINUTE = timedelta(minutes=1)


class OutboxContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh)

    def post(self, books: Books, *receivers: str, key: str = STATE.key, firing: bool = True) -> None:
        alert = replace(ALERT, key=key, firing=firing)
        books.store.alerts.save([], [(receiver, alert) for receiver in receivers])

    def test_a_delivery_is_leased_for_a_minute(self, books: Books) -> None:
        self.post(books, "pager")
        (first,) = books.store.outbox.due(NOW)

        assert books.store.outbox.due(NOW + MINUTE / 2) == ()
        (again,) = books.store.outbox.due(NOW + MINUTE)
        assert (again.id, again.attempts) == (first.id, 1)

    def test_what_is_done_does_not_come_back(self, books: Books) -> None:
        self.post(books, "pager")
        (delivery,) = books.store.outbox.due(NOW)

        books.store.outbox.done(delivery)

        assert books.store.outbox.due(NOW + timedelta(days=1)) == ()

    def test_what_has_not_left_is_counted(self, books: Books) -> None:
        self.post(books, "pager", "chat", "mail")
        sent, failed, lost = books.store.outbox.due(NOW)
        books.store.outbox.done(sent)
        books.store.outbox.failed(failed, "503", NOW + timedelta(hours=1))
        assert books.store.outbox.pending() == 2

        books.store.outbox.failed(lost, "401", None)

        assert books.store.outbox.pending() == 1

    def test_what_failed_comes_back_at_its_time(self, books: Books) -> None:
        self.post(books, "pager")
        (delivery,) = books.store.outbox.due(NOW)

        books.store.outbox.failed(delivery, "503", NOW + timedelta(hours=1))

        assert books.store.outbox.due(NOW + MINUTE * 59) == ()
        (again,) = books.store.outbox.due(NOW + timedelta(hours=1))
        assert (again.id, again.attempts) == (delivery.id, 1)

    def test_what_failed_for_good_is_put_aside(self, books: Books) -> None:
        self.post(books, "pager")
        (delivery,) = books.store.outbox.due(NOW)

        books.store.outbox.failed(delivery, "401", None)

        assert books.store.outbox.due(NOW + timedelta(days=9)) == ()

    def test_a_late_worker_changes_nothing(self, books: Books) -> None:
        self.post(books, "pager")
        (late,) = books.store.outbox.due(NOW)
        (present,) = books.store.outbox.due(NOW + MINUTE)

        books.store.outbox.failed(late, "too late", None)
        books.store.outbox.done(late)
        books.store.outbox.failed(present, "503", NOW + MINUTE * 5)
        books.store.outbox.done(present)

        assert [d.attempts for d in books.store.outbox.due(NOW + MINUTE * 5)] == [2]

    def test_at_most_so_many_are_given_out(self, books: Books) -> None:
        self.post(books, "a", "b", "c")

        assert [d.receiver for d in books.store.outbox.due(NOW, limit=2)] == ["a", "b"]
        assert [d.receiver for d in books.store.outbox.due(NOW, limit=2)] == ["c"]

    def test_a_receiver_is_told_of_one_alert_in_order(self, books: Books) -> None:
        self.post(books, "pager")
        self.post(books, "pager", firing=False)
        self.post(books, "pager", key="acme/other")
        first, other = books.store.outbox.due(NOW)

        assert (first.alert.firing, other.alert.key) == (True, "acme/other")
        books.store.outbox.failed(first, "503", NOW + MINUTE * 30)
        assert books.store.outbox.due(NOW + MINUTE / 2) == ()
        (retried,) = [d for d in books.store.outbox.due(NOW + MINUTE * 30) if d.id == first.id]
        books.store.outbox.done(retried)
        (resolved,) = [d for d in books.store.outbox.due(NOW + MINUTE * 30) if d.id != other.id]
        assert not resolved.alert.firing

    def test_nothing_is_due_before_its_time(self, books: Books) -> None:
        self.post(books, "pager")

        assert books.store.outbox.due(NOW - MINUTE) == ()

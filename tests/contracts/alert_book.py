"""Contract of `AlertBook`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.alerts import Alert, AlertState, Phase, Severity
from idpsync.core.records import Cause
from tests.contracts.stores import Books, Opener
from tests.people import NOW

ADMIN = Cause("cli:ada")
STATE = AlertState(
    key="acme/premium/headroom_low",
    phase=Phase.FIRING,
    severity=Severity.WARNING,
    summary="1 of 20 premium seats left",
    facts={"free": "1"},
    runbook="headroom",
    pending_since=NOW,
    firing_since=NOW + timedelta(minutes=5),
    last_sent_at=NOW + timedelta(minutes=5),
)
ALERT = Alert(
    key=STATE.key,
    severity=Severity.WARNING,
    firing=True,
    summary=STATE.summary,
    facts=STATE.facts,
    runbook="headroom",
    at=NOW,
)


class AlertBookContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh)

    def test_states_come_back_as_they_were_saved(self, books: Books) -> None:
        quiet = AlertState("acme/standard/headroom_low")
        books.store.alerts.save([STATE, quiet], [])
        assert books.store.alerts.states() == {STATE.key: STATE, quiet.key: quiet}

        books.store.alerts.save([replace(STATE, phase=Phase.OK, severity=None)], [])
        assert books.store.alerts.states()[STATE.key].phase is Phase.OK
        assert quiet.key in books.store.alerts.states()

    def test_messages_go_to_the_outbox_with_the_state(self, books: Books) -> None:
        books.store.alerts.save([STATE], [("pager", ALERT), ("mail", ALERT)])

        due = books.store.outbox.due(NOW)

        assert [(d.receiver, d.alert, d.attempts) for d in due] == [
            ("pager", ALERT, 0),
            ("mail", ALERT, 0),
        ]
        assert len({d.id for d in due}) == 2

    def test_all_is_saved_or_nothing(self, books: Books) -> None:
        def broken() -> Iterator[tuple[str, Alert]]:
            yield "pager", ALERT
            raise RuntimeError("while the messages were made")

        with pytest.raises(RuntimeError):
            books.store.alerts.save([STATE], broken())

        assert books.store.alerts.states() == {}
        assert books.store.outbox.due(NOW) == ()

    def test_an_alert_can_be_acknowledged_and_silenced(self, books: Books) -> None:
        books.store.alerts.save([STATE], [])
        until = NOW + timedelta(hours=2)

        assert books.store.alerts.acknowledge(STATE.key, ADMIN).acknowledged_by == "cli:ada"
        silenced = books.store.alerts.silence(STATE.key, until, ADMIN)

        assert (silenced.acknowledged_by, silenced.silenced_until) == ("cli:ada", until)
        assert books.store.alerts.states()[STATE.key] == silenced
        assert books.events() == ["alert.acknowledged", "alert.silenced"]

    def test_what_people_said_since_the_states_were_read_stays(self, books: Books) -> None:
        told = replace(STATE, told={Severity.WARNING: NOW})
        books.store.alerts.save([told], [])
        read = books.store.alerts.states()[STATE.key]
        books.store.alerts.acknowledge(STATE.key, ADMIN)
        books.store.alerts.silence(STATE.key, NOW + timedelta(hours=2), ADMIN)

        books.store.alerts.save([replace(read, summary="0 left")], [])

        saved = books.store.alerts.states()[STATE.key]
        assert saved == replace(
            told,
            summary="0 left",
            acknowledged_by="cli:ada",
            silenced_until=NOW + timedelta(hours=2),
        )

    def test_an_acknowledgement_ends_with_the_trouble_and_a_silence_does_not(self, books: Books) -> None:
        books.store.alerts.save([STATE], [])
        books.store.alerts.acknowledge(STATE.key, ADMIN)
        silenced = books.store.alerts.silence(STATE.key, NOW + timedelta(hours=2), ADMIN)

        books.store.alerts.save([replace(silenced, phase=Phase.OK, acknowledged_by=None)], [])

        saved = books.store.alerts.states()[STATE.key]
        assert (saved.acknowledged_by, saved.silenced_until) == (None, NOW + timedelta(hours=2))

    def test_an_acknowledgement_does_not_cover_what_is_worse(self, books: Books) -> None:
        books.store.alerts.save([replace(STATE, told={Severity.WARNING: NOW})], [])
        books.store.alerts.acknowledge(STATE.key, ADMIN)

        worse = {Severity.WARNING: NOW, Severity.CRITICAL: NOW}
        books.store.alerts.save([replace(STATE, severity=Severity.CRITICAL, told=worse)], [])

        assert books.store.alerts.states()[STATE.key].acknowledged_by is None

    def test_an_unknown_alert_is_not_acknowledged(self, books: Books) -> None:
        with pytest.raises(KeyError):
            books.store.alerts.acknowledge("acme/nothing", ADMIN)
        with pytest.raises(KeyError):
            books.store.alerts.silence("acme/nothing", NOW, ADMIN)

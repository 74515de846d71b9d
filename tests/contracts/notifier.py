"""What every receiver of alerts must do, whatever it is made of."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from idpsync.core.alerts import Alert, Severity
from idpsync.core.errors import RateLimited, Refused, RemoteError, Transient
from idpsync.core.ports import Notifier

ALERT = Alert(
    key="idpsync/acme/headroom/premium",
    severity=Severity.CRITICAL,
    firing=True,
    summary="premium: 0 of 20 seats free, 2 waiting; add seats: `idpsync seats add premium=5`",
    facts={"free": "0", "purchased": "20", "waiting": "2"},
    runbook="headroom",
    at=datetime(2026, 3, 1, 10, 0, tzinfo=UTC),
)
RESOLVED = replace(ALERT, firing=False, summary="premium: 9 of 20 seats free, nobody waits")

ARRIVED = (200, 201, 202, 204)
LATER = (408, 409, 425, 500, 501, 502, 503, 504, 507, 599)
NEVER = (301, 302, 400, 401, 403, 404, 405, 410, 413, 415, 422, 451)


class World(ABC):
    """The other side: what it answers, what reached it, and what no error may tell."""

    @abstractmethod
    def answer(self, status: int, headers: Mapping[str, str] | None = None) -> None: ...

    @abstractmethod
    def fall_silent(self) -> None:
        """Take messages and never answer."""

    @abstractmethod
    def messages(self) -> list[tuple[str, str, bool]]:
        """(delivery id or "", text that a person sees, whether it tells of trouble), in order."""

    @abstractmethod
    def secrets(self) -> tuple[str, ...]: ...

    @abstractmethod
    def tells_ids(self) -> bool:
        """Whether the delivery id travels with the message."""


class NotifierContract:
    """Subclasses give `subject` (wants both severities) and `world` as fixtures."""

    @pytest.mark.parametrize("status", ARRIVED)
    def test_success_is_every_2xx(self, subject: Notifier, world: World, status: int) -> None:
        world.answer(status)
        subject.send(ALERT, "d-1")
        assert len(world.messages()) == 1

    @pytest.mark.parametrize("status", LATER)
    def test_what_passes_by_itself_is_tried_again(
        self, subject: Notifier, world: World, status: int
    ) -> None:
        world.answer(status)
        with pytest.raises(Transient) as caught:
            subject.send(ALERT, "d-1")
        assert not isinstance(caught.value, RateLimited)
        assert str(status) in str(caught.value)

    @pytest.mark.parametrize("status", NEVER)
    def test_what_never_passes_is_refused(self, subject: Notifier, world: World, status: int) -> None:
        world.answer(status)
        with pytest.raises(Refused) as caught:
            subject.send(ALERT, "d-1")
        assert str(status) in str(caught.value)

    def test_a_plea_for_a_pause_says_how_long(self, subject: Notifier, world: World) -> None:
        world.answer(429, {"Retry-After": "40"})
        with pytest.raises(RateLimited) as caught:
            subject.send(ALERT, "d-1")
        assert timedelta(seconds=35) < caught.value.after <= timedelta(seconds=40)

    def test_a_plea_for_a_pause_of_no_length_is_one_all_the_same(
        self, subject: Notifier, world: World
    ) -> None:
        world.answer(429)
        with pytest.raises(RateLimited) as caught:
            subject.send(ALERT, "d-1")
        assert caught.value.after > timedelta(0)

    def test_silence_is_tried_again(self, subject: Notifier, world: World) -> None:
        world.fall_silent()
        with pytest.raises(Transient):
            subject.send(ALERT, "d-1")

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
    def test_no_error_tells_a_secret(self, subject: Notifier, world: World, status: int) -> None:
        world.answer(status)
        with pytest.raises(RemoteError) as caught:
            subject.send(ALERT, "d-1")
        told = f"{caught.value} {caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
        for secret in world.secrets():
            assert secret not in told

    def test_the_name_of_the_receiver_stands_in_its_errors(
        self, subject: Notifier, world: World
    ) -> None:
        world.answer(400)
        with pytest.raises(RemoteError, match=subject.name):
            subject.send(ALERT, "d-1")

    def test_a_repetition_carries_the_same_delivery_id(self, subject: Notifier, world: World) -> None:
        world.answer(500)
        with pytest.raises(Transient):
            subject.send(ALERT, "d-7")
        world.answer(200)
        subject.send(ALERT, "d-7")
        if world.tells_ids():
            assert {one for one, _, _ in world.messages()} == {"d-7"}

    def test_trouble_and_its_end_look_different(self, subject: Notifier, world: World) -> None:
        subject.send(ALERT, "d-1")
        subject.send(RESOLVED, "d-2")
        (_, trouble, firing), (_, end, still) = world.messages()
        assert (firing, still) == (True, False)
        assert ALERT.summary in trouble
        assert RESOLVED.summary in end

    def test_the_action_reaches_people(self, subject: Notifier, world: World) -> None:
        subject.send(ALERT, "d-1")
        assert "idpsync seats add premium=5" in world.messages()[0][1]

    def test_both_severities_are_wanted_when_both_are_configured(self, subject: Notifier) -> None:
        assert subject.wants(ALERT)
        assert subject.wants(replace(ALERT, severity=Severity.WARNING))

    def test_a_probe_posts_nothing(self, subject: Notifier, world: World) -> None:
        assert subject.probe().ok
        assert world.messages() == []

    def test_a_probe_says_when_the_other_side_is_down(self, subject: Notifier, world: World) -> None:
        world.answer(500)
        assert not subject.probe().ok

"""Said once, repeated seldom, resolved once: the life of one alert."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idpsync.core.alerts import Alert, AlertState, Observation, Phase, Severity, judge
from tests.people import NOW

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
REPEAT = timedelta(hours=12)
MINUTE = timedelta(minutes=1)


def sees(
    severity: Severity | None,
    keeps: Severity | None = None,
    hold_for: timedelta = timedelta(0),
    summary: str = "premium: 1 of 20 seats free",
) -> Observation:
    return Observation(
        "headroom/premium", severity, summary, {}, "headroom", hold_for, keeps=keeps or severity
    )


@dataclass
class Life:
    """One alert, judged again and again; what was said stands in `said`."""

    now: datetime = NOW
    state: AlertState = field(default_factory=lambda: AlertState("idpsync/acme/headroom/premium"))
    said: list[Alert] = field(default_factory=list)

    def see(self, seen: Observation | None, after: timedelta = MINUTE) -> list[tuple[bool, Severity]]:
        self.now += after
        self.state, alerts = judge(self.state, seen, self.now, REPEAT)
        self.said += alerts
        return [(alert.firing, alert.severity) for alert in alerts]

    def silence(self, span: timedelta) -> None:
        self.state = replace(self.state, silenced_until=self.now + span)

    def acknowledge(self) -> None:
        self.state = replace(self.state, acknowledged_by="console:ada@acme.example")


@pytest.fixture
def life() -> Life:
    return Life()


def test_trouble_is_said_once(life: Life) -> None:
    assert life.see(sees(WARNING)) == [(True, WARNING)]
    assert life.see(sees(WARNING)) == []
    assert life.state.phase is Phase.FIRING
    assert life.said[0].key == "idpsync/acme/headroom/premium"
    assert life.said[0].at == life.state.last_sent_at


def test_its_end_is_said_once_in_the_words_of_the_end(life: Life) -> None:
    life.see(sees(WARNING))
    assert life.see(sees(None, summary="premium: 9 of 20 seats free")) == [(False, WARNING)]
    assert life.said[-1].summary == "premium: 9 of 20 seats free"
    assert life.see(sees(None)) == []
    assert life.state.phase is Phase.OK


def test_a_quiet_start_says_nothing(life: Life) -> None:
    assert life.see(sees(None)) == []
    assert life.state.phase is Phase.OK


def test_trouble_that_must_last_is_pending_until_it_has(life: Life) -> None:
    lasting = sees(WARNING, hold_for=timedelta(minutes=5))
    assert life.see(lasting) == []
    assert life.state.phase is Phase.PENDING
    assert life.see(lasting, 4 * MINUTE) == []
    assert life.see(lasting) == [(True, WARNING)]


def test_pending_trouble_that_passes_was_never_there(life: Life) -> None:
    lasting = sees(WARNING, hold_for=timedelta(minutes=5))
    life.see(lasting)
    assert life.see(sees(None), 4 * MINUTE) == []
    assert life.see(lasting) == []
    assert life.see(lasting, 4 * MINUTE) == []  # the wait began anew
    assert life.said == []


def test_getting_worse_is_said_at_once(life: Life) -> None:
    life.see(sees(WARNING))
    assert life.see(sees(CRITICAL)) == [(True, CRITICAL)]


def test_getting_better_but_not_well_is_not_said(life: Life) -> None:
    life.see(sees(CRITICAL))
    assert life.see(sees(WARNING)) == []
    assert life.state.severity is WARNING
    assert life.see(sees(None)) == [(False, CRITICAL)]


def test_going_up_and_down_between_severities_is_said_once_each(life: Life) -> None:
    for severity in (WARNING, CRITICAL, WARNING, CRITICAL, WARNING, CRITICAL):
        life.see(sees(severity))
    assert [alert.severity for alert in life.said] == [WARNING, CRITICAL]


def test_trouble_that_goes_on_is_repeated_after_the_interval_and_not_before(life: Life) -> None:
    life.see(sees(WARNING))
    assert life.see(sees(WARNING), REPEAT - MINUTE) == []
    assert life.see(sees(WARNING), MINUTE) == [(True, WARNING)]
    assert life.see(sees(WARNING), REPEAT - MINUTE) == []


def test_acknowledged_trouble_is_not_repeated_but_its_end_is_said(life: Life) -> None:
    life.see(sees(WARNING))
    life.acknowledge()
    assert life.see(sees(WARNING), 5 * REPEAT) == []
    assert life.see(sees(None)) == [(False, WARNING)]


def test_an_acknowledged_warning_that_becomes_critical_is_said_and_repeated(life: Life) -> None:
    life.see(sees(WARNING))
    life.acknowledge()
    assert life.see(sees(CRITICAL)) == [(True, CRITICAL)]
    assert life.state.acknowledged_by is None
    assert life.see(sees(CRITICAL), REPEAT) == [(True, CRITICAL)]


def test_an_acknowledgement_ends_with_the_trouble(life: Life) -> None:
    life.see(sees(WARNING))
    life.acknowledge()
    life.see(sees(None))
    life.see(sees(WARNING))
    assert life.see(sees(WARNING), REPEAT) == [(True, WARNING)]


def test_silence_holds_back_messages_and_not_states(life: Life) -> None:
    life.silence(timedelta(hours=2))
    assert life.see(sees(CRITICAL)) == []
    assert life.state.phase is Phase.FIRING


def test_trouble_that_comes_and_goes_in_silence_is_never_said(life: Life) -> None:
    life.silence(timedelta(hours=2))
    life.see(sees(CRITICAL))
    life.see(sees(None))
    assert life.see(sees(None), timedelta(hours=3)) == []
    assert life.said == []


def test_trouble_that_outlasts_the_silence_is_said_when_it_ends(life: Life) -> None:
    life.silence(timedelta(hours=2))
    life.see(sees(CRITICAL))
    assert life.see(sees(CRITICAL), timedelta(hours=2)) == [(True, CRITICAL)]


def test_a_silence_is_over_at_its_last_instant(life: Life) -> None:
    life.silence(timedelta(hours=2))
    assert life.see(sees(CRITICAL), timedelta(hours=2)) == [(True, CRITICAL)]


def test_those_who_were_told_before_a_silence_hear_of_the_end_after_it(life: Life) -> None:
    life.see(sees(WARNING))
    life.silence(timedelta(hours=2))
    assert life.see(sees(None)) == []
    assert life.see(sees(None), timedelta(hours=2)) == [(False, WARNING)]
    assert life.see(sees(None)) == []


def test_trouble_that_is_back_before_the_silence_ends_is_still_the_same(life: Life) -> None:
    life.see(sees(WARNING))
    life.silence(timedelta(hours=2))
    life.see(sees(None))
    life.see(sees(WARNING))
    assert life.see(sees(WARNING), timedelta(hours=2)) == []
    assert life.see(sees(None)) == [(False, WARNING)]


def test_no_data_freezes_everything(life: Life) -> None:
    life.see(sees(WARNING))
    before = life.state
    assert life.see(None, 10 * REPEAT) == []
    assert life.state == before


def test_inside_the_margin_a_firing_alert_stays_and_a_quiet_one_stays_quiet(life: Life) -> None:
    margin = sees(None, keeps=WARNING)
    assert margin.clearing
    assert life.see(margin) == []
    assert life.state.severity is None
    life.see(sees(WARNING))
    assert life.see(margin) == []
    assert life.state.severity is WARNING


def test_inside_the_margin_of_critical_it_stays_critical_and_of_warning_it_falls(life: Life) -> None:
    life.see(sees(CRITICAL))
    life.see(sees(WARNING, keeps=CRITICAL))
    assert life.state.severity is CRITICAL
    life.see(sees(None, keeps=WARNING))
    assert life.state.severity is WARNING


def test_the_margin_of_critical_does_not_make_a_warning_critical(life: Life) -> None:
    life.see(sees(WARNING, keeps=CRITICAL))
    assert life.see(sees(WARNING, keeps=CRITICAL)) == []
    assert life.state.severity is WARNING


def test_a_new_trouble_after_a_resolution_is_said_at_once(life: Life) -> None:
    life.see(sees(CRITICAL))
    life.see(sees(None))
    assert life.see(sees(CRITICAL)) == [(True, CRITICAL)]


# --- properties --------------------------------------------------------------------------------

severities = st.sampled_from([None, WARNING, CRITICAL])


@st.composite
def observations(draw: st.DrawFn) -> Observation | None:
    if draw(st.integers(0, 5)) == 0:
        return None
    severity, keeps = draw(severities), draw(severities)
    worse = max(severity, keeps, key=lambda one: one.rank if one else 0)
    return sees(severity, worse, timedelta(minutes=draw(st.sampled_from([0, 0, 30]))))


@dataclass(frozen=True)
class Step:
    seen: Observation | None
    after: timedelta
    event: str


steps = st.builds(
    Step,
    observations(),
    st.integers(0, 20 * 60).map(lambda minutes: timedelta(minutes=minutes)),
    st.sampled_from(["", "", "", "silence", "acknowledge"]),
)


def lived(steps: Iterable[Step]) -> Life:
    life = Life()
    for step in steps:
        if step.event == "silence":
            life.silence(timedelta(hours=3))
        elif step.event == "acknowledge":
            life.acknowledge()
        life.see(step.seen, step.after)
    return life


@given(st.lists(steps, max_size=40))
def test_no_severity_is_said_twice_within_the_interval_unless_it_was_resolved(
    history: list[Step],
) -> None:
    last: dict[Severity, datetime] = {}
    for alert in lived(history).said:
        if not alert.firing:
            last.clear()
            continue
        assert alert.severity not in last or alert.at - last[alert.severity] >= REPEAT
        last[alert.severity] = alert.at


@given(st.lists(steps, max_size=40))
def test_every_resolution_follows_a_firing_and_says_the_worst_of_it(history: list[Step]) -> None:
    open_: list[Severity] = []
    for alert in lived(history).said:
        if alert.firing:
            open_.append(alert.severity)
        else:
            assert open_, "a resolution without an alert, or a second one"
            assert alert.severity is max(open_, key=lambda severity: severity.rank)
            open_ = []


@given(st.lists(steps, max_size=40))
def test_whoever_was_told_hears_of_the_end(history: list[Step]) -> None:
    life = lived(history)
    life.see(sees(None), timedelta(hours=4))  # any silence is over
    assert not life.said or not life.said[-1].firing
    assert life.state.told == {}


@given(st.lists(steps, max_size=40), st.integers(0, 40))
def test_no_data_changes_nothing(history: list[Step], at: int) -> None:
    gap = Step(None, timedelta(0), "")
    with_gap, without = lived([*history[:at], gap, *history[at:]]), lived(history)
    assert with_gap.state == without.state
    assert with_gap.said == without.said


@given(st.lists(steps, max_size=40))
def test_the_state_is_always_one_of_the_three_and_consistent(history: list[Step]) -> None:
    state = lived(history).state
    assert (state.phase is Phase.OK) == (state.severity is None)
    assert (state.firing_since is not None) == (state.phase is Phase.FIRING)

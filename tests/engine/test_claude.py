"""The whole engine over a Claude organisation: five people, three seats, and nobody beyond them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from idpsync.core.model import Standing
from tests.adapters.targets.claude_parts import GROUPS, KEY_NAME, MAPPED, ClaudeHouse
from tests.engine.house import EngineHouse
from tests.people import PREMIUM, STANDARD
from tests.twins.claude.answers import Fault
from tests.twins.claude.organization import OWNER, Organization
from tests.twins.claude.twin import KEY, running
from tests.twins.scim import cut

PEOPLE = "ada bob cyd dan eve"


@contextmanager
def wired(mode: str) -> Iterator[tuple[EngineHouse, ClaudeHouse]]:
    """Two premium seats, of which the owner has one, and two standard: three for five people."""
    engine = EngineHouse(seats={PREMIUM: 2, STANDARD: 2})
    for group in GROUPS.values():
        engine.directory.groups[group] = set()
    seats = {"premium": 2, "standard": 2}
    organization = Organization(seats, mode, engine.directory, MAPPED, engine.clock)
    with running(organization) as twin:
        claude = ClaudeHouse(twin)
        engine.use_target(claude.target())  # type: ignore[arg-type]
        engine.add("ada", "Premium", "Users")
        engine.add("bob cyd dan eve", "Users")
        yield engine, claude


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)


def placed(claude: ClaudeHouse) -> dict[str, list[str]]:
    """User names by seat group."""
    people = claude.directory.people
    return {
        group: sorted(people[key].user_name for key in claude.members_of(group))
        for group in GROUPS.values()
    }


def run(engine: EngineHouse) -> None:
    outcome = engine.run(adopt=True)
    assert outcome.error is None, outcome.error
    assert all(one.done for one in outcome.performed), outcome.performed


def test_directory_sync_never_sees_more_people_than_there_are_seats() -> None:
    with wired("scim_advanced") as (engine, claude):
        run(engine)
        assert placed(claude) == {"seat-premium": ["ada"], "seat-standard": ["bob", "cyd"]}
        assert claude.org.sync() == []
        assert sorted(claude.user_names()) == [f"{name}@acme.example" for name in ("ada", "bob", "cyd")]
        assert engine.booked() == {
            OWNER: "premium",
            "ada": "premium",
            "bob": "standard",
            "cyd": "standard",
        }
        waiting = {entry.member for entry in engine.store.waiting.entries()}
        assert waiting == {"dan", "eve"}


def test_a_run_that_finds_everybody_in_their_place_writes_nothing() -> None:
    with wired("scim_advanced") as (engine, claude):
        run(engine)
        claude.org.sync()
        engine.clock.advance(timedelta(minutes=10))
        for _ in range(2):
            before = len(claude.twin.seen)
            outcome = engine.run()
            assert outcome.performed == ()
            asked = [one.path for one in claude.twin.seen[before:]]
            assert len(asked) == 3, asked  # invites, members, feed
        standing = {a.user_name: a.standing for a in engine.rooms.target.accounts()}
        assert standing["ada"] is Standing.ACTIVE


def test_the_seat_of_a_leaver_goes_to_the_first_who_waits() -> None:
    with wired("scim_advanced") as (engine, claude):
        run(engine)
        claude.org.sync()
        engine.directory.switch("bob", active=False)
        run(engine)
        claude.org.sync()
        claude.org.sync()
        assert placed(claude)["seat-standard"] == ["cyd", "dan"]
        assert sorted(claude.user_names()) == [f"{name}@acme.example" for name in ("ada", "cyd", "dan")]


def test_logins_bring_exactly_those_who_were_placed() -> None:
    with wired("jit_advanced") as (engine, claude):
        run(engine)
        for name in ("ada", "bob", "cyd"):
            claude.org.login(f"{name}@acme.example")
        for name in ("dan", "eve"):
            with pytest.raises(PermissionError):
                claude.org.login(f"{name}@acme.example")
        engine.directory.switch("bob", active=False)
        run(engine)
        assert "bob@acme.example" not in claude.user_names()
        assert claude.org.login("dan@acme.example")


def test_by_invites_five_people_get_three_seats_and_a_lost_answer_costs_none() -> None:
    with wired("login_only") as (engine, claude):
        claude.twin.faults.append(Fault("POST", "/invites", times=2, wire=cut))
        run(engine)
        claude.twin.faults.clear()
        invited = sorted(one["email"] for one in claude.org.invites.values())
        assert invited == [f"{name}@acme.example" for name in ("ada", "bob", "cyd")]
        assert sum(claude.org.free(tier) for tier in claude.org.seats) == 0
        for email in invited:
            claude.org.accept(email)
        engine.clock.advance(timedelta(minutes=10))
        engine.run()
        assert len(engine.booked()) == 4
        assert {entry.member for entry in engine.store.waiting.entries()} >= {"dan", "eve"}

"""Whatever cuts a read, and wherever: the run that follows takes nothing from anybody."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idpsync.core.model import DirectorySnapshot
from idpsync.core.policy import GroupRule, Policy
from idpsync.core.ports import DirectorySource
from idpsync.core.records import RunState
from idpsync.sources import LdapConfig, build
from tests.adapters.sources.ldap_script import (
    HANG_UP,
    SUCCESS,
    ScriptedDirectory,
    element,
    message,
    result,
    scripted_server,
)
from tests.engine.house import EngineHouse
from tests.people import LADDER, PREMIUM, STANDARD

PEOPLE = [f"user{n}" for n in range(8)]
GROUPS = {
    "Premium": PEOPLE[:3],
    "Inner": PEOPLE[2:4],
    "Others": PEOPLE[4:],
    "Users": PEOPLE,
}
SEARCHES = 1 + 3 + 2  # may changes be told, three pages of people, two of groups
POLICY = Policy(
    LADDER, (GroupRule("Premium", PREMIUM), GroupRule("Users", STANDARD)), protected=frozenset()
)
Fault = Callable[[int, bytes, bytes], bytes]


def ends_with(code: int) -> Fault:
    return lambda number, entries, whole: entries + result(number, code)


def no_control(number: int, entries: bytes, whole: bytes) -> bytes:
    return entries + result(number, 0)


def refers(number: int, entries: bytes, whole: bytes) -> bytes:
    return message(number, element(0x73, element(0x04, b"ldap://127.0.0.1:9/dc=y"))) + whole


def another_number(number: int, entries: bytes, whole: bytes) -> bytes:
    return result(number + 1, 0)


def bad_entry(number: int, entries: bytes, whole: bytes) -> bytes:
    return message(number, element(0x64, b"\x04\x7f")) + whole


FAULTS = st.one_of(
    st.sampled_from([1, 2, 3, 4, 8, 11, 32, 50, 51, 52, 53, 80]).map(ends_with),
    st.sampled_from([no_control, refers, another_number, bad_entry]),
    st.sampled_from([b"", b"HTTP/1.1 400 Bad\r\n\r\n", message(0, element(0x78, SUCCESS))]).map(
        lambda said: lambda number, entries, whole: said + HANG_UP
    ),
    st.floats(0.01, 0.99).map(
        lambda part: lambda number, entries, whole: whole[: int(len(whole) * part)] + HANG_UP
    ),
)


def source_at(port: int, house: EngineHouse, **changes: object) -> DirectorySource:
    said: dict[str, object] = {
        "kind": "ldap",
        "url": f"ldap://127.0.0.1:{port}",
        "user_base": "ou=people,dc=x",
        "group_base": "ou=groups,dc=x",
        "receive_timeout": "1s",
        "page_size": 3,
    }
    return build(
        LdapConfig.model_validate(said | changes),
        clock=house.clock,
        groups=frozenset({"Premium", "Users"}),
    )


def reading(house: EngineHouse, answers: ScriptedDirectory, **changes: object) -> RunState:
    """One run over this directory."""
    with scripted_server(answers) as port:
        # the address is part of the scope, and another scope alone would hold everything
        source = source_at(port, house, **changes)
        house.rooms = replace(house.rooms, source=Elsewhere(source))
        return house.run().run.state


class Elsewhere:
    """The same source, as if it were always at one address."""

    def __init__(self, source: DirectorySource) -> None:
        self.source, self.name, self.kind = source, source.name, source.kind
        self.probe = source.probe

    def read(self, since: str | None = None) -> DirectorySnapshot:
        return replace(self.source.read(), scope="ldap at one address")


def ready() -> EngineHouse:
    house = EngineHouse(seats={PREMIUM: 3, STANDARD: 8}, policy=POLICY)
    answers = ScriptedDirectory(PEOPLE, GROUPS)
    assert reading(house, answers) is RunState.DONE
    assert answers.searches == SEARCHES
    assert list(house.tiers().values()).count("premium") == 3
    house.clock.advance(2 * POLICY.min_hold)
    return house


@given(st.integers(2, SEARCHES), FAULTS, st.booleans())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_page_that_any_fault_cuts_takes_nothing_from_anybody(
    at: int, fault: Fault, nested: bool
) -> None:
    house = ready()
    before = house.tiers()
    cut = ScriptedDirectory(PEOPLE, GROUPS, at=at, fault=fault)
    state = reading(house, cut, nested_groups=nested)
    assert house.tiers() == before
    # on the last page both groups have come whole, and what they do not nest cannot matter
    assert state in {RunState.INCOMPLETE, RunState.FAILED} or (at == SEARCHES and not nested)


def test_without_a_fault_whoever_is_gone_is_let_go() -> None:
    """The counter-check: the same machinery does take away where the read is whole."""
    house = ready()
    left = {name: [uid for uid in uids if uid != "user0"] for name, uids in GROUPS.items()}
    assert reading(house, ScriptedDirectory(PEOPLE[1:], left)) is RunState.DONE
    assert house.tiers()["user0"] == "off"


def test_a_server_that_only_refuses_to_tell_changes_is_read_whole() -> None:
    house = ready()
    refusing = ScriptedDirectory(PEOPLE, GROUPS, at=1, fault=ends_with(53))
    assert reading(house, refusing) is RunState.DONE

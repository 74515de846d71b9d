"""What a SCIM provider does wrong, and that nobody loses anything by it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.errors import CredentialsRejected, Malformed, RateLimited, RemoteError, Transient
from idpsync.core.leavers import Evidence
from idpsync.core.model import Coverage
from tests.adapters.sources.test_scim_source import source_of
from tests.contracts.directory_source import group_of
from tests.twins.scim import TOKEN, Request
from tests.twins.scim_directory import (
    Habits,
    Instead,
    ScimDirectoryTwin,
    cut_off,
    html,
    running,
    status,
    truncated_json,
)

PEOPLE = [f"p{number:02}" for number in range(12)]


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIM_DIRECTORY_TOKEN", TOKEN)


def filled() -> ScimDirectoryTwin:
    twin = ScimDirectoryTwin(habits=Habits(page_size=5))
    for name in PEOPLE:
        twin.person(name)
    twin.group("Users", PEOPLE)
    twin.group("Premium", PEOPLE[:3])
    return twin


@pytest.fixture
def twin() -> Iterator[ScimDirectoryTwin]:
    with running(filled()) as made:
        yield made


def starts(twin: ScimDirectoryTwin) -> list[int]:
    """Where each page of people began."""
    return [int(asked.query["startIndex"]) for asked in twin.seen if asked.path == "/Users"]


def on_page(start: int, change: Instead, kind: str = "/Users") -> Callable[[int, Request], Any]:
    """On the page with that row; the last row of the page before is asked for with it."""
    at = str(max(start - 1, 1))

    def fault(_: int, asked: Request) -> Instead | None:
        return change if asked.path == kind and asked.query.get("startIndex") == at else None

    return fault


# --- people -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", [html, truncated_json, cut_off, status(500), status(503), status(429)], ids=str
)
def test_a_page_that_does_not_come_leaves_the_people_read_in_part(
    twin: ScimDirectoryTwin, change: Instead
) -> None:
    twin.fault = on_page(6, change)
    snapshot = source_of(twin.base_url, "Users").read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert len(snapshot.users) == 5
    assert "people were read in part" in snapshot.problems[0]
    assert snapshot.users_proof
    assert snapshot.users_proof.ended_by.startswith("cut: ")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (html, Malformed),
        (truncated_json, Malformed),
        (cut_off, Transient),
        (status(401), CredentialsRejected),
        (status(403), CredentialsRejected),
        (status(500), Transient),
        (status(429, "Retry-After: 900\r\n"), RateLimited),
    ],
    ids=str,
)
def test_where_nothing_comes_at_all_it_is_told_what_stands_in_the_way(
    twin: ScimDirectoryTwin, change: Instead, error: type[RemoteError]
) -> None:
    twin.fault = on_page(1, change)
    with pytest.raises(error):
        source_of(twin.base_url, "Users").read()


@pytest.mark.parametrize("code", [401, 403])
def test_rejected_between_two_pages_the_source_has_failed(twin: ScimDirectoryTwin, code: int) -> None:
    twin.fault = on_page(6, status(code))
    with pytest.raises(CredentialsRejected):
        source_of(twin.base_url).read()


def test_a_right_that_is_missing_for_groups_is_named(twin: ScimDirectoryTwin) -> None:
    twin.denied = ("Groups",)
    with pytest.raises(CredentialsRejected, match="let this credential read /Groups"):
        source_of(twin.base_url, "Users").read()


def begun(twin: ScimDirectoryTwin) -> int:
    """How often the list of people was begun."""
    return sum(r.query.get("startIndex") == "1" for r in twin.seen if r.path == "/Users")


def test_pages_that_move_are_read_again(twin: ScimDirectoryTwin) -> None:
    passes: list[int] = []

    def leave_once(page: int) -> None:
        if page == 0 and not passes:
            del twin.people["u-p00"]
        passes.append(page)

    twin.habits.between_pages = leave_once
    snapshot = source_of(twin.base_url).read()
    assert snapshot.users_coverage is Coverage.COMPLETE
    assert len(snapshot.users) == len(PEOPLE) - 1
    assert begun(twin) == 2


def test_pages_that_never_stand_still_are_read_three_times_and_are_not_whole(
    twin: ScimDirectoryTwin,
) -> None:
    def leave(_: int) -> None:
        twin.people.pop(next(iter(twin.people)))

    twin.habits.between_pages = leave
    snapshot = source_of(twin.base_url).read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert begun(twin) == 3


def test_an_entry_that_a_deletion_shifts_out_of_the_next_page_does_not_go_unnoticed(
    twin: ScimDirectoryTwin,
) -> None:
    """One leaves and one comes: the total stays, and somebody would be missing."""

    def swap(page: int) -> None:
        if page == 0:
            del twin.people[next(iter(twin.people))]
            twin.person(f"new-{len(twin.seen)}")

    twin.habits.between_pages = swap
    assert source_of(twin.base_url).read().users_coverage is Coverage.PARTIAL


def test_a_second_read_costs_no_row_more_while_everybody_is_still_there(twin: ScimDirectoryTwin) -> None:
    source = source_of(twin.base_url)
    first = source.read()
    twin.person("newcomer")
    twin.seen.clear()
    again = source.read()
    assert starts(twin) == [1, 6, 11]  # page after page, each begins behind the one before
    assert {u.user_name for u in again.users} == {u.user_name for u in first.users} | {"newcomer"}
    assert again.users_coverage is Coverage.COMPLETE


def test_somebody_who_left_is_believed_after_a_pass_whose_pages_overlap(twin: ScimDirectoryTwin) -> None:
    source = source_of(twin.base_url)
    source.read()
    twin.people.pop(next(iter(twin.people)))
    twin.seen.clear()
    snapshot = source.read()
    assert starts(twin)[-3:] == [1, 5, 9]
    assert snapshot.users_coverage is Coverage.COMPLETE
    assert len(snapshot.users) == len(PEOPLE) - 1


def test_an_entry_shifted_out_of_a_page_of_a_later_read_does_not_go_unnoticed(
    twin: ScimDirectoryTwin,
) -> None:
    source = source_of(twin.base_url)
    assert source.read().users_coverage is Coverage.COMPLETE

    def swap(page: int) -> None:
        if page == 0:
            del twin.people[next(iter(twin.people))]
            twin.person(f"new-{len(twin.seen)}")

    twin.habits.between_pages = swap
    assert source.read().users_coverage is Coverage.PARTIAL


def test_a_provider_that_knows_whole_pages_only_is_read_all_the_same(twin: ScimDirectoryTwin) -> None:
    twin.habits.aligned = True
    snapshot = source_of(twin.base_url, page_size=5).read()
    assert snapshot.users_coverage is Coverage.COMPLETE
    assert len(snapshot.users) == len(PEOPLE)


@pytest.mark.parametrize("surplus", [1, -1, 400])
def test_a_total_that_is_not_the_number_of_people_proves_nothing(
    twin: ScimDirectoryTwin, surplus: int
) -> None:
    twin.habits.surplus = surplus
    assert source_of(twin.base_url).read().users_coverage is Coverage.PARTIAL


def test_a_list_without_a_total_proves_nothing_but_by_cursor(twin: ScimDirectoryTwin) -> None:
    twin.habits.tells_total = False
    assert source_of(twin.base_url).read().users_coverage is Coverage.PARTIAL
    twin.habits.cursors = True
    snapshot = source_of(twin.base_url, "Users").read()
    assert snapshot.complete, snapshot.problems
    assert snapshot.users_proof
    assert snapshot.users_proof.ended_by == "no nextCursor"


def test_a_cursor_that_is_gone_is_asked_for_anew(twin: ScimDirectoryTwin) -> None:
    twin.habits.cursors = True
    spent: list[int] = []

    def expired(number: int, asked: Request) -> Instead | None:
        if asked.query.get("cursor") == "5" and not spent:
            spent.append(number)
            return answer(400, b'{"status": "400", "scimType": "expiredCursor"}')
        return None

    twin.fault = expired
    snapshot = source_of(twin.base_url).read()
    assert snapshot.users_coverage is Coverage.COMPLETE
    assert len(snapshot.users) == len(PEOPLE)


def test_pages_without_end_end(twin: ScimDirectoryTwin) -> None:
    twin.habits.cursors = True
    body = b'{"Resources": [], "totalResults": 12, "nextCursor": "10"}'
    twin.fault = lambda _, asked: answer(200, body) if asked.query.get("cursor") else None
    snapshot = source_of(twin.base_url).read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert twin.count("/Users") < 20


def answer(code: int, body: bytes) -> Instead:
    head = f"HTTP/1.1 {code} Whatever\r\nContent-Length: {len(body)}\r\n\r\n"
    return lambda _: head.encode() + body


def test_a_row_that_is_no_user_costs_nobody_anything(twin: ScimDirectoryTwin) -> None:
    twin.people["g-1"] = {"id": "g-1", "displayName": "Users", "members": []}
    snapshot = source_of(twin.base_url).read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert "the user with the id g-1 has no userName" in snapshot.problems


# --- active -------------------------------------------------------------------------------------------


def test_whoever_is_switched_off_is_inactive(twin: ScimDirectoryTwin) -> None:
    twin.person("p00", active=False)
    twin.person("p01", active="False")
    assert {u.user_name: u.active for u in source_of(twin.base_url).read().users if not u.active} == {
        "p00": False,
        "p01": False,
    }


@pytest.mark.parametrize("value", [None, "perhaps", 7])
def test_what_cannot_be_read_is_unknown(twin: ScimDirectoryTwin, value: object) -> None:
    twin.person("p00", active=value)
    assert source_of(twin.base_url).read().users[0].active is None


def test_silence_is_unknown_where_the_provider_says_yes_of_others(twin: ScimDirectoryTwin) -> None:
    del twin.people["u-p00"]["active"]
    assert source_of(twin.base_url).read().users[0].active is None


def test_silence_is_a_yes_where_the_provider_never_says_it(twin: ScimDirectoryTwin) -> None:
    for user in twin.people.values():
        del user["active"]
    twin.people["u-p01"]["active"] = False
    users = source_of(twin.base_url).read().users
    assert [user.active for user in users[:3]] == [True, False, True]


# --- groups -------------------------------------------------------------------------------------------


def test_groups_in_groups_are_closed_and_circles_end(twin: ScimDirectoryTwin) -> None:
    twin.group("Inner", ["p05"], groups=["Outer"])
    twin.group("Outer", ["p06"], groups=["Inner"])
    read = source_of(twin.base_url, "Outer").read()
    assert group_of(read, "Outer").members == frozenset({"u-p05", "u-p06"})
    flat = source_of(twin.base_url, "Outer", nested_groups=False).read()
    assert group_of(flat, "Outer").members == frozenset({"u-p06"})


def test_a_group_in_a_group_that_cannot_be_read_leaves_it_read_in_part(
    twin: ScimDirectoryTwin,
) -> None:
    twin.group("Outer", ["p06"], groups=["Unseen"])
    group = group_of(source_of(twin.base_url, "Outer").read(), "Outer")
    assert (group.coverage, group.members) == (Coverage.PARTIAL, frozenset({"u-p06"}))


def test_one_group_that_fails_leaves_the_others_as_they_are(twin: ScimDirectoryTwin) -> None:
    twin.fault = lambda _, asked: html if asked.path == "/Groups/g-Premium" else None
    read = source_of(twin.base_url, "Premium", "Users").read()
    assert (group_of(read, "Premium").coverage, group_of(read, "Premium").members) == (
        Coverage.FAILED,
        None,
    )
    assert group_of(read, "Users").complete


def test_a_list_of_groups_that_is_cut_makes_an_unseen_group_failed_and_not_gone(
    twin: ScimDirectoryTwin,
) -> None:
    twin.habits.page_size = 1
    twin.fault = lambda _, asked: (
        html if asked.query.get("startIndex") == "2" and "Gr" in asked.path else None
    )
    read = source_of(twin.base_url, "Premium", "Users").read()
    assert group_of(read, "Users").complete
    assert group_of(read, "Premium").coverage is Coverage.FAILED


def test_of_two_groups_of_one_name_one_is_meant_by_its_id(twin: ScimDirectoryTwin) -> None:
    twin.groups["other"] = {"id": "other", "displayName": "Users", "members": []}
    read = source_of(twin.base_url, "Users", "g-Users").read()
    assert group_of(read, "Users").coverage is Coverage.FAILED
    assert "write the id of one of g-Users, other" in group_of(read, "Users").reason
    assert group_of(read, "g-Users").complete


def test_a_provider_that_never_shows_members_is_not_believed(twin: ScimDirectoryTwin) -> None:
    twin.habits.hides_members = True
    group = group_of(source_of(twin.base_url, "Users").read(), "Users")
    assert (group.coverage, group.members) == (Coverage.SUSPECT, frozenset())


def test_members_that_people_speak_of_and_the_group_does_not_show_are_missed(
    twin: ScimDirectoryTwin,
) -> None:
    for user in twin.people.values():
        user["groups"] = [{"value": "g-Users", "type": "direct"}]
    twin.groups["g-Users"]["members"] = twin.groups["g-Users"]["members"][:5]
    read = source_of(twin.base_url, "Users").read()
    group = group_of(read, "Users")
    assert group.coverage is Coverage.SUSPECT
    assert group.proof
    assert group.proof.expected == len(PEOPLE)
    assert "shows 5 members, and 12 people say that they are in it" in read.problems[0]


def test_many_groups_come_with_their_members_in_one_list(twin: ScimDirectoryTwin) -> None:
    names = [f"Group {number}" for number in range(12)]
    for name in names:
        twin.group(name, PEOPLE[:2])
    twin.habits.page_size = 100
    source = source_of(twin.base_url, *names)
    snapshot = source.read()
    assert snapshot.complete, snapshot.problems
    assert snapshot.requests == 3  # what it can do, people, groups
    assert source.read().requests == 2


def test_a_list_that_leaves_members_out_is_asked_group_by_group(twin: ScimDirectoryTwin) -> None:
    twin.habits.lists_members = False
    names = [f"Group {number}" for number in range(12)]
    for name in names:
        twin.group(name, PEOPLE[:2])
    snapshot = source_of(twin.base_url, *names).read()
    assert snapshot.complete, snapshot.problems
    assert group_of(snapshot, "Group 3").members == frozenset({"u-p00", "u-p01"})


# --- check --------------------------------------------------------------------------------------------


def test_check_says_who_is_read_and_which_groups_are_there(twin: ScimDirectoryTwin) -> None:
    health = source_of(twin.base_url, "Users", "Never Made").probe()
    assert not health.ok
    assert health.detail.endswith(" as env:SCIM_DIRECTORY_TOKEN; sees 12 people")
    assert health.missing == {"Never Made"}
    assert "group 'Users' → g-Users" in health.facts
    assert "group 'Never Made' → not there" in health.facts


def test_a_clock_that_is_off_is_told(twin: ScimDirectoryTwin) -> None:
    """Ours stands at 10:00."""
    dated = b"HTTP/1.1 200 OK\r\nDate: Sun, 01 Mar 2026 10:05:00 GMT\r\n"
    twin.fault = lambda *_: lambda sent: sent.replace(b"HTTP/1.1 200 Whatever\r\n", dated)
    assert "our clock is 300 s behind the provider's" in source_of(twin.base_url).probe().facts


# --- whatever is cut, wherever ------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    at=st.integers(0, 9),
    change=st.sampled_from([html, truncated_json, cut_off, status(500), status(404), status(429)]),
    cursors=st.booleans(),
    wanted=st.sampled_from([("Users",), ("Users", "Premium")]),
)
def test_nobody_can_be_removed_by_a_read_that_was_cut_anywhere(
    at: int, change: Instead, cursors: bool, wanted: tuple[str, ...]
) -> None:
    with pytest.MonkeyPatch.context() as patch, running(filled()) as twin:
        patch.setenv("SCIM_DIRECTORY_TOKEN", TOKEN)
        twin.habits.cursors = cursors
        whole = source_of(twin.base_url, *wanted).read()
        asked = len(twin.seen)
        twin.fault = lambda number, _: change if number >= asked + at else None
        try:
            snapshot = source_of(twin.base_url, *wanted).read()
        except RemoteError:
            return
        if len(twin.seen) <= asked + at:  # the fault was never met
            assert snapshot.complete
            return
        evidence = Evidence.of(snapshot, set(wanted))
        unseen = {u.external_id for u in whole.users} - {u.external_id for u in snapshot.users}
        assert not (unseen and evidence.absence_counts)
        for group in whole.groups:
            now = group_of(snapshot, group.name)
            assert now.members == group.members or not evidence.groups_complete

"""A SCIM provider read as a directory, at the command line: a fault there takes nothing, told once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.directory_faults import Watched, each, watched
from tests.twins.scim import TOKEN, Request
from tests.twins.scim_directory import (
    Habits,
    Instead,
    ScimDirectoryTwin,
    cut_off,
    html,
    running,
    truncated_json,
)

PEOPLE = [f"p{number}" for number in range(6)]
WRONG = "somebody-elses-token"


@pytest.fixture
def twin() -> Iterator[ScimDirectoryTwin]:
    """Six people, the first four of them premium; pages of three."""
    twin = ScimDirectoryTwin(habits=Habits(page_size=3))
    for name in PEOPLE:
        twin.person(name)
    twin.group("Premium", PEOPLE[:4])
    twin.group("Users", PEOPLE)
    with running(twin):
        yield twin


@pytest.fixture
def idpsync(tmp_path: Path, twin: ScimDirectoryTwin) -> Iterator[Watched]:
    (tmp_path / "token").write_text(TOKEN)
    directory = {"kind": "scim", "url": twin.base_url, "token": f"file:{tmp_path / 'token'}"}
    with watched(tmp_path, directory, premium="Premium", users="Users") as idpsync:
        yield idpsync


Spoil = Callable[[ScimDirectoryTwin, Watched], None]


def wrong_token(twin: ScimDirectoryTwin, idpsync: Watched) -> None:
    (idpsync.folder / "token").write_text(WRONG)


def no_right_to_groups(twin: ScimDirectoryTwin, idpsync: Watched) -> None:
    twin.denied = ("Groups",)


def web_page(twin: ScimDirectoryTwin, idpsync: Watched) -> None:
    twin.fault = lambda *_: html


def later_page(change: Instead) -> Callable[[int, Request], Instead | None]:
    return lambda _, asked: (
        change if asked.path == "/Users" and asked.query.get("startIndex", "1") != "1" else None
    )


def half_a_page(twin: ScimDirectoryTwin, idpsync: Watched) -> None:
    twin.fault = later_page(truncated_json)


def cut(twin: ScimDirectoryTwin, idpsync: Watched) -> None:
    twin.fault = later_page(cut_off)


def page_left_out(twin: ScimDirectoryTwin, idpsync: Watched) -> None:
    twin.habits.surplus = 3


def renamed_group(twin: ScimDirectoryTwin, idpsync: Watched) -> None:
    twin.groups["g-Premium"]["displayName"] = "Gold"


def hidden_members(twin: ScimDirectoryTwin, idpsync: Watched) -> None:
    twin.habits.hides_members = True


FAULTS: list[tuple[Spoil, str]] = [
    (wrong_token, "scim directory: list users: credentials rejected: HTTP 401: not a valid credential"),
    (no_right_to_groups, "let this credential read /Groups"),
    (web_page, "scim directory: list users: HTTP 200: not JSON"),
    (half_a_page, "people were read in part: scim directory: list users: HTTP 200: not JSON"),
    (cut, "people were read in part: scim directory: list users: no usable answer"),
    (page_left_out, "not proven complete: 6 of 9 resources came"),
    (renamed_group, "group 'Premium' is called 'Gold' now; change policy.rules[0].group"),
    (hidden_members, "shows no member of any group: may we see them?"),
]


@each(FAULTS)
def test_a_fault_of_the_provider_removes_nobody_and_is_told_once(
    idpsync: Watched, twin: ScimDirectoryTwin, fault: Spoil, says: str
) -> None:
    idpsync.withstand(lambda: fault(twin, idpsync), says, secrets=(TOKEN, WRONG))


def test_checking_online_names_the_rejection_and_not_the_token(
    idpsync: Watched, twin: ScimDirectoryTwin
) -> None:
    assert idpsync.call("check", "--online").code == 0
    wrong_token(twin, idpsync)
    ended = idpsync.call("check", "--online")
    assert ended.code == 5, ended.out
    assert "credentials rejected: HTTP 401" in ended.out
    assert WRONG not in ended.out + ended.err

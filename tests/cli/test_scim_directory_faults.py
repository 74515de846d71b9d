"""A SCIM provider read as a directory, at the command line: a fault there takes nothing, told once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Inside, own_log
from tests.e2e.program import Program, base_config
from tests.receiver import Receiver, receiving
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
def webhook() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


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
def idpsync(tmp_path: Path, twin: ScimDirectoryTwin, webhook: Receiver) -> Iterator[Program]:
    (tmp_path / "token").write_text(TOKEN)
    config = base_config(tmp_path) | {
        "policy": {
            "without_rule": "none",
            "rules": [
                {"group": "Premium", "tier": "premium", "priority": 10},
                {"group": "Users", "tier": "standard"},
            ],
        },
        "directory": {"kind": "scim", "url": twin.base_url, "token": f"file:{tmp_path / 'token'}"},
        "target": {"kind": "local"},
        "alerts": {"receivers": [{"name": "hook", "kind": "webhook", "url": webhook.url}]},
    }
    config["contract"]["seats"] = {"premium": 10, "standard": 10}
    with own_log():
        yield Inside(tmp_path, config)


Spoil = Callable[[ScimDirectoryTwin, Program], None]


def wrong_token(twin: ScimDirectoryTwin, idpsync: Program) -> None:
    (idpsync.folder / "token").write_text(WRONG)


def no_right_to_groups(twin: ScimDirectoryTwin, idpsync: Program) -> None:
    twin.denied = ("Groups",)


def web_page(twin: ScimDirectoryTwin, idpsync: Program) -> None:
    twin.fault = lambda *_: html


def later_page(change: Instead) -> Callable[[int, Request], Instead | None]:
    return lambda _, asked: (
        change if asked.path == "/Users" and asked.query.get("startIndex", "1") != "1" else None
    )


def half_a_page(twin: ScimDirectoryTwin, idpsync: Program) -> None:
    twin.fault = later_page(truncated_json)


def cut(twin: ScimDirectoryTwin, idpsync: Program) -> None:
    twin.fault = later_page(cut_off)


def page_left_out(twin: ScimDirectoryTwin, idpsync: Program) -> None:
    twin.habits.surplus = 3


def renamed_group(twin: ScimDirectoryTwin, idpsync: Program) -> None:
    twin.groups["g-Premium"]["displayName"] = "Gold"


def hidden_members(twin: ScimDirectoryTwin, idpsync: Program) -> None:
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


@pytest.mark.parametrize(("fault", "says"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_fault_of_the_provider_removes_nobody_and_is_told_once(
    idpsync: Program, twin: ScimDirectoryTwin, webhook: Receiver, fault: Spoil, says: str
) -> None:
    first = idpsync.call("apply", "--yes", "--json")
    assert first.code == 0, first.err

    fault(twin, idpsync)
    ended = [idpsync.call("apply", "--yes") for _ in range(2)]

    assert {e.code for e in ended} == {4}, [e.err for e in ended]
    told = [" ".join((e.out + e.err).split()) for e in ended]
    tiers = idpsync.call("seats", "--json").json["tiers"]
    assert [tier["assigned"] for tier in tiers] == [4, 2]
    assert [message.json()["data"]["state"] for message in webhook.received] == ["firing"]
    assert not any(secret in text for text in told for secret in (TOKEN, WRONG))
    assert all(says in text for text in told), told[0]


def test_checking_online_names_the_rejection_and_not_the_token(
    idpsync: Program, twin: ScimDirectoryTwin
) -> None:
    assert idpsync.call("check", "--online").code == 0
    wrong_token(twin, idpsync)
    ended = idpsync.call("check", "--online")
    assert ended.code == 5, ended.out
    assert "credentials rejected: HTTP 401" in ended.out
    assert WRONG not in ended.out + ended.err

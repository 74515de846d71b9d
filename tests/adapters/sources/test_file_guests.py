"""Guests in a people file: a column that may be left out."""

from pathlib import Path

import pytest

from tests.adapters.sources.test_file_source import ADA, BOB, HEADER, read


def test_a_column_tells_who_is_a_guest(tmp_path: Path) -> None:
    rows = [f"{HEADER},user_type", f"{ADA},Guest", f"{BOB},"]

    users = read(tmp_path, "\n".join([*rows, "#complete", ""])).users

    assert {user.user_name: user.guest for user in users} == {"ada": True, "bob": False}


@pytest.mark.parametrize("kind", ['"guest"', '"GUEST"'])
def test_so_does_a_key_of_a_json_line(tmp_path: Path, kind: str) -> None:
    ada = '{"external_id": "1", "user_name": "ada", "active": true, "groups": []'

    (user,) = read(tmp_path, f'{ada}, "user_type": {kind}}}\n#complete\n', suffix=".jsonl").users

    assert user.guest


def test_nobody_is_a_guest_of_whom_nothing_is_said(tmp_path: Path) -> None:
    users = read(tmp_path, "\n".join([HEADER, ADA, "#complete", ""])).users

    assert [user.guest for user in users] == [False]

"""What cannot be at a Claude organisation is told before anything is asked."""

from pathlib import Path

import pytest

from tests.config.writing import SMALL, complaints

CLAUDE = """  kind: claude
  api_key: env:KEY
  provisioning_mode: login_only
  seat_lever: {kind: idp_group, groups: {premium: a, standard: b}}
"""


def found(tmp_path: Path, old: str = "", new: str = "", before: str = SMALL) -> dict[str, str]:
    """Complaints besides that a people file has no groups to write."""
    text = before.replace("  kind: local\n", CLAUDE)
    assert old in text
    told = complaints(tmp_path, text.replace(old, new, 1) if old else text)
    assert "none to write" in told.pop("target.kind")
    return told


def test_a_claude_organisation_may_have_the_roles_that_claude_has(tmp_path: Path) -> None:
    assert found(tmp_path) == {}


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        (
            "premium: a, standard: b",
            "premium: Seats, standard: seats",
            "target.seat_lever.groups.standard",
            "is the group of premium too",
        ),
        ("role: admin", "role: designer", "policy.rules[2].role", "has no role designer; it has user"),
        (
            "policy:\n",
            "policy:\n  leavers: {action: release_seat}\n",
            "policy.leavers.action",
            "by hand alone; choose deactivate or delete",
        ),
        ("api_key", "unknown_tier: gold\n  api_key", "target.unknown_tier", "no such tier"),
        ("login_only", "sometimes", "target.provisioning_mode", "login_only"),
        ("api_key", "api_version: 2022-01-01\n  api_key", "target.api_version", "2026-10-21"),
        ("api_key", "url: http://claude.example\n  api_key", "target.url", "in the clear"),
    ],
)
def test_what_cannot_be_is_told_where_it_stands(
    tmp_path: Path, old: str, new: str, path: str, says: str
) -> None:
    told = found(tmp_path, old, new)
    assert list(told) == [path]
    assert says in told[path]


def test_seats_are_released_where_groups_give_them(tmp_path: Path) -> None:
    before = SMALL.replace("policy:\n", "policy:\n  leavers: {action: release_seat}\n", 1)
    assert found(tmp_path, "login_only", "scim_advanced", before) == {}

"""The sections must agree with each other."""

from pathlib import Path

import pytest

from tests.config.writing import SMALL, complaints

LDAP_LOCAL_JIT = "jit: {base_url: 'http://127.0.0.1:8080', idp: {demo: true}}\n"


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        ("{name: standard}", "{name: premium}", "tiers[1].name", "same name as tiers[0]"),
        ("{standard: 2}", "{standard: 9}", "contract.reserve.standard", "only 8 are bought"),
        ("{standard: 2}", "{standrd: 2}", "contract.reserve.standrd", "did you mean `standard`?"),
        ("tier: premium", "tier: gold", "policy.rules[0].tier", "known: premium, standard, none"),
        ("starts: 2026-01-01", "starts: 2027-01-01", "contract.ends", "lies before"),
        ("ends: 2026-12-31", "ends: 9999-12-31", "contract.ends", "is the end of the calendar"),
        ("{group: Bosses, role: admin}", "{group: Bosses}", "policy.rules[2]", "a tier, a role"),
        (
            "{group: Bosses, role: admin}",
            "{group: Gold, tier: premium}",
            "policy.rules[2]",
            "says the same as policy.rules[0]",
        ),
        (
            "target:",
            "alerts: {headroom: [{tier: gold, warn: {seats: 1}}]}\ntarget:",
            "alerts.headroom[0].tier",
            "known: premium, standard, total",
        ),
        (
            "  kind: local",
            "  kind: scim\n  url: https://a.example\n  tier_values: {gold: G}",
            "target.tier_values.gold",
            "no such tier",
        ),
        (
            "  kind: local",
            "  kind: idp_groups\n  groups: {premium: seat-premium}",
            "target.groups",
            "names no group for standard",
        ),
        (
            "  kind: local",
            (
                "  kind: claude\n  api_key: env:K\n"
                "  seat_lever: {kind: idp_group, groups: {premium: a, standard: b, gold: c}}"
            ),
            "target.seat_lever.groups.gold",
            "no such tier",
        ),
        (
            "target:",
            "alerts: {receivers: [{name: a, kind: email, from: a@b.c, to: [x@y.z]}]}\ntarget:",
            "alerts.receivers[0].smtp",
            "no `mail` section",
        ),
        (
            "target:",
            (
                "alerts:\n  receivers:\n    - {name: a, kind: slack, url: env:U}\n"
                "    - {name: a, kind: slack, url: env:V}\ntarget:"
            ),
            "alerts.receivers[1].name",
            "same name as alerts.receivers[0]",
        ),
        (
            "target:",
            "alerts: {headroom: [{tier: total, warn: {seats: 1}, critical: {seats: 5}}]}\ntarget:",
            "alerts.headroom[0]",
            "critical.seats is above warn.seats",
        ),
    ],
)
def test_a_disagreement_is_told_where_it_stands(
    tmp_path: Path, old: str, new: str, path: str, says: str
) -> None:
    text = SMALL.replace(old, new, 1)
    assert text != SMALL
    found = complaints(tmp_path, text)
    if "kind: idp_groups" in new or "kind: claude" in new:  # see the tests of seat groups below
        del found["target.kind"]
        found.pop("policy.rules[2].role", None)
    if "name: premium}" in new:
        del found["contract.seats.standard"], found["contract.reserve.standard"]
    assert list(found) == [path]
    assert says in found[path]


def test_disagreements_are_told_beside_faults_of_the_same_section(tmp_path: Path) -> None:
    text = SMALL.replace("tier: premium", "tier: gold").replace("policy:", "policy:\n  mode: fulll")
    assert set(complaints(tmp_path, text)) == {"policy.mode", "policy.rules[0].tier"}


def test_the_demo_identity_provider_starts_on_loopback_with_the_local_target(tmp_path: Path) -> None:
    assert complaints(tmp_path, SMALL + LDAP_LOCAL_JIT) == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("target:", "web: {listen: '0.0.0.0:8080'}\ntarget:"),
        ("  kind: local", "  kind: scim\n  url: https://a.example"),
    ],
)
def test_the_demo_identity_provider_starts_nowhere_else(tmp_path: Path, old: str, new: str) -> None:
    found = complaints(tmp_path, SMALL.replace(old, new) + LDAP_LOCAL_JIT)
    assert list(found) == ["jit.idp.demo"]
    assert "lets anybody in" in found["jit.idp.demo"]


def test_the_demo_identity_provider_needs_a_loopback_address(tmp_path: Path) -> None:
    away = LDAP_LOCAL_JIT.replace("http://127.0.0.1:8080", "https://sso.acme.example")
    assert "base_url" in complaints(tmp_path, SMALL + away)["jit"]


SEAT_GROUPS = "  kind: idp_groups\n  groups: {premium: seat-premium, standard: seat-standard}"
OPEN_LDAP = (
    "directory:\n  kind: ldap\n  url: ldaps://ldap.acme.example\n"
    "  user_base: ou=people\n  group_base: ou=groups\n"
)


def test_seat_groups_need_a_directory_whose_groups_can_be_written(tmp_path: Path) -> None:
    text = SMALL.replace("  kind: local", SEAT_GROUPS).replace(", role: admin", ", tier: standard")
    found = complaints(tmp_path, text)
    assert list(found) == ["target.kind"]
    assert "scim has none to write; those that have some: entra, ldap, okta" in found["target.kind"]


def test_seat_groups_of_a_directory_that_can_be_written_are_fine_and_give_no_roles(
    tmp_path: Path,
) -> None:
    start = SMALL.index("directory:")
    end = SMALL.index("target:")
    text = (SMALL[:start] + OPEN_LDAP + SMALL[end:]).replace("  kind: local", SEAT_GROUPS)
    found = complaints(tmp_path, text)
    assert list(found) == ["policy.rules[2].role"]
    assert "gives seats, not roles" in found["policy.rules[2].role"]


@pytest.mark.parametrize(
    ("okta", "beside", "told"),
    [
        ("", "  - {kind: file, path: a.csv}\n", True),
        (", people_groups: []", "  - {kind: file, path: a.csv}\n", True),
        (", people_groups: [Staff]", "  - {kind: file, path: a.csv}\n", False),
        (", app_id: 0oa1", "  - {kind: file, path: a.csv}\n", False),
        ("", "", False),
    ],
)
def test_okta_beside_another_directory_says_whose_people_it_reads(
    tmp_path: Path, okta: str, beside: str, told: bool
) -> None:
    auth = "auth: {kind: ssws, token: env:T}"
    listed = f"directory:\n{beside}  - {{kind: okta, url: 'https://a.okta.com', {auth}{okta}}}\n"
    start, end = SMALL.index("directory:"), SMALL.index("target:")
    found = complaints(tmp_path, SMALL[:start] + listed + SMALL[end:])
    assert ("people_groups" in found.get("directory[1]", "")) is told
    assert bool(found) is told

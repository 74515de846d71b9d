"""OpenLDAP → idpsync → a Claude organisation whose directory sync follows the seat groups."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from idpsync.core.model import DirectoryUser, Profile
from tests.e2e.program import Program, base_config
from tests.fakes.source import FakeDirectory
from tests.people import StoppedClock
from tests.slapd import Slapd, running_slapd
from tests.twins.claude.organization import OWNER, Organization
from tests.twins.claude.twin import KEY, ClaudeTwin, running

pytestmark = pytest.mark.server

SEATS = {"premium": 2, "standard": 2}
MAPPED = {"seat-premium": "premium", "seat-standard": "standard"}
PEOPLE = [f"user{number:04d}" for number in range(5)]
GROUPS: dict[str, list[str]] = {
    "Claude Premium": PEOPLE[:2],
    "Claude Users": PEOPLE,
    "seat-premium": [],
    "seat-standard": [],
}


def program(folder: Path, slapd: Slapd, twin: ClaudeTwin) -> Program:
    base: dict[str, Any] = base_config(folder)
    config = base | {
        "organization": {**base["organization"], "primary_owner": OWNER},
        "contract": {**base["contract"], "seats": SEATS},
        "policy": {
            "without_rule": "none",
            "min_hold": "0s",
            "rules": [
                {"group": "Claude Premium", "tier": "premium", "priority": 10},
                {"group": "Claude Users", "tier": "standard"},
            ],
        },
        "directory": {
            "kind": "ldap",
            "url": slapd.ldaps_url,
            "ca_file": str(slapd.ca_file),
            "bind_dn": slapd.writer_dn,
            "password": f"file:{slapd.password_file}",
            "user_base": slapd.people_base,
            "group_base": slapd.groups_base,
        },
        "target": {
            "kind": "claude",
            "url": twin.url,
            "api_key": "env:CLAUDE_ADMIN_KEY",
            "api_version": "2026-10-21",
            "rate": "1000/s",
            "seat_lever": {
                "kind": "idp_group",
                "groups": {tier: group for group, tier in MAPPED.items()},
            },
        },
    }
    return Program(folder, config, {"CLAUDE_ADMIN_KEY": KEY})


def sync(organization: Organization, slapd: Slapd) -> list[str]:
    """Claude's directory sync, from the groups as they are in OpenLDAP."""
    directory = organization.directory
    for group in MAPPED:
        members = slapd.members_of(group)
        directory.groups[group] = set(members)
        for name in members:
            address = f"{name}@acme.example"
            directory.people[name] = DirectoryUser("ldap", name, Profile(name, address))
    return organization.sync()


def names(twin: ClaudeTwin) -> set[str]:
    return {m["email"].partition("@")[0] for m in twin.org.members.values()} - {"owner"}


def test_claude_never_sees_more_people_than_there_are_seats(tmp_path: Path) -> None:
    clock = StoppedClock(datetime.now(UTC))
    organization = Organization(SEATS, "scim_advanced", FakeDirectory(), MAPPED, clock)
    with (
        running_slapd(tmp_path / "slapd", people=5, groups=GROUPS) as slapd,
        running(organization) as twin,
    ):
        idpsync = program(tmp_path, slapd, twin)

        checked = idpsync.call("check", "--online")
        assert checked.code == 0, checked.out + checked.err
        assert "Acme: 1 members, 0 pending invites" in checked.out
        assert "provisioning mode scim_advanced" in checked.out

        first = idpsync.call("apply", "--yes", "--json")
        assert first.code == 0, first.err + first.out
        assert slapd.members_of("seat-premium") == {"user0000"}  # the owner has the other seat
        assert slapd.members_of("seat-standard") == {"user0001", "user0002"}
        assert sync(organization, slapd) == []
        assert names(twin) == {"user0000", "user0001", "user0002"}

        second = idpsync.call("apply", "--yes", "--json")
        assert second.code == 0, second.err
        assert second.json["plan"]["actions"] == []

        slapd.set_members("Claude Users", PEOPLE[1:])
        slapd.set_members("Claude Premium", PEOPLE[1:2])
        third = idpsync.call("apply", "--yes", "--json")
        assert third.code == 0, third.err + third.out
        assert slapd.members_of("seat-premium") == {"user0001"}
        assert slapd.members_of("seat-standard") == {"user0002", "user0003"}
        assert sync(organization, slapd) == []
        assert names(twin) == {"user0001", "user0002", "user0003"}

        everything = "".join(done.out + done.err for done in (checked, first, second, third))
        assert KEY not in everything
        assert KEY.encode() not in (tmp_path / "store.db").read_bytes()

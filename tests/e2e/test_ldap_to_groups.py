"""OpenLDAP → idpsync → seat groups in the same OpenLDAP: the service makes seats of their members."""

from pathlib import Path

import pytest
from ldap3 import MODIFY_ADD, MODIFY_DELETE

from tests.e2e.program import Program, base_config
from tests.slapd import SUFFIX, LdapPerson, Slapd, group_dn, running_slapd

pytestmark = pytest.mark.server

GROUPS = {
    "Claude Premium": ["user0000", "user0001", "user0002"],
    "Claude Users": [f"user{number:04d}" for number in range(8)],
    "seat-premium": [],
    "seat-standard": [],
}


def program(folder: Path, slapd: Slapd) -> Program:
    config = base_config(folder) | {
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
            "kind": "idp_groups",
            "groups": {"premium": "seat-premium", "standard": "seat-standard"},
        },
    }
    return Program(folder, config)


def test_the_seat_groups_hold_no_more_people_than_there_are_seats(tmp_path: Path) -> None:
    with running_slapd(tmp_path / "slapd", people=8, groups=GROUPS) as slapd:
        idpsync = program(tmp_path, slapd)

        checked = idpsync.call("check", "--online")
        assert checked.code == 0, checked.out + checked.err
        assert "0 people in 'seat-premium', 'seat-standard'" in checked.out

        first = idpsync.call("apply", "--yes", "--json")
        assert first.code == 0, first.err + first.out
        assert slapd.members_of("seat-premium") == {"user0000", "user0001"}
        assert slapd.members_of("seat-standard") == {f"user{n:04d}" for n in range(2, 7)}
        (waiting, *_) = idpsync.call("waitlist", "--json").json
        assert (waiting["user_name"], waiting["wants"], waiting["holds"]) == (
            "user0002", "premium", "standard",
        )  # fmt: skip

        second = idpsync.call("apply", "--yes", "--json")
        assert second.code == 0, second.err
        assert second.json["plan"]["actions"] == []

        slapd.set_members("Claude Premium", ["user0001", "user0002"])
        slapd.set_members("Claude Users", [f"user{n:04d}" for n in range(1, 8)])
        third = idpsync.call("apply", "--yes", "--json")
        assert third.code == 0, third.err + third.out
        assert slapd.members_of("seat-premium") == {"user0001", "user0002"}
        assert slapd.members_of("seat-standard") == {f"user{n:04d}" for n in range(3, 8)}
        assert slapd.members_of("Claude Users") == {f"user{n:04d}" for n in range(1, 8)}


@pytest.mark.parametrize("leaves", ["filter", "base"])
def test_whoever_leaves_the_people_leaves_the_seat_group_and_only_then_somebody_follows(
    tmp_path: Path, leaves: str
) -> None:
    with running_slapd(tmp_path / "slapd", people=8, groups=GROUPS) as slapd:
        idpsync = program(tmp_path, slapd)
        idpsync.config["directory"]["user_filter"] = "(&(objectClass=inetOrgPerson)(!(title=former)))"
        assert idpsync.call("apply", "--yes").code == 0
        assert "user0003" in slapd.members_of("seat-standard")

        if leaves == "filter":
            slapd.modify_person("user0003", title="former")
        else:
            move_out(slapd, "user0003", "seat-standard", "Claude Users")
        second = idpsync.call("apply", "--yes", "--json")

        assert second.code == 0, second.err + second.out
        assert slapd.members_of("seat-standard") == {f"user{n:04d}" for n in (2, 4, 5, 6, 7)}


def move_out(slapd: Slapd, uid: str, *groups: str) -> None:
    """Out of the base of the people; the groups follow, as with refint."""
    away, dn = f"ou=services,{SUFFIX}", LdapPerson(uid).dn
    with slapd.root() as c:
        c.modify_dn(dn, f"uid={uid}", new_superior=away)
        for group in groups:
            moved = [(MODIFY_DELETE, [dn]), (MODIFY_ADD, [f"uid={uid},{away}"])]
            c.modify(group_dn(group), {"member": moved})  # type: ignore[no-untyped-call]

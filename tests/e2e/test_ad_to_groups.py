"""Active Directory → idpsync → seat groups in the same Active Directory, tried against Samba."""

from pathlib import Path

import pytest

from tests.adapters.sources.samba_world import Folder
from tests.e2e.program import Program, base_config
from tests.samba import Samba, running_samba

pytestmark = pytest.mark.server

SIX = [f"user{n}" for n in range(6)]


def program(place: Path, samba: Samba, folder: Folder) -> Program:
    config = base_config(place) | {
        "policy": {
            "without_rule": "none",
            "min_hold": "0s",
            "rules": [{"group": "Claude Users", "tier": "standard"}],
        },
        "directory": {
            "kind": "ldap",
            "flavor": "ad",
            "url": samba.ldaps_url,
            "ca_file": str(samba.ca_file),
            "server_name": samba.server_name,
            "bind_dn": samba.writer,
            "password": f"file:{samba.password_file}",
            "user_base": folder.dn,
            "group_base": folder.dn,
            "user_filter": "(&(objectCategory=person)(objectClass=user)(!(title=former)))",
            "user_name_attribute": "sAMAccountName",
        },
        "target": {
            "kind": "idp_groups",
            "groups": {"premium": "seat-premium", "standard": "seat-standard"},
        },
    }
    return Program(place, config)


def test_leavers_leave_the_seat_group_and_others_follow(tmp_path: Path) -> None:
    with running_samba(tmp_path / "ad") as samba:
        folder = Folder(samba, "claude")
        for name in SIX:
            folder.add_person(name)
        folder.add_group("Claude Users", SIX)
        folder.add_group("seat-premium")
        folder.add_group("seat-standard")
        idpsync = program(tmp_path, samba, folder)

        first = idpsync.call("apply", "--yes", "--json")
        assert first.code == 0, first.err + first.out
        assert held(folder, "seat-standard") == set(SIX[:5])

        folder.modify("user0", title="former")
        second = idpsync.call("apply", "--yes", "--json")
        assert second.code == 0, second.err + second.out
        assert held(folder, "seat-standard") == set(SIX[1:])

        folder.rename("user1", "user1", into=samba.folder_of("former"))
        third = idpsync.call("apply", "--yes", "--json")
        assert third.code == 0, third.err + third.out
        assert held(folder, "seat-standard") == set(SIX[2:])


def held(folder: Folder, group: str) -> set[str]:
    admin = folder.samba.admin
    admin.search(folder.dn_of(group), "(objectClass=group)", "BASE", attributes=["member"])
    members = (admin.response or [])[0]["raw_attributes"].get("member", [])
    return {dn.decode().partition(",")[0].removeprefix("CN=") for dn in members}

"""OpenLDAP → idpsync → a SCIM service provider, all of them real, through the command line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import Program, base_config
from tests.receiver import Receiver, receiving
from tests.scim_provider import RunningProvider, running_scim_provider
from tests.slapd import HIDE_MEMBERS, Slapd, running_slapd

pytestmark = pytest.mark.server

PEOPLE = 1000
PREMIUM_SEATS, STANDARD_SEATS = 50, 200
WISHES = 60


@pytest.fixture
def provider() -> Iterator[RunningProvider]:
    with running_scim_provider() as provider:
        yield provider


@pytest.fixture
def webhook() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def program(folder: Path, slapd: Slapd, provider: RunningProvider, webhook: Receiver) -> Program:
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
            "bind_dn": slapd.bind_dn,
            "password": f"file:{slapd.password_file}",
            "user_base": slapd.people_base,
            "group_base": slapd.groups_base,
        },
        "target": {
            "kind": "scim",
            "url": provider.base_url,
            "auth": {"kind": "bearer", "token": "env:SCIM_TOKEN"},
            "seat_lever": {"kind": "entitlement"},
            "tier_values": {"premium": "Premium", "standard": "Standard"},
            "rate": "2000/s",
        },
        "alerts": {
            "headroom": [{"tier": "total", "critical": {"seats": 0}, "clear_margin": 3}],
            "receivers": [{"name": "hook", "kind": "webhook", "url": webhook.url}],
        },
    }
    return Program(folder, config, {"SCIM_TOKEN": provider.token})


def seats_given(provider: RunningProvider) -> dict[str, str]:
    """User name → seat, of the active users, as the provider tells it."""
    return {
        row["userName"]: row["entitlements"][0]["value"]
        for row in provider.users()
        if row.get("active") and row.get("entitlements")
    }


def uid(number: int) -> str:
    return f"user{number:04d}"


def expected(gone: set[int]) -> dict[str, str]:
    """The policy by hand: the premium group first, by name; the rest of the seats to whoever is next."""
    wishes = [n for n in range(WISHES) if n not in gone]
    premium = wishes[:PREMIUM_SEATS]
    others = [*wishes[PREMIUM_SEATS:], *(n for n in range(WISHES, PEOPLE) if n not in gone)]
    standard = others[:STANDARD_SEATS]
    return {uid(n): "Premium" for n in premium} | {uid(n): "Standard" for n in standard}


def leave(slapd: Slapd, groups: dict[str, list[str]], gone: set[int]) -> None:
    """People leave as an administrator lets them go: out of their groups, then out of the tree."""
    names = {uid(number) for number in gone}
    for group, members in groups.items():
        slapd.set_members(group, [member for member in members if member not in names])
    for name in names & {member for members in groups.values() for member in members}:
        slapd.delete_person(name)
    for group, members in groups.items():
        groups[group] = [member for member in members if member not in names]


@pytest.mark.slow
def test_a_thousand_people_and_fewer_seats(
    tmp_path: Path, provider: RunningProvider, webhook: Receiver
) -> None:
    premium, users = [uid(n) for n in range(WISHES)], [uid(n) for n in range(PEOPLE)]
    groups = {"Claude Premium": premium, "Claude Users": users}
    groups |= {f"Team {n}": [uid(m) for m in range(n, PEOPLE, 10)] for n in range(10)}
    with running_slapd(tmp_path / "slapd", people=PEOPLE, groups=groups) as slapd:
        idpsync = program(tmp_path, slapd, provider, webhook)
        idpsync.config["contract"]["seats"] = {"premium": PREMIUM_SEATS, "standard": STANDARD_SEATS}
        idpsync.config["guard"] = {"group_losses": "off"}

        first = idpsync.call("apply", "--yes", "--json")
        assert first.code == 0, first.err
        assert expected(set()) == seats_given(provider)
        waiting = idpsync.call("waitlist", "--json").json
        assert len(waiting) == PEOPLE - PREMIUM_SEATS - STANDARD_SEATS + (WISHES - PREMIUM_SEATS)
        assert all(entry["because"] for entry in waiting)
        assert [(w["user_name"], w["wants"], w["holds"], w["position"]) for w in waiting[:1]] == [
            ("user0050", "premium", "standard", 1)
        ]

        written = len([seen for seen in provider.seen if seen.method not in {"GET", "HEAD"}])
        second = idpsync.call("apply", "--yes", "--json")
        assert second.code == 0, second.err
        assert second.json["plan"]["actions"] == []
        assert written == len([s for s in provider.seen if s.method not in {"GET", "HEAD"}])

        gone = {1, 7, 19, 33, 49}
        leave(slapd, groups, gone)
        third = idpsync.call("apply", "--yes", "--json")
        assert third.code == 0, third.err
        assert expected(gone) == seats_given(provider)
        kinds = [action["kind"] for action in third.json["plan"]["actions"]]
        assert kinds == ["deactivate_account"] * 5 + ["change_tier"] * 5 + ["create_account"] * 5
        assert len(webhook.received) == 1

        gone |= {*range(240, PEOPLE), 100, 101, 102, 103, 104}
        leave(slapd, groups, gone)
        assert idpsync.call("apply", "--yes").code == 0
        told = [message.json()["data"] for message in webhook.received]
        assert [message["state"] for message in told] == ["firing", "resolved"]
        assert told[0]["key"] == told[1]["key"]
        assert idpsync.call("ledger", "verify").code == 0


# --- faults that made a peer take everybody's seat ----------------------------------------------------


def renamed_group(slapd: Slapd, config: dict[str, Any]) -> None:
    slapd.rename_group("Claude Premium", "Claude Premium 2026")


def size_limit(slapd: Slapd, config: dict[str, Any]) -> None:
    config["bind_dn"] = slapd.capped_dn


def hidden_members(slapd: Slapd, config: dict[str, Any]) -> None:
    config["bind_dn"] = slapd.limited_dn


def wrong_base(slapd: Slapd, config: dict[str, Any]) -> None:
    config["user_base"] = f"ou=persons,{slapd.people_base.partition(',')[2]}"


def empty_base(slapd: Slapd, config: dict[str, Any]) -> None:
    config["user_base"] = f"ou=services,{slapd.people_base.partition(',')[2]}"


@pytest.mark.parametrize("fault", [renamed_group, size_limit, hidden_members, wrong_base, empty_base])
def test_a_directory_fault_removes_nobody_and_is_told_once(
    tmp_path: Path, provider: RunningProvider, webhook: Receiver, fault: Any
) -> None:
    premium, users = [uid(n) for n in range(30)], [uid(n) for n in range(120)]
    groups = {"Claude Premium": premium, "Claude Users": users}
    with running_slapd(
        tmp_path / "slapd", people=120, groups=groups, size_limit=50, access=[HIDE_MEMBERS]
    ) as slapd:
        idpsync = program(tmp_path, slapd, provider, webhook)
        idpsync.config["contract"]["seats"] = {"premium": 40, "standard": 200}
        assert idpsync.call("apply", "--yes").code == 0
        before = seats_given(provider)
        assert len(before) == 120

        fault(slapd, idpsync.config["directory"])
        ended = [idpsync.call("apply", "--yes", "--json") for _ in range(2)]

        assert all(e.code in {3, 4} for e in ended), [e.err for e in ended]
        assert before == seats_given(provider)
        assert not {"DELETE", "PATCH", "PUT"} & {seen.method for seen in provider.seen}
        assert [message.json()["data"]["state"] for message in webhook.received] == ["firing"]

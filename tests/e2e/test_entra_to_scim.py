"""Microsoft Graph (its twin) → idpsync → a real SCIM service provider, through the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import Program, base_config
from tests.e2e.test_ldap_to_scim import seats_given
from tests.receiver import Receiver, receiving
from tests.scim_provider import RunningProvider, running_scim_provider
from tests.twins.graph.faults import Fault
from tests.twins.graph.server import GraphTwin, running_graph

pytestmark = pytest.mark.server

PEOPLE = [f"p{number}@acme.example" for number in range(20)]


@pytest.fixture
def provider() -> Iterator[RunningProvider]:
    with running_scim_provider() as provider:
        yield provider


@pytest.fixture
def webhook() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def twin() -> Iterator[GraphTwin]:
    """Twenty people, the first five of them premium; pages of three."""
    with running_graph() as twin:
        for name in PEOPLE:
            twin.tenant.put(name)
        twin.tenant.make("Claude Premium", *PEOPLE[:5])
        twin.tenant.assign(twin.tenant.make("Claude Users", *PEOPLE))
        twin.page = twin.delta_page = 3
        yield twin


def program(folder: Path, twin: GraphTwin, provider: RunningProvider, webhook: Receiver) -> Program:
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
            "kind": "entra",
            "tenant_id": twin.door.tenant,
            "login_url": twin.url,
            "graph_url": twin.url,
            "service_principal_id": twin.tenant.application_id,
            "auth": {
                "kind": "client_secret",
                "client_id": twin.door.client_id,
                "secret": "env:ENTRA_SECRET",
            },
        },
        "target": {
            "kind": "scim",
            "url": provider.base_url,
            "auth": {"kind": "bearer", "token": "env:SCIM_TOKEN"},
            "seat_lever": {"kind": "entitlement"},
            "tier_values": {"premium": "Premium", "standard": "Standard"},
            "rate": "2000/s",
        },
        "alerts": {"receivers": [{"name": "hook", "kind": "webhook", "url": webhook.url}]},
    }
    config["contract"]["seats"] = {"premium": 10, "standard": 30}
    secrets = {"SCIM_TOKEN": provider.token, "ENTRA_SECRET": twin.door.secret}
    return Program(folder, config, secrets)


def test_a_page_of_a_proxy_in_place_of_people_removes_nobody_and_is_told_once(
    tmp_path: Path, twin: GraphTwin, provider: RunningProvider, webhook: Receiver
) -> None:
    """The other faults: tests/cli/test_entra_faults.py."""
    idpsync = program(tmp_path, twin, provider, webhook)
    first = idpsync.call("apply", "--yes")
    assert first.code == 0, first.err
    before = seats_given(provider)
    assert sorted(before.values()) == ["Premium"] * 5 + ["Standard"] * 15

    twin.fault = lambda _n, asked: Fault.HTML if "getByIds" in asked.path else None
    ended = [idpsync.call("apply", "--yes", "--json") for _ in range(2)]

    assert [e.code for e in ended] == [4, 4], [e.err for e in ended]
    assert any("does a proxy answer in place of Graph?" in e.err + e.out for e in ended)
    assert twin.door.secret not in "".join(e.err + e.out for e in ended)
    assert before == seats_given(provider)
    assert not {"DELETE", "PATCH", "PUT"} & {seen.method for seen in provider.seen}
    assert [message.json()["data"]["state"] for message in webhook.received] == ["firing"]


def test_somebody_who_leaves_entra_leaves_their_seat(
    tmp_path: Path, twin: GraphTwin, provider: RunningProvider, webhook: Receiver
) -> None:
    idpsync = program(tmp_path, twin, provider, webhook)
    assert idpsync.call("apply", "--yes").code == 0
    checked = idpsync.call("check", "--online")
    assert checked.code == 0, checked.out
    assert "Claude Premium → " in checked.out
    twin.tenant.bin(PEOPLE[19])
    twin.tenant.put(PEOPLE[18], accountEnabled=False)
    twin.tenant.join(twin.tenant.team("Claude Premium"), twin.tenant.id_of(PEOPLE[17]))
    second = idpsync.call("apply", "--yes", "--json")
    assert second.code == 0, second.err
    given = seats_given(provider)
    assert given.keys() == set(PEOPLE[:18])
    assert given[PEOPLE[17]] == "Premium"

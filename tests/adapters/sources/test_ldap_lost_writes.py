"""A write whose answer is lost may have been carried out: nobody may take it for not done."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from idpsync.core.errors import Transient, UnknownOutcome
from idpsync.core.ports import CanWriteGroups
from idpsync.sources import LdapConfig, build
from tests.adapters.sources.ldap_script import (
    HANG_UP,
    MODIFY,
    done,
    entry,
    group_entry,
    id_of,
    operation_of,
    person_entry,
    scripted_server,
)
from tests.adapters.sources.ldap_world import config_of
from tests.adapters.sources.wire import broken_wire
from tests.fakes.source import SteadyClock
from tests.slapd import entry_uuid, running_slapd

OURS = "Claude Premium"
GUID = "abcdefghijklmnop"  # sixteen octets
ADA = str(uuid.UUID(bytes_le=b"ponmlkjihgfedcba"))

Write = Callable[[CanWriteGroups, str], None]
WRITES: dict[str, Write] = {
    "add_member": lambda groups, person: groups.add_member(OURS, person),
    "remove_member": lambda groups, person: groups.remove_member(OURS, person),
}


def openldap(request: bytes) -> bytes:
    number = id_of(request)
    if b"ou=people" in request:
        return person_entry(number, "ada") + done(number, b"")
    return group_entry(number, OURS, ["bob"]) + done(number, b"")


def active_directory(request: bytes) -> bytes:
    number = id_of(request)
    said = {"objectGUID": [GUID], "sAMAccountName": [OURS], "cn": [OURS]}
    return entry(number, f"cn={OURS},ou=groups,dc=x", said) + done(number, b"")


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("flavor", "reads", "ada"),
    [("openldap", openldap, "id-ada"), ("ad", active_directory, ADA)],
    ids=["openldap", "ad"],
)
def test_a_server_that_hangs_up_on_a_write_leaves_it_unknown(
    flavor: str, reads: Callable[[bytes], bytes], ada: str, write: str
) -> None:
    def answer(request: bytes) -> bytes:
        return HANG_UP if operation_of(request) == MODIFY else reads(request)

    with scripted_server(answer) as port, pytest.raises(UnknownOutcome, match="nobody knows"):
        WRITES[write](writer_at(port, flavor), ada)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("flavor", "ada"), [("openldap", "id-ada"), ("ad", ADA)])
def test_a_server_that_hangs_up_before_the_write_has_not_done_it(
    flavor: str, ada: str, write: str
) -> None:
    with scripted_server(lambda _: HANG_UP) as port, pytest.raises(Transient):
        WRITES[write](writer_at(port, flavor), ada)


@pytest.mark.server
def test_a_write_that_is_answered_too_late_is_done_all_the_same(tmp_path: Path) -> None:
    with running_slapd(tmp_path, people=5, groups={OURS: ["user0000"]}) as slapd:

        def freeze(request: int) -> None:
            if request == 4:  # after the login, the group and the person
                slapd.freeze()

        with broken_wire(slapd.port, before_request=freeze) as wire:
            config = config_of(slapd, url=wire.url, bind_dn=slapd.writer_dn, receive_timeout="1s")
            with pytest.raises(UnknownOutcome):
                made(config).add_member(OURS, entry_uuid("user0001"))
            slapd.thaw()
            slapd.wait_for_members(OURS, {"user0000", "user0001"})


def writer_at(port: int, flavor: str) -> CanWriteGroups:
    settings = {
        "kind": "ldap",
        "flavor": flavor,
        "url": f"ldap://127.0.0.1:{port}",
        "user_base": "ou=people,dc=x",
        "group_base": "ou=groups,dc=x",
    }
    return made(LdapConfig.model_validate(settings))


def made(config: LdapConfig) -> CanWriteGroups:
    source = build(config, clock=SteadyClock(), groups=frozenset(), owned=frozenset({OURS}))
    assert isinstance(source, CanWriteGroups)
    return source

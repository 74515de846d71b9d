"""A Claude target built from a configuration: it counts seats by the contract."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from idpsync.config import load
from idpsync.core.errors import Refused, SeatsExhausted
from idpsync.engine.rooms import LastShown
from idpsync.wiring import open_books
from idpsync.wiring.house import build_source, build_target
from tests.cli.conftest import beginning
from tests.contracts.target import STANDARD, create
from tests.twins.claude.answers import Fault, bad
from tests.twins.claude.organization import Organization
from tests.twins.claude.twin import KEY, running

NEVER_ASKED = {
    "kind": "ldap",
    "url": "ldaps://127.0.0.1:1",
    "bind_dn": "cn=reader,dc=acme,dc=example",
    "password": "env:CLAUDE_ADMIN_KEY",
    "user_base": "ou=people,dc=acme,dc=example",
    "group_base": "ou=groups,dc=acme,dc=example",
}


def test_an_invite_refused_while_the_contract_has_a_seat_free_is_no_want_of_seats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_ADMIN_KEY", KEY)
    path = tmp_path / "idpsync.yaml"
    with running(Organization({"premium": 9, "standard": 9}, "login_only")) as twin:
        twin.faults.append(Fault("POST", "/invites", instead=bad("email: not valid")))
        target = {
            "kind": "claude",
            "url": twin.url,
            "api_key": "env:CLAUDE_ADMIN_KEY",
            "provisioning_mode": "login_only",
            "rate": "1000/s",
            "seat_lever": {"kind": "idp_group", "groups": {"premium": "p", "standard": "s"}},
        }
        settings = {**beginning(tmp_path).config, "directory": NEVER_ASKED, "target": target}
        settings.pop("jit", None)
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        (config,) = load(path)
        with closing(open_books(config)) as books:
            built = build_target(config, books, build_source(config), LastShown())
            bought = sum(config.purchased().values())
            with pytest.raises(Refused, match=f"1 of {bought} seats are taken") as caught:
                built.apply(replace(create("ada", STANDARD), external_id=""))
    assert not isinstance(caught.value, SeatsExhausted)

"""A first login through SimpleSAMLphp at the whole running daemon."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.daemon import running
from tests.e2e.program import Program, base_config
from tests.simplesamlphp import Journey, free_port, running_simplesamlphp

pytestmark = pytest.mark.server


def test_a_first_login_makes_an_account_with_the_highest_free_tier(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    base = f"http://{address}"
    metadata, acs = f"{base}/saml/metadata", f"{base}/saml/acs"
    (tmp_path / "people.csv").write_text(
        "external_id,user_name,email,given_name,family_name,active,groups\n"
        "1,owner@acme.example,owner@acme.example,O,Wner,true,\n"
    )
    with running_simplesamlphp(tmp_path / "idp", metadata, acs) as idp:
        config: dict[str, Any] = base_config(tmp_path) | {
            "directory": {"kind": "file", "path": str(tmp_path / "people.csv")},
            "target": {"kind": "local"},
            "policy": {"without_rule": "highest_available"},
            "jit": {
                "base_url": base,
                "idp": {"metadata_url": idp.metadata_url},
                "preset": "okta",
                "no_seat_contact": "it@acme.example",
            },
            "web": {"listen": address},
        }
        config["contract"]["seats"] = {"premium": 2, "standard": 0}
        idpsync = Program(tmp_path, config)
        with running(idpsync) as daemon:
            daemon.wait_until(lambda: idpsync.call("seats", "--json").json["total"]["assigned"] == 1)
            alice = Journey()
            idp.approach(f"{base}/saml/login", "alice", alice)
            assert idp.post(alice, acs).status == 200
            assert idp.post(alice, acs).status == 401  # the same assertion again

            rows = idpsync.call("ledger", "--user", "alice.example@acme.example", "--json").json
            created = [row for row in rows if row["event"] == "account.created"]
            assert [row["detail"]["tier"] for row in created] == ["premium"]
            verified = alice.open(f"{base}/auth/verify")
            assert (verified.status, verified.headers["X-Idpsync-Tier"]) == (200, "premium")
            assert Journey().open(f"{base}/auth/verify").status == 401

            refused = idp.login(f"{base}/saml/login", "bob")
            assert (refused.status, refused.headers["X-Idpsync-Reason"]) == (403, "no_seat")
            assert "it@acme.example" in refused.body
            waiting = idpsync.call("waitlist", "--json").json
            assert [(w["wants"], w["holds"]) for w in waiting] == [("premium", None)]
        assert "Traceback" not in daemon.log

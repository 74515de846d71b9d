"""Invited at the command line, let in at the login: the whole way, with a real mail in between."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.daemon import running
from tests.e2e.program import Program
from tests.e2e.test_run import assigned, log_in, quickstart
from tests.mail_server import mail_server
from tests.simplesamlphp import Journey, Page, form_of

ZOE = "zoe@acme.example"


def member(idpsync: Program, name: str) -> dict[str, Any]:
    listed = idpsync.call("members", "--json").json["members"]
    found: dict[str, Any] = next(m for m in listed if m["user_name"] == name)
    return found


def follow(link: str, email: str) -> Page:
    """From the link of the invitation through the demo identity provider; the page after the login."""
    journey = Journey()
    action, fields = form_of(journey.open(link))
    answer = journey.open(action, fields | {"email": email, "given_name": "Zoe"})
    return journey.open(*form_of(answer))


@pytest.mark.server
def test_who_is_invited_comes_in_with_the_tier_and_role_of_the_invite(tmp_path: Path) -> None:
    idpsync = quickstart(tmp_path)
    idpsync.config["contract"] |= {"seats": {"premium": 5, "standard": 11}, "reserve": {}}
    idpsync.config["policy"]["without_rule"] = "none"
    with mail_server() as server:
        idpsync.config["mail"] = {"smtp": server.url, "from": "idpsync@acme.example"}
        with running(idpsync) as daemon:
            daemon.wait_until(lambda: assigned(idpsync) == 11)
            assert log_in(daemon.base, ZOE).headers["X-Idpsync-Reason"] == "not_assigned"

            words = ("--tier", "premium", "--role", "research", "--language", "pt-BR")
            invited = idpsync.call("members", "invite", ZOE, *words)
            assert (invited.code, "The invitation was sent" in invited.out) == (0, True), invited.err
            assert member(idpsync, ZOE)["standing"] == "invited"
            (letter,) = server.received
            (link,) = set(re.findall(r"http://\S+/saml/login", letter.part("text/plain")))

            assert follow(link, "someone.else@acme.example").status == 403
            assert follow(link, ZOE).status == 200
            came = member(idpsync, ZOE)
            assert {k: came[k] for k in ("tier", "roles", "standing", "door", "by_hand", "invite")} == {
                "tier": "premium",
                "roles": ["research"],
                "standing": "active",
                "door": "manual",
                "by_hand": True,
                "invite": None,
            }
            assert idpsync.call("apply", "--yes").code == 0
            assert member(idpsync, ZOE)["tier"] == "premium"
            assert log_in(daemon.base, ZOE).status == 200
            assert daemon.stop() == 0
        assert "Traceback" not in daemon.log
    events = [row["event"] for row in idpsync.call("ledger", "--user", ZOE, "--json").json]
    order = ["invite.sent", "invite.mailed", "account.created", "invite.accepted", "login.admitted"]
    assert [event for event in dict.fromkeys(events) if event in order] == order
    assert idpsync.call("ledger", "verify").code == 0

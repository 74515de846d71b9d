"""The manual door where a service has the last word: what it refuses comes back with its reason."""

from tests.cli.conftest import Inside
from tests.cli.test_members import BOB, CLEO, ZOE, free, ledger, tiers
from tests.cli.test_members_import import HEAD, export
from tests.twins.scim import Answer, Fault, ScimTwin, error

NO = error(403, "seat types are managed by your identity provider")


def refuse(twin: ScimTwin, about: str, answer: Answer = NO, times: int = 1) -> None:
    """The next `times` changes of somebody are refused."""
    user = next(u for u in twin.users.values() if u["userName"] == about)
    twin.faults += [
        Fault(method, user["id"], times=times, instead=answer) for method in ("PATCH", "PUT", "DELETE")
    ]


def complaints(said: str) -> list[str]:
    """What a person is told; the log stands between."""
    return [line for line in said.splitlines() if not line.startswith("{")]


def test_a_seat_that_the_service_does_not_give_stays_free(serviced: Inside, twin: ScimTwin) -> None:
    refuse(twin, BOB)
    ended = serviced.call("members", "assign", BOB, "premium")
    assert ended.code == 5
    assert ended.out == ""
    assert complaints(ended.err)[0].startswith(f"Error: {BOB}: ")
    assert "seat types are managed by your identity provider" in ended.err
    assert tiers(serviced)[BOB] == "standard"
    assert free(serviced) == {"premium": 1, "standard": 1}
    assert ledger(serviced, BOB)[-1]["outcome"] == "failed"


def test_a_refusal_as_json(serviced: Inside, twin: ScimTwin) -> None:
    refuse(twin, BOB)
    ended = serviced.call("members", "assign", BOB, "none", "--json")
    assert ended.code == 5
    (action,) = ended.json["actions"]
    assert (action["kind"], action["user_name"], action["outcome"]) == ("change_tier", BOB, "failed")
    assert "managed by your identity provider" in action["error"]


def test_a_role_that_the_service_does_not_give(serviced: Inside, twin: ScimTwin) -> None:
    refuse(twin, BOB)
    ended = serviced.call("members", "role", BOB, "admin")
    assert (ended.code, ended.out) == (5, "")
    assert "managed by your identity provider" in ended.err


def test_a_swap_that_breaks_off_says_so_and_the_next_run_gives_back(
    serviced: Inside, twin: ScimTwin
) -> None:
    serviced.done("members", "assign", BOB, "premium")
    for newcomer in (ZOE, "max@acme.example"):
        serviced.done("members", "invite", newcomer)
    before = tiers(serviced)
    refuse(twin, CLEO)
    ended = serviced.call("members", "swap", BOB, CLEO)
    assert (ended.code, ended.out) == (5, f"{BOB} has premium as before.\n")
    assert "managed by your identity provider" in ended.err
    serviced.done("apply", "--yes")
    assert tiers(serviced) == before


def test_an_import_does_what_it_can_and_names_the_others(serviced: Inside, twin: ScimTwin) -> None:
    refuse(twin, BOB)
    file = export(serviced, f"{HEAD}\nB,{BOB},User,Premium\nC,{CLEO},User,Unassigned\n")
    ended = serviced.call("members", "import", file, "--yes")
    assert ended.code == 5
    assert "1 of 2 actions done." in ended.out
    (complaint,) = complaints(ended.err)
    assert complaint.startswith(f"Error: {BOB}: ")
    assert (tiers(serviced)[BOB], tiers(serviced)[CLEO]) == ("standard", None)
    assert "1 of 1 actions done." in serviced.done("members", "import", file, "--yes").out
    assert tiers(serviced)[BOB] == "premium"


def test_a_service_that_does_not_answer_is_named(serviced: Inside) -> None:
    serviced.config["target"]["url"] = "http://127.0.0.1:9/scim/v2"
    ended = serviced.call("members")
    assert ended.code == 5
    assert ended.out == ""
    assert "127.0.0.1" in ended.err or "scim" in ended.err

"""At the command line: a first run among people who are there, drift, and what a mode keeps back."""

import re

import pytest

from tests.cli.conftest import Inside
from tests.cli.test_holds import write as leave
from tests.cli.test_members import ADA, BOB, CLEO, leave_the_directory
from tests.cli.test_members_terminal import on_a_terminal
from tests.store.shell import run
from tests.twins.scim import ScimTwin

ADOPTABLE = (
    "This target has 3 accounts that idpsync has never linked; first run: nothing was written. "
    "3 would be adopted (by external id: 3, user name: 0, verified e-mail: 0), 0 conflicts, "
    "0 orphans left alone, 1 change would follow."
)


@pytest.fixture
def peopled(serviced: Inside, twin: ScimTwin) -> Inside:
    """A new store at the same service: of four people cleo alone is still to come."""
    for file in serviced.folder.glob("store.db*"):
        file.unlink()
    (cleo,) = (key for key, user in twin.users.items() if user["userName"] == CLEO)
    del twin.users[cleo]
    twin.seen.clear()
    return serviced


def written(twin: ScimTwin) -> list[str]:
    return [request.method for request in twin.seen if request.method != "GET"]


def names(twin: ScimTwin) -> set[str]:
    return {user["userName"] for user in twin.users.values()}


def links(idpsync: Inside) -> int:
    return sum(row["event"] == "account.linked" for row in idpsync.json("ledger"))


# --- the first run ------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("plan",), ("apply", "--yes"), ("plan", "--format", "markdown")])
def test_a_first_run_says_what_it_would_adopt_and_writes_nothing(
    peopled: Inside, twin: ScimTwin, words: tuple[str, ...]
) -> None:
    peopled.width = 2000
    ended = peopled.done(*words)

    assert ADOPTABLE.strip() in " ".join(re.sub(r"```(sh)?|`|\|", " ", ended.out).split())
    assert written(twin) == []
    assert links(peopled) == 0


def test_the_document_of_a_first_run_says_it_among_its_notes(peopled: Inside, twin: ScimTwin) -> None:
    done = peopled.json("apply", "--yes")

    assert ADOPTABLE in done["plan"]["notes"][0]
    assert done["run"]["state"] == "done"
    assert done["run"]["problems"] == done["plan"]["notes"]
    assert {alert["phase"] for alert in peopled.json("alerts")} == {"ok"}
    assert written(twin) == []


def test_apply_adopt_takes_over_who_is_there(peopled: Inside, twin: ScimTwin) -> None:
    peopled.done("apply", "--adopt", "--yes")

    assert CLEO in names(twin)
    assert links(peopled) == 4
    assert peopled.json("plan")["notes"] == []


def test_apply_with_the_digest_that_plan_printed_adopts_nobody_without_adopt(
    peopled: Inside, twin: ScimTwin
) -> None:
    digest = peopled.json("plan")["digest"]

    peopled.width = 2000
    assert ADOPTABLE.strip() in " ".join(peopled.done("apply", "--digest", digest).out.split())
    assert (written(twin), links(peopled)) == ([], 0)

    peopled.done("apply", "--digest", digest, "--adopt")
    assert CLEO in names(twin)


def test_a_first_run_without_consent_sends_nobody_to_a_wait_list_that_was_not_written(
    peopled: Inside,
) -> None:
    peopled.config["policy"]["rules"] = [{"group": "Premium", "tier": "premium", "when_full": "wait"}]
    everybody = (
        (peopled.folder / "people.csv").read_text(encoding="utf-8").replace("true,\n", "true,Premium\n")
    )
    (peopled.folder / "people.csv").write_text(everybody, encoding="utf-8")

    looked = peopled.call("apply", "--yes", "--json")
    assert looked.json["plan"]["waiting"]
    assert "idpsync waitlist" not in peopled.done("apply", "--yes").out
    assert peopled.json("waitlist") == []

    assert "`idpsync waitlist`" in peopled.done("apply", "--yes", "--adopt").out


def test_the_command_that_the_sentence_names_lets_the_next_run_take_over(
    peopled: Inside, twin: ScimTwin
) -> None:
    (sentence,) = peopled.json("plan")["notes"]
    command = sentence.partition("approve exactly this plan: idpsync ")[2].rstrip(")").split()
    peopled.done(*command)
    assert written(twin) == []

    peopled.done("apply", "--yes")
    assert CLEO in names(twin)
    assert links(peopled) == 4


def test_a_person_at_the_keyboard_is_asked_about_the_people_who_are_there(
    peopled: Inside, twin: ScimTwin
) -> None:
    question = "Adopt the people who are there already (3), and apply exactly this plan?"

    code, said = on_a_terminal(peopled, "n\n", "apply")
    assert (code, question in said, written(twin)) == (2, True, [])

    code, said = on_a_terminal(peopled, "y\n", "apply")
    assert (code, question in said, CLEO in names(twin)) == (0, True, True)


def test_a_person_is_asked_also_where_nothing_but_links_would_be_written(peopled: Inside) -> None:
    leave_the_directory(peopled, "cleo")

    code, said = on_a_terminal(peopled, "y\n", "apply")

    assert (code, "Adopt the people who are there already (3)" in said) == (0, True)
    assert links(peopled) == 3


def test_a_plan_that_touches_nobody_is_carried_out_without_a_question(serviced: Inside) -> None:
    serviced.done("apply", "--yes")
    serviced.config["policy"]["leavers"] = {"action": "deactivate", "grace": "30d"}
    leave(serviced, BOB)

    code, said = on_a_terminal(serviced, "", "apply")

    assert (code, "Apply exactly" in said, "0 of 0 actions done" in said) == (0, False, True)
    assert serviced.json("explain", BOB)["outcome"] == "in_grace"
    assert "account.missing" in [row["event"] for row in serviced.json("ledger")]


# --- drift and modes ----------------------------------------------------------------------------------


def test_plan_names_what_was_changed_at_the_target_and_a_run_tells_it_once(
    serviced: Inside, twin: ScimTwin
) -> None:
    serviced.done("apply", "--yes")
    assert serviced.json("plan")["drift"] == []
    run(f"sqlite:///{serviced.folder}/store.db", "UPDATE known_account SET noted_at = '2000-01-01'")
    (bob,) = (user for user in twin.users.values() if user["userName"] == BOB)
    bob["displayName"] = "Bobby"
    said = f"Changed at the target, and not by idpsync: {BOB}: display_name Bob Barros → Bobby"

    assert serviced.json("plan")["drift"] == [
        {
            "user_name": BOB,
            "account_id": bob["id"],
            "kind": "profile",
            "attribute": "display_name",
            "before": "Bob Barros",
            "after": "Bobby",
        }
    ]
    assert said in serviced.done("plan").out
    assert said in serviced.done("apply", "--yes").out
    assert said not in serviced.done("apply", "--yes").out
    seen = [row["member"] for row in serviced.json("ledger") if row["event"] == "drift.seen"]
    assert seen == [BOB]


def test_what_a_service_answers_to_our_writes_is_what_it_lists(serviced: Inside, twin: ScimTwin) -> None:
    leave_the_directory(serviced, "bob")
    serviced.done("apply", "--yes")
    run(f"sqlite:///{serviced.folder}/store.db", "UPDATE known_account SET noted_at = '2000-01-01'")

    assert serviced.json("plan")["drift"] == []


def test_apply_tells_what_the_mode_keeps_back(staffed: Inside) -> None:
    leave_the_directory(staffed, "bob")
    staffed.config["policy"]["mode"] = "no_removals"
    kept = (
        "policy.mode is no_removals: it keeps back 1 × deactivate_account; `full` would carry them out"
    )

    assert kept in staffed.done("plan").out
    assert kept in staffed.done("apply", "--yes").out
    assert staffed.json("plan")["notes"] == [kept]
    assert ADA in staffed.done("members").out

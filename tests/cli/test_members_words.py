"""The manual door at the command line: what is typed wrong, and answers that must be true."""

import pytest

from tests.cli.conftest import PEOPLE, Inside
from tests.cli.test_members import ADA, BOB, CLEO, ZOE, everybody, leave_the_directory, refused, tiers

LEAD = "Research Lead"


# --- roles --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("=", "'=' is not a role: it has no letters"),
        ("", "the role is empty"),
        ("\x1b[31mlead", r"'\x1b[31mlead' is not a role: it holds a control character"),
        ("a" * 65, "it has more than 64 characters"),
    ],
)
def test_what_is_no_role_reaches_neither_ledger_nor_terminal(
    staffed: Inside, role: str, said: str
) -> None:
    before = staffed.json("ledger")
    for words in (("role", BOB, role), ("invite", ZOE, "--role", role)):
        told = refused(staffed, "members", *words)
        assert said in told
        assert told.isprintable()
    assert staffed.json("ledger") == before


def test_the_words_of_an_export_are_those_of_the_verbs(staffed: Inside) -> None:
    staffed.done("members", "role", BOB, "Administrator")
    assert everybody(staffed)[BOB]["roles"] == ["admin"]
    invited = staffed.json("members", "invite", ZOE, "--role", "Administradora")
    assert invited["invite"]["role"] == "admin"


def test_a_role_of_your_own_is_told_as_such(staffed: Inside) -> None:
    said = staffed.done("members", "role", BOB, LEAD).out
    assert said == f"{BOB} is {LEAD} now (before: user). {LEAD} is a role of your own.\n"
    assert "your own" not in staffed.done("members", "role", BOB, "admin").out
    told = staffed.done("members", "invite", ZOE, "--role", "adminn").out
    assert "adminn is a role of your own." in told
    assert "your own" not in staffed.done("members", "invite", "max@acme.example").out


def test_the_help_of_a_role_names_all_of_ours(staffed: Inside) -> None:
    assert "user, admin, owner, or your own." in staffed.done("members", "invite", "--help").out


# --- seats that are given back ------------------------------------------------------------------------


def crowded(idpsync: Inside) -> Inside:
    """Standard has 1 seat and 2 people without cleo; premium takes what was upgraded."""
    leave_the_directory(idpsync, "cleo")
    idpsync.done("members", "invite", ZOE, "--tier", "premium")
    idpsync.done("seats", "upgrade", "standard:premium=3")
    return idpsync


def test_a_seat_beyond_the_contract_is_not_called_free(staffed: Inside) -> None:
    crowded(staffed)
    said = staffed.done("members", "remove", CLEO, "--yes").out
    assert said == f"{CLEO} is deactivated; standard still has 1 person more than seats.\n"


def test_a_tier_that_is_just_full_is_not_called_free(staffed: Inside) -> None:
    leave_the_directory(staffed, "cleo")
    staffed.done("seats", "upgrade", "standard:premium=2")
    said = staffed.done("members", "remove", CLEO, "--yes").out
    assert said == f"{CLEO} is deactivated; standard is just full now.\n"


def test_an_invite_withdrawn_from_a_crowded_tier_frees_no_seat(staffed: Inside) -> None:
    staffed.done("members", "invite", ZOE, "--tier", "standard")
    staffed.done("seats", "upgrade", "standard:premium=3")
    said = staffed.done("members", "withdraw", ZOE).out
    assert said == f"The invite of {ZOE} is withdrawn; standard still has 2 people more than seats.\n"


# --- one line for one mistake -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["invite", ZOE, "--tier", "gold"], "no tier 'gold'; there are: premium, standard"),
        (["invite", ZOE, "--language", "fr"], "'fr' is none of en, pt-BR"),
        (["assign", BOB, "gold"], "no tier 'gold'; there are: premium, standard, none"),
    ],
    ids=["tier", "language", "assign"],
)
def test_a_slip_is_told_in_one_line(staffed: Inside, words: list[str], said: str) -> None:
    ended = staffed.call("members", *words)
    assert (ended.code, ended.out, ended.err) == (2, "", f"Error: {said}\n")


def test_none_is_understood_in_any_case(staffed: Inside) -> None:
    staffed.done("members", "assign", BOB, "None")
    assert tiers(staffed)[BOB] is None


@pytest.mark.parametrize(
    "words",
    [["remove", ZOE, "--yes"], ["role", ZOE, "admin"], ["swap", BOB, ZOE], ["assign", "zoe", "none"]],
    ids=lambda words: words[0],
)
def test_who_is_not_known_is_looked_up_in_the_list(staffed: Inside, words: list[str]) -> None:
    said = refused(staffed, "members", *words)
    assert said.endswith("has no account here: `idpsync members` lists everybody")


def test_to_invite_is_advised_only_where_it_can_be_done(staffed: Inside) -> None:
    said = refused(staffed, "members", "assign", ZOE, "premium")
    assert said.endswith(f"`idpsync members invite {ZOE}` asks them in")
    said = refused(staffed, "members", "assign", "eve@other.example", "premium")
    assert said.endswith("`idpsync members` lists everybody")


def test_a_target_that_knows_no_primary_owner_still_shows_one(staffed: Inside) -> None:
    staffed.config["organization"]["primary_owner"] = ADA.upper()
    assert ADA in PEOPLE
    shown = {name: member["roles"] for name, member in everybody(staffed).items()}
    assert {name for name, roles in shown.items() if "primary_owner" in roles} == {ADA}

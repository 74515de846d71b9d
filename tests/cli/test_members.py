"""The manual door at the command line: invites, seats, roles, removal; every refusal in one sentence."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from idpsync.config import load
from idpsync.core.records import Cause
from idpsync.core.seats import Claim, Door
from idpsync.wiring import open_books
from tests.cli.conftest import LINK, PEOPLE, Inside

ZOE = "zoe@acme.example"
ADA, BOB, CLEO, OWNER = (f"{name}@acme.example" for name in ("ada", "bob", "cleo", "owner"))


def everybody(idpsync: Inside) -> dict[str, Any]:
    return {member["user_name"]: member for member in idpsync.json("members")["members"]}


def tiers(idpsync: Inside) -> dict[str, str | None]:
    return {name: member["tier"] for name, member in everybody(idpsync).items()}


def free(idpsync: Inside) -> dict[str, int]:
    return {row["tier"]: row["free"] for row in idpsync.json("seats")["tiers"]}


def ledger(idpsync: Inside, user: str) -> list[Any]:
    return list(idpsync.json("ledger", "--user", user))


def events(idpsync: Inside, user: str) -> list[str]:
    return [row["event"] for row in ledger(idpsync, user)]


def refused(idpsync: Inside, *words: str, code: int = 2) -> str:
    """The one sentence on standard error; nothing on standard output."""
    ended = idpsync.call(*words)
    assert (ended.code, ended.out) == (code, ""), (ended.code, ended.out, ended.err)
    *usage, said = ended.err.strip().splitlines()
    assert said.startswith("Error: "), ended.err
    assert all(line.startswith(("Usage:", "Try")) or not line for line in usage), ended.err
    return said.removeprefix("Error: ")


def leave_the_directory(idpsync: Inside, *names: str) -> None:
    """The directory does not list them any more; what idpsync takes from them is nothing."""
    idpsync.config["policy"]["mode"] = "no_removals"
    kept = [line for line in PEOPLE.splitlines() if not any(name in line for name in names)]
    (idpsync.folder / "people.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    idpsync.done("apply", "--yes")


# --- the list -----------------------------------------------------------------------------------------


def test_members_are_listed_in_order_with_role_tier_standing_and_door(staffed: Inside) -> None:
    staffed.done("members", "invite", ZOE, "--role", "admin")
    staffed.done("members", "assign", BOB, "none")
    staffed.done("members", "assign", CLEO, "standard")
    staffed.width = 120
    head, *rows = [
        re.split(r"\s{2,}", line.strip())
        for line in staffed.done("members").out.splitlines()
        if "   " in line.strip()
    ]
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    until = f"{datetime.now(UTC) + timedelta(days=21):%Y-%m-%d}"
    assert head == ["person", "role", "tier", "standing", "door", "since"]
    assert rows == [
        [ADA, "user", "premium", "active", "sync", day],
        [BOB, "user", "no seat*", "active", "-", "-"],
        [CLEO, "user", "standard*", "active", "sync", day],
        [OWNER, "primary_owner", "standard", "active", "sync", day],
        [ZOE, "admin", "premium*", f"invited, until {until}", "manual", day],
    ]
    assert "* tier given by hand" in staffed.done("members").out


def test_the_list_as_json_says_the_same_and_more(staffed: Inside) -> None:
    staffed.done("members", "invite", ZOE)
    document = staffed.json("members")
    assert document["organization"] == "acme"
    invited = everybody(staffed)[ZOE]
    assert [m["user_name"] for m in document["members"]] == [ADA, BOB, CLEO, OWNER, ZOE]
    assert invited["standing"] == "invited"
    assert invited["invite"]["state"] == "pending"
    assert invited["account_id"] is None
    ada = everybody(staffed)[ADA]
    assert ada["account_id"]
    assert everybody(staffed)[OWNER]["roles"] == ["primary_owner"]
    assert {k: ada[k] for k in ("email", "name", "roles", "tier", "door", "by_hand", "invite")} == {
        "email": ADA,
        "name": "Ada Almeida",
        "roles": [],
        "tier": "premium",
        "door": "sync",
        "by_hand": False,
        "invite": None,
    }


def test_without_anybody_the_list_says_so(idpsync: Inside) -> None:
    assert idpsync.done("members").out == "Nobody has an account or an invite.\n"
    assert idpsync.json("members")["members"] == []


def test_nothing_is_lost_in_eighty_columns(staffed: Inside) -> None:
    long = "somebody.with-a-rather.long-name@acme.example"
    staffed.done("members", "invite", long)
    staffed.done("members", "role", BOB, "research lead")
    staffed.width = 80
    for words in (("members",), ("members", "resend", long), ("members", "withdraw", long)):
        lines = staffed.done(*words).out.splitlines()
        assert max(map(len, lines)) <= 80
        if words == ("members",):
            said = "\n".join(lines)
            assert "invited, until" in said
            assert f"{datetime.now(UTC):%Y-%m-%d}" in said
            folded = "".join(line.strip().split("  ")[0] for line in lines)
            assert long in folded


# --- invites ------------------------------------------------------------------------------------------


def test_an_invite_holds_the_highest_free_seat_and_says_which_link_to_hand_on(staffed: Inside) -> None:
    said = staffed.done("members", "invite", ZOE).out
    until = f"{datetime.now(UTC) + timedelta(days=21):%Y-%m-%d}"
    assert said == (
        f"{ZOE} is invited as user with a premium seat; the invite stands until {until}.\n"
        "No mail server is configured: hand on this link.\n"
        f"  {LINK}\n"
    )
    assert free(staffed) == {"premium": 0, "standard": 1}
    assert events(staffed, ZOE) == ["seat.held", "invite.sent"]


def test_an_invite_as_json(staffed: Inside) -> None:
    document = staffed.json("members", "invite", ZOE, "--tier", "standard", "--role", "Admin")
    invite = document["invite"]
    assert (document["mailed"], document["problem"], document["link"]) == (False, None, LINK)
    assert (invite["email"], invite["role"], invite["tier"]) == (ZOE, "admin", "standard")
    assert invite["state"] == "pending"
    lasts = datetime.fromisoformat(invite["expires_at"]) - datetime.fromisoformat(invite["invited_at"])
    assert lasts == timedelta(days=21)


def test_withdrawn_and_invited_again(staffed: Inside) -> None:
    staffed.done("members", "invite", ZOE)
    said = staffed.done("members", "withdraw", ZOE).out
    assert said == f"The invite of {ZOE} is withdrawn; the premium seat is free again.\n"
    assert free(staffed)["premium"] == 1
    assert ZOE not in tiers(staffed)
    assert staffed.json("members", "invite", ZOE)["invite"]["tier"] == "premium"
    document = staffed.json("members", "withdraw", ZOE)
    assert (document["invite"]["state"], document["freed"]) == ("withdrawn", True)


def test_who_waits_for_a_seat_given_back_is_told(staffed: Inside) -> None:
    staffed.done("members", "invite", ZOE)
    rows = PEOPLE.replace("Cleo,Costa,true,", "Cleo,Costa,true,Premium")
    (staffed.folder / "people.csv").write_text(rows, encoding="utf-8")
    staffed.done("apply", "--yes")
    said = staffed.done("members", "withdraw", ZOE).out
    assert "1 person waits for premium: the next run gives the seat to the first." in said
    staffed.done("apply", "--yes")
    assert tiers(staffed)[CLEO] == "premium"


def test_a_seat_that_a_login_has_joined_is_not_called_free(staffed: Inside) -> None:
    staffed.done("members", "invite", ZOE)
    (config,) = load(staffed.file)
    with closing(open_books(config)) as books:
        premium = config.ladder().named("premium")
        joined = books.seats.hold(Claim(ZOE, ZOE, (premium,), door=Door.JIT), Cause("jit"))
    assert joined.ticket is None
    assert staffed.done("members", "withdraw", ZOE).out == (
        f"The invite of {ZOE} is withdrawn. A login of theirs is under way: the premium seat is free "
        "when it turns out that no account was made.\n"
    )


def test_resend_prints_the_link_again_and_changes_nothing(staffed: Inside) -> None:
    before = staffed.json("members", "invite", ZOE)["invite"]
    said = staffed.done("members", "resend", ZOE).out
    until = before["expires_at"][:10]
    assert said.startswith(f"The invite of {ZOE} stands until {until}: user, with a premium seat.\n")
    assert said.endswith(f"  {LINK}\n")
    assert staffed.json("members", "resend", ZOE)["invite"] == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["invite", "zoe"], "'zoe' is not an e-mail address"),
        (["invite", "eve@other.example"], "other.example is not a verified domain"),
        (["invite", ZOE, "--tier", "gold"], "no tier 'gold'; there are: premium, standard"),
        (["invite", ZOE, "--role", " "], "the role is empty"),
        (["invite", ZOE, "--role", "primary_owner"], "exactly one primary owner"),
        (["invite", ZOE, "--language", "fr"], "'fr' is none of en, pt-BR"),
        (["invite", ADA], "is a member already, with a premium seat"),
        (["invite"], "Missing argument 'EMAIL'"),
        (["resend", ZOE], "there is no pending invite for zoe@acme.example"),
        (["withdraw", ZOE], "there is no pending invite for zoe@acme.example"),
        (["withdraw", ADA], "there is no pending invite for ada@acme.example"),
        (["assign", ZOE, "premium"], "has no account here"),
        (["assign", BOB, "gold"], "no tier 'gold'; there are: premium, standard"),
        (["assign", ADA, "standard"], "group 'Premium' → premium: a rule says which tier they have"),
        (["assign", OWNER, "none"], "is the primary owner or protected"),
        (["swap", BOB, BOB], "are one and the same person"),
        (["swap", BOB, ADA], "group 'Premium' → premium: a rule says which tier they have"),
        (["swap", BOB, ZOE], "has no account here"),
        (["swap", BOB], "Missing argument 'EMAIL'"),
        (["remove", BOB, "--yes"], "they are in the directory and policy admits them"),
        (["remove", OWNER, "--yes"], "is the primary owner, who is never demoted or removed"),
        (["remove", ZOE, "--yes"], "has no account here"),
        (["role", BOB, ""], "the role is empty"),
        (["role", BOB, "Primary Owner"], "exactly one primary owner"),
        (["role", ZOE, "admin"], "has no account here"),
        (["fly", BOB], "No such command 'fly'"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    staffed: Inside, words: list[str], said: str
) -> None:
    before = staffed.json("members")["members"]
    assert said in refused(staffed, "members", *words)
    assert staffed.json("members")["members"] == before
    assert staffed.json("waitlist") == []


def test_somebody_who_is_invited_is_not_invited_twice(staffed: Inside) -> None:
    staffed.done("members", "invite", ZOE)
    said = refused(staffed, "members", "invite", ZOE.upper())
    assert "is invited already" in said
    assert "members resend" in said
    assert free(staffed) == {"premium": 0, "standard": 1}
    assert "an invite is pending" in refused(staffed, "members", "assign", ZOE, "standard")
    assert "an invite is pending" in refused(staffed, "members", "remove", ZOE, "--yes")


def test_without_a_free_seat_nobody_is_invited_and_no_wish_stays(staffed: Inside) -> None:
    staffed.done("members", "invite", "one@acme.example")
    staffed.done("members", "invite", "two@acme.example")
    said = refused(staffed, "members", "invite", ZOE, code=5)
    assert said.startswith(f"no seat for {ZOE}: premium is full (2 of 2); standard is full (4 of 4)")
    assert "idpsync seats add" in said
    assert staffed.json("waitlist") == []
    assert ZOE not in tiers(staffed)


def test_without_a_login_door_nobody_is_invited(staffed: Inside) -> None:
    del staffed.config["jit"]
    for verb in ("invite", "resend"):
        ended = staffed.call("members", verb, ZOE)
        assert ended.code == 2
        assert f"{staffed.file}: jit: is missing: an invite is accepted by logging in" in ended.err
    assert ZOE not in tiers(staffed)


def test_where_the_manual_door_is_shut_nobody_is_invited(staffed: Inside) -> None:
    staffed.config["organization"]["doors"] = ["sync", "jit"]
    assert "`organization.doors` does not name manual" in refused(staffed, "members", "invite", ZOE)


# --- seats --------------------------------------------------------------------------------------------


def test_a_tier_is_given_taken_and_given_again(staffed: Inside) -> None:
    assert staffed.done("members", "assign", BOB, "premium").out == (
        f"{BOB} has premium now (before: standard).\n"
    )
    assert staffed.done("members", "assign", BOB, "none").out == (
        f"{BOB} keeps the account and has no seat now (before: premium).\n"
    )
    assert free(staffed) == {"premium": 1, "standard": 2}
    (done,) = staffed.json("members", "assign", BOB, "standard")["actions"]
    assert (done["kind"], done["tier"], done["outcome"], done["error"]) == (
        "change_tier",
        "standard",
        "done",
        None,
    )
    assert staffed.done("members", "assign", BOB, "standard").out == (
        f"{BOB} has standard already; from now on it counts as given by hand.\n"
    )
    assert everybody(staffed)[BOB]["by_hand"]
    staffed.done("apply", "--yes")
    assert tiers(staffed)[BOB] == "standard"


def test_no_seat_by_hand_is_kept_by_the_next_run(staffed: Inside) -> None:
    staffed.done("members", "assign", BOB, "none")
    staffed.done("apply", "--yes")
    assert tiers(staffed)[BOB] is None
    assert free(staffed)["standard"] == 2


def test_a_full_tier_is_not_given(staffed: Inside) -> None:
    staffed.done("members", "assign", BOB, "premium")
    said = refused(staffed, "members", "assign", CLEO, "premium", code=5)
    assert said.startswith(f"no seat for {CLEO}: premium is full (2 of 2)")
    assert tiers(staffed)[CLEO] == "standard"


def test_two_full_tiers_change_people_in_one_call(staffed: Inside) -> None:
    staffed.config["contract"]["seats"] = {"premium": 2, "standard": 4}
    staffed.done("members", "assign", BOB, "premium")
    staffed.done("members", "invite", ZOE)
    staffed.done("members", "invite", "max@acme.example")
    assert free(staffed) == {"premium": 0, "standard": 0}
    said = staffed.done("members", "swap", BOB, CLEO).out
    assert set(said.splitlines()) == {
        f"{BOB} has standard now (before: premium).",
        f"{CLEO} has premium now (before: standard).",
    }
    assert (tiers(staffed)[BOB], tiers(staffed)[CLEO]) == ("standard", "premium")
    outcomes = {row["outcome"] for row in staffed.json("members", "swap", BOB, CLEO)["actions"]}
    assert outcomes == {"done"}
    assert (tiers(staffed)[BOB], tiers(staffed)[CLEO]) == ("premium", "standard")


def test_two_who_have_the_same_have_nothing_to_swap(staffed: Inside) -> None:
    said = staffed.done("members", "swap", BOB, CLEO).out
    assert said == f"{BOB} and {CLEO} have the same: nothing to do.\n"


# --- access and roles ---------------------------------------------------------------------------------


def test_somebody_whom_the_directory_does_not_list_can_be_removed(staffed: Inside) -> None:
    leave_the_directory(staffed, "bob", "cleo")
    said = staffed.done("members", "remove", BOB, "--yes").out
    assert said == f"{BOB} is deactivated; the standard seat is free again.\n"
    assert free(staffed)["standard"] == 2
    assert everybody(staffed)[BOB]["standing"] == "deactivated"
    (done,) = staffed.json("members", "remove", CLEO, "--yes")["actions"]
    assert (done["kind"], done["outcome"]) == ("deactivate_account", "done")
    assert "has an account that is deactivated" in refused(staffed, "members", "remove", BOB, "--yes")


def test_where_leavers_are_deleted_so_are_those_removed(staffed: Inside) -> None:
    leave_the_directory(staffed, "bob")
    staffed.config["policy"]["leavers"] = {"action": "delete"}
    said = staffed.done("members", "remove", BOB, "--yes").out
    gone = f"The account of {BOB} is deleted; the standard seat is free again.\n"
    assert said.startswith(gone)
    assert "their next login may make them a new account" in " ".join(said.split())
    assert BOB not in tiers(staffed)

    leave_the_directory(staffed, "cleo")
    staffed.config["organization"]["doors"] = ["sync", "manual"]
    said = staffed.done("members", "remove", CLEO, "--yes").out
    assert said == f"The account of {CLEO} is deleted; the standard seat is free again.\n"


def test_roles_are_given_and_replace_each_other(staffed: Inside) -> None:
    assert staffed.done("members", "role", BOB, "Owner").out == f"{BOB} is owner now (before: user).\n"
    assert staffed.done("members", "role", BOB, "admin").out == f"{BOB} is admin now (before: owner).\n"
    said = staffed.done("members", "role", BOB, "admin").out
    assert said == f"{BOB} is admin already: nothing to do.\n"
    (done,) = staffed.json("members", "role", BOB, "research")["actions"]
    assert (done["kind"], done["roles"]) == ("change_roles", ["admin", "research"])
    assert everybody(staffed)[BOB]["roles"] == ["admin", "research"]


def test_the_last_owner_stays_one(staffed: Inside) -> None:
    del staffed.config["organization"]["primary_owner"]
    staffed.done("members", "role", BOB, "owner")
    assert "is the last owner" in refused(staffed, "members", "role", BOB, "user")
    staffed.done("members", "role", CLEO, "owner")
    staffed.done("members", "role", BOB, "user")


def test_a_role_that_rules_give_is_left_to_them(staffed: Inside) -> None:
    staffed.config["policy"]["rules"].append({"group": "Premium", "role": "admin"})
    assert "the role admin is given by a rule" in refused(staffed, "members", "role", BOB, "admin")


# --- whose rights -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "act"),
    [
        (["invite", ZOE], "invite people"),
        (["withdraw", ZOE], "invite people"),
        (["resend", ZOE], "invite people"),
        (["assign", CLEO, "none"], "reassign seats"),
        (["swap", CLEO, ADA], "reassign seats"),
        (["remove", CLEO, "--yes"], "remove people"),
        (["role", BOB, "admin"], "give roles"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_a_plain_user_may_do_none_of_it(staffed: Inside, words: list[str], act: str) -> None:
    said = refused(staffed, "members", *words, "--as", BOB)
    assert re.fullmatch(rf"cli:\S+ as {BOB} may not {act}: that takes an admin or an owner", said)


def test_an_admin_may_all_but_make_owners_and_the_ledger_names_both(staffed: Inside) -> None:
    staffed.done("members", "role", BOB, "admin")
    staffed.done("members", "invite", ZOE, "--as", BOB)
    staffed.done("members", "assign", CLEO, "none", "--as", BOB)
    for row in (*ledger(staffed, ZOE), ledger(staffed, CLEO)[-1]):
        assert re.fullmatch(rf"cli:\S+ as {BOB}", row["actor"]), row
    assert "that takes an owner" in refused(staffed, "members", "role", CLEO, "owner", "--as", BOB)
    staffed.done("members", "role", CLEO, "owner", "--as", OWNER)
    assert "that takes an owner" in refused(staffed, "members", "role", CLEO, "user", "--as", BOB)


def test_nobody_acts_as_somebody_who_is_no_member(staffed: Inside) -> None:
    said = refused(staffed, "members", "invite", ZOE, "--as", "eve@acme.example")
    assert said == "eve@acme.example is not an active member here: nobody can act as them"
    assert ZOE not in tiers(staffed)

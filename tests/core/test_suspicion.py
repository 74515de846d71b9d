"""A read that ended well and still cannot be right."""

from dataclasses import replace

import pytest

from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, Group, Proof
from idpsync.core.records import LastRead
from idpsync.core.suspicion import examine
from tests.people import group, person, snapshot

KNOWN = LastRead({"Users": frozenset({"id-ada", "id-bob"})}, {"Users": "g-Users"})
KEYS = {"Users": "policy.rules[1].group"}
TAKES_NOTHING = "until then nobody loses anything for being absent"


def problems(read: DirectorySnapshot, last: LastRead = KNOWN) -> tuple[str, ...]:
    return examine(read, last=last, keys=KEYS).problems


# --- nobody, nothing, somebody missing ----------------------------------------------------------------


def test_nobody_at_all_is_suspect_when_accounts_are_linked() -> None:
    empty = snapshot([])

    assert examine(empty, last=LastRead(), linked=0).users_coverage is Coverage.COMPLETE
    doubted = examine(empty, last=LastRead(), linked=3)
    assert doubted.users_coverage is Coverage.SUSPECT
    assert "3 accounts are linked" in doubted.problems[0]
    assert examine(snapshot(["ada"]), last=LastRead(), linked=3).problems == ()


def test_a_group_suddenly_empty_is_suspect() -> None:
    doubted = examine(snapshot(["ada"], [group("Users", ())]), last=KNOWN)

    assert doubted.groups[0].coverage is Coverage.SUSPECT
    assert doubted.problems == ("group 'Users': empty now, 2 members at the last complete read",)
    fresh = examine(snapshot(["ada"], [group("Users", ())]), last=LastRead())
    assert fresh.groups[0].coverage is Coverage.COMPLETE


def test_a_group_that_the_directory_also_counts_as_empty_is_believed() -> None:
    def doubted(expected: int | None, coverage: Coverage = Coverage.COMPLETE) -> DirectorySnapshot:
        empty = replace(group("Users", ()), proof=Proof("last page", 1, expected))
        return examine(snapshot(["ada", "bob"], [empty], coverage), last=KNOWN)

    assert doubted(0).complete
    assert doubted(0).problems == ()
    for other in (doubted(None), doubted(1), doubted(0, Coverage.PARTIAL)):
        assert other.groups[0].coverage is Coverage.SUSPECT


@pytest.mark.parametrize("bob", [None, person("bob", active=False)])
def test_a_group_is_empty_for_a_good_reason_when_everybody_in_it_has_left(
    bob: DirectoryUser | None,
) -> None:
    here = [person("cy"), *([bob] if bob else [])]
    read = snapshot(here, [group("Users", ())])

    assert examine(read, last=KNOWN).complete
    cut = replace(read, users_coverage=Coverage.PARTIAL)
    assert examine(cut, last=KNOWN).groups[0].coverage is Coverage.SUSPECT
    one_stays = replace(read, users=(*read.users, person("ada")))
    assert examine(one_stays, last=KNOWN).groups[0].coverage is Coverage.SUSPECT


def test_a_group_that_got_another_name_in_the_configuration_is_the_same_when_it_is_empty() -> None:
    renamed = replace(group("Everybody", ()), external_id="g-Users")

    assert examine(snapshot(["ada"], [renamed]), last=KNOWN).groups[0].coverage is Coverage.SUSPECT


@pytest.mark.parametrize(
    "canary",
    ["ada@acme.example", "id-ada", "ADA@acme.example", " Ada@Acme.example", "mail@acme.example"],
)
def test_a_canary_is_known_by_any_name_however_it_is_written(canary: str) -> None:
    ada = replace(person("ada"), profile=replace(person("ada").profile, email="Mail@acme.example"))

    kept = examine(snapshot([ada]), last=LastRead(), canaries=frozenset({canary}))

    assert (kept.users_coverage, kept.problems) == (Coverage.COMPLETE, ())


def test_a_missing_canary_makes_the_whole_read_suspect_and_is_named() -> None:
    canaries = frozenset({"root@acme.example", "ada@acme.example", "ops@acme.example"})

    doubted = examine(snapshot(["ada"]), last=LastRead(), canaries=canaries)

    assert doubted.users_coverage is Coverage.SUSPECT
    assert doubted.problems == (
        "must_contain: ops@acme.example, root@acme.example not found in the directory",
    )


def test_a_worse_coverage_is_never_made_better() -> None:
    cut = snapshot([], coverage=Coverage.PARTIAL)

    doubted = examine(cut, last=LastRead(), canaries=frozenset({"x"}), linked=3)

    assert doubted.users_coverage is Coverage.PARTIAL
    assert len(doubted.problems) == 1
    assert examine(cut, last=LastRead(), linked=3) == cut


# --- groups that are not what they were ---------------------------------------------------------------


def test_a_group_that_was_renamed_is_told_with_both_names_and_the_key_to_change() -> None:
    lost = replace(group("Users", None, Coverage.GONE), external_id="Users")
    read = replace(snapshot(["ada"], [lost]), other_groups={"g-Users": "Everybody", "g-2": "Others"})

    told = "group 'Users' is called 'Everybody' now; change policy.rules[1].group"
    assert problems(read) == (f"{told}; {TAKES_NOTHING}",)


def test_the_new_name_may_be_that_of_another_rule() -> None:
    lost = replace(group("Users", None, Coverage.GONE), external_id="Users")
    other = replace(group("Everybody", ["ada"]), external_id="g-Users")

    assert "is called 'Everybody' now" in problems(snapshot(["ada"], [lost, other]))[0]


def test_a_group_that_is_gone_says_so_and_which_key_names_it() -> None:
    lost = replace(group("Users", None, Coverage.GONE), external_id="Users", reason="deleted")

    told = "group 'Users' is gone: deleted; if it was renamed or deleted, change policy.rules[1].group"
    assert problems(snapshot(["ada"], [lost])) == (f"{told}; {TAKES_NOTHING}",)


def test_a_group_that_no_rule_names_is_only_told_to_be_gone() -> None:
    lost = group("Doorkeepers", None, Coverage.GONE)

    assert examine(snapshot(["ada"], [lost]), last=KNOWN).problems == (
        "group 'Doorkeepers' is gone: no reason given",
    )


def test_a_group_that_a_read_does_not_list_is_gone() -> None:
    doubted = examine(snapshot(["ada"]), last=KNOWN, keys=KEYS)

    assert [(g.name, g.coverage) for g in doubted.groups] == [("Users", Coverage.GONE)]
    assert doubted.problems[0].startswith("group 'Users' is gone: the read does not list it")
    assert not doubted.complete


def test_a_read_that_failed_is_not_also_told_group_by_group() -> None:
    failed = replace(snapshot([], coverage=Coverage.FAILED), problems=("no answer",))

    assert problems(failed) == ("no answer",)


@pytest.mark.parametrize(
    ("others", "former"),
    [({"g-Users": "Everybody"}, "that one is 'Everybody' now"), ({}, "that one is gone (id g-Users)")],
)
def test_another_group_of_the_same_name_is_told(others: dict[str, str], former: str) -> None:
    anew = replace(group("Users", ["ada", "bob"]), external_id="g-2")
    read = replace(snapshot(["ada", "bob"], [anew]), other_groups=others)

    doubted = examine(read, last=KNOWN, keys=KEYS)

    assert doubted.complete  # the guard asks before it takes anything
    told = "group 'Users' is not the group that had this name at the last complete read"
    assert doubted.problems == (f"{told}; {former}; if that one is meant, change policy.rules[1].group",)
    assert examine(read, last=KNOWN).problems == (f"{told}; {former}",)


def test_every_group_that_is_not_whole_is_a_problem_with_its_reason() -> None:
    cut = Group("Users", "another id", frozenset({"id-ada"}), Coverage.PARTIAL, "cut at 1000")
    silent = group("Others", None, Coverage.FAILED)
    doubted_by_its_source = group("Third", (), Coverage.SUSPECT)

    assert problems(snapshot(["ada"], [cut, silent, doubted_by_its_source])) == (
        "group 'Users' is partial: cut at 1000",
        "group 'Others' is failed: no reason given",
    )


def test_whole_groups_are_no_problem() -> None:
    assert problems(snapshot(["ada"], [group("Users", ["ada"])])) == ()


# --- another scope ------------------------------------------------------------------------------------


def test_another_scope_is_told_from_what_to_what_and_no_more() -> None:
    last = LastRead(scope="ldap | server=a | user_base=ou=people | #0001")
    users = [group("Users", ["ada"])]

    def told(scope: str) -> tuple[str, ...]:
        return problems(replace(snapshot(["ada"], users), scope=scope), last)

    said = "something else is asked for than at the last complete read"
    assert told("ldap | server=a | user_base=ou=staff | #0002") == (
        f"{said}: user_base=ou=people → user_base=ou=staff",
    )
    assert told("ldap | server=a | #0003") == (f"{said}: user_base=ou=people → nothing",)
    assert told("ldap | server=a | user_base=ou=people | nested_groups=True | #0004") == (
        f"{said}: nothing → nested_groups=True",
    )
    assert told(last.scope) == ()

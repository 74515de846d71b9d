"""A read that ended well and still cannot be right."""

from idpsync.core.model import Coverage
from idpsync.core.records import LastRead
from idpsync.core.suspicion import examine
from tests.people import group, snapshot

KNOWN = LastRead({"Users": frozenset({"id-ada", "id-bob"})}, {"Users": "g-Users"})


def test_nobody_at_all_is_suspect_when_accounts_are_linked() -> None:
    empty = snapshot([])

    assert examine(empty, last=LastRead(), linked=0).users_coverage is Coverage.COMPLETE
    doubted = examine(empty, last=LastRead(), linked=3)
    assert doubted.users_coverage is Coverage.SUSPECT
    assert "3 accounts are linked" in doubted.problems[0]


def test_a_group_suddenly_empty_is_suspect() -> None:
    doubted = examine(snapshot(["ada"], [group("Users", ())]), last=KNOWN)

    assert doubted.groups[0].coverage is Coverage.SUSPECT
    assert "2 members at the last complete read" in doubted.problems[0]
    fresh = examine(snapshot(["ada"], [group("Users", ())]), last=LastRead())
    assert fresh.groups[0].coverage is Coverage.COMPLETE


def test_a_missing_canary_makes_the_whole_read_suspect() -> None:
    here = snapshot(["ada"])

    for known_name in ("ada@acme.example", "id-ada", "ADA@acme.example"):
        kept = examine(here, last=LastRead(), canaries=frozenset({known_name}))
        assert kept.users_coverage is Coverage.COMPLETE
    doubted = examine(here, last=LastRead(), canaries=frozenset({"root@acme.example"}))
    assert doubted.users_coverage is Coverage.SUSPECT
    assert "root@acme.example" in doubted.problems[0]


def test_a_worse_coverage_is_never_made_better() -> None:
    cut = snapshot([], coverage=Coverage.PARTIAL)

    doubted = examine(cut, last=LastRead(), canaries=frozenset({"x"}), linked=3)
    assert doubted.users_coverage is Coverage.PARTIAL


def test_every_group_that_is_not_whole_is_a_problem_with_its_reason() -> None:
    lost = group("Users", None, Coverage.GONE)

    assert examine(snapshot(["ada"], [lost]), last=KNOWN).problems == (
        "group 'Users' is gone: no reason given",
    )

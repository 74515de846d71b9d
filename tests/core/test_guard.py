"""When a plan is held: numbers, shares, what a limit of 0 means, and what is lost per tier and group."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.guard import OFF, GuardReport, Limit, LimitCheck, Limits, guard
from idpsync.core.model import Account, Coverage, DirectorySnapshot, Group, Standing
from idpsync.core.plan import ChangeTier
from idpsync.core.planner import plan
from idpsync.core.policy import LeaverAction, Mode, Policy
from idpsync.core.records import LastRead
from tests.people import POLICY, PREMIUM, STANDARD, account, group, person, snapshot, world

NONE = Limits(OFF, OFF, OFF, OFF)
NAMES = [f"p{n:02}" for n in range(20)]
ACCOUNTS = tuple(account(name, PREMIUM if n < 10 else STANDARD) for n, name in enumerate(NAMES))
PROMPT = replace(POLICY, min_hold=timedelta(0))


def ids(names: Iterable[str]) -> frozenset[str]:
    return frozenset(f"id-{name}" for name in names)


def known(**groups: Iterable[str]) -> LastRead:
    """The last read, in which every group had the id that it has now."""
    return LastRead({name: ids(who) for name, who in groups.items()}, {n: f"g-{n}" for n in groups})


def read(
    here: Iterable[str],
    premium: Iterable[str],
    *,
    contractors: Iterable[str] = (),
    off: Iterable[str] = (),
) -> DirectorySnapshot:
    """Everybody `here` is in Users; those `off` are disabled and stay in their groups."""
    here, off = list(here), set(off)
    groups = [group("Premium", premium), group("Users", here), group("Contractors", contractors)]
    people = [person(name, active=name not in off) for name in here]
    return snapshot(people, [*groups, group("Admins", ())])


def judge(
    limits: Limits,
    current: DirectorySnapshot,
    *,
    accounts: tuple[Account, ...] = ACCOUNTS,
    last: LastRead | None = None,
    policy: Policy = PROMPT,
) -> GuardReport:
    """The report for twenty people, of whom the first ten are premium."""
    made = plan(world(current, accounts, seats={PREMIUM: 10, STANDARD: 30}), policy)
    return guard(made, limits, accounts=accounts, snapshot=current, last=last or LastRead())


def tripped(report: GuardReport) -> dict[str, str]:
    """Tripped limits, name → counted."""
    assert report.held == bool(report.tripped)
    return {check.name: check.counted for check in report.tripped}


def held(
    limits: Limits, here: list[str], premium: list[str], last: LastRead | None = None
) -> dict[str, str]:
    return tripped(judge(limits, read(here, premium), last=last))


# --- all together -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "gone", "trips"), [(2, 2, False), (2, 3, True), (0, 1, True), (0, 0, False)]
)
def test_removals_by_number(count: int, gone: int, trips: bool) -> None:
    limits = replace(NONE, removals=Limit(count=count))

    said = held(limits, NAMES[gone:], NAMES[gone:10])

    assert said == ({"removals.count": f"{gone}/20"} if trips else {})


@pytest.mark.parametrize(
    ("percent", "gone", "trips"),
    [(10, 2, False), (10, 3, True), (11, 3, False), (0, 1, True), (0, 0, False), (1, 1, False)],
)
def test_removals_by_share_rounded_up_to_whole_people(percent: float, gone: int, trips: bool) -> None:
    limits = replace(NONE, removals=Limit(percent=percent))

    said = held(limits, NAMES[gone:], NAMES[gone:10])

    assert said == ({"removals.percent": f"{gone}/20"} if trips else {})


def test_a_deleted_account_is_removed_as_much_as_one_that_is_switched_off() -> None:
    policy = replace(PROMPT, leaver_action=LeaverAction.DELETE)
    limits = replace(NONE, removals=Limit(count=1))

    said = tripped(judge(limits, read(NAMES[2:], NAMES[2:10]), policy=policy))

    assert said == {"removals.count": "2/20"}


def test_removals_are_a_share_of_the_accounts_that_work() -> None:
    off = tuple(account(f"old{n}", None, standing=Standing.DEACTIVATED) for n in range(20))
    limits = replace(NONE, removals=Limit(percent=10))

    said = tripped(judge(limits, read(NAMES[3:], NAMES[3:10]), accounts=ACCOUNTS + off))

    assert said == {"removals.percent": "3/20"}


def test_changes_are_existing_accounts_touched_in_any_way() -> None:
    limits = replace(NONE, changes=Limit(percent=10, at_least=1))

    assert held(limits, NAMES, NAMES[2:10]) == {}
    assert held(limits, NAMES, NAMES[3:10]) == {"changes.percent": "3/20"}
    assert held(limits, NAMES[3:], NAMES[3:10]) == {"changes.percent": "3/20"}
    assert held(limits, [*NAMES, "new1", "new2", "new3"], NAMES[:10]) == {}  # creations do not count


def test_changes_are_a_share_of_all_accounts() -> None:
    off = tuple(account(f"old{n}", None, standing=Standing.DEACTIVATED) for n in range(20))
    limits = replace(NONE, changes=Limit(percent=10))

    assert not judge(limits, read(NAMES, NAMES[4:10]), accounts=ACCOUNTS + off).held
    assert tripped(judge(limits, read(NAMES, NAMES[5:10]), accounts=ACCOUNTS + off)) == {
        "changes.percent": "5/40"
    }


def test_somebody_touched_twice_is_counted_once() -> None:
    current = read(NAMES, NAMES[2:10])  # two are lowered, and get another role as well
    admins = group("Admins", NAMES[:2])
    current = replace(current, groups=(*current.groups[:3], admins))

    assert tripped(judge(replace(NONE, changes=Limit(count=1)), current)) == {"changes.count": "2/20"}


# --- shares -------------------------------------------------------------------------------------------


def test_below_at_least_the_share_is_not_looked_at() -> None:
    assert held(replace(NONE, changes=Limit(percent=1, at_least=5)), NAMES, NAMES[4:10]) == {}
    assert held(replace(NONE, changes=Limit(percent=1, at_least=4)), NAMES, NAMES[4:10]) != {}


def test_a_share_that_comes_to_whole_people_is_not_rounded_up_further() -> None:
    assert Limit(percent=16.1).allowed_by_percent(1000) == 161  # 161.00000000000003 in binary


def test_a_share_of_zero_means_none_whatever_at_least_says() -> None:
    limits = replace(NONE, removals=Limit(percent=0, at_least=10))

    assert held(limits, NAMES[1:], NAMES[1:10]) == {"removals.percent": "1/20"}
    assert held(limits, NAMES, NAMES[:10]) == {}


@pytest.mark.parametrize("limit", ["removals", "tier_drops", "group_losses", "changes"])
@pytest.mark.parametrize("zero", [Limit(count=0), Limit(percent=0), Limit(percent=0, at_least=50)])
def test_zero_means_none_for_every_limit(limit: str, zero: Limit) -> None:
    limits = replace(NONE, **{limit: zero})
    last = known(Premium=NAMES[:10])

    assert held(limits, NAMES, NAMES[:10], last) == {}
    names = {name.partition(".")[0] for name in held(limits, NAMES[1:], NAMES[1:10], last)}
    assert names == {limit}


@pytest.mark.parametrize("limit", ["removals", "tier_drops", "group_losses", "changes"])
def test_off_lets_any_number_pass(limit: str) -> None:
    none = Limits(*(Limit(count=0) for _ in range(4)))
    last = known(Premium=NAMES[:10])

    said = held(replace(none, **{limit: OFF}), NAMES[15:], [], last)

    assert {name.partition(".")[0] for name in said} == {
        "removals",
        "tier_drops",
        "group_losses",
        "changes",
    } - {limit}


def test_the_defaults_hold_a_big_loss_and_pass_a_small_one() -> None:
    assert held(Limits(), NAMES[1:], NAMES[1:10]) == {}
    assert {"removals.percent", "tier_drops.percent:premium"} <= held(
        Limits(), NAMES[6:], NAMES[6:10]
    ).keys()


# --- per tier -----------------------------------------------------------------------------------------


def test_tier_drops_count_those_lowered_and_those_removed_per_tier() -> None:
    limits = replace(NONE, tier_drops=Limit(count=2))

    assert held(limits, NAMES, NAMES[2:10]) == {}
    assert held(limits, NAMES, NAMES[3:10]) == {"tier_drops.count:premium": "3/10"}
    assert held(limits, NAMES[3:], NAMES[3:10]) == {"tier_drops.count:premium": "3/10"}
    assert held(limits, NAMES[:-3], NAMES[:10]) == {"tier_drops.count:standard": "3/10"}


def test_who_is_left_without_a_seat_has_lost_the_tier() -> None:
    current = read(NAMES[3:], NAMES[3:10], contractors=NAMES[:3])
    current = replace(current, users=(*current.users, *(person(name) for name in NAMES[:3])))
    limits = replace(NONE, tier_drops=Limit(count=2))

    assert tripped(judge(limits, current)) == {"tier_drops.count:premium": "3/10"}


def test_who_rises_has_lost_nothing() -> None:
    accounts = tuple(account(name, STANDARD) for name in NAMES)

    said = judge(replace(NONE, tier_drops=Limit(count=0)), read(NAMES, NAMES[:10]), accounts=accounts)

    assert not said.held


def test_in_an_exchange_only_those_count_who_end_lower() -> None:
    accounts = (account("ada", PREMIUM), account("bob", STANDARD))
    current = read(["ada", "bob"], ["bob"])
    made = plan(world(current, accounts, seats={PREMIUM: 1, STANDARD: 1}), PROMPT)
    zero = Limits(OFF, Limit(count=0), Limit(count=0), OFF)

    report = guard(made, zero, accounts=accounts, snapshot=current, last=LastRead())

    assert len(made.actions) == 3  # one of them gives the seat up and takes another at the end
    assert tripped(report) == {"tier_drops.count:premium": "1/1"}  # and nobody is left without a seat


def test_who_gives_a_seat_up_and_has_one_like_it_in_the_end_has_lost_nothing() -> None:
    ada = account("ada", PREMIUM)
    current = read(["ada"], ["ada"])
    made = plan(world(current, [ada]), PROMPT)
    away = ChangeTier(ada.id, ada.profile, "id-ada", PREMIUM, None, ())
    back = ChangeTier(ada.id, ada.profile, "id-ada", None, PREMIUM, ())
    zero = Limits(OFF, Limit(count=0), OFF, OFF)

    made = replace(made, actions=(away, back))

    assert not guard(made, zero, accounts=(ada,), snapshot=current, last=LastRead()).held


def test_a_small_tier_that_is_dropped_whole_is_caught_by_its_share() -> None:
    accounts = tuple(account(name, PREMIUM if n < 2 else STANDARD) for n, name in enumerate(NAMES))

    report = judge(Limits(), read(NAMES, []), accounts=accounts)

    assert tripped(report) == {"tier_drops.percent:premium": "2/2"}


# --- per group ----------------------------------------------------------------------------------------


def test_group_losses_are_those_since_the_last_complete_read() -> None:
    limits = replace(NONE, group_losses=Limit(percent=50, at_least=4))
    last = known(Premium=[*NAMES[:10], "gone1", "gone2"])

    assert held(limits, NAMES, NAMES[:10], last) == {}
    assert held(limits, NAMES, NAMES[:6], last) == {}  # 6 of 12: not above half
    assert held(limits, NAMES, NAMES[:5], last) == {"group_losses.percent:Premium": "7/12"}
    assert held(limits, NAMES, NAMES[:1], known(Premium=NAMES[:4])) == {}  # 3: fewer than at_least


def test_members_who_stay_and_lose_their_seat_are_lost_to_the_group_as_well() -> None:
    """All of a small team are disabled at once: a small share of everybody, the whole of the group."""
    limits = replace(NONE, group_losses=Limit(percent=50, at_least=3))
    team = NAMES[:4]

    said = judge(limits, read(NAMES, team, off=team[:3]), last=known(Premium=team))

    assert tripped(said) == {"group_losses.percent:Premium": "3/4"}


def test_members_without_a_seat_lose_their_account() -> None:
    seatless = (account("temp", None), *ACCOUNTS)
    current = read([*NAMES, "temp"], NAMES[:10], contractors=["temp"], off=["temp"])

    said = judge(replace(NONE, group_losses=Limit(count=0)), current, accounts=seatless)

    assert tripped(said)["group_losses.count:Contractors"] == "1/1"


def test_somebody_who_leaves_the_group_and_loses_the_seat_is_counted_once() -> None:
    limits = replace(NONE, group_losses=Limit(count=0))

    said = held(limits, NAMES[2:], NAMES[2:10], known(Premium=NAMES[:10]))

    assert said == {"group_losses.count:Premium": "2/10"}


def test_who_is_new_in_a_group_is_not_lost_to_it() -> None:
    """They lose their seat by joining: that is a matter of their tier."""
    current = read(NAMES, NAMES[:10], contractors=["p19"])
    current = replace(
        current,
        groups=tuple(g if g.name != "Users" else group("Users", NAMES[:19]) for g in current.groups),
    )
    last = known(Contractors=["x"], Users=NAMES[:19])

    said = judge(replace(NONE, group_losses=Limit(count=0)), current, last=last)

    assert [check.people for check in said.tripped if "Contractors" in check.name] == [("id-x",)]


def test_a_group_that_nothing_is_known_of_counts_by_its_members_now() -> None:
    limits = replace(NONE, group_losses=Limit(count=1))

    said = judge(limits, read(NAMES, NAMES[:10], off=NAMES[:2]))

    assert tripped(said) == {"group_losses.count:Premium": "2/10", "group_losses.count:Users": "2/20"}


def test_a_group_that_was_not_read_whole_has_lost_only_those_whose_seat_goes() -> None:
    current = read(NAMES, [], off=NAMES[:2])
    hidden = group("Premium", NAMES[5:7], Coverage.PARTIAL)
    current = replace(current, groups=(hidden, *current.groups[1:]))
    limits = replace(NONE, group_losses=Limit(count=0))

    said = judge(limits, current, last=known(Premium=NAMES[:10]))

    assert said.tripped[0].counted == "2/10"


def test_a_group_under_a_new_name_is_compared_with_what_it_was() -> None:
    last = LastRead({"Gold": ids(NAMES[:10])}, {"Gold": "g-Premium"})

    said = held(replace(NONE, group_losses=Limit(count=0)), NAMES, NAMES[1:10], last)

    assert said == {"group_losses.count:Premium": "1/10"}


def test_only_groups_that_lost_somebody_have_a_line() -> None:
    many = [group(f"Team {n}", NAMES) for n in range(100)]
    current = read(NAMES, NAMES[:10])
    last = LastRead({f"Team {n}": ids([*NAMES, "x"] if n == 7 else NAMES) for n in range(100)})

    report = judge(Limits(), replace(current, groups=(*current.groups, *many)), last=last)

    lines = [check for check in report.checks if check.name.startswith("group_losses")]
    assert [check.name for check in lines] == ["group_losses.percent:Team 7"]
    assert (lines[0].counted, lines[0].tripped) == ("1/21", False)


# --- another group of the same name -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "trips"),
    [("g-older", True), ("g-Premium", False), ("", False)],
)
def test_a_group_made_anew_without_all_of_its_members_is_held(before: str, trips: bool) -> None:
    last = LastRead({"Premium": ids(NAMES[:10])}, {"Premium": before})

    said = held(NONE, NAMES, NAMES[1:10], last)

    assert said == ({"group_replaced:Premium": "1/10"} if trips else {})


def test_a_group_made_anew_with_all_of_its_members_passes() -> None:
    last = LastRead({"Premium": ids(NAMES[:9])}, {"Premium": "g-older"})

    assert held(NONE, NAMES, NAMES[:10], last) == {}


def test_a_group_that_was_not_read_whole_is_not_called_another_one() -> None:
    current = read(NAMES, [])
    cut = group("Premium", NAMES[:3], Coverage.PARTIAL)
    last = LastRead({"Premium": ids(NAMES[:10])}, {"Premium": "g-older"})

    assert not judge(NONE, replace(current, groups=(cut, *current.groups[1:])), last=last).held


# --- another scope ------------------------------------------------------------------------------------

BEFORE = LastRead(scope="everybody")


def narrowed(current: DirectorySnapshot, scope: str = "some") -> DirectorySnapshot:
    return replace(current, scope=scope)


def test_in_another_scope_nobody_loses_anything_unseen() -> None:
    for current in (
        read(NAMES[1:], NAMES[1:10]),  # removed
        read(NAMES, NAMES[1:10]),  # lowered
        read(NAMES, NAMES[:10], off=["p00"]),  # disabled
    ):
        report = judge(NONE, narrowed(current), last=BEFORE)
        assert [(c.name, c.allowed, c.seen, c.counted, c.people) for c in report.tripped] == [
            ("scope", 0, 1, "1/20", ("p00@acme.example",))
        ]
        assert report.scope == "some"  # once a person has approved it


def test_in_another_scope_an_account_without_a_seat_is_something_to_lose() -> None:
    seatless = (account("temp", None), *ACCOUNTS)

    report = judge(NONE, narrowed(read(NAMES, NAMES[:10])), last=BEFORE, accounts=seatless)

    assert tripped(report) == {"scope": "1/21"}


def test_in_another_scope_what_takes_nothing_passes_and_is_the_new_measure() -> None:
    report = judge(NONE, narrowed(read([*NAMES, "new"], NAMES[:10])), last=BEFORE)

    assert not report.held
    assert report.scope == "some"


@pytest.mark.parametrize(
    ("before", "now"), [("everybody", "everybody"), ("", "some"), ("everybody", "")]
)
def test_the_same_scope_and_an_unknown_one_hold_nothing(before: str, now: str) -> None:
    report = judge(NONE, narrowed(read(NAMES[1:], NAMES[1:10]), now), last=LastRead(scope=before))

    assert "scope" not in {check.name for check in report.checks}
    assert report.scope == now


def test_while_people_are_in_grace_another_scope_is_not_settled() -> None:
    patient = replace(PROMPT, leaver_grace=timedelta(hours=48))

    report = judge(NONE, narrowed(read(NAMES[1:], NAMES[1:10])), last=BEFORE, policy=patient)

    assert not report.held
    assert report.scope == "everybody"


def test_those_in_grace_are_counted_with_those_who_lose_something_now() -> None:
    patient = replace(PROMPT, leaver_grace=timedelta(hours=48))

    report = judge(
        NONE, narrowed(read(NAMES[1:], NAMES[1:10], off=["p05"])), last=BEFORE, policy=patient
    )

    assert report.tripped[0].people == ("p00@acme.example", "p05@acme.example")
    assert report.scope == "some"  # whoever approves has seen them


def test_somebody_in_grace_without_a_seat_has_nothing_to_lose() -> None:
    patient = replace(PROMPT, leaver_grace=timedelta(hours=48))
    off = account("old", None, standing=Standing.DEACTIVATED)

    report = judge(
        NONE, narrowed(read(NAMES, NAMES[:10])), last=BEFORE, policy=patient, accounts=(*ACCOUNTS, off)
    )

    assert report.scope == "some"


@pytest.mark.parametrize("mode", [Mode.NO_REMOVALS, Mode.CREATE_ONLY, Mode.OBSERVE])
def test_a_mode_that_keeps_losses_back_does_not_settle_another_scope(mode: Mode) -> None:
    current = narrowed(read(NAMES, NAMES[:10]))

    assert judge(NONE, current, last=BEFORE, policy=replace(PROMPT, mode=mode)).scope == "everybody"


def test_a_read_that_was_cut_does_not_settle_another_scope() -> None:
    current = narrowed(read(NAMES, NAMES[:10]))
    gone = Group("Premium", "Premium", None, Coverage.GONE)

    report = judge(NONE, replace(current, groups=(gone, *current.groups[1:])), last=BEFORE)

    assert report.scope == "everybody"


# --- what is told -------------------------------------------------------------------------------------


def test_a_tripped_limit_names_the_people_and_one_that_passes_does_not() -> None:
    limits = replace(NONE, removals=Limit(count=1, percent=50))

    count, percent = judge(limits, read(NAMES[2:], NAMES[2:10])).checks[:2]

    assert count.people == ("p00@acme.example", "p01@acme.example")
    assert (percent.tripped, percent.people) == (False, ())
    assert str(count) == "removals.count: allowed 1, seen 2 (2/20)"
    assert str(percent) == "removals.percent: allowed 50 %, seen 10 % (2/20)"

    limits = replace(NONE, removals=Limit(count=2, percent=5))
    count, percent = judge(limits, read(NAMES[2:], NAMES[2:10])).checks[:2]
    assert (count.people, percent.people) == ((), ("p00@acme.example", "p01@acme.example"))


def test_who_is_gone_from_the_directory_is_named_by_the_account() -> None:
    limits = replace(NONE, group_losses=Limit(percent=5, at_least=1))
    last = known(Premium=[*NAMES[:10], "stranger"])

    patient = replace(PROMPT, leaver_grace=timedelta(hours=48))  # no action names them

    report = judge(limits, read(NAMES[1:], NAMES[1:10]), last=last, policy=patient)

    assert report.tripped[0].people == ("id-stranger", "p00@acme.example")


def test_the_unit_is_that_of_the_limit_whatever_the_group_is_called() -> None:
    assert "%" not in str(LimitCheck("group_losses.count:100 percent", 1, 2, "2/3", tripped=True))


def test_limits_that_counted_the_same_people_are_one_sentence() -> None:
    limits = replace(NONE, removals=Limit(count=11, percent=50), tier_drops=Limit(count=9))

    report = judge(limits, read(NAMES[12:], []))

    assert report.sentences == (
        "removals.count: allowed 11, seen 12 (12/20); "
        "removals.percent: allowed 50 %, seen 60 % (12/20): "
        + ", ".join(f"p{n:02}@acme.example" for n in range(10))
        + " and 2 more",
        "tier_drops.count:premium: allowed 9, seen 10 (10/10): "
        + ", ".join(f"p{n:02}@acme.example" for n in range(10)),
    )

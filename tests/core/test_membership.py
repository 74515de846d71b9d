"""Who may do what at the manual door, what protects owners, what a hand may give beside rules."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from idpsync.core.errors import NotPermitted, NotPossible
from idpsync.core.membership import (
    Act,
    Actor,
    is_address,
    is_primary,
    leave_roles_to_rules,
    leave_tier_to_rule,
    permit,
    permit_role,
    protect_owners,
    rank_of,
    roles_of_invite,
    roles_with,
    with_assignment,
    with_invite,
)
from idpsync.core.model import ADMIN, OWNER, PRIMARY_OWNER, USER, Account, Standing
from idpsync.core.policy import Policy, WithoutRule
from tests.people import LADDER, POLICY, PREMIUM, STANDARD, account, given, invite

CUSTOM = "auditor"
OPERATOR = Actor("cli:root")
EVERYBODY = (None, PRIMARY_OWNER, OWNER, ADMIN, USER, CUSTOM, "")


def allowed(role: str | None, act: Act) -> bool:
    try:
        permit(Actor("ada@acme.example", role), act)
    except NotPermitted:
        return False
    return True


def may_give(role: str | None, given: str) -> bool:
    try:
        permit_role(Actor("ada@acme.example", role), given)
    except NotPermitted:
        return False
    return True


# --- rights -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "who"),
    [
        (Act.BUY, {None, PRIMARY_OWNER, OWNER}),
        (Act.INVITE, {None, PRIMARY_OWNER, OWNER, ADMIN}),
        (Act.REASSIGN, {None, PRIMARY_OWNER, OWNER, ADMIN}),
        (Act.REMOVE, {None, PRIMARY_OWNER, OWNER, ADMIN}),
        (Act.GIVE_ROLE, {None, PRIMARY_OWNER, OWNER, ADMIN}),
    ],
)
def test_only_owners_buy_and_admins_and_above_do_the_rest(act: Act, who: set[str | None]) -> None:
    assert {role for role in EVERYBODY if allowed(role, act)} == who


def test_every_act_has_a_row_in_the_table_above() -> None:
    assert len(Act) == 5


@pytest.mark.parametrize(
    ("given", "who"),
    [
        (PRIMARY_OWNER, set()),
        (OWNER, {None, PRIMARY_OWNER, OWNER}),
        (ADMIN, {None, PRIMARY_OWNER, OWNER, ADMIN}),
        (USER, {None, PRIMARY_OWNER, OWNER, ADMIN}),
        (CUSTOM, {None, PRIMARY_OWNER, OWNER, ADMIN}),
    ],
)
def test_owners_are_made_by_owners_and_the_primary_owner_by_nobody(
    given: str, who: set[str | None]
) -> None:
    assert {role for role in EVERYBODY if may_give(role, given)} == who


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (Act.BUY, "ada@acme.example may not buy seats: that takes an owner"),
        (Act.INVITE, "ada@acme.example may not invite people: that takes an admin or an owner"),
        (Act.REMOVE, "ada@acme.example may not remove people: that takes an admin or an owner"),
    ],
)
def test_a_refusal_names_who_may_not_do_what_and_what_it_takes(act: Act, words: str) -> None:
    with pytest.raises(NotPermitted) as caught:
        permit(Actor("ada@acme.example", USER), act)
    assert str(caught.value) == words


def test_a_refused_role_says_why() -> None:
    with pytest.raises(NotPermitted, match=r"exactly one primary owner: .* organization\.primary_owner"):
        permit_role(OPERATOR, PRIMARY_OWNER)
    with pytest.raises(
        NotPermitted, match=r"^ada may not give or take the role owner: that takes an owner$"
    ):
        permit_role(Actor("ada", ADMIN), OWNER)
    with pytest.raises(NotPermitted, match=r"^ada may not give roles"):
        permit_role(Actor("ada", USER), USER)


@pytest.mark.parametrize(
    ("roles", "rank"),
    [
        ((), USER),
        ((CUSTOM,), USER),
        ((ADMIN, CUSTOM), ADMIN),
        ((ADMIN, OWNER), OWNER),
        ((OWNER, PRIMARY_OWNER, ADMIN), PRIMARY_OWNER),
    ],
)
def test_the_highest_role_with_rights_counts(roles: tuple[str, ...], rank: str) -> None:
    assert rank_of(iter(roles)) == rank


# --- owners -------------------------------------------------------------------------------------------


def owner(name: str, standing: Standing = Standing.ACTIVE) -> Account:
    return account(name, roles=[OWNER], standing=standing)


def why_protected(
    who: Account, others: Iterable[Account] = (), primary: str | None = None
) -> str | None:
    """The words of the refusal; None when something may be taken from them."""
    try:
        protect_owners(who, (who, *others), primary)
    except NotPermitted as error:
        return str(error)
    return None


PRIMARY_IS_KEPT = (
    "ada@acme.example is the primary owner, who is never demoted or removed: name another one in the "
    "configuration first, organization.primary_owner"
)
LAST_IS_KEPT = "ada@acme.example is the last owner: make somebody else an owner first"


def test_the_primary_owner_is_known_by_user_name_address_and_role() -> None:
    by_email = replace(account("x"), profile=replace(account("x").profile, email="Ada@ACME.example"))

    assert is_primary(account("ada"), "ada@acme.example")
    assert is_primary(by_email, "ada@acme.example")
    assert is_primary(account("x", roles=[PRIMARY_OWNER]), "ada@acme.example")
    assert not is_primary(account("x"), "ada@acme.example")
    assert not is_primary(replace(account("x"), profile=replace(account("x").profile, email=None)), None)


def test_nothing_is_taken_from_the_primary_owner() -> None:
    others = [owner("bob"), owner("cid")]

    assert why_protected(account("ada"), others, "ada@acme.example") == PRIMARY_IS_KEPT
    assert why_protected(owner("ada"), others, "ada@acme.example") == PRIMARY_IS_KEPT
    assert why_protected(account("ada", roles=[PRIMARY_OWNER]), others) == PRIMARY_IS_KEPT


def test_the_last_owner_stays_one() -> None:
    assert why_protected(owner("ada")) == LAST_IS_KEPT
    assert why_protected(owner("ada"), [account("bob", roles=[ADMIN])]) == LAST_IS_KEPT
    assert why_protected(owner("ada"), [owner("bob", Standing.DEACTIVATED)]) == LAST_IS_KEPT
    assert why_protected(owner("ada"), [owner("bob", Standing.INVITED)]) == LAST_IS_KEPT
    assert why_protected(owner("ada"), [owner("bob")]) is None


def test_a_primary_owner_is_an_owner_who_remains_once_they_can_work() -> None:
    named = "eve@acme.example"

    assert why_protected(owner("ada"), [account("eve")], named) is None
    assert why_protected(owner("ada"), [account("bob", roles=[PRIMARY_OWNER])]) is None
    assert why_protected(owner("ada"), [], named) == LAST_IS_KEPT
    assert (
        why_protected(owner("ada"), [account("eve", standing=Standing.INVITED)], named) == LAST_IS_KEPT
    )


def test_everybody_else_is_not_protected_by_this() -> None:
    assert why_protected(account("ada")) is None
    assert why_protected(account("ada", roles=[ADMIN, CUSTOM])) is None


# --- what a hand gives --------------------------------------------------------------------------------


def test_a_tier_by_hand_holds_where_no_rule_with_a_tier_names_somebody() -> None:
    plain = POLICY.entitle({"Admins"})
    by_hand = with_assignment(plain, given("ada", STANDARD))

    assert plain.options == LADDER.tiers
    assert (by_hand.options, by_hand.flexible) == ((STANDARD,), False)
    assert by_hand.because == ("standard by hand (cli:root)",)
    assert (by_hand.roles, by_hand.priority) == (plain.roles, plain.priority)


def test_no_seat_by_hand_is_an_account_without_a_seat() -> None:
    by_hand = with_assignment(POLICY.entitle(set()), given("ada", None))

    assert (by_hand.admitted, by_hand.options, by_hand.flexible) == (True, (), False)
    assert by_hand.because == ("no seat by hand (cli:root)",)


def test_a_tier_by_hand_admits_whom_no_rule_names() -> None:
    closed = Policy(ladder=LADDER, without_rule=WithoutRule.NONE).entitle(set())

    assert not closed.admitted
    assert with_assignment(closed, given("ada", PREMIUM)).admitted


def test_a_rule_with_a_tier_counts_for_more_than_a_hand() -> None:
    for group in ("Premium", "Contractors"):
        ruled = POLICY.entitle({group})
        assert with_assignment(ruled, given("ada", STANDARD)) == ruled


def test_without_an_assignment_or_an_invite_nothing_changes() -> None:
    plain = POLICY.entitle({"Users"})

    assert with_assignment(POLICY.entitle(set()), None) == POLICY.entitle(set())
    assert with_invite(plain, None) == plain


def test_an_invite_brings_its_role_but_for_user_which_everybody_is() -> None:
    plain = POLICY.entitle({"Admins"})
    invited = with_invite(plain, invite("ada", PREMIUM, role=CUSTOM))

    assert invited.roles == {ADMIN, CUSTOM}
    assert invited.because == (*plain.because, "invited by cli:root: premium, auditor")
    assert (invited.options, invited.flexible) == (plain.options, plain.flexible)
    assert with_invite(plain, invite("ada")).roles == {ADMIN}
    assert roles_of_invite(invite("ada", role=OWNER)) == {OWNER}
    assert roles_of_invite(invite("ada")) == frozenset()


def test_a_tier_that_a_rule_gives_is_left_to_the_rule() -> None:
    leave_tier_to_rule("ada", POLICY.entitle({"Admins"}))
    with pytest.raises(NotPossible, match=r"^ada: group 'Premium' → premium: a rule says which tier"):
        leave_tier_to_rule("ada", POLICY.entitle({"Premium"}))
    with pytest.raises(NotPossible, match="Contractors"):
        leave_tier_to_rule("ada", POLICY.entitle({"Contractors"}))


@pytest.mark.parametrize(
    ("before", "after", "ruled", "managed", "words"),
    [
        (
            {ADMIN},
            set(),
            {ADMIN},
            {ADMIN},
            "ada has the role admin by a rule, and the next run would give",
        ),
        (
            set(),
            {ADMIN},
            set(),
            {ADMIN},
            "the role admin is given by a rule, and the next run would take",
        ),
        (set(), {ADMIN}, {ADMIN}, {ADMIN}, None),
        ({ADMIN}, set(), set(), {ADMIN}, None),
        (set(), {CUSTOM}, set(), {ADMIN}, None),
        ({ADMIN}, {ADMIN, CUSTOM}, {ADMIN}, {ADMIN}, None),
        ({ADMIN}, {ADMIN}, set(), {ADMIN}, None),
    ],
)
def test_roles_that_rules_decide_about_are_left_to_them(
    before: set[str], after: set[str], ruled: set[str], managed: set[str], words: str | None
) -> None:
    sets = [frozenset(roles) for roles in (before, after, ruled, managed)]
    if words is None:
        leave_roles_to_rules("ada", *sets)
    else:
        with pytest.raises(NotPossible, match=f"^{words}"):
            leave_roles_to_rules("ada", *sets)


def test_an_address_has_254_signs_at_most() -> None:
    longest = f"{'a' * 64}@{'b.' * 91}example"

    assert len(longest) == 254
    assert is_address(longest)
    assert not is_address(longest.replace("example", "examples"))
    assert not is_address(f"a{longest.removeprefix('aa')}\u200b")


@pytest.mark.parametrize(
    ("before", "role", "after"),
    [
        ({ADMIN, CUSTOM}, OWNER, {OWNER, CUSTOM}),
        ({OWNER}, ADMIN, {ADMIN}),
        ({OWNER, CUSTOM}, USER, {CUSTOM}),
        (set(), USER, set()),
        ({ADMIN}, CUSTOM, {ADMIN, CUSTOM}),
        ({PRIMARY_OWNER}, ADMIN, {PRIMARY_OWNER, ADMIN}),
        ({ADMIN}, ADMIN, {ADMIN}),
    ],
)
def test_owner_admin_and_user_replace_each_other_and_custom_roles_add_up(
    before: set[str], role: str, after: set[str]
) -> None:
    assert roles_with(frozenset(before), role) == after

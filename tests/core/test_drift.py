"""Drift, the pure part: one line per account, and what differs between two of them."""

from dataclasses import replace

import pytest

from idpsync.core.drift import Drift, DriftKind, drift, drift_json, facts_of
from idpsync.core.model import Account, Standing
from tests.people import NOW, PREMIUM, STANDARD, account

ADA = replace(account("ada"), roles=frozenset({"billing", "admin"}))
CHANGED = {
    "user_name": replace(ADA, profile=replace(ADA.profile, user_name="countess")),
    "email": replace(ADA, profile=replace(ADA.profile, email=None)),
    "given_name": replace(ADA, profile=replace(ADA.profile, given_name="")),
    "family_name": replace(ADA, profile=replace(ADA.profile, family_name='King "Byron"')),
    "display_name": replace(ADA, profile=replace(ADA.profile, display_name="Zoë\n🙂")),
    "external_id": replace(ADA, external_id=None),
    "standing": replace(ADA, standing=Standing.DEACTIVATED),
    "tier": replace(ADA, tier=PREMIUM),
    "roles": replace(ADA, roles=frozenset()),
}


def known(*accounts: Account) -> dict[str, str]:
    return {one.id: facts_of(one) for one in accounts}


@pytest.mark.parametrize("attribute", CHANGED)
def test_every_attribute_that_is_kept_is_compared(attribute: str) -> None:
    (there,) = drift(known(ADA), [CHANGED[attribute]])
    (back,) = drift(known(CHANGED[attribute]), [ADA])

    assert there.attribute == back.attribute == attribute
    assert (there.before, there.after) == (back.after, back.before)


def test_the_order_of_roles_and_of_accounts_is_no_difference() -> None:
    many = replace(ADA, roles=frozenset("zyxwvutsrqponmlkjihgfedcba"))

    assert '"a, b, c, d, e, f, g, h, i' in facts_of(many)
    assert drift(known(many, account("bob")), [account("bob"), many]) == ()


def test_when_somebody_was_last_active_and_the_version_are_no_difference() -> None:
    assert drift(known(ADA), [replace(ADA, last_active_at=NOW, version='W/"2"')]) == ()


def test_differences_are_told_by_person_and_then_in_the_order_of_attributes() -> None:
    moved = replace(CHANGED["tier"], roles=frozenset(), standing=Standing.DEACTIVATED)
    before = known(ADA, account("zoe", STANDARD))

    found = drift(before, [moved, account("bob")])

    assert [(one.user_name.partition("@")[0], one.kind, one.attribute) for one in found] == [
        ("ada", DriftKind.STANDING, "standing"),
        ("ada", DriftKind.TIER, "tier"),
        ("ada", DriftKind.ROLES, "roles"),
        ("bob", DriftKind.MADE, "tier"),
        ("zoe", DriftKind.GONE, "tier"),
    ]
    assert found == drift(dict(reversed(before.items())), [account("bob"), moved])


def test_an_account_that_was_deleted_and_made_anew_is_told_as_both() -> None:
    anew = replace(ADA, id="acc-2")

    found = drift(known(ADA), [anew])

    assert {(one.account_id, one.kind) for one in found} == {
        ("acc-ada", DriftKind.GONE),
        ("acc-2", DriftKind.MADE),
    }


def test_an_invite_that_was_taken_up_under_a_new_id_is_nobodys_doing_but_theirs() -> None:
    invited = replace(ADA, standing=Standing.INVITED)

    assert drift(known(invited), [replace(ADA, id="acc-2")]) == ()


def test_of_what_is_in_doubt_nothing_is_said() -> None:
    doubt = {"acc-ada": "", "acc-bob": "", "cyd@acme.example": ""}

    assert drift(doubt, [ADA, account("cyd")]) == ()


def test_the_shape_for_scripts_has_who_what_before_and_after() -> None:
    one = Drift(DriftKind.TIER, "acc-ada", "ada", "tier", None, "premium")

    assert drift_json([one]) == [
        {
            "user_name": "ada",
            "account_id": "acc-ada",
            "kind": "tier",
            "attribute": "tier",
            "before": None,
            "after": "premium",
        }
    ]

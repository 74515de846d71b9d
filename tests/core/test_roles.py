"""What roles are called, whichever way somebody writes them."""

import pytest

from idpsync.core.errors import NotPossible
from idpsync.core.model import ADMIN, OWNER, PRIMARY_OWNER, USER
from idpsync.core.roles import LONGEST, role_called


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ("Primary Owner", PRIMARY_OWNER),
        ("primary-owner", PRIMARY_OWNER),
        (" OWNER ", OWNER),
        ("Administrator", ADMIN),
        ("Proprietário", OWNER),
        ("Member", USER),
        ("USER", USER),
        ("Security Auditor", "Security Auditor"),
        ("ownership", "ownership"),
        ("監査", "監査"),
        ("a" * LONGEST, "a" * LONGEST),
    ],
)
def test_our_roles_are_known_by_their_words_and_custom_ones_stay_as_they_are(
    said: str, role: str
) -> None:
    assert role_called(said) == role


@pytest.mark.parametrize(
    ("said", "rank"),
    [
        ("\uff4f\uff57\uff4e\uff45\uff52", OWNER),  # in full width
        ("own\u200ber", OWNER),
        ("o.w.n.e.r", OWNER),
        ("\u00f3wner", OWNER),
        ("Pri Mary Owner", PRIMARY_OWNER),
        ("ad-min", ADMIN),
        ("admin!", ADMIN),
    ],
)
def test_a_role_that_looks_like_one_with_rights_is_that_one(said: str, rank: str) -> None:
    assert role_called(said) == rank


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", "the role is empty"),
        ("  ", "the role is empty"),
        ("=", "'=' is not a role: it has no letters"),
        ("\x1b[31mlead", r"'\\x1b\[31mlead' is not a role: it holds a control character"),
        ("le\u202ead", "is not a role: it holds a control character, or one that cannot be seen"),
        ("a" * (LONGEST + 1), f"is not a role: it has more than {LONGEST} characters"),
    ],
)
def test_what_is_no_name_of_a_role_is_refused(said: str, words: str) -> None:
    with pytest.raises(NotPossible, match=f"^.*{words}"):
        role_called(said)

"""Which account is whose: keys in order of trust, and nobody guessed."""

from dataclasses import replace

from idpsync.core.correlate import Correlation, Owners, correlate
from idpsync.core.model import Account, DirectoryUser, Link, Standing
from idpsync.core.roll import Roll
from tests.people import NOW, SOURCE, account, link, person


def found(
    people: list[DirectoryUser], accounts: list[Account], *links: Link, verified: bool = True
) -> Correlation:
    roll = Roll.of(accounts)
    return correlate(people, roll, Owners(links, roll), verified=lambda _: verified)


def matches(outcome: Correlation) -> dict[str, str]:
    matched = zip(outcome.people, outcome.accounts, strict=True)
    return {person.external_id: account.id for person, account in matched if account}


def foreign(name: str, **changes: object) -> Account:
    """An account without our mark."""
    return replace(account(name, external_id=None), **changes)  # type: ignore[arg-type]


def test_a_link_outranks_every_name() -> None:
    renamed = replace(account("ada"), profile=account("zoe").profile)
    outcome = found([person("ada"), person("zoe")], [renamed], link("ada"))

    assert matches(outcome) == {"id-ada": "acc-ada"}
    assert [c.reason for c in outcome.conflicts] == ["ambiguous_correlation"]  # zoe's name is taken


def test_our_mark_then_the_user_name_then_the_address_find_an_account() -> None:
    marked = replace(account("ada"), profile=account("other").profile)
    named = foreign("bob")
    addressed = foreign("cy", profile=replace(account("cy").profile, user_name="cyril"))
    outcome = found([person("ada"), person("bob"), person("cy")], [marked, named, addressed])

    assert matches(outcome) == {"id-ada": "acc-ada", "id-bob": "acc-bob", "id-cy": "acc-cy"}
    assert [a.matched_by for a in outcome.adoptions] == ["external_id", "user_name", "email"]


def test_names_are_compared_without_case() -> None:
    loud = foreign("ada", profile=replace(account("ada").profile, user_name="ADA@Acme.Example"))

    assert matches(found([person("ada")], [loud])) == {"id-ada": "acc-ada"}


def test_an_account_of_somebody_else_is_never_taken() -> None:
    marked_for_another = replace(account("ada"), external_id="id-somebody")
    outcome = found([person("ada")], [marked_for_another])

    assert matches(outcome) == {}
    assert outcome.skipped == {"id-ada"}
    assert "id-somebody" in " ".join(outcome.conflicts[0].keys)


def test_an_account_linked_to_somebody_else_is_never_taken() -> None:
    taken = Link("acc-ada", SOURCE, "id-before", NOW)
    outcome = found([person("ada")], [foreign("ada")], taken)

    assert matches(outcome) == {}
    assert outcome.skipped == {"id-ada"}


def test_several_candidates_are_a_conflict() -> None:
    twin = replace(account("ada"), id="acc-ada-2")
    outcome = found([person("ada")], [account("ada"), twin])

    assert matches(outcome) == {}
    assert [c.reason for c in outcome.conflicts] == ["ambiguous_correlation"]


def test_an_address_is_a_key_only_when_verified_and_the_account_unmarked() -> None:
    other_name = replace(account("ada").profile, user_name="a.example")
    unmarked, marked = foreign("ada", profile=other_name), replace(account("ada"), profile=other_name)

    assert matches(found([person("ada")], [unmarked])) == {"id-ada": "acc-ada"}
    assert matches(found([person("ada")], [unmarked], verified=False)) == {}
    other = found([person("ada")], [replace(marked, external_id="id-x")])
    assert (matches(other), other.skipped) == (
        {},
        frozenset(),
    )  # not hers, and no obstacle to one of hers


def test_mark_and_user_name_are_keys_whatever_the_address() -> None:
    marked, named = replace(account("ada"), profile=account("other").profile), foreign("bob")
    outcome = found([person("ada"), person("bob")], [marked, named], verified=False)

    assert matches(outcome) == {"id-ada": "acc-ada", "id-bob": "acc-bob"}


def test_candidates_are_named_in_the_order_of_their_ids() -> None:
    twins = [replace(account("ada"), id=f"acc-{n}") for n in (3, 1, 2)]
    (conflict,) = found([person("ada")], twins).conflicts

    assert [key.partition("(")[2] for key in conflict.keys[1:]] == ["acc-1)", "acc-2)", "acc-3)"]


def test_an_empty_user_name_is_none_that_people_share() -> None:
    nameless = [
        replace(p, profile=replace(p.profile, user_name="")) for p in map(person, ("ada", "bob"))
    ]

    assert found(nameless, []).conflicts == ()


def test_people_the_directory_does_not_tell_apart_are_left_alone() -> None:
    twin = replace(person("ada"), external_id="id-ada-2")
    outcome = found([person("ada"), twin, person("bob")], [account("bob")])

    assert outcome.skipped == {"id-ada", "id-ada-2"}
    assert {c.reason for c in outcome.conflicts} == {"shared_user_name", "shared_email"}
    assert matches(outcome) == {"id-bob": "acc-bob"}


def test_one_account_claimed_by_two_people_is_nobodys() -> None:
    by_name = person("ada")
    by_mail = replace(person("zoe"), profile=replace(person("zoe").profile, email="a@acme.example"))
    shared = foreign("ada", profile=replace(account("ada").profile, email="a@acme.example"))
    outcome = found([by_name, by_mail], [shared])

    assert matches(outcome) == {}
    assert outcome.skipped == {"id-ada", "id-zoe"}
    assert {c.reason for c in outcome.conflicts} == {"claimed_twice"}


def test_accounts_nobody_explains_are_orphans() -> None:
    outcome = found([person("ada")], [account("ada"), foreign("ghost"), account("left")], link("left"))

    assert outcome.orphans == ("ghost@acme.example",)


def test_of_two_linked_accounts_the_one_that_is_there_is_theirs() -> None:
    """However the links are listed: an account that is gone leaves its link behind."""
    gone = replace(link("ada"), account_id="acc-zzz")

    for links in ((link("ada"), gone), (gone, link("ada"))):
        assert matches(found([person("ada")], [account("ada")], *links)) == {"id-ada": "acc-ada"}


def test_of_two_linked_accounts_the_one_in_use_is_theirs() -> None:
    old = replace(account("ada", standing=Standing.DEACTIVATED), id="acc-zzz")
    links = [link("ada"), replace(link("ada"), account_id="acc-zzz")]

    assert matches(found([person("ada")], [old, account("ada")], *links)) == {"id-ada": "acc-ada"}


def test_two_linked_accounts_in_use_are_a_conflict() -> None:
    other = replace(account("ada"), id="acc-zzz")
    links = [link("ada"), replace(link("ada"), account_id="acc-zzz")]

    for several in (links, links[::-1]):
        outcome = found([person("ada")], [account("ada"), other], *several)
        assert matches(outcome) == {}
        (conflict,) = outcome.conflicts
        assert conflict.reason == "linked_twice"
        assert outcome.skipped == {"id-ada"}
        assert outcome.orphans == ()

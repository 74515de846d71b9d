"""Contract of `ReadCache`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.changes import DirectoryChanges, MemberChanges
from idpsync.core.model import Coverage
from idpsync.core.records import LastRead
from tests.contracts.stores import Books, Opener
from tests.people import NOW, group, person, snapshot


class ReadCacheContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh)

    def test_a_person_is_found_by_any_name_however_it_is_written(self, books: Books) -> None:
        ada = replace(person("ada"), attributes={"department": "R&D"}, active=None)
        books.store.cache.save(
            snapshot([ada, "bob"], [group("Premium", ["ada"]), group("All", ["ada"])])
        )

        for name in ("ADA@acme.example", " ada@ACME.example", "ID-ada"):
            found = books.store.cache.person(name)
            assert found is not None
            assert (found.user, found.groups) == (ada, frozenset({"Premium", "All"}))
        assert books.store.cache.person("nobody") is None

    def test_everybody_of_the_last_whole_read_is_told(self, books: Books) -> None:
        ada = replace(person("ada"), attributes={"id in branch": "branch:7"}, active=False)
        books.store.cache.save(snapshot([ada, "bob"]))
        books.store.cache.save(snapshot(["zoe"], coverage=Coverage.PARTIAL))

        found = {user.external_id: user for user in books.store.cache.people()}
        assert found == {"id-ada": ada, "id-bob": person("bob")}

    def test_a_new_read_replaces_the_old_one(self, books: Books) -> None:
        books.store.cache.save(snapshot(["ada", "bob"], [group("Premium", ["ada", "bob"])]))
        renamed = replace(person("ada"), profile=replace(person("ada").profile, user_name="countess"))

        later = snapshot([renamed, "cyd"], [group("Premium", ["ada", "cyd"])])
        books.store.cache.save(replace(later, taken_at=NOW + timedelta(hours=1)))

        assert books.store.cache.person("bob@acme.example") is None
        found = books.store.cache.person("countess")
        assert found is not None
        assert found.user == renamed
        assert books.store.cache.group_members() == {"Premium": {"id-ada", "id-cyd"}}
        assert books.store.cache.saved_at() == NOW + timedelta(hours=1)

    def test_what_was_not_read_whole_stays_as_it_was(self, books: Books) -> None:
        first = snapshot(["ada"], [group("Premium", ["ada"]), group("Users", ["ada"])])
        books.store.cache.save(first)

        cut = snapshot(
            ["bob"],
            [group("Premium", None, Coverage.FAILED), group("Users", ["bob"], Coverage.PARTIAL)],
            Coverage.PARTIAL,
        )
        books.store.cache.save(replace(cut, taken_at=NOW + timedelta(hours=1)))

        assert books.store.cache.group_members() == {"Premium": {"id-ada"}, "Users": {"id-ada"}}
        assert books.store.cache.person("bob@acme.example") is None
        assert books.store.cache.person("ada@acme.example") is not None
        assert books.store.cache.saved_at() == NOW

    def test_whole_groups_are_kept_beside_a_broken_one(self, books: Books) -> None:
        books.store.cache.save(snapshot(["ada"], [group("A", ["ada"]), group("B", ["ada"])]))

        books.store.cache.save(snapshot(["ada"], [group("A", []), group("B", None, Coverage.GONE)]))

        assert books.store.cache.group_members() == {"A": frozenset(), "B": {"id-ada"}}

    def test_the_scope_and_who_the_groups_were_are_kept(self, books: Books) -> None:
        before = replace(snapshot(["ada"], [group("A", ["ada"])]), scope="all of them")
        books.store.cache.save(before)
        assert books.store.cache.last_read() == LastRead(
            {"A": frozenset({"id-ada"})}, {"A": "g-A"}, "all of them"
        )

        made_anew = replace(group("A", ["ada"]), external_id="g-2")
        books.store.cache.save(replace(before, groups=(made_anew,), scope="half"))

        again = books.store.cache.last_read()
        assert (again.group_ids, again.scope) == ({"A": "g-2"}, "half")

    def test_a_read_that_was_cut_leaves_the_scope(self, books: Books) -> None:
        books.store.cache.save(replace(snapshot(["ada"]), scope="all of them"))

        books.store.cache.save(replace(snapshot(["ada"], coverage=Coverage.PARTIAL), scope="half"))

        assert books.store.cache.last_read().scope == "all of them"

    def test_changes_carry_the_last_read_on(self, books: Books) -> None:
        first = replace(
            snapshot(["ada", "bob", "cyd"], [group("A", ["ada", "bob"]), group("B", ["cyd"])]),
            scope="all of them",
        )
        books.store.cache.save(first)
        at = NOW + timedelta(hours=1)
        renamed = replace(person("ada"), profile=replace(person("ada").profile, user_name="countess"))

        changes = DirectoryChanges(
            cursor="2",
            taken_at=at,
            people={"id-ada": renamed, "id-bob": None, "id-dan": person("dan")},
            groups={"A": MemberChanges(frozenset({"id-dan", "id-cyd"}), frozenset({"id-bob"}))},
        )

        cache = books.store.cache
        cache.update(changes)
        cache.update(changes)  # nothing more comes of it

        assert cache.group_members() == {"A": {"id-ada", "id-cyd", "id-dan"}, "B": {"id-cyd"}}
        assert cache.person("bob@acme.example") is None
        countess, cyd = cache.person("countess"), cache.person("cyd@acme.example")
        assert countess
        assert cyd
        assert countess.groups == {"A"}
        assert cyd.groups == {"A", "B"}
        assert (cache.saved_at(), cache.last_read().scope) == (at, "all of them")

    def test_a_whole_read_after_changes_counts(self, books: Books) -> None:
        first = snapshot(["ada", "bob"], [group("A", ["ada"])])
        books.store.cache.save(first)
        change = MemberChanges(joined=frozenset({"id-bob"}))
        books.store.cache.update(DirectoryChanges(cursor="2", taken_at=NOW, groups={"A": change}))

        books.store.cache.save(first)

        assert books.store.cache.group_members() == {"A": {"id-ada"}}

    def test_an_empty_cache_knows_nothing(self, books: Books) -> None:
        assert books.store.cache.last_read() == LastRead()
        assert books.store.cache.saved_at() is None
        assert books.store.cache.group_members() == {}
        assert books.store.cache.people() == ()

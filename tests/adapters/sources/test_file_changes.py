"""Changes of a people file: what a whole read would show otherwise, and nothing where that is odd."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idpsync.core.changes import DirectoryChanges
from idpsync.core.errors import RemoteError
from idpsync.core.model import DirectorySnapshot
from idpsync.sources.file.source import FileSource
from tests.adapters.sources.test_file_source import ADA, BOB, HEADER, WHOLE, FileWorld, source_of
from tests.contracts.directory_changes import DirectoryChangesContract, carried_on, seen_in
from tests.contracts.directory_source import DirectoryWorld

USERS, PREMIUM, GOLD = "Claude Users", "Claude Premium", "Claude Gold"
EVE = "3,eve,eve@acme.example,Eve,Moss,true,Claude Users"


class TestCsvChanges(DirectoryChangesContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> DirectoryWorld:
        return FileWorld(tmp_path / "people.csv")


class TestJsonChanges(DirectoryChangesContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> DirectoryWorld:
        return FileWorld(tmp_path / "people.jsonl")


class People:
    """One people file and its source."""

    def __init__(self, folder: Path, content: str, *, trailer: bool = True) -> None:
        self.path = folder / "people.csv"
        self.path.write_text(content, encoding="utf-8")
        source = source_of(self.path, USERS, PREMIUM, require_trailer=trailer)
        assert isinstance(source, FileSource)
        self.source = source
        self.first = source.read()

    def changed_to(self, content: str) -> DirectoryChanges | None:
        self.path.write_text(content, encoding="utf-8")
        assert self.first.cursor
        return self.source.changes(self.first.cursor)

    def anew(self) -> DirectorySnapshot:
        """What somebody sees who reads the file for the first time."""
        return source_of(self.path, USERS, PREMIUM).read()


def of(*lines: str) -> str:
    return "\n".join([HEADER, *lines, "#complete", ""])


def test_lines_in_another_order_tell_of_nobody(tmp_path: Path) -> None:
    changes = People(tmp_path, WHOLE).changed_to(of(BOB, ADA))

    assert changes
    assert (changes.people, changes.groups) == ({}, {})


def test_only_the_lines_that_are_other_are_taken_apart(tmp_path: Path) -> None:
    changes = People(tmp_path, WHOLE).changed_to(of(ADA, BOB, EVE))

    assert changes
    assert list(changes.people) == ["3"]
    assert changes.groups[USERS].joined == {"3"}


@pytest.mark.parametrize(
    "content",
    [
        of(ADA, BOB, "3,eve,eve@acme.example"),
        of(ADA, BOB, "1,eve,eve@acme.example,Eve,Moss,true,"),
        of(ADA, BOB, "3,ADA,eve@acme.example,Eve,Moss,true,"),
        of(ADA, BOB, BOB),
        of(ADA, BOB, "#group Claude Gold"),
        of(BOB),
        of(),
        of(ADA, BOB, "#complete", EVE),
        f"{WHOLE}{EVE}\n",
        "\n".join([ADA, HEADER, BOB, "#complete", ""]),
        WHOLE.replace("email,", "").replace("active,", "email,active,"),
        WHOLE.replace("#complete\n", ""),
        WHOLE.removesuffix("#complete\n") + EVE,
        "",
        "\n\n",
        WHOLE + "\0",
    ],
)
def test_of_an_odd_file_no_changes_are_told(tmp_path: Path, content: str) -> None:
    people = People(tmp_path, WHOLE)

    assert people.changed_to(content) is None
    assert people.changed_to(WHOLE) is None  # nor afterwards, until it was read whole


def test_a_file_that_is_no_text_any_more_tells_nothing(tmp_path: Path) -> None:
    people = People(tmp_path, WHOLE)
    people.path.write_bytes(WHOLE.encode().replace(b"Ross", b"R\xf6ss"))

    assert people.source.changes(people.first.cursor or "") is None


def test_a_group_that_is_not_declared_any_more_is_odd(tmp_path: Path) -> None:
    people = People(tmp_path, of(f"#group {GOLD}", ADA, BOB))

    assert people.changed_to(of(ADA, BOB, "#complete")) is None


def test_a_file_without_end_mark_must_end_its_last_line(tmp_path: Path) -> None:
    whole = WHOLE.removesuffix("#complete\n")

    assert People(tmp_path, whole, trailer=False).changed_to(f"{whole}{EVE}\n")
    assert People(tmp_path, whole, trailer=False).changed_to(f"{whole}{EVE}") is None


def test_a_declared_group_may_lose_its_last_member(tmp_path: Path) -> None:
    people = People(tmp_path, of(f"#group {PREMIUM}", ADA, BOB))

    changes = people.changed_to(of(f"#group {PREMIUM}", BOB))

    assert changes
    assert changes.groups[PREMIUM].left == {"1"}
    assert carried_on(seen_in(people.first), changes) == seen_in(people.anew())


def test_a_file_that_cannot_be_read_raises_as_a_read_does(tmp_path: Path) -> None:
    people = People(tmp_path, WHOLE)
    people.path.unlink()

    with pytest.raises(RemoteError):
        people.source.changes(people.first.cursor or "")


LINES = st.sampled_from(
    [
        HEADER,
        ADA,
        BOB,
        EVE,
        ADA.replace("Claude Premium;", ""),
        BOB.replace("true", "false"),
        f"{EVE};{PREMIUM}",
        "4,eve,zoe@acme.example,Zoe,Moss,true,Claude Premium",
        f"#group {PREMIUM}",
        f"#group {GOLD}",
        f"#group {USERS}",
        "#complete",
        "",
        "5,zed",
        ADA + "\r",
    ]
)
MOSTLY = st.one_of(
    st.lists(LINES, max_size=6),
    st.lists(LINES, max_size=4, unique=True).map(
        lambda lines: [HEADER, f"#group {PREMIUM}", f"#group {USERS}", *lines, "#complete", ""]
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MOSTLY, min_size=2, max_size=4))
def test_changes_are_told_only_where_a_whole_read_shows_the_same(
    tmp_path: Path, versions: Sequence[Sequence[str]]
) -> None:
    base = of(f"#group {PREMIUM}", f"#group {USERS}", ADA, BOB)
    people = People(tmp_path, base)
    seen, cursor = seen_in(people.first), people.first.cursor
    for lines in versions:
        people.path.write_text("\n".join(lines), encoding="utf-8", newline="")
        assert cursor
        changes = people.source.changes(cursor)
        if changes is None:
            return
        whole = people.anew()
        assert whole.complete
        seen, cursor = carried_on(seen, changes), changes.cursor
        assert seen == seen_in(whole)

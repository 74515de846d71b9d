"""The people file: whole, faulty in every way we know, and cut at any byte."""

import codecs
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path, PosixPath
from typing import Any, BinaryIO, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idpsync.core.errors import Malformed, NotFound, Refused, RemoteError, Transient
from idpsync.core.model import Coverage, DirectorySnapshot
from idpsync.core.ports import DirectorySource
from idpsync.sources import FileConfig, build
from tests.contracts.directory_source import (
    DirectorySourceContract,
    DirectoryWorld,
    Sample,
    group_of,
    member_names,
)

HEADER = "external_id,user_name,email,given_name,family_name,active,groups"
ADA = "1,ada,ada@acme.example,Ada,Lovelace,true,Claude Premium;Claude Users"
BOB = "2,bob,bob@acme.example,Bob,Ross,true,Claude Users"
WHOLE = "\n".join([HEADER, ADA, BOB, "#complete", ""])


class NoonClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, tzinfo=UTC)


def source_of(path: Path, *groups: str, require_trailer: bool = True) -> DirectorySource:
    config = FileConfig(kind="file", path=path, require_trailer=require_trailer)
    return build(config, clock=NoonClock(), groups=frozenset(groups))


def read(
    folder: Path, content: str | bytes, *groups: str, suffix: str = ".csv", trailer: bool = True
) -> DirectorySnapshot:
    path = folder / f"people{suffix}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return source_of(path, *groups, require_trailer=trailer).read()


class FileWorld:
    """Writes the whole file anew after each change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.people: dict[str, Sample] = {}
        self.groups: dict[str, set[str]] = {}
        self.write()

    def put(self, person: Sample) -> None:
        self.people[person.uid] = person
        self.write()

    def remove(self, uid: str) -> None:
        del self.people[uid]
        self.write()

    def put_group(self, name: str, members: Iterable[str]) -> None:
        self.groups[name] = set(members)
        self.write()

    def rename_group(self, name: str, to: str) -> None:
        self.groups[to] = self.groups.pop(name)
        self.write()

    def cut(self) -> None:
        content = self.path.read_bytes()
        self.path.write_bytes(content[: len(content) * 2 // 3])

    def go_away(self) -> None:
        self.path.unlink()

    def source(self, *groups: str) -> DirectorySource:
        return source_of(self.path, *groups)

    def rows(self) -> Iterable[dict[str, str]]:
        for person in self.people.values():
            groups = [name for name, members in self.groups.items() if person.uid in members]
            yield {
                "external_id": f"id-{person.uid}",
                "user_name": person.uid,
                "email": person.email,
                "given_name": person.given_name,
                "family_name": person.family_name,
                "active": "true",
                "groups": ";".join(groups),
            }

    def write(self) -> None:
        if self.path.suffix == ".csv":
            lines = [HEADER, *(",".join(row.values()) for row in self.rows())]
        else:
            lines = [json.dumps(row) for row in self.rows()]
        self.path.write_text("\n".join([*lines, "#complete", ""]), encoding="utf-8")


class TestCsvFile(DirectorySourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> DirectoryWorld:
        return FileWorld(tmp_path / "people.csv")


class TestJsonLines(DirectorySourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> DirectoryWorld:
        return FileWorld(tmp_path / "people.jsonl")


def test_a_line_with_too_few_fields_costs_its_own_person_only(tmp_path: Path) -> None:
    broken = "\n".join([HEADER, ADA, "3,eve,eve@acme.example", BOB, "#complete", ""])
    snapshot = read(tmp_path, broken, "Claude Users", "Claude Premium", "Claude Gold")
    assert [u.user_name for u in snapshot.users] == ["ada", "bob"]
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert {g.coverage for g in snapshot.groups} == {Coverage.PARTIAL, Coverage.FAILED}
    assert member_names(snapshot, "Claude Users") == {"ada", "bob"}
    assert group_of(snapshot, "Claude Gold").members is None
    assert snapshot.problems == (f"{tmp_path / 'people.csv'}:3: 3 fields instead of 7",)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("3,eve,,,,maybe,", "active is 'maybe'"),
        ("3,,,,,true,", "external_id and user_name must not be empty"),
        (",eve,,,,true,", "external_id and user_name must not be empty"),
        ('3,"eve,,,,true,', "not readable as CSV"),
        ('3,eve,,"E"ve,,true,', "not readable as CSV"),
        ("3,eve,,,,true,,", "8 fields instead of 7"),
        ("# comment", "1 fields instead of 7"),
        ("3,e\x07ve,,,,true,", "user_name holds a control character"),
        ("1,eve,,,,true,", "external_id 1 stands on line 2 as well"),
        ("3,ADA,,,,true,", "user_name ada stands on line 2 as well"),
    ],
)
def test_each_fault_of_a_line_is_named_with_its_place(tmp_path: Path, line: str, says: str) -> None:
    snapshot = read(tmp_path, "\n".join([HEADER, ADA, BOB, line, "#complete", ""]))
    assert snapshot.users_coverage is Coverage.PARTIAL
    (problem,) = snapshot.problems
    assert f"people.csv:4: {says}" in problem
    assert "bob" in {u.user_name for u in snapshot.users}
    assert "eve" not in {u.user_name for u in snapshot.users}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"external_id": "3"', "not readable as JSON"),
        ('["3"]', "not a JSON object"),
        ('{"external_id": "3", "user_name": "eve", "active": true}', "groups missing"),
        ('{"external_id": "3", "user_name": "eve", "active": true, "groups": [], "x": 1}', "'x' not"),
        ('{"external_id": "3", "external_id": "4"}', "a key stands twice"),
        ('{"external_id": 3, "user_name": "eve", "active": true, "groups": []}', "not a text"),
        ('{"external_id": "3", "user_name": "eve", "active": 2, "groups": []}', "active is '2'"),
        ('{"external_id": "3", "user_name": "eve", "active": true, "groups": 7}', "groups is neither"),
        ('{"external_id": "3", "user_name": "eve", "active": true, "groups": [7]}', "groups is neither"),
        ('{"external_id": "3", "user_name": "\\ud800", "active": true, "groups": []}', "control"),
        ('{"external_id": ' + "9" * 5000 + "}", "not readable as JSON"),
        ("[" * 100_000, "not readable as JSON: nested too deeply"),
    ],
)
def test_each_fault_of_a_json_line_is_named_with_its_place(tmp_path: Path, line: str, says: str) -> None:
    ada = '{"external_id": "1", "user_name": "ada", "active": null, "groups": ["A; B"]}'
    snapshot = read(tmp_path, f"{ada}\n{line}\n#complete\n", "A; B", suffix=".jsonl")
    assert snapshot.users_coverage is Coverage.PARTIAL
    (problem,) = snapshot.problems
    assert "people.jsonl:2: " in problem
    assert says in problem
    assert member_names(snapshot, "A; B") == {"ada"}
    assert snapshot.users[0].active is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (codecs.BOM_UTF8, "is empty"),
        (b"#complete\n", "people.csv:1: has no header"),
        (HEADER.replace(",active", "").encode(), "people.csv:1: column active is missing"),
        (HEADER.replace("groups", "group").encode(), "people.csv:1: column 'group' is not known"),
        ((HEADER + ",email").encode(), "people.csv:1: column email stands twice"),
        (HEADER.replace(",", ";").encode(), "separated by ';'"),
        (f'"{HEADER}'.encode(), "people.csv:1: header: not readable as CSV"),
        (f"{HEADER}\n{ADA}\n{BOB}".encode(), "people.csv:3: the last line is not #complete"),
        (f"{HEADER}\n{ADA}\n#complete\n{BOB}\n".encode(), "people.csv:3: lines follow after #complete"),
        (WHOLE.replace("Ada", "Zoë").encode("latin-1"), "people.csv:2: is not UTF-8: byte 0xeb at off"),
        (WHOLE.encode("utf-16"), "is UTF-16"),
        (WHOLE.encode().replace(b"bob", b"b\0b", 1), "people.csv:3: holds NUL bytes"),
    ],
)
def test_a_file_that_cannot_be_trusted_as_a_whole_raises(
    tmp_path: Path, content: bytes, says: str
) -> None:
    with pytest.raises(Malformed) as caught:
        read(tmp_path, content)
    assert says in str(caught.value)
    assert caught.value.system == "people file people.csv"


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    content = f"{HEADER}\n{ADA}\n3,eve\n4,x,,,,perhaps,\n"
    with pytest.raises(Malformed) as caught:
        read(tmp_path, content)
    told = str(caught.value)
    assert "3 faults" in told
    for place in ("people.csv:4: the last line", "people.csv:3: 2 fields", "people.csv:4: active is"):
        assert place in told


def test_the_byte_of_wrong_encoding_is_counted_with_the_byte_order_mark(tmp_path: Path) -> None:
    content = codecs.BOM_UTF8 + HEADER.encode() + b"\n1,\xff,,,,true,\n#complete\n"
    with pytest.raises(Malformed, match=f"offset {content.index(0xFF)} "):
        read(tmp_path, content)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_marks_and_line_ends_of_other_systems_are_read(tmp_path: Path, line_end: str) -> None:
    content = codecs.BOM_UTF8 + WHOLE.replace("\n", line_end).encode()
    snapshot = read(tmp_path, content, "claude users", "Claude Premium")
    assert snapshot.complete, snapshot
    assert member_names(snapshot, "claude users") == {"ada", "bob"}


def test_column_order_and_quotes_are_free(tmp_path: Path) -> None:
    content = (
        "groups,active,external_id,user_name,email,family_name,given_name\n"
        '" A ; ""B"" ;",no,7,ada,,"Lovelace, Countess",Ada\n#complete\n'
    )
    snapshot = read(tmp_path, content, "A", '"B"')
    assert snapshot.complete
    (ada,) = snapshot.users
    assert ada.profile.family_name == "Lovelace, Countess"
    assert (ada.active, ada.profile.email) == (False, None)
    assert member_names(snapshot, '"B"') == {"ada"}


def test_without_a_demanded_trailer_a_line_without_end_is_suspected_to_be_cut(tmp_path: Path) -> None:
    whole = f"{HEADER}\n{ADA}\n{BOB}\n"
    assert read(tmp_path, whole, "Claude Users", trailer=False).complete
    cut = read(tmp_path, whole[:-4], "Claude Users", trailer=False)
    assert cut.users_coverage is Coverage.PARTIAL
    assert "people.csv:3: the last line has no line end" in cut.problems[0]


def test_a_header_alone_is_suspect(tmp_path: Path) -> None:
    snapshot = read(tmp_path, f"{HEADER}\n#complete\n", "Claude Users")
    assert snapshot.users_coverage is Coverage.SUSPECT
    assert group_of(snapshot, "Claude Users").coverage is Coverage.GONE


def test_a_declared_group_may_be_empty(tmp_path: Path) -> None:
    declared = f"#group Claude Admins\n{HEADER}\n{ADA}\n#group claude users \n#complete\n"
    snapshot = read(tmp_path, declared, "Claude Admins", "Claude Users", "Claude Gold")
    assert group_of(snapshot, "Claude Admins").complete
    assert member_names(snapshot, "Claude Admins") == set()
    assert member_names(snapshot, "Claude Users") == {"ada"}
    gold = group_of(snapshot, "Claude Gold")
    assert gold.coverage is Coverage.GONE
    assert "add '#group Claude Gold'" in gold.reason
    lines = '#group A\n{"external_id": "1", "user_name": "a", "active": true, "groups": ""}\n#complete'
    assert read(tmp_path, lines, "A", suffix=".jsonl").complete


def test_a_missing_file_and_an_unreadable_one_raise(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        source_of(tmp_path / "none.csv").read()
    with pytest.raises(Refused, match="cannot be read"):
        source_of(tmp_path).read()


class GrowingPath(PosixPath):
    """A file to which somebody writes a line while it is being read."""

    def open(self, *args: Any, **options: Any) -> Any:
        return Interrupted(super().open(*args, **options), PosixPath(self))


class Interrupted:
    """An open file; the writer comes by before it is closed."""

    def __init__(self, file: BinaryIO, path: PosixPath) -> None:
        self.file, self.path = file, path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def fileno(self) -> int:
        return self.file.fileno()

    def read(self) -> bytes:
        content = self.file.read()
        with self.path.open("ab") as writer:
            writer.write(b"9,late,,,,true,\n")
        return content


def test_a_file_that_grows_while_it_is_read_is_not_taken(tmp_path: Path) -> None:
    path = GrowingPath(tmp_path / "people.csv")
    PosixPath(path).write_text(f"{HEADER}\n{ADA}\n")
    config = FileConfig.model_construct(kind="file", path=path, require_trailer=False)
    with pytest.raises(Transient, match="changed while it was read"):
        build(config, clock=NoonClock(), groups=frozenset()).read()


def test_nobody_is_called_absent_while_a_line_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"{HEADER}\n{ADA}\n3,eve\n#complete\n")
    source = source_of(path, "Claude Users")
    found = source.find("ada")  # type: ignore[attr-defined]
    assert found[1] == {"Claude Users"}
    with pytest.raises(Malformed, match=r"people\.csv:3"):
        source.find("eve")  # type: ignore[attr-defined]
    assert not source.probe().ok


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)


@st.composite
def people_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """Suffix and content of a sound file with a trailer."""
    ids = draw(st.lists(names.filter(str.strip), min_size=1, max_size=4, unique=True))
    rows = [[n, draw(names), "", draw(names), "", "true", draw(names)] for n in ids]
    if draw(st.booleans()):
        text = "".join(json.dumps(dict(zip(HEADER.split(","), r, strict=True))) + "\n" for r in rows)
        return ".jsonl", f"{text}#complete".encode()
    quoted = (",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    return ".csv", "\n".join([HEADER, *quoted, "#complete"]).encode()


@given(file=people_files(), cut=st.floats(0, 1, exclude_max=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_a_file_cut_at_any_byte_is_never_complete(
    tmp_path: Path, file: tuple[str, bytes], cut: float
) -> None:
    suffix, content = file
    try:
        snapshot = read(tmp_path, content[: int(len(content) * cut)], suffix=suffix)
    except RemoteError:
        return
    assert snapshot.users_coverage is not Coverage.COMPLETE


def test_one_file_cut_at_every_byte_is_never_read(tmp_path: Path) -> None:
    content = WHOLE.rstrip().encode()
    for size in range(len(content)):
        with pytest.raises(Malformed):
            read(tmp_path, content[:size], "Claude Users")
    assert read(tmp_path, content, "Claude Users").complete

"""Whatever stands in the file, the answer is a configuration or a list of problems, never a crash."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from idpsync.config import Config, load
from idpsync.config.document import parse
from idpsync.core.errors import ConfigError, Problem
from tests.config.writing import SMALL

FULL = (Path(__file__).parents[2] / "config" / "full.yaml").read_text(encoding="utf-8")
TREE: dict[str, Any] = parse(FULL, "full.yaml")[0].tree

leaves = st.one_of(
    *(st.none(), st.booleans(), st.integers(-3, 10**6), st.floats(allow_nan=True), st.text(max_size=8)),
    st.sampled_from(["none", "total", "off", "kind", "okta", "scim", "env:X", "2026-01-01", "10m"]),
)
keys = st.sampled_from(["kind", "tier", "name", "groups", "auth", "okta", "local", "x", "1"])
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
)


def ways(tree: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in the full example."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(way for key, value in inner for way in ways(value, (*path, key)))]


def replaced(tree: Any, way: tuple[str | int, ...], value: object) -> Any:
    if not way:
        return value
    copy: Any = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[way[0]] = replaced(copy[way[0]], way[1:], value)
    return copy


def answer(text: str) -> Config | tuple[Problem, ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "idpsync.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            (config,) = load(path)
        except ConfigError as error:
            problems = error.problems
        else:
            return config
    last = len(text.splitlines()) + 1
    assert problems
    assert all(p.file == str(path) and p.message for p in problems)
    assert all(p.line is None or 1 <= p.line <= last for p in problems)
    return problems


@settings(max_examples=300, deadline=None)
@given(way=st.sampled_from(ways(TREE)), value=values)
@example(way=(), value={})
@example(way=("directory",), value={"kind": {"x": 1}})
@example(way=("directory", "auth"), value={"kind": "ssws", "ssws": 1})
@example(way=("target",), value={"kind": "local", "local": {"kind": "x"}})
@example(way=("tiers",), value=[[]])
@example(way=("tiers",), value={"name": "x"})
@example(way=("contract", "seats"), value=[1])
@example(way=("policy", "rules"), value=[None, 1, "x", {"tier": ["a"]}])
def test_any_value_at_any_place_is_answered(way: tuple[str | int, ...], value: object) -> None:
    answer(yaml.safe_dump(replaced(TREE, way, value), allow_unicode=True))


@settings(max_examples=300, deadline=None)
@given(
    at=st.integers(0, len(SMALL)),
    cut=st.integers(0, 30),
    put=st.text(alphabet="ab1:{}[],&*!|>'\"%@`#-?~ \t\n\\<=.", max_size=6) | st.text(max_size=3),
)
def test_any_slip_of_the_pen_is_answered(at: int, cut: int, put: str) -> None:
    answer(SMALL[:at] + put + SMALL[at + cut :])


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=200))
@example(text="alerts:")
def test_any_text_is_answered(text: str) -> None:
    assert isinstance(answer(text), tuple)


@pytest.mark.parametrize("depth", [50, 200, 300, 400, 480, 490, 495, 500, 600, 1000, 20000])
@pytest.mark.parametrize("bracket", ["[", "{a: "])
def test_any_depth_is_answered(depth: int, bracket: str) -> None:
    close = "]" if bracket == "[" else "}"
    assert isinstance(answer("a: " + bracket * depth + close * depth), tuple)


def test_the_full_example_written_out_again_is_the_same_configuration() -> None:
    config = answer(FULL)
    assert isinstance(config, Config)
    assert answer(yaml.safe_dump(TREE)) == config

"""The JSON Schema says what the loader says, as far as a schema can."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from idpsync import config
from idpsync.config.document import parse
from tests.config.writing import SMALL

CONFIG = Path(__file__).parents[2] / "config"
EXAMPLES = sorted(CONFIG.glob("*.yaml"))

# assertions and annotations of draft 2020-12 that our schema uses; `discriminator` is OpenAPI's
KEYWORDS = {
    *("$schema", "$defs", "$ref", "title", "description", "default", "examples", "discriminator"),
    *("type", "enum", "const", "pattern", "minLength", "maxLength", "format"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("items", "minItems", "properties", "additionalProperties", "required", "minProperties"),
    *("anyOf", "oneOf"),
}

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}


ANY = list(TYPES)


@cache
def schema() -> dict[str, Any]:
    return config.schema()


def errors(part: Mapping[str, Any], value: object, path: str = "") -> Iterator[str]:
    """A validator for the keywords above: enough to judge our own files, not a library."""
    if "$ref" in part:
        yield from errors(schema()["$defs"][part["$ref"].removeprefix("#/$defs/")], value, path)
    for branches in (part.get("anyOf"), part.get("oneOf")):
        if branches and not any(not list(errors(b, value, path)) for b in branches):
            yield f"{path}: fits no branch"
    if not fits(part.get("type", ANY), value):
        yield f"{path}: is not {part['type']}"
        return
    yield from value_errors(part, value, path)
    if isinstance(value, list):
        for n, item in enumerate(value):
            yield from errors(part.get("items", {}), item, f"{path}[{n}]")
    if isinstance(value, dict):
        yield from object_errors(part, value, path)


def value_errors(part: Mapping[str, Any], value: object, path: str) -> Iterator[str]:
    if value not in part.get("enum", [value]) or value != part.get("const", value):
        yield f"{path}: not one of the values"
    if isinstance(value, str) and not re.search(part.get("pattern", ""), value):
        yield f"{path}: has not the form {part['pattern']}"
    if fits("number", value):
        number = float(str(value))
        if number < part.get("minimum", number) or number > part.get("maximum", number):
            yield f"{path}: out of bounds"


def object_errors(part: Mapping[str, Any], value: Mapping[str, Any], path: str) -> Iterator[str]:
    yield from (f"{path}.{name}: missing" for name in part.get("required", ()) if name not in value)
    others = part.get("additionalProperties", True)
    for name, inner in value.items():
        if name in part.get("properties", {}):
            yield from errors(part["properties"][name], inner, f"{path}.{name}")
        elif others is False:
            yield f"{path}.{name}: unknown"
        elif isinstance(others, dict):
            yield from errors(others, inner, f"{path}.{name}")


def fits(types: str | list[str], value: object) -> bool:
    names = [types] if isinstance(types, str) else types
    if isinstance(value, bool):
        return "boolean" in names
    return any(isinstance(value, TYPES[name]) for name in names)


def tree_of(text: str) -> dict[str, Any]:
    document, faults = parse(text, "x.yaml")
    assert faults == []
    return document.tree


def parts(value: object, *, names: bool = False) -> Iterator[dict[str, Any]]:
    """Every subschema; the objects under `properties` and `$defs` are names, not keywords."""
    if isinstance(value, dict):
        if not names:
            yield value
        for key, inner in value.items():
            if key not in {"default", "examples", "discriminator"} or names:
                yield from parts(inner, names=key in {"properties", "$defs"} and not names)
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner)


def test_the_schema_is_plain_json_of_draft_2020_12() -> None:
    made = schema()
    assert json.loads(json.dumps(made)) == made
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for part in parts(made):
        assert set(part) <= KEYWORDS, part


def test_every_reference_leads_somewhere() -> None:
    made = schema()
    named = {part["$ref"] for part in parts(made) if "$ref" in part}
    assert named
    assert named == {f"#/$defs/{name}" for name in made["$defs"]} & named


def test_every_section_and_every_definition_explains_itself() -> None:
    made = schema()
    assert [n for n, d in made["$defs"].items() if not (d.get("description") or "enum" in d)] == []
    assert set(made["properties"]) >= {"organization", "tiers", "contract", "directory", "target"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_valid_under_the_schema(path: Path) -> None:
    assert list(errors(schema(), tree_of(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  id: acme", "  id: acme\n  nmae: x"),
        ("  id: acme", "  name: x"),
        ("premium: 3,", "premium: -3,"),
        ("env:DIRECTORY_TOKEN", "hunter2"),
        ("kind: scim", "kind: skim"),
        ("tier: none", "tier: null"),
        ("tiers:", "schedule: {reconcile: PT10M}\ntiers:"),
        ("tiers:", "policy: {mode: complete}\ntiers:"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(old: str, new: str) -> None:
    text = SMALL.replace(old, new, 1)
    assert text != SMALL
    if new.startswith("policy"):
        text = text.replace("policy:\n  rules:\n", "x:\n").split("x:\n")[0]
    assert list(errors(schema(), tree_of(text))) != []
    assert list(errors(schema(), tree_of(SMALL))) == []


@pytest.mark.parametrize(
    ("section", "key", "default"),
    [
        ("ScheduleConfig", "reconcile", "10m"),
        ("PolicyConfig", "min_hold", "1d"),
        ("ScimConfig", "rate", "10/s"),
        ("HeadroomConfig", "for", "0s"),
        ("RemovalsLimit", "count", 25),
    ],
)
def test_a_default_stands_as_somebody_would_write_it(section: str, key: str, default: object) -> None:
    part = schema()["$defs"][section]["properties"][key]
    assert part["default"] == default
    assert list(errors(part, default)) == []


def test_no_default_breaks_its_own_schema() -> None:
    wrong = [
        part for part in parts(schema()) if "default" in part and list(errors(part, part["default"]))
    ]
    assert wrong == []

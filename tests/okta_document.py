"""Okta's own OpenAPI document as a judge: what may be asked of Okta, and what its answers look like.

It comes with the npm package `@okta/openapi` (Apache-2.0), which `make clients` fetches once; nothing of
it is in this project. Tests that need it are skipped, with the reason, where it cannot be had. It is of
2022 and knows less than Okta does today: what is allowed beside it stands in the lists below.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from jsonschema import Draft4Validator, FormatChecker

from tests.twins.sockets import Wire

PACKAGE = Path(__file__).parents[1] / "build/okta-openapi"
SHA256 = "f133015657d5784dfdfc8383f58183b1f4eaa9c71a1605788385147bbac91724"

Nulls = Mapping[str, frozenset[str]]
NULLS: Nulls = {
    "User": frozenset({"activated", "lastLogin"}),
    "GroupProfile": frozenset({"description"}),
    "AppUser": frozenset({"externalId", "passwordChanged"}),
}
"""What may be null, by definition. A Swagger 2 document cannot say so; recorded answers show it."""
LARGEST = {
    "/api/v1/apps/{appId}/users": 500,
    "/api/v1/groups": 10_000,
    "/api/v1/groups/{groupId}/users": 1000,
    "/api/v1/users": 200,
    "/api/v1/logs": 1000,
}
"""Pages. The document has the second and third as defaults, and of no listing how large one may be."""
ELSEWHERE = frozenset({"/oauth2/v1/token"})
"""Not of the management API: the document has nothing about tokens."""

CHECKER = FormatChecker(formats=())


@CHECKER.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class Operation:
    """One method of one path of the document."""

    method: str
    template: str
    told: Mapping[str, Any]

    def serves(self, method: str, path: str) -> bool:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.template))
        return method == self.method and re.fullmatch(pattern, path) is not None

    def faults(self, query: list[tuple[str, str]]) -> Iterator[str]:
        """What is wrong with the parameters of a request."""
        known = {one["name"]: one for one in self.told["parameters"] if one["in"] == "query"}
        names = [name for name, _ in query]
        yield from (f"{name} is given twice" for name in {*names} if names.count(name) > 1)
        for name, value in query:
            if name not in known:
                yield f"has no parameter {name}"
            elif known[name]["type"] == "integer" and not value.isdecimal():
                yield f"{name} is no number: {value}"
            elif name == "limit" and not 1 <= int(value) <= LARGEST[self.template]:
                yield f"limit is {value}, of at most {LARGEST[self.template]}"


class Document:
    """What Okta wrote down; every field that it does not name is a fault."""

    def __init__(self, told: Mapping[str, Any], nulls: Nulls = NULLS) -> None:
        self._definitions = {
            name: _strict(one, nulls.get(name, frozenset())) for name, one in told["definitions"].items()
        }
        self._operations = [
            Operation(method.upper(), template, one)
            for template, methods in told["paths"].items()
            for method, one in methods.items()
        ]

    def operation(self, wire: Wire) -> Operation | None:
        path = urlsplit(wire.target).path
        found = [one for one in self._operations if one.serves(wire.method, path)]
        return min(found, key=lambda one: one.template.count("{")) if found else None

    def of_request(self, wire: Wire) -> list[str]:
        """What is wrong with a request, each with the request."""
        asked = urlsplit(wire.target)
        if asked.path in ELSEWHERE:
            return []
        operation = self.operation(wire)
        if operation is None:
            return [f"{wire.method} {asked.path}: Okta has no such operation"]
        query = parse_qsl(asked.query, keep_blank_values=True)
        return [f"{wire.method} {wire.target}: {fault}" for fault in operation.faults(query)]

    def of_answer(self, wire: Wire, status: int, body: object) -> list[str]:
        """What is wrong with a good answer; the document has nothing about refusals."""
        operation = self.operation(wire)
        if operation is None or status >= 400:
            return []
        told = operation.told["responses"].get(str(status))
        if told is None:
            return [f"{wire.method} {wire.target}: Okta does not answer {status}"]
        schema = told.get("schema")
        if schema is None:
            return [f"{wire.method} {wire.target}: the answer is empty"] if body is not None else []
        return [f"{wire.method} {wire.target}: {fault}" for fault in self.of_value(body, schema)]

    def of_value(self, value: object, schema: Mapping[str, Any]) -> list[str]:
        whole = {**schema, "definitions": self._definitions}
        judge = Draft4Validator(whole, format_checker=CHECKER)
        return [f"{fault.json_path}: {fault.message}" for fault in judge.iter_errors(value)]


def _strict(told: Mapping[str, Any], may_be_null: frozenset[str]) -> dict[str, Any]:
    """The definition, closed to fields that it does not name unless Okta lets customers add some."""
    fields = {
        field: {"anyOf": [one, {"type": "null"}]} if field in may_be_null else one
        for field, one in told.get("properties", {}).items()
    }
    closed = fields and not told.get("x-okta-extensible") and "additionalProperties" not in told
    return {**told, "properties": fields, **({"additionalProperties": False} if closed else {})}


@cache
def document() -> Document:
    """Okta's document and what is allowed beside it; skips the test where it was not fetched."""
    return Document(as_fetched())


def as_fetched() -> dict[str, Any]:
    """Okta's document to the letter; skips the test where it was not fetched."""
    if not (PACKAGE / "ready").exists():
        pytest.skip("Okta's OpenAPI document is not here: `make clients` fetches it with npm")
    text = (PACKAGE / "package/dist/spec.json").read_bytes()
    assert hashlib.sha256(text).hexdigest() == SHA256, f"{PACKAGE} is another document: remove it"
    told: dict[str, Any] = json.loads(text)
    return told

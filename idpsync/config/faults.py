"""Pydantic's complaints in plain sentences. What the file says is never repeated: it may be a secret."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from idpsync.config.document import Fault, Path
from idpsync.config.known import keys_at, kinds_at, secret_part

BY_REFERENCE = "give a secret by reference, env:NAME or file:/path, never inline"

_SENTENCES: Mapping[str, str] = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "model_type": "must hold keys of its own (key: value)",
    "model_attributes_type": "must hold keys of its own (key: value)",
    "dict_type": "must hold keys of its own (key: value)",
    "list_type": "must be a list: [one, two], or lines that begin with -",
    "tuple_type": "must be a list: [one, two], or lines that begin with -",
    "decimal_type": 'must be an amount in quotes: "20.00"',
    "decimal_parsing": 'must be an amount in quotes: "20.00"',
    "decimal_max_places": "has too many decimal places",
    "decimal_max_digits": "is too large",
    "path_type": "must be the path of a file",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must not be empty",
    "string_pattern_mismatch": "has not the form that is wanted: {pattern}",
    "missing": "is missing",
}


def faults(error: ValidationError, root: type[BaseModel], tree: Mapping[str, Any]) -> list[Fault]:
    """One fault for each thing that `root` does not accept in `tree`."""
    found: dict[Path, Fault] = {}
    for detail in error.errors(include_url=False):
        path = _path(detail["loc"], tree, missing=detail["type"] == "missing")
        fault = discreet(_fault(detail, path, root, tree), root, tree)
        found.setdefault(fault.path, fault)  # the branches of a union complain about the same place
    return list(found.values())


def discreet(fault: Fault, root: type[BaseModel], tree: object) -> Fault:
    """The fault without anything from inside a secret: what was meant as one may look like keys."""
    place = secret_part(root, tree, fault.path)
    if place is None or place == fault.path:
        return fault
    return Fault(place, BY_REFERENCE, fault.line)


def guess(word: object, known: Sequence[str]) -> str:
    """A question to append, for a slip of the pen; nothing when no known word is near."""
    near = get_close_matches(str(word), known, n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}`?" if near else ""


def _path(loc: Sequence[str | int], tree: object, *, missing: bool) -> Path:
    """Pydantic's location without the names of union branches, which are not in the file."""
    path: list[str | int] = []
    value: Any = tree
    for n, part in enumerate(loc):
        if _leads_on(value, loc, n):
            value = value[part]
        elif not (missing and n == len(loc) - 1):
            continue
        path.append(part)
    return tuple(path)


def _leads_on(value: object, loc: Sequence[str | int], n: int) -> bool:
    """Whether `loc[n]` is a step into `value`, and not the name of a branch."""
    part = loc[n]
    if isinstance(value, list):
        return isinstance(part, int)
    if not isinstance(value, Mapping) or part not in value:
        return False
    if value.get("kind") != part or n + 1 == len(loc):
        return True
    # a branch called like one of its keys: the way goes on inside that key, or beside it
    inner = value[part]
    return isinstance(inner, Mapping) and loc[n + 1] in inner


def _fault(detail: Any, path: Path, root: type[BaseModel], tree: object) -> Fault:
    match detail["type"]:
        case "extra_forbidden":
            return Fault(path, "unknown key" + _instead(path[-1], keys_at(root, tree, path[:-1])))
        case "union_tag_not_found":
            return Fault(
                (*path, "kind"), f"is missing; known kinds: {_listed(kinds_at(root, tree, path))}"
            )
        case "union_tag_invalid":
            kinds = _quoted(detail["ctx"]["expected_tags"])
            near = guess(detail["ctx"]["tag"], kinds)
            return Fault((*path, "kind"), f"unknown kind{near or ';'} known kinds: {_listed(kinds)}")
    return Fault(path, _message(detail["type"], detail["input"], detail.get("ctx", {})))


def _message(kind: str, given: object, context: Mapping[str, Any]) -> str:
    match kind:
        case "enum" | "literal_error":
            known = _quoted(context["expected"])
            return f"must be one of {_listed(known)}{guess(given, known)}{_off_and_on(given)}"
        case "value_error":
            return _without(given, str(context["error"]))
        case "string_type" if isinstance(given, int | float):
            return "must be text: put it in quotes"
        case _ if kind.startswith("date"):
            return "must be a date, year-month-day: 2026-12-31"
        case _ if given is None:
            return f"has no value; it {_sentence(kind, context)}"
    return _sentence(kind, context)


def _sentence(kind: str, context: Mapping[str, Any]) -> str:
    return _SENTENCES.get(kind, "is not accepted here").format(**context)


def _instead(name: object, known: Sequence[str]) -> str:
    return guess(name, known) or (f"; known here: {', '.join(known)}" if known else "")


def _off_and_on(given: object) -> str:
    return "; true and false are no words: put them in quotes" if isinstance(given, bool) else ""


def _without(given: object, message: str) -> str:
    """A validator's own words, minus the value should they hold it."""
    if isinstance(given, str | int | float) and len(str(given)) > 2:
        message = message.replace(str(given), "…")
    return message


def _quoted(expected: str) -> list[str]:
    return re.findall(r"'([^']*)'", expected)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)

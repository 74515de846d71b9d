"""Is a document a plan, in the shape of `plan --json`? Files come from people: nothing is believed."""

from collections.abc import Mapping
from typing import Any

_TEXT, _FLAG = (str,), (bool,)
_MAYBE_TEXT = (str, type(None))
_COUNT, _NUMBER = (int,), (int, float)
_SEATS = {
    "tier": _TEXT,
    "purchased": _COUNT,
    "assigned": _COUNT,
    "held": _COUNT,
    "reserved": _COUNT,
    "free": _COUNT,
}
_LIMIT = {"name": _TEXT, "allowed": _NUMBER, "seen": _NUMBER, "counted": _TEXT, "tripped": _FLAG}
_WAIT = {
    "user_name": _TEXT,
    "wants": _TEXT,
    "holds": _MAYBE_TEXT,
    "position": _COUNT,
    "because": [_TEXT],
}
PLAN: Mapping[str, Any] = {
    "organization": _TEXT,
    "digest": _TEXT,
    "made_at": _MAYBE_TEXT,
    "mode": _TEXT,
    "directory": {"kind": _TEXT, "complete": _FLAG, "users": _COUNT},
    "pool": {"before": [_SEATS], "after": [_SEATS]},
    "actions": [{"kind": _TEXT, "user_name": _TEXT, "because": [_TEXT]}],
    "waiting": [_WAIT],
    "refused": [{"user_name": _TEXT, "reason": _TEXT, "because": [_TEXT]}],
    "conflicts": [{"keys": [_TEXT], "reason": _TEXT}],
    "orphans": [_TEXT],
    "guard": {"held": _FLAG, "limits": [_LIMIT]},
}
"""What a difference is made from. A tuple is what a value may be, a list holds any number of its one."""

OPTIONAL: Mapping[str, Any] = {
    "tier": _MAYBE_TEXT,
    "previous_tier": _MAYBE_TEXT,
    "external_id": _MAYBE_TEXT,
    "roles": [_TEXT],
    "previous_roles": [_TEXT],
    "changed": [_TEXT],
}
"""What an action may have besides."""


def fault_of(document: object, organization: str) -> str | None:
    """Why this is no plan of `organization`, as the end of a sentence; None for one that is."""
    if not isinstance(document, Mapping):
        return f"it is {_called(document)}, not a plan"
    fault = _misfit(document, PLAN, "") or _odd_action(document["actions"])
    if fault:
        return fault
    if document["organization"] != organization:
        return f"it is a plan for {document['organization']!r}, and this is {organization!r}"
    return None


def _odd_action(actions: list[Mapping[str, object]]) -> str | None:
    for at, action in enumerate(actions):
        known = {key: shape for key, shape in OPTIONAL.items() if key in action}
        fault = _misfit(action, known, f"actions[{at}]")
        if fault:
            return fault
    return None


def _misfit(value: object, shape: Any, where: str) -> str | None:
    """The first place where `value` is not of the shape."""
    if isinstance(shape, tuple):
        fits = isinstance(value, shape) and (isinstance(value, bool) <= (bool in shape))
        return None if fits else f"{where} is {_called(value)}"
    if isinstance(shape, list):
        return _misfit_of_list(value, shape[0], where)
    if not isinstance(value, Mapping):
        return f"{where} is {_called(value)}"
    for key, inner in shape.items():
        place = f"{where}.{key}" if where else key
        fault = _misfit(value[key], inner, place) if key in value else f"{place} is missing"
        if fault:
            return fault
    return None


def _misfit_of_list(value: object, shape: Any, where: str) -> str | None:
    if not isinstance(value, list):
        return f"{where} is {_called(value)}"
    faults = (_misfit(each, shape, f"{where}[{at}]") for at, each in enumerate(value))
    return next((fault for fault in faults if fault), None)


def _called(value: object) -> str:
    """What JSON calls a value of this type."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"

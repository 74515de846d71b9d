"""SCIM messages: read with tolerance, written strictly (RFC 7643, RFC 7644)."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from idpsync.answers import NotJson, read_json
from idpsync.core.model import fold

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Resource = Mapping[str, object]
Element = Mapping[str, object]


class NotScim(ValueError):
    """A body that lacks what every SCIM message of its kind must have."""


def member(resource: Resource, name: str) -> object:
    """The attribute, whatever the case of its name (RFC 7643 §2.1); None when it is absent."""
    if name in resource:
        return resource[name]
    return resource.get(own_key(resource, name))


def own_key(resource: Resource, name: str) -> str:
    """`name` as this resource spells it."""
    return _spellings(tuple(resource)).get(name.casefold(), name)


@lru_cache(maxsize=256)  # the resources of one provider have few sets of attributes
def _spellings(names: tuple[str, ...]) -> Mapping[str, str]:
    """The first spelling of each name, by its folded form."""
    return {name.casefold(): name for name in reversed(names)}


def read_bool(value: object) -> bool | None:
    """True and False, also as text: some providers write "True"."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.casefold() in {"true", "false"}:
        return value.casefold() == "true"
    return None


def read_text(value: object) -> str | None:
    """Text that can be stored; numbers as text, lone surrogates replaced, anything else None."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def read_elements(value: object) -> tuple[Element, ...]:
    """The elements of a multi-valued attribute; plain values become `{"value": …}`."""
    if not isinstance(value, list):
        return ()
    return tuple(each if isinstance(each, dict) else {"value": each} for each in value)


@dataclass(frozen=True, slots=True)
class RemoteResource:
    """A resource as the provider last told it; `raw` is the whole of it."""

    id: str
    raw: Resource

    @property
    def version(self) -> str | None:
        meta = member(self.raw, "meta")
        return read_text(member(meta, "version")) if isinstance(meta, dict) else None

    def text(self, path: str) -> str:
        return read_text(value_at(self.raw, path)) or ""

    def elements(self, name: str) -> tuple[Element, ...]:
        return read_elements(member(self.raw, name))


R = TypeVar("R", bound=RemoteResource)


@dataclass(frozen=True, slots=True)
class RemoteUser(RemoteResource):
    """A User resource (RFC 7643 §4.1)."""

    @property
    def user_name(self) -> str:
        return read_text(member(self.raw, "userName")) or ""

    @property
    def external_id(self) -> str | None:
        return read_text(member(self.raw, "externalId")) or None

    @property
    def active(self) -> bool:
        """Absent means active: providers without deactivation leave it out."""
        return read_bool(member(self.raw, "active")) is not False

    @property
    def email(self) -> str | None:
        elements = read_elements(member(self.raw, "emails"))
        return read_text(member(elements[chosen_email(elements)], "value")) if elements else None


@dataclass(frozen=True, slots=True)
class RemoteGroup(RemoteResource):
    """A Group resource (RFC 7643 §4.2)."""

    @property
    def name(self) -> str:
        return read_text(member(self.raw, "displayName")) or ""

    @property
    def shows_members(self) -> bool:
        """Whether `members` stands there at all: a group without members may leave it out."""
        return isinstance(member(self.raw, "members"), list)


def read_user(raw: object) -> RemoteUser:
    """The user in a JSON object; NotScim without an id."""
    return RemoteUser(*_identified(raw))


def read_group(raw: object) -> RemoteGroup:
    """The group in a JSON object; NotScim without an id."""
    return RemoteGroup(*_identified(raw))


def _identified(raw: object) -> tuple[str, Resource]:
    if not isinstance(raw, dict):
        raise NotScim("a resource that is no object")
    identifier = read_text(member(raw, "id"))
    if not identifier:
        raise NotScim("a resource without id")
    return identifier, raw


def chosen_email(elements: Sequence[Element]) -> int:
    """Index of the address we keep in step: the primary, else the work one, else the first."""
    for index, element in enumerate(elements):
        if read_bool(member(element, "primary")):
            return index
    for index, element in enumerate(elements):
        if str(member(element, "type")).casefold() == "work":
            return index
    return 0


def value_at(resource: Resource, path: str) -> object:
    """The value at `active`, `name.givenName` or `urn:…:User:costCenter`; None when absent."""
    *outer, name = split_path(path)
    for step in outer:
        inner = member(resource, step)
        if not isinstance(inner, dict):
            return None
        resource = inner
    return member(resource, name)


@lru_cache(maxsize=256)  # a few paths, for every user of a listing
def split_path(path: str) -> tuple[str, ...]:
    """The keys that lead to an attribute (RFC 7644 §3.10)."""
    if path.startswith("urn:"):
        urn, _, name = path.rpartition(":")
        return (urn, name) if urn != USER else (name,)
    return tuple(path.split("."))


def merged(resource: Resource, changes: Mapping[str, object]) -> dict[str, object]:
    """`resource` with the values at the paths of `changes`; None and empty lists take them away."""
    result = dict(resource)
    for path, value in changes.items():
        *outer, name = split_path(path)
        place = result
        for step in outer:
            key = own_key(place, step)
            inner = place.get(key)
            copy = dict(inner) if isinstance(inner, dict) else {}
            place[key] = copy
            place = copy
        place.pop(own_key(place, name), None)
        if value not in (None, []):
            place[name] = value
    return result


def nested(changes: Mapping[str, object]) -> dict[str, object]:
    """`changes` as one object; a value that is taken away stays in it as null or []."""
    result: dict[str, object] = {}
    for path, value in changes.items():
        *outer, name = split_path(path)
        place = result
        for step in outer:
            inner = place.setdefault(step, {})
            place = inner if isinstance(inner, dict) else {}
        place[name] = value
    return result


def same(current: object, wanted: object) -> bool:
    """Whether `wanted` holds already. Elements may carry more sub-attributes than we would write."""
    if wanted in (None, [], ""):
        return current in (None, [], "")
    if isinstance(wanted, bool):
        return read_bool(current) is wanted
    if isinstance(wanted, list):
        elements = read_elements(current)
        return len(elements) == len(wanted) and all(
            any(_covers(element, each) for element in elements) for each in wanted
        )
    return read_text(current) == read_text(wanted)


def holds(user: RemoteUser, changes: Mapping[str, object]) -> bool:
    """Whether every path of `changes` has its value already."""
    return all(same(value_at(user.raw, path), value) for path, value in changes.items())


def _covers(element: Element, wanted: Element) -> bool:
    return all(
        same(member(element, name), value) or (value is False and member(element, name) is None)
        for name, value in wanted.items()
    )


def encode(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def with_schemas(resource: Resource) -> dict[str, object]:
    """The resource, naming the schemas of every attribute in it (RFC 7643 §3)."""
    extensions = [key for key in resource if key.casefold().startswith("urn:")]
    rest = {key: value for key, value in resource.items() if key.casefold() != "schemas"}
    return {"schemas": [USER, *extensions], **rest}


def patch_by_path(changes: Mapping[str, object]) -> dict[str, object]:
    """A PatchOp with one operation per attribute, each with its path (RFC 7644 §3.5.2)."""
    operations = [
        {"op": "remove", "path": path}
        if value in (None, [])
        else {"op": "replace", "path": path, "value": value}
        for path, value in changes.items()
    ]
    return {"schemas": [PATCH_OP], "Operations": operations}


def patch_without_path(changes: Mapping[str, object]) -> dict[str, object]:
    """A PatchOp with one operation whose value holds all attributes (RFC 7644 §3.5.2.3)."""
    return {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "value": nested(changes)}]}


def replacement(resource: Resource, changes: Mapping[str, object]) -> dict[str, object]:
    """The whole resource for a PUT, without what only the provider may set."""
    readonly = {"id", "meta", "groups", "password"}
    kept = {key: value for key, value in resource.items() if key.casefold() not in readonly}
    return with_schemas(merged(kept, changes))


def equals(attribute: str, value: str) -> str:
    """The filter `attribute eq "value"`, quoted as a JSON string (RFC 7644 §3.4.2.2)."""
    return f"{attribute} eq {json.dumps(value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """One ListResponse (RFC 7644 §3.4.2). `total` is None when the provider does not say."""

    rows: tuple[R, ...]
    total: int | None
    next_cursor: str | None


def read_page(body: Resource, make: Callable[[object], R]) -> Page[R]:
    """The rows as `make` reads them.

    NotScim when a row has no id or the message is no list: such a page cannot be counted.
    """
    rows = member(body, "Resources")
    total = _number(member(body, "totalResults"))
    if rows is None and total == 0:
        rows = []
    if not isinstance(rows, list):
        raise NotScim("a list without Resources")
    cursor = read_text(member(body, "nextCursor"))
    return Page(tuple(make(row) for row in rows), total, cursor or None)


def _number(value: object) -> int | None:
    text = read_text(value)
    return int(text) if text is not None and text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class ScimError:
    """What an error answer says, in SCIM (RFC 7644 §3.12) or in some other JSON or text."""

    scim_type: str | None
    detail: str


def read_error(body: bytes) -> ScimError:
    """Never fails: a body that is no JSON is the detail itself."""
    text = body[:4000].decode("utf-8", "replace")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ScimError(None, text)
    if not isinstance(value, dict):
        return ScimError(None, text)
    words = (member(value, name) for name in ("detail", "message", "error_description", "error", "code"))
    told = [word for word in map(read_text, words) if word]
    return ScimError(read_text(member(value, "scimType")), "; ".join(told) or text)


def goes_by(user: RemoteUser, attribute: str, value: str) -> bool:
    """Whether `value` is theirs: userName without case, externalId exactly (RFC 7643 §3.1, §4.1.1)."""
    if attribute == "userName":
        return fold(user.user_name) == fold(value)
    return read_text(member(user.raw, attribute)) == value


def user_in(body: bytes) -> RemoteUser | None:
    """The user that an answer tells, if it tells one: a 204 does not."""
    try:
        return read_user(read_json(body))
    except (NotJson, NotScim):
        return None

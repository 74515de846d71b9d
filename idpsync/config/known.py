"""What the models know about a place in the configuration: its keys, its kinds, whether it is secret."""

import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from idpsync.config.document import Path
from idpsync.log import is_secretive
from idpsync.settings import Secret


def keys_at(root: type[BaseModel], tree: object, path: Path) -> list[str]:
    """The keys that may stand at `path`, of the kind that the file chose there."""
    models = [leaf for leaf in _leaves_at(root, tree, path) if _is_model(leaf)]
    return sorted({name for model in models for name, _ in _fields(model)})


def kinds_at(root: type[BaseModel], tree: object, path: Path) -> list[str]:
    """The values that `kind` may have at `path`."""
    models = [leaf for leaf in _leaves_at(root, tree, path) if _is_model(leaf)]
    return [kind for model in models for kind in _kinds(model)]


def secret_part(root: type[BaseModel], tree: object, path: Path) -> Path | None:
    """The part of `path` that leads to a secret, or to an unknown key that sounds like one."""
    for length in range(1, len(path) + 1):
        leaves = list(_leaves_at(root, tree, path[:length]))
        if Secret in leaves or (not leaves and is_secretive(str(path[length - 1]))):
            return path[:length]
    return None


def _leaves_at(root: type[BaseModel], tree: object, path: Path) -> Iterator[Any]:
    found, value = [root], tree
    for part in path:
        found = [
            inner
            for leaf in _chosen(found, value)
            for outer in _step(leaf, part)
            for inner in _leaves(outer)
        ]
        value = _item(value, part)
    yield from _chosen(found, value)


def _item(value: object, part: str | int) -> object:
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def _chosen(leaves: list[Any], value: object) -> list[Any]:
    """Of several models those whose `kind` the file names; all of them when it names none of them.

    One thing may stand where a list of such things may: it counts as the only one.
    """
    if isinstance(value, Mapping):
        leaves = [one for leaf in leaves for one in _each(leaf)]
    kind = value.get("kind") if isinstance(value, Mapping) else None
    narrowed = [leaf for leaf in leaves if _is_model(leaf) and kind in _kinds(leaf)]
    return narrowed or leaves


def _each(leaf: Any) -> Iterator[Any]:
    if get_origin(leaf) in (tuple, list, Sequence):
        yield from _leaves(get_args(leaf)[0])
    else:
        yield leaf


def _leaves(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _leaves(get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType):
        for member in get_args(annotation):
            yield from _leaves(member)
    else:
        yield annotation


def _step(leaf: Any, part: str | int) -> Iterator[Any]:
    origin, arguments = get_origin(leaf), get_args(leaf)
    if _is_model(leaf):
        yield from (annotation for name, annotation in _fields(leaf) if name == part)
    elif origin in (tuple, list, Sequence) and isinstance(part, int):
        yield arguments[0]
    elif origin in (dict, Mapping):
        yield arguments[1]


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field.annotation


def _kinds(model: type[BaseModel]) -> tuple[str, ...]:
    kind = model.model_fields.get("kind")
    return get_args(kind.annotation) if kind and get_origin(kind.annotation) is Literal else ()


def _is_model(leaf: Any) -> bool:
    return isinstance(leaf, type) and issubclass(leaf, BaseModel)

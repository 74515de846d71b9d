"""A YAML file as plain values that remember on which line they stand."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from idpsync.core.errors import Problem

Path = tuple[str | int, ...]
"""The way to a value: ("policy", "rules", 2, "tier")."""

MOST_VALUES = 100_000  # aliases of aliases can make a small file unfold into a huge one

_TAG = "tag:yaml.org,2002:"
_PLAIN = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null"))


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at `path`. Without a line it stands where the path does; 0 is no line at all."""

    path: Path
    message: str
    line: int | None = None


@dataclass(slots=True)
class Document:
    """What a file says. `lines` holds where each key or list item stands, counted from 1."""

    file: str
    tree: dict[str, Any] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, fault: Fault) -> Problem:
        line = self.line(fault.path) if fault.line is None else fault.line or None
        return Problem(dotted(fault.path), fault.message, self.file, line)


def dotted(path: Path) -> str:
    """`policy.rules[2].tier`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


class _Loader(yaml.SafeLoader):
    """YAML in which only true and false are truth values, and dates are text.

    In YAML 1.1 a group called `NO` is False and an API version 2023-06-01 is a date.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's name and type
        first: [pair for pair in pairs if pair[0] not in {_TAG + "bool", _TAG + "timestamp"}]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    _TAG + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def parse(text: str, file: str) -> tuple[Document, list[Fault]]:
    """The document in `text`, and every fault of writing in it. Nothing is raised."""
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return Document(file), [Fault((), _plainly(error), mark.line + 1 if mark else 1)]
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return Document(file), [Fault((), "a character that YAML does not allow", line)]
    except RecursionError:
        return Document(file), [Fault((), "nested too deeply")]
    if root is None:
        return Document(file), [Fault((), "the file is empty")]
    reader = _Reader(file, loader)
    tree = reader.read(root, ())
    if isinstance(tree, dict):
        reader.document.tree = tree
    elif not reader.faults:
        reader.faults.append(
            Fault((), "must hold keys (`organization:` …), not a list or a single value")
        )
    return reader.document, reader.faults


class _Reader:
    """Turns nodes into values; writes down lines and faults on the way."""

    def __init__(self, file: str, loader: _Loader) -> None:
        self.document = Document(file)
        self.faults: list[Fault] = []
        self._loader = loader
        self._around: set[int] = set()

    def read(self, node: yaml.Node, path: Path) -> Any:
        lines = self.document.lines
        lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._around or len(lines) > MOST_VALUES:
            self._fault(path, "an alias that contains itself, or unfolds without end")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self._around.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
                return [self.read(item, (*path, n)) for n, item in enumerate(node.value)]
        finally:
            self._around.discard(id(node))
        self._fault(path, "a YAML tag (`!…`) is not allowed here")
        return None

    def _fault(self, path: Path, message: str) -> None:
        self.faults.append(Fault(path, message))

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> object:
        if node.tag not in _PLAIN:
            self._fault(path, "a YAML tag (`!…`) is not allowed here; put the text in quotes")
            return None
        try:
            value: object = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            self._fault(path, "cannot be read; put the text in quotes")
            return None
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        self._duplicates(node, path)
        try:
            self._loader.flatten_mapping(node)
        except yaml.YAMLError:
            self._fault(path, "`<<` merges mappings only; put the text in quotes")
        values: dict[str, Any] = {}
        for key, value in node.value:
            if (name := _key(key)) is None:
                self._fault(path, f"line {key.start_mark.line + 1} has a key that is not plain text")
                continue
            self.document.lines[(*path, name)] = key.start_mark.line + 1
            values[name] = self.read(value, (*path, name))
        return values

    def _duplicates(self, node: yaml.MappingNode, path: Path) -> None:
        first: dict[str, int] = {}
        for key, _ in node.value:
            name, line = _key(key), key.start_mark.line + 1
            if name is None:
                continue
            if name in first:
                message = f"written twice in the same place; the first time on line {first[name]}"
                self._fault((*path, name), message)
            first.setdefault(name, line)


def _key(node: yaml.Node) -> str | None:
    if not isinstance(node, yaml.ScalarNode):
        return None
    return str(node.value) if node.tag in _PLAIN and node.tag != _TAG + "null" else None


_SENTENCES: Mapping[str, str] = {
    r"found character '\t'": "a tab stands where only spaces may: indent with spaces",
    "found character": "a value that begins like this needs quotes",
    "mapping values are not allowed": "wrong indentation, or a value with `: ` in it that needs quotes",
    "could not find expected ':'": "a key without its colon, or a line that is not indented",
    "expected <block end>": "wrong indentation: lines of one block must begin in the same column",
    "expected ',' or ']'": "a list that was opened with [ is not closed with ]",
    "expected ',' or '}'": "a { is not closed with }, or a comma is missing",
    "found unexpected end of stream": "a quote is opened and never closed",
    "found unexpected document separator": "a quote is opened and never closed",
    "found undefined alias": "text that begins with * needs quotes",
    "found duplicate anchor": "text that begins with & needs quotes",
    "expected a single document": "one file holds one organisation: take the second `---` out",
    "but found another document": "one file holds one organisation: take the second `---` out",
    "while scanning a directive": "text that begins with % needs quotes",
    "found unknown escape": "in double quotes a backslash is written twice; or use single quotes",
}


def _plainly(error: yaml.MarkedYAMLError) -> str:
    """PyYAML's complaint in our words: its own may repeat what stands in the file."""
    said = f"{error.problem or ''} {error.context or ''}"
    for start, sentence in _SENTENCES.items():
        if start in said:
            return f"not valid YAML: {sentence}"
    return "not valid YAML: check indentation, quotes and brackets up to here"


def select(tree: object, pattern: str) -> Iterator[tuple[Path, Any]]:
    """Every value that `pattern` reaches; `policy.rules.*.tier`, where * is any item or key."""
    found: list[tuple[Path, Any]] = [((), tree)]
    for part in pattern.split("."):
        found = [pair for path, value in found for pair in _inner(path, value, part)]
    yield from found


def _inner(path: Path, value: object, part: str) -> Iterator[tuple[Path, Any]]:
    if part == "*" and isinstance(value, list):
        yield from (((*path, n), item) for n, item in enumerate(value))
    elif isinstance(value, dict):
        names = list(value) if part == "*" else [part] if part in value else []
        yield from (((*path, name), value[name]) for name in names)

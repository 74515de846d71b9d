"""From files to configurations: every fault of every file at once, each with its line."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from idpsync.config import document as yaml
from idpsync.config.checks import disagreements
from idpsync.config.document import Document, Fault
from idpsync.config.faults import discreet, faults
from idpsync.config.root import Config
from idpsync.core.errors import ConfigError, Problem

VARIABLE = "IDPSYNC_CONFIG"
DEFAULT = Path("idpsync.yaml")

_PASSWORD_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]*:[^/?#\s]*@", re.IGNORECASE)


def locate(explicit: str | None, environ: Mapping[str, str]) -> Path:
    """Where the configuration is: `-c FILE`, else IDPSYNC_CONFIG, else ./idpsync.yaml."""
    return Path(explicit or environ.get(VARIABLE) or DEFAULT)


def load(path: Path) -> tuple[Config, ...]:
    """The organisations of a file (one) or of a directory (one for each *.yaml in it, by name).

    ConfigError with every problem of every file when any of them cannot be used.
    """
    files = _files(path)
    problems: list[Problem] = []
    configs: list[Config] = []
    ids: dict[str, str] = {}
    for file in files:
        document, written = _read(file)
        config, found = _validated(document) if document.tree or not written else (None, [])
        told = {fault.path for fault in written}
        found = [*written, *(f for f in found if f.path not in told), *_claimed(document, ids)]
        shown = [document.problem(discreet(fault, Config, document.tree)) for fault in found]
        problems += sorted(shown, key=lambda problem: problem.line or 0)
        configs += [config] if config else []
    if problems:
        raise ConfigError(*problems)
    return tuple(configs)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(f for f in path.glob("*.yaml") if not f.name.startswith("."))
    if not files:
        raise ConfigError(Problem("", "no *.yaml in this directory", str(path)))
    return files


def _read(file: Path) -> tuple[Document, list[Fault]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        hint = f"there is no such file; name one with -c FILE or {VARIABLE}"
        return Document(str(file)), [Fault((), hint, 0)]
    except OSError as error:
        return Document(str(file)), [Fault((), f"cannot be read: {error.strerror}", 0)]
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return Document(str(file)), [Fault((), "is not UTF-8 text", line)]
    document, found = yaml.parse(text, str(file))
    for name in [key for key, value in document.tree.items() if value is None]:
        del document.tree[name]  # `alerts:` with every line below it commented out
    return document, found


def _validated(document: Document) -> tuple[Config | None, list[Fault]]:
    tree = document.tree
    config: Config | None = None
    found: list[Fault] = []
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        found = faults(error, Config, tree)
    told = {fault.path for fault in found}
    more = (*disagreements(tree), *_passwords(tree, ()))
    return config, found + [fault for fault in more if fault.path not in told]


def _passwords(value: object, path: yaml.Path) -> Iterator[Fault]:
    """URLs with a password in them, wherever they stand."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _passwords(inner, (*path, key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _passwords(inner, (*path, n))
    elif isinstance(value, str) and _PASSWORD_IN_URL.match(value):
        yield Fault(path, "a password stands in this URL: give it by reference, env:NAME or file:/path")


def _claimed(document: Document, ids: dict[str, str]) -> list[Fault]:
    """Two files must not speak for the same organisation; `ids` remembers who spoke for which."""
    organization = document.tree.get("organization")
    name = organization.get("id") if isinstance(organization, dict) else None
    if not isinstance(name, str):
        return []
    if name in ids:
        return [Fault(("organization", "id"), f"is also the id in {ids[name]}")]
    ids[name] = Path(document.file).name
    return []

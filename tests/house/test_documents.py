"""The documents tell the truth, as far as a machine can check it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from idpsync import notify, sources, targets
from idpsync.cli.program import program
from idpsync.cli.verbs import Verb
from idpsync.config import load
from idpsync.core import books, errors, journals, ports
from idpsync.core.alerts import HeadroomRule
from idpsync.core.errors import Problem
from idpsync.core.remedies import REMEDIES, Exit
from idpsync.engine import watch
from idpsync.metrics import METRICS
from idpsync.settings import Settings
from idpsync.store.schema import metadata

ROOT = Path(__file__).parents[2]
README, ARCHITECTURE, CONTRIBUTING, CHANGELOG = (
    ROOT / f"{name}.md" for name in ("README", "ARCHITECTURE", "CONTRIBUTING", "CHANGELOG")
)
RUNBOOK = ROOT / "deploy" / "RUNBOOK.md"
OURS = (README, ARCHITECTURE, CONTRIBUTING, CHANGELOG, *sorted((ROOT / "deploy").glob("*.md")))

RULES = (
    *(watch.STALE, watch.FAILING, watch.HELD, watch.INCOMPLETE),
    *(watch.LOGIN_REFUSED, watch.TARGET_REFUSED),
)
UNNAMED = {"__init__.py", "versions"}  # need no line of their own in the tree


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def section(path: Path, heading: str) -> str:
    """What stands under `heading`, up to the next one of the same depth or above."""
    depth = len(heading) - len(heading.lstrip("#"))
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{depth}}} |\Z)", text_of(path), re.M | re.S)
    assert found, f"{path.name} has no section {heading!r}"
    return found[1]


def blocks(text: str, language: str = "") -> list[str]:
    """The fenced blocks in `text`, at the margin or in a list."""
    return [body for _, body in re.findall(rf"^( *)```{language}\n(.*?)^\1```$", text, re.M | re.S)]


def rows(text: str) -> list[list[str]]:
    """The cells of all tables in `text`, heads left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    rules = [at for at, row in enumerate(cells) if set("".join(row)) <= set("-: ")]
    heads = {at - 1 for at in rules} | set(rules)
    return [row for at, row in enumerate(cells) if at not in heads]


def first_words(text: str) -> list[str]:
    """Everything in code font in the first column of the tables in `text`."""
    return [name for row in rows(text) for name in re.findall(r"`(\w+)`", row[0])]


def slug(heading: str) -> str:
    """The anchor of a heading, as code hosts make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


# --- README -----------------------------------------------------------------------------------------


def verbs(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Everything that can be called: groups that do something by themselves, and all leaves."""
    for name, known in group.commands.items():
        here, command = (*path, name), known.real if isinstance(known, Verb) else known
        if not isinstance(command, click.Group):
            yield " ".join(here), command
            continue
        if command.invoke_without_command:
            yield " ".join(here), command
        yield from verbs(command, here)


def told_verbs() -> dict[str, str]:
    found = [row for row in rows(section(README, "## Commands")) if len(row) == 2]
    return {row[0].strip("`"): row[1] for row in found}


def test_every_verb_stands_in_the_readme_and_every_verb_there_exists() -> None:
    assert set(told_verbs()) == {name for name, _ in verbs(program)}


def test_every_option_that_the_readme_names_exists() -> None:
    commands = dict(verbs(program))
    for name, told in told_verbs().items():
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z][a-z-]*", told)) <= known, name


def test_every_option_of_every_verb_is_named_in_the_readme() -> None:
    said = section(README, "## Commands")
    for name, command in verbs(program):
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert any(option in said for option in parameter.opts), f"{name} {parameter.opts}"


def test_the_exit_codes_of_the_readme_are_those_of_the_program() -> None:
    told = [row for row in rows(section(README, "## Commands")) if len(row) == 3]
    assert {row[1]: int(row[0]) for row in told} == {code.name: code.value for code in Exit}


def test_the_configuration_of_the_readme_loads(tmp_path: Path) -> None:
    (block,) = blocks(section(README, "## Configuration"), "yaml")
    (tmp_path / "readme.yaml").write_text(block, encoding="utf-8")
    (config,) = load(tmp_path / "readme.yaml")
    assert config.ladder().tiers[0].name == "premium"
    assert sum(config.purchased().values()) == 120


@pytest.mark.parametrize("name", ["okta.md", "entra.md"])
def test_the_login_settings_of_a_checklist_load(name: str, tmp_path: Path) -> None:
    (login,) = blocks(text_of(ROOT / "deploy" / name), "yaml")
    (whole,) = blocks(section(README, "## Configuration"), "yaml")
    (tmp_path / "acme.yaml").write_text(f"{whole}\n{login}", encoding="utf-8")
    (config,) = load(tmp_path / "acme.yaml")
    assert config.jit is not None
    assert config.jit.preset is not None
    assert config.jit.preset.value == name.removesuffix(".md")
    for path in ("/saml/acs", "/saml/metadata", "/saml/login"):
        assert f"`{config.jit.base_url}{path}`" in text_of(ROOT / "deploy" / name)


def test_every_metric_is_named_in_the_readme_with_its_kind() -> None:
    told = {row[0].strip("`"): row[1] for row in rows(section(README, "### Metrics"))}
    assert told == {metric.name: metric.kind.value for metric in METRICS}


def models(union: Any) -> dict[str, type[Settings]]:
    """The settings of a discriminated union by their `kind`."""
    members: tuple[Any, ...] = union.__args__[0].__args__
    return {model.model_fields["kind"].annotation.__args__[0]: model for model in members}


def words(cell: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", cell)) - {"flavor"}


def receiver_not_built(config: Any) -> tuple[Problem, ...]:
    return notify.not_built([config])


NotBuilt = Callable[[Any], tuple[Problem, ...]]
PARTS: dict[str, tuple[Any, NotBuilt]] = {
    "directories": (sources.DirectoryConfig, sources.not_built),
    "targets": (targets.TargetConfig, targets.not_built),
    "receivers of alerts": (notify.ReceiverConfig, receiver_not_built),
}


@pytest.mark.parametrize("part", PARTS)
def test_the_readme_says_which_kinds_are_built(part: str) -> None:
    (row,) = (r for r in rows(section(README, "## Built, and not built yet")) if r[0] == part)
    union, not_built = PARTS[part]
    kinds = models(union)
    # enough of a configuration to ask whether it could be built: kind, name, and the defaults
    asked = {kind: model.model_construct(kind=kind, name="it") for kind, model in kinds.items()}
    built = {kind for kind, config in asked.items() if not not_built(config)}
    assert built
    assert words(row[1]) == built
    assert words(row[2]) - built == set(kinds) - built


# --- ARCHITECTURE -----------------------------------------------------------------------------------

NAME = re.compile(r"\.?\w[\w.-]*(/|\.\w+)|Makefile")


def tree() -> list[Path]:
    """Every file and folder of the tree, by its path from the root."""
    (block,) = blocks(section(ARCHITECTURE, "## Folder tree"))
    found: list[Path] = []
    folders: list[Path] = [Path()]
    for line in block.splitlines():
        depth = (len(line) - len(line.lstrip())) // 4
        names = []
        for word in line.split():
            if not NAME.fullmatch(word):
                break
            names.append(word)
        assert names, f"no name on the line {line!r}"
        del folders[depth + 1 :]
        paths = [folders[depth] / name for name in names]
        found += paths
        folders.append(paths[0])
    return found


def test_every_file_and_folder_of_the_tree_exists() -> None:
    missing = [str(path) for path in tree() if not (ROOT / path).exists()]
    assert missing == []


def test_every_module_stands_in_the_tree() -> None:
    told = {path.as_posix() for path in tree()}
    modules = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "idpsync").rglob("*.py")
        if path.name not in UNNAMED and "migrations" not in path.parts
    ]
    assert sorted(set(modules) - told) == []


def test_nothing_stands_in_the_tree_twice() -> None:
    told = [path.as_posix() for path in tree()]
    assert sorted(path for path in set(told) if told.count(path) > 1) == []


def test_every_table_of_the_store_is_described() -> None:
    assert set(first_words(section(ARCHITECTURE, "## The store"))) == set(metadata.tables)


def test_every_port_is_listed_with_what_is_really_there() -> None:
    told = set(first_words(section(ARCHITECTURE, "## Ports")))
    real = {
        name
        for module in (ports, books, journals)
        for name, port in vars(module).items()
        if getattr(port, "_is_protocol", False) and port.__module__ == module.__name__
    }
    assert told == real


def test_the_table_of_errors_is_the_one_of_the_program() -> None:
    told = {}
    for row in rows(section(ARCHITECTURE, "## Errors")):
        name = re.findall(r"`(\w+)`", row[0])[0]
        told[getattr(errors, name)] = (int(row[2]), int(row[3]), row[4])
    real = {kind: (r.exit.value, r.status, r.severity.value) for kind, r in REMEDIES.items()}
    assert told == real


def test_every_floor_of_the_import_contract_is_named_in_the_same_order() -> None:
    found = re.search(r"^layers = \[(.*?)^\]", text_of(ROOT / "pyproject.toml"), re.M | re.S)
    assert found
    floors = [re.findall(r"\w+", line) for line in re.findall(r'"([^"]+)"', found[1])]
    said = re.search(r"\*\*Floors\.\*\*(.*?)\.\s+`\|`", text_of(ARCHITECTURE), re.S)
    assert said
    assert [re.findall(r"\w+", floor) for floor in said[1].split(">")] == floors


# --- RUNBOOK ----------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """Anchors of all headings outside fenced blocks."""
    text = re.sub(r"^ *```.*?^ *```$", "", text_of(path), flags=re.M | re.S)
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.M)}


@pytest.mark.parametrize("rule", RULES)
def test_every_alert_rule_has_its_section_in_the_runbook(rule: str) -> None:
    assert watch.anchor(rule) in anchors(RUNBOOK)
    assert f"`{rule}`" in text_of(ARCHITECTURE)


def test_headroom_and_test_messages_have_their_sections_in_the_runbook() -> None:
    assert HeadroomRule("premium").name.partition("/")[0] in anchors(RUNBOOK)
    assert "test" in anchors(RUNBOOK)


# --- all of them ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_every_link_between_the_documents_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name) if name else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_every_fence_is_closed_and_every_row_has_the_cells_of_its_head(path: Path) -> None:
    text = text_of(path)
    assert len(re.findall(r"^ *```", text, re.M)) % 2 == 0
    width = 0
    for line in text.splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        width = width or cells
        assert cells == width, line


def test_every_path_that_contributing_names_exists() -> None:
    named = re.findall(r"`((?:idpsync|tests|config|deploy)/[\w./-]*)`", text_of(CONTRIBUTING))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []

"""Plans and their differences in the form that was asked for."""

from io import StringIO
from pathlib import Path

import click
from rich.console import Console

from idpsync.cli.context import Desk, print_json, print_text
from idpsync.cli.markdown import markdown
from idpsync.cli.outline import Document, Outline
from idpsync.cli.plan_tables import show_outline
from idpsync.cli.tables import json_text

WIDTH = 120
"""Columns of a table in a file."""


def hand_out(desk: Desk, document: Document, outline: Outline, shape: str, out: Path | None) -> None:
    """Print the document in `shape`, or write it to the file `out`."""
    if out is not None:
        _save(_text(document, outline, shape), out)
    elif shape == "json":
        print_json(document)
    elif shape == "table":
        show_outline(desk.console, outline)
    else:
        print_text(_text(document, outline, shape))


def _text(document: Document, outline: Outline, shape: str) -> str:
    match shape:
        case "markdown":
            return markdown(outline)
        case "html":
            from idpsync.cli.page import page  # noqa: PLC0415 -- a template engine, for this form alone

            return page(outline)
        case "json":
            return json_text(document)
        case _:
            console = Console(width=WIDTH, file=StringIO(), record=True)
            show_outline(console, outline)
            return console.export_text()


def _save(text: str, out: Path) -> None:
    try:
        out.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from error

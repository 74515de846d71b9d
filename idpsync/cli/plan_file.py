"""A plan that was kept in a file: read, or refused in one sentence."""

import json
from pathlib import Path

import click

from idpsync.cli.outline import Document
from idpsync.core.plan_shape import fault_of


def kept_plan(file: Path, organization: str) -> Document:
    """The plan of `plan --json` in the file; one of another organisation is refused."""
    document = _parsed(file)
    fault = fault_of(document, organization)
    if fault:
        hint = "write one with `idpsync plan --json --out FILE`"
        raise click.ClickException(f"{file} is no plan to compare with: {fault}; {hint}")
    assert isinstance(document, dict)  # noqa: S101 -- for the type checker; fault_of has looked
    return document


def _parsed(file: Path) -> object:
    try:
        return json.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        message = f"{file} is not UTF-8 (byte {error.start + 1}): a plan is JSON in UTF-8"
        raise click.ClickException(message) from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise click.ClickException(f"{file} is not JSON: {error.msg} at {place}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, lists in lists
        raise click.ClickException(f"{file} is not JSON that a plan could be: {error}") from error

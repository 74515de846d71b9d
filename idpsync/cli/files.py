"""Files that a verb is given: read whole, or refused in one sentence."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from pathlib import Path

import click

from idpsync.core.errors import Problem


def text_of(file: Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark."""
    if file == Path():  # what an empty name is read as
        raise click.ClickException("name the CSV file: an empty name, or '.', is none")
    try:
        content = file.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        if b"\0" in content and not content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            raise click.ClickException(_no_csv(file)) from error
        raise click.ClickException(
            f"{file} is not UTF-8 (byte {error.start + 1}): save it as UTF-8 text, such as "
            "'CSV UTF-8' in a spreadsheet"
        ) from error
    if "\0" in text:
        raise click.ClickException(_no_csv(file))
    if not text.strip():
        raise click.ClickException(f"{file} is empty")
    return text


def _no_csv(file: Path) -> str:
    return f"{file} is not a CSV file: export the table as CSV, in UTF-8"


def tell_problems(problems: Sequence[Problem], where: str) -> None:
    """Every problem on stderr, one per line."""
    count = len(problems)
    click.echo(f"{count} problem{'s' if count != 1 else ''} in {where}:", err=True)
    for problem in problems:
        click.echo(f"  {problem}", err=True)

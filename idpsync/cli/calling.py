"""One verb under way: where errors become exit codes, and what logs look like meanwhile."""

from collections.abc import Callable

import click

from idpsync import log
from idpsync.core.errors import ConfigError, IdpSyncError
from idpsync.core.remedies import Exit, remedy


def answer(call: Callable[[], object]) -> object:
    """What the verb returns, or the exit code of its error, which is told by then."""
    log.configure(format="auto", level="warning")
    try:
        return call()
    except ConfigError as error:
        _complain_about_config(error)
        return Exit.USAGE
    except IdpSyncError as error:
        click.echo(f"Error: {error}", err=True)
        return remedy(error).exit


def _complain_about_config(error: ConfigError) -> None:
    count = len(error.problems)
    click.echo(f"{count} problem{'s' if count != 1 else ''} in the configuration:", err=True)
    for problem in error.problems:
        click.echo(f"  {problem}", err=True)

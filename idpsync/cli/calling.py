"""One verb under way: where errors become exit codes, and what logs look like meanwhile."""

import gc
from collections.abc import Callable

import click

from idpsync import log
from idpsync.cli.context import LOST
from idpsync.core.errors import ConfigError, IdpSyncError
from idpsync.core.remedies import Exit, remedy

CYCLES_LOOKED_FOR = (200_000, 20, 100)
"""A read makes a million objects that all stay. At Python's own 700, 10, 10 they are searched for cycles
again and again, which is a quarter of the time of a plan for 50,000 people; at these each is looked at
once or twice, and what a cycle holds is still given back after 200,000 objects."""


def answer(call: Callable[[], object]) -> object:
    """What the verb returns, or the exit code of its error, which is told by then."""
    gc.set_threshold(*CYCLES_LOOKED_FOR)
    log.configure(format="auto", level="warning")
    try:
        code = call()
    except ConfigError as error:
        _complain_about_config(error)
        return Exit.USAGE
    except IdpSyncError as error:
        click.echo(f"Error: {error}", err=True)
        return remedy(error).exit
    context = click.get_current_context(silent=True)  # none where no verb was called
    lost = context is not None and LOST in context.meta
    return code or (Exit.FAULT if lost else code)


def _complain_about_config(error: ConfigError) -> None:
    count = len(error.problems)
    click.echo(f"{count} problem{'s' if count != 1 else ''} in the configuration:", err=True)
    for problem in error.problems:
        click.echo(f"  {problem}", err=True)

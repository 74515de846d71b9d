"""The program: options that every verb shares, and the one place where errors become exit codes."""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

import click

from idpsync import __version__, log
from idpsync.cli.admin import admin_verbs
from idpsync.cli.context import Desk
from idpsync.cli.contracts import contract_verb
from idpsync.cli.members import members_verb
from idpsync.cli.plans import plan_verbs
from idpsync.cli.purchases import seat_verb
from idpsync.cli.run import run_verb
from idpsync.cli.shows import show_verbs
from idpsync.config import locate
from idpsync.core.errors import ConfigError, IdpSyncError
from idpsync.core.remedies import Exit, remedy


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 fault of ours, 2 config or usage, 3 held by the guard, "
    "4 directory not read whole, 5 some actions failed, 6 digest differs.",
)
@click.option(
    "-c",
    "--config",
    "config",
    metavar="FILE",
    help="Configuration file, or a directory with one per organisation. "
    "Default: $IDPSYNC_CONFIG, else ./idpsync.yaml.",
)
@click.version_option(__version__, prog_name="idpsync")
@click.pass_context
def program(context: click.Context, config: str | None) -> None:
    """Seats, tiers and accounts, driven by the identity provider.

    Plans first: `idpsync plan` shows what `idpsync apply` would write.
    """
    context.obj = Desk(locate(config, os.environ))


VERBS = (
    *plan_verbs(),
    *show_verbs(),
    *(seat_verb(), contract_verb(), members_verb()),
    *admin_verbs(),
    run_verb(),
)
for verb in VERBS:
    program.add_command(verb)


def main() -> NoReturn:
    """Run one verb and exit with its code."""
    log.configure(format="auto", level="warning")
    sys.exit(_code(lambda: program.main(standalone_mode=False)))


def _code(call: Callable[[], object]) -> int:
    try:
        result = call()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return Exit.USAGE
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except ConfigError as error:
        _complain_about_config(error)
        return Exit.USAGE
    except IdpSyncError as error:
        click.echo(f"Error: {error}", err=True)
        return remedy(error).exit
    return result if isinstance(result, int) else Exit.DONE


def _complain_about_config(error: ConfigError) -> None:
    count = len(error.problems)
    click.echo(f"{count} problem{'s' if count != 1 else ''} in the configuration:", err=True)
    for problem in error.problems:
        click.echo(f"  {problem}", err=True)

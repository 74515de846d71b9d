"""The program: options that every verb shares. It knows verbs by name, so that `--help` is quick."""

import sys
from typing import Any, NoReturn

import click

from idpsync import __version__
from idpsync.cli.verbs import all_verbs

USAGE = 2


class Program(click.Group):
    """A group whose verbs are called under one roof, where their errors become exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        """Imports what calling a verb takes only now: `--help` has ended by then."""
        from idpsync.cli.calling import answer  # noqa: PLC0415 -- see above

        return answer(lambda: super(Program, self).invoke(ctx))


@click.group(
    cls=Program,
    commands=all_verbs(),
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
    from idpsync.cli.context import Desk  # noqa: PLC0415 -- as above

    context.obj = Desk(config)


def main() -> NoReturn:
    """Run one verb and exit with its code."""
    sys.exit(_code())


def _code() -> int:
    try:
        result = program.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return USAGE
    except click.ClickException as error:
        error.show()
        return USAGE
    return result if isinstance(result, int) else 0

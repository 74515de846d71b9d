"""`version`: in a module of its own, because it needs next to nothing."""

import click

from idpsync import __version__
from idpsync.cli.context import Desk, json_option, pass_desk


@click.command()
@json_option
@pass_desk
def version(desk: Desk, as_json: bool) -> None:
    """The version of this program."""
    desk.say({"version": __version__}, as_json, lambda console: console.print(f"idpsync {__version__}"))

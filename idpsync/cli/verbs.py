"""Every verb: its name, its line in the overview, and the module it comes from when it is called."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

PLACES: Mapping[str, Mapping[str, str]] = {
    "admin": {
        "alerts": "What is firing.",
        "check": "Validate the configuration; with --online also every system it names.",
        "config": "About the configuration file.",
        "store": "About the store.",
    },
    "contracts": {
        "contract": "Term, purchases with their invoices, what renewal may count, what is to come.",
    },
    "members": {
        "members": "Everybody with an account or a pending invite; the manual door.",
    },
    "plans": {
        "apply": "Plan and apply, under the guard.",
        "approve": "Let exactly the plan DIGEST pass, once, within 24 hours.",
        "explain": "Why USER (user name or e-mail) has what they have, and what must happen for more.",
        "holds": "Plans stopped by the guard.",
        "plan": "Read, decide, guard, print.",
        "reject": "Drop the held plan DIGEST; nothing is written.",
    },
    "purchases": {
        "seats": "The pool: purchased, assigned, held, invited, reserved and free, per tier.",
    },
    "run": {
        "run": "The daemon: schedule, login door, console, API, metrics, alert delivery.",
    },
    "shows": {
        "ledger": "The audit trail; `verify` proves that no row was changed or removed.",
        "waitlist": "Who waits for which tier, since when, at which position, holding what.",
    },
    "version": {
        "version": "The version of this program.",
    },
}


class Verb(click.Command):
    """A verb in the overview. Whoever calls it gets the real one: half a second of imports."""

    def __init__(self, name: str, module: str, line: str) -> None:
        super().__init__(name, help=line)
        self._verb, self._module = name, module

    @property
    def real(self) -> click.Command:
        """The command itself, from its module."""
        command: click.Command = getattr(import_module(f"idpsync.cli.{self._module}"), self._verb)
        return command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """A context of the real command, which Click goes on with."""
        return self.real.make_context(info_name, args, parent, **extra)


def all_verbs() -> tuple[Verb, ...]:
    """One for each line above."""
    return tuple(
        Verb(name, module, line) for module, lines in PLACES.items() for name, line in lines.items()
    )

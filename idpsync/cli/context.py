"""What verbs work with: the configuration they were given, opened as late as possible."""

import getpass
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from idpsync import wiring
from idpsync.core.contract import Contract
from idpsync.core.errors import ConfigError, Problem, StoreError
from idpsync.core.membership import Actor
from idpsync.core.records import Cause

if TYPE_CHECKING:  # at run time only verbs that open one of them import it
    from idpsync.config import Config
    from idpsync.store import Store
    from idpsync.wiring import House

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
as_option = click.option(
    "--as", "acts_as", metavar="EMAIL", help="Act with the rights of this member, not the operator's."
)


class Screen(Console):
    """Standard output for people."""

    def print(self, *objects: Any, **how: Any) -> None:
        """As ever; the verb goes on, and keeps its exit code, where nobody can read it."""
        try:
            super().print(*objects, **how)
        except OSError as error:
            stop_printing(error)

    def on_broken_pipe(self) -> None:
        """Whoever read our output has seen enough: no fault, and nothing more to say."""
        stop_printing(BrokenPipeError())


LOST = "idpsync.output_lost"
"""In the context of a call whose output could not be written, though somebody wanted it."""


def stop_printing(error: OSError) -> None:
    """What is left in buffers, and whatever else is printed, goes nowhere; a full disk is told once."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        complain(f"standard output cannot be written: {error.strerror}")
        click.get_current_context().meta[LOST] = True


@dataclass
class Desk:
    """What the configuration of this call is called, and what is opened from it."""

    named: str | None
    console: Console = field(default_factory=lambda: Screen(highlight=False))

    @cached_property
    def path(self) -> Path:
        """Where the configuration is, whether or not it is there."""
        from idpsync.config import locate  # noqa: PLC0415 -- see above

        return locate(self.named, os.environ)

    @cached_property
    def configs(self) -> "tuple[Config, ...]":
        """All organisations; ConfigError with every fault of every file."""
        from idpsync.config import load  # noqa: PLC0415 -- see above

        return load(self.path)

    @cached_property
    def config(self) -> "Config":
        """The one organisation of this call."""
        if len(self.configs) > 1:
            names = ", ".join(c.organization.id for c in self.configs)
            message = f"holds several organisations ({names}): name one file with -c"
            raise ConfigError(Problem("", message, str(self.path)))
        return self.configs[0]

    @cached_property
    def store(self) -> "Store":
        """The store alone, for verbs that ask neither directory nor target."""
        return wiring.open_books(self.config)

    @cached_property
    def house(self) -> "House":
        """Everything built and joined; the store is opened and seeded."""
        return wiring.build(self.config, self.store)

    @property
    def actor(self) -> str:
        """Who sits at the keyboard, for the ledger."""
        try:
            return f"cli:{getpass.getuser()}"
        except (KeyError, OSError):  # a container's number without a name
            return f"cli:uid {os.getuid()}"

    @property
    def today(self) -> date:
        """The day, in UTC."""
        return wiring.CLOCK.now().date()

    def acting(self, acts_as: str | None) -> Actor:
        """Who is asking: the operator, or the member whose rights they take on."""
        return self.house.manual.actor(self.actor, acts_as) if acts_as else Actor(self.actor)

    def writing(self, acts_as: str | None) -> Actor:
        """Who is asking for something to be written, in books that are up to date."""
        actor = self.acting(acts_as)
        self.book_what_is_due()
        return actor

    def book_what_is_due(self) -> None:
        """Purchases whose day has come make their seats. Verbs that only look leave that to others."""
        self.store.contracts.apply_due(self.today, Cause(self.actor, ("its day has come",)))

    def not_booked(self) -> tuple[str, ...]:
        """What verbs that only look say of purchases whose day has come, without their seats."""
        purchases = self.store.contracts.purchases()
        due = [p for p in purchases if p.applied_at is None and p.quote.on <= self.today]
        if not due:
            return ()
        named = ", ".join(p.invoice for p in due)
        return (f"Due, and not among these seats yet: {named}; the next run makes them.",)

    @property
    def contract(self) -> Contract:
        """The contract on record; a price that is not on record is that of the configuration."""
        recorded = self.store.contracts.contract()
        if recorded is None:
            raise StoreError("the store has no contract: run `idpsync store upgrade`")
        return replace(recorded, prices={**self.config.prices(), **recorded.prices})

    def say(self, document: object, as_json: bool, show: Callable[[Console], None]) -> None:
        """One JSON document on stdout, or what `show` prints."""
        if as_json:
            print_json(document)
        else:
            show(self.console)


def complain(*messages: str) -> None:
    """What went wrong, one line each, where the document is not."""
    for message in messages:
        click.echo(f"Error: {message}", err=True)


def print_json(document: object) -> None:
    print_text(json.dumps(document, ensure_ascii=False, indent=2))


def print_text(text: str) -> None:
    """One text on stdout, whoever may have stopped reading."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError as error:
        stop_printing(error)


pass_desk: Callable[[Callable[..., Any]], Callable[..., Any]] = click.make_pass_decorator(Desk)

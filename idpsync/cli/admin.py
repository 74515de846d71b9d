"""Verbs of the operator: check, config, store, alerts."""

from datetime import timedelta

import click
from rich.console import Console
from rich.text import Text

from idpsync import wiring
from idpsync.cli import tables
from idpsync.cli.context import Desk, json_option, pass_desk, print_json
from idpsync.config import schema
from idpsync.core.errors import ConfigError, Problem
from idpsync.core.records import Cause, Health
from idpsync.core.remedies import Exit
from idpsync.core.report import alert_json
from idpsync.settings import duration


@click.command()
@click.option("--online", is_flag=True, help="Log in to directory, target and receivers, read-only.")
@json_option
@pass_desk
def check(desk: Desk, online: bool, as_json: bool) -> int:
    """Validate the configuration; with --online also every system it names."""
    lines: list[dict[str, object]] = []
    try:
        configs = desk.configs
    except ConfigError as error:
        if as_json:
            print_json([_fault_line(problem) for problem in error.problems])
            return Exit.USAGE
        raise
    for config in configs:
        name = config.organization.id
        lines.append({"organization": name, "system": "configuration", "ok": True, "detail": "valid"})
        lines += [
            {"organization": name, "system": note.path, "ok": None, "detail": note.message}
            for note in wiring.not_built(config)
        ]
        lines += [
            {"organization": name, "system": note.path, "ok": True, "note": True, "detail": note.message}
            for note in wiring.contract_differences(config, online=online)
        ]
        if online:
            lines += [_health_line(name, health) for health in wiring.probe(config)]
    desk.say(lines, as_json, lambda console: _show_lines(console, lines))
    return Exit.DONE if all(line["ok"] is not False for line in lines) else Exit.TARGET


def _fault_line(problem: Problem) -> dict[str, object]:
    return {
        "organization": None,
        "system": "configuration",
        "ok": False,
        "detail": problem.message,
        "path": problem.path,
        "file": problem.file,
        "line": problem.line,
    }


def _health_line(organization: str, health: Health) -> dict[str, object]:
    return {
        "organization": organization,
        "system": health.system,
        "ok": health.ok,
        "detail": health.detail,
        "latency_ms": round(health.latency / timedelta(milliseconds=1), 1),
        "facts": list(health.facts),
        "missing_groups": sorted(health.missing),
    }


def _show_lines(console: Console, lines: list[dict[str, object]]) -> None:
    for line in lines:
        mark = {True: "ok   ", False: "FAIL ", None: "LATER"}[line["ok"]]  # type: ignore[index]
        mark = "NOTE " if line.get("note") else mark
        latency = f" ({line['latency_ms']} ms)" if line.get("latency_ms") else ""
        said = f"{mark} {line['organization']} {line['system']}: {line['detail']}{latency}"
        console.print(Text(said, style="bold red" if line["ok"] is False else ""), soft_wrap=True)
        for fact in line.get("facts", ()):  # type: ignore[attr-defined]
            for part in Text(fact).wrap(console, console.width - len(mark) - 1):
                part.rstrip()
                console.print(Text(" " * (len(mark) + 1)) + part)


@click.group()
def config() -> None:
    """About the configuration file."""


@config.command("schema")
def config_schema() -> None:
    """Print the JSON Schema, for editors."""
    print_json(schema())


@click.group()
def store() -> None:
    """About the store."""


@store.command()
@pass_desk
def upgrade(desk: Desk) -> None:
    """Bring the tables of the store to this version."""
    books = wiring.open_unchecked(desk.config)
    books.upgrade()
    click.echo(f"The store is at version {books.version()}.")


@click.group(invoke_without_command=True)
@json_option
@pass_desk
@click.pass_context
def alerts(context: click.Context, desk: Desk, as_json: bool) -> None:
    """What is firing."""
    if context.invoked_subcommand:
        return
    states = tuple(desk.store.alerts.states().values())
    desk.say(
        [alert_json(state) for state in states],
        as_json,
        lambda console: tables.show_alerts(console, states),
    )


@alerts.command()
@click.argument("key")
@pass_desk
def ack(desk: Desk, key: str) -> None:
    """Stop the repeats of KEY while it lasts."""
    try:
        desk.store.alerts.acknowledge(key, Cause(desk.actor))
    except KeyError as error:
        raise _unknown(key) from error
    click.echo(f"Acknowledged {key}.")


@alerts.command()
@click.argument("key")
@click.option("--for", "span", required=True, metavar="TIME", help="How long: 30m, 2h, 1d.")
@pass_desk
def silence(desk: Desk, key: str, span: str) -> None:
    """Say nothing about KEY for a while."""
    try:
        until = wiring.CLOCK.now() + duration(span)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    try:
        desk.store.alerts.silence(key, until, Cause(desk.actor))
    except KeyError as error:
        raise _unknown(key) from error
    click.echo(f"Silent about {key} until {until:%Y-%m-%d %H:%M} UTC.")


@alerts.command()
@click.argument("receiver")
@pass_desk
def test(desk: Desk, receiver: str) -> None:
    """Send a test message to RECEIVER now."""
    try:
        desk.house.alerting.rehearse(receiver, desk.house.clock.now())
    except KeyError as error:
        known = ", ".join(r.name for r in desk.house.receivers) or "none"
        raise click.ClickException(f"no receiver '{receiver}'; configured are: {known}") from error
    click.echo(f"Sent a test message to {receiver}.")


def _unknown(key: str) -> click.ClickException:
    return click.ClickException(f"no alert '{key}'; `idpsync alerts --json` lists them")

"""The manual door: people invited, seated, given roles and removed by hand."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from idpsync import wiring
from idpsync.cli import member_tables as tables
from idpsync.cli.context import Desk, Verb, as_option, json_option, pass_desk
from idpsync.cli.files import tell_problems, text_of
from idpsync.cli.progress import bar
from idpsync.core.errors import ConfigError, Problem
from idpsync.core.imports import parse_members
from idpsync.core.membership import USER, Invited
from idpsync.core.membership_report import act_json, invite_json, invited_json, members_json
from idpsync.core.plan import ChangeTier, DeactivateAccount, DeleteAccount, name_of, pool_json
from idpsync.core.remedies import Exit
from idpsync.core.seats import SeatPool, Tier
from idpsync.engine.manual import Import
from idpsync.engine.perform import Performed

NO_SEAT = "none"

email_argument = click.argument("email", metavar="EMAIL")
language_option = click.option(
    "--language",
    type=click.Choice(["en", "pt-BR"], case_sensitive=False),
    help="Language of the mail; mail.language where left out.",
)


def members_verb() -> Verb:
    return members


def acting(verb: Callable[..., Any]) -> Callable[..., Any]:
    """What every verb that changes something takes."""
    return as_option(json_option(pass_desk(verb)))


@click.group(invoke_without_command=True)
@json_option
@pass_desk
@click.pass_context
def members(context: click.Context, desk: Desk, as_json: bool) -> None:
    """Everybody with an account or a pending invite; the manual door."""
    if context.invoked_subcommand:
        return
    everybody = tables.in_order(desk.house.manual.members())
    desk.say(
        members_json(everybody, desk.config.organization.id, desk.house.clock.now()),
        as_json,
        lambda console: tables.show_members(console, everybody),
    )


# --- invites ------------------------------------------------------------------------------------------


@members.command()
@email_argument
@click.option("--role", metavar="R", default=USER, show_default=True, help="admin, owner, or your own.")
@click.option("--tier", metavar="T", help="The highest free one where left out.")
@language_option
@acting
def invite(
    desk: Desk,
    email: str,
    role: str,
    tier: str | None,
    language: str | None,
    acts_as: str | None,
    as_json: bool,
) -> int:
    """Invite EMAIL; a seat is kept for them.

    It is kept until their first login, or until the invite lapses (contract.invite_days).
    """
    link, wished = _login_link(desk), _tier(desk, tier) if tier else None
    invited = desk.house.manual.invite(
        desk.acting(acts_as), email, role=role, tier=wished, language=_language(language)
    )
    return _say_invited(desk, invited, link, again=False, as_json=as_json)


@members.command()
@email_argument
@language_option
@acting
def resend(desk: Desk, email: str, language: str | None, acts_as: str | None, as_json: bool) -> int:
    """Send the invitation of EMAIL again.

    The invite stands as long as before.
    """
    link = _login_link(desk)
    invited = desk.house.manual.resend(desk.acting(acts_as), email, language=_language(language))
    return _say_invited(desk, invited, link, again=True, as_json=as_json)


def _say_invited(desk: Desk, invited: Invited, link: str, *, again: bool, as_json: bool) -> int:
    document = invited_json(invited, link, desk.config.organization.id)
    _say(desk, document, tables.invited_text(invited, link, again=again), as_json=as_json)
    if not invited.problem:
        return Exit.DONE
    _complain(tables.not_mailed_text(invited))
    return Exit.TARGET


@members.command()
@email_argument
@acting
def withdraw(desk: Desk, email: str, acts_as: str | None, as_json: bool) -> None:
    """Take the invite of EMAIL back.

    Its seat is free again.
    """
    ended = desk.house.manual.withdraw(desk.acting(acts_as), email)
    freed = desk.store.seats.holding(ended.member) is None
    said = tables.withdrawn_text(ended, desk.store.waiting.entries(), freed=freed)
    document = {
        "organization": desk.config.organization.id,
        "invite": invite_json(ended),
        "freed": freed,
    }
    _say(desk, document, said, as_json=as_json)


# --- seats and roles ----------------------------------------------------------------------------------


@members.command()
@email_argument
@click.argument("tier", metavar="TIER|none")
@acting
def assign(desk: Desk, email: str, tier: str, acts_as: str | None, as_json: bool) -> int:
    """Give EMAIL a seat of TIER, or none.

    With none they keep the account and have no seat. It holds where no rule says which tier they have.
    """
    wished = None if tier == NO_SEAT else _tier(desk, tier)
    done = desk.house.manual.assign(desk.acting(acts_as), email, wished)
    otherwise = f"{email} has {wished or 'no seat'} already; from now on it counts as given by hand."
    return _say_done(desk, done, as_json=as_json, otherwise=otherwise)


@members.command()
@email_argument
@click.argument("other", metavar="EMAIL")
@acting
def swap(desk: Desk, email: str, other: str, acts_as: str | None, as_json: bool) -> int:
    """Let two people change seats.

    No further seat is needed: also where both tiers are full.
    """
    done = desk.house.manual.swap(desk.acting(acts_as), email, other)
    otherwise = f"{email} and {other} have the same: nothing to do."
    return _say_done(desk, done, as_json=as_json, otherwise=otherwise)


@members.command()
@email_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@acting
def remove(desk: Desk, email: str, yes: bool, acts_as: str | None, as_json: bool) -> int:
    """Take EMAIL's account away.

    They lose access at once, and the seat is free.
    """
    actor = desk.acting(acts_as)
    if not yes and sys.stdin.isatty():
        click.confirm(f"Remove {email}? They lose access at once.", abort=True, err=True)
    return _say_done(desk, [desk.house.manual.remove(actor, email)], as_json=as_json)


@members.command("role")
@email_argument
@click.argument("role", metavar="ROLE")
@acting
def give_role(desk: Desk, email: str, role: str, acts_as: str | None, as_json: bool) -> int:
    """Give EMAIL a role.

    owner, admin and user replace each other; roles of your own add up.
    """
    done = desk.house.manual.give_role(desk.acting(acts_as), email, role)
    return _say_done(desk, [done], as_json=as_json)


def _say_done(desk: Desk, performed: Sequence[Performed], *, as_json: bool, otherwise: str = "") -> int:
    document = {
        "organization": desk.config.organization.id,
        "actions": [act_json(p.action, p.outcome, p.error) for p in performed],
    }
    failed = [p for p in performed if not p.done]
    said = _told(desk, performed) if performed else [otherwise]
    _say(desk, document, said, as_json=as_json)
    for one in failed:
        _complain(_failure(one))
    return Exit.TARGET if failed else Exit.DONE


def _told(desk: Desk, performed: Iterable[Performed]) -> list[str]:
    """One sentence per person, and who profits from the seats they left."""
    people: dict[str, list[Performed]] = {}
    for one in performed:
        people.setdefault(one.member, []).append(one)
    steps = [[p.action for p in several if p.done] for several in people.values()]
    left = {
        action.previous_tier
        for actions in steps
        for action in actions
        if isinstance(action, ChangeTier | DeactivateAccount | DeleteAccount) and action.previous_tier
    }
    pool = desk.store.seats.pool()
    freed = [tier for tier in left if pool.free(tier)]
    return [
        *(tables.done_text(actions) for actions in steps if actions),
        *tables.next_in_line(freed, pool.waiting),
    ]


def _failure(one: Performed) -> str:
    """What the target, or the seat book, said to one act."""
    name = one.action.profile.user_name
    if one.outcome == "unknown":
        return f"{name}: it is not known whether it was done, the next run looks: {one.error}"
    return f"{name}: {one.error}"


# --- what others have already -------------------------------------------------------------------------


@members.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do it; without it nothing is written.")
@acting
def import_members(desk: Desk, file: Path, yes: bool, acts_as: str | None, as_json: bool) -> int:
    """Take over members from a CSV file.

    Columns: name, email, role, seat type. Without --yes it is only shown what would be done.
    """
    door, actor = desk.house.manual, desk.acting(acts_as)
    wanted, seats = _prepared(desk, file), desk.store.seats
    before, holdings = seats.pool(), seats.holdings()
    done: tuple[Performed, ...] = ()
    if yes and not wanted.problems:
        with bar("importing", shown=not as_json and desk.console.is_terminal) as progress:
            done = door.carry_out(actor, wanted, progress)
    after = seats.pool() if done else tables.pool_after(before, wanted, holdings)
    failed = [one for one in done if not one.done]

    def show(console: Console) -> None:
        tables.show_import(console, wanted, f"Members of {file}", before, after)
        if not wanted.problems:
            tables.say_import(console, wanted, len(done) - len(failed), asked=not yes)

    document = {"file": str(file), **_import_json(desk, wanted, done, (before, after))}
    desk.say(document, as_json, show)
    for one in failed:
        _complain(_failure(one))
    if wanted.problems:
        tell_problems(wanted.problems, str(file))
        click.echo("Nothing was imported.", err=True)
        return Exit.USAGE
    return Exit.TARGET if failed else Exit.DONE


def _prepared(desk: Desk, file: Path) -> Import:
    """What the file would do, every problem with its place in it."""
    text = text_of(file)
    try:
        rows = parse_members(text, desk.config.ladder(), file=str(file))
    except ConfigError as error:
        return Import((), (), error.problems)
    wanted = desk.house.manual.prepare(rows)
    named = [replace(p, file=str(file)) if p.line else p for p in wanted.problems]
    return replace(wanted, problems=tuple(sorted(named, key=lambda p: p.line or 0)))


def _import_json(
    desk: Desk, wanted: Import, done: Sequence[Performed], pools: tuple[SeatPool, SeatPool]
) -> dict[str, object]:
    before, after = pools
    return {
        "organization": desk.config.organization.id,
        "imported": bool(done),
        "rows": [
            {
                "line": step.row.line,
                "name": step.row.name,
                "email": step.row.email,
                "role": step.row.role,
                "tier": name_of(step.row.tier),
                "todo": step.todo.value,
                "notes": list(step.notes),
            }
            for step in wanted.steps
        ],
        "problems": [{"line": p.line, "message": str(p)} for p in wanted.problems],
        "actions": [act_json(p.action, p.outcome, p.error) for p in done]
        or [act_json(action) for action in wanted.actions],
        "pool": {"before": pool_json(before), "after": pool_json(after)},
    }


# --- what all of them share ---------------------------------------------------------------------------


def _login_link(desk: Desk) -> str:
    """Where an invite is accepted; ConfigError without a login door."""
    if desk.config.jit is None:
        message = (
            "is missing: an invite is accepted by logging in for the first time, and there is no login"
        )
        raise ConfigError(Problem("jit", message, str(desk.path)))
    return wiring.login_link(desk.config.jit)


def _tier(desk: Desk, name: str) -> Tier:
    ladder = desk.config.ladder()
    try:
        return ladder.named(name)
    except KeyError as error:
        known = ", ".join(tier.name for tier in ladder)
        raise click.BadParameter(f"no tier '{name}'; there are: {known}") from error


def _language(chosen: str | None) -> str | None:
    """As the courier calls it."""
    return chosen.replace("-", "_") if chosen else None


def _say(desk: Desk, document: object, lines: Iterable[str], *, as_json: bool) -> None:
    """The document, or sentences; what is indented can be copied whole."""

    def show(console: Console) -> None:
        for line in lines:
            console.print(Text(line), soft_wrap=line.startswith(" "))

    desk.say(document, as_json, show)


def _complain(message: str) -> None:
    click.echo(f"Error: {message}", err=True)

"""The manual door: people invited, seated, given roles and removed by hand."""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from idpsync import wiring
from idpsync.cli import member_tables as tables
from idpsync.cli.context import Desk, as_option, complain, json_option, pass_desk
from idpsync.cli.member_import import import_members
from idpsync.core.errors import ConfigError, Problem
from idpsync.core.membership import Invited
from idpsync.core.membership_report import act_json, invite_json, invited_json, members_json
from idpsync.core.model import USER
from idpsync.core.plan import ChangeTier, DeactivateAccount, DeleteAccount
from idpsync.core.remedies import Exit
from idpsync.core.seats import Door, Tier
from idpsync.engine.perform import Performed

NO_SEAT = "none"
LANGUAGES = ("en", "pt-BR")

email_argument = click.argument("email", metavar="EMAIL")


def _language(_context: click.Context, _option: click.Parameter, said: str | None) -> str | None:
    known = {language.casefold(): language for language in LANGUAGES}
    if said is not None and said.casefold() not in known:
        raise click.ClickException(f"'{said}' is none of {', '.join(LANGUAGES)}")
    return known[said.casefold()] if said is not None else None


language_option = click.option(
    "--language",
    callback=_language,
    metavar=f"[{'|'.join(LANGUAGES)}]",
    help="Language of the mail; mail.language where left out.",
)


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
@click.option(
    "--role", metavar="R", default=USER, show_default=True, help="user, admin, owner, or your own."
)
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
        desk.writing(acts_as), email, role=role, tier=wished, language=language
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
    invited = desk.house.manual.resend(desk.writing(acts_as), email, language=language)
    return _say_invited(desk, invited, link, again=True, as_json=as_json)


def _say_invited(desk: Desk, invited: Invited, link: str, *, again: bool, as_json: bool) -> int:
    document = invited_json(invited, link, desk.config.organization.id)
    _say(desk, document, tables.invited_text(invited, link, again=again), as_json=as_json)
    if not invited.problem:
        return Exit.DONE
    complain(tables.not_mailed_text(invited))
    return Exit.TARGET


@members.command()
@email_argument
@acting
def withdraw(desk: Desk, email: str, acts_as: str | None, as_json: bool) -> None:
    """Take the invite of EMAIL back.

    Its seat is free again.
    """
    ended = desk.house.manual.withdraw(desk.writing(acts_as), email)
    freed = desk.store.seats.holding(ended.member) is None
    said = tables.withdrawn_text(ended, desk.store.seats.pool(), freed=freed)
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
    wished = None if tier.casefold() == NO_SEAT else _tier(desk, tier, NO_SEAT)
    done = desk.house.manual.assign(desk.writing(acts_as), email, wished)
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
    done = desk.house.manual.swap(desk.writing(acts_as), email, other)
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
    desk.book_what_is_due()
    done = desk.house.manual.remove(actor, email)
    notes = [tables.DOOR_IS_OPEN] if _may_come_back(desk, done) else []
    return _say_done(desk, [done], as_json=as_json, notes=notes)


def _may_come_back(desk: Desk, removed: Performed) -> bool:
    """Whether a login would make them a new account; one that is deactivated is refused there."""
    deleted = removed.done and isinstance(removed.action, DeleteAccount)
    return deleted and desk.config.jit is not None and Door.JIT in desk.config.organization.doors


@members.command("role")
@email_argument
@click.argument("role", metavar="ROLE")
@acting
def give_role(desk: Desk, email: str, role: str, acts_as: str | None, as_json: bool) -> int:
    """Give EMAIL a role.

    owner, admin and user replace each other; roles of your own add up.
    """
    done = desk.house.manual.give_role(desk.writing(acts_as), email, role)
    return _say_done(desk, [done], as_json=as_json)


def _say_done(
    desk: Desk,
    performed: Sequence[Performed],
    *,
    as_json: bool,
    otherwise: str = "",
    notes: Sequence[str] = (),
) -> int:
    document = {
        "organization": desk.config.organization.id,
        "actions": [act_json(p.action, p.outcome, p.error) for p in performed],
    }
    said = _told(desk, performed) if performed else [otherwise]
    _say(desk, document, [*said, *notes], as_json=as_json)
    complain(*tables.failures(performed))
    return Exit.DONE if all(p.done for p in performed) else Exit.TARGET


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
        *(tables.done_text(actions, pool) for actions in steps if actions),
        *tables.next_in_line(freed, pool.waiting),
    ]


# --- what all of them share ---------------------------------------------------------------------------


def _login_link(desk: Desk) -> str:
    """Where an invite is accepted; ConfigError without a login door."""
    if desk.config.jit is None:
        message = (
            "is missing: an invite is accepted by logging in for the first time, and there is no login"
        )
        raise ConfigError(Problem("jit", message, str(desk.path)))
    return wiring.login_link(desk.config.jit)


def _tier(desk: Desk, name: str, *besides: str) -> Tier:
    ladder = desk.config.ladder()
    try:
        return ladder.named(name)
    except KeyError as error:
        known = ", ".join([*(tier.name for tier in ladder), *besides])
        raise click.ClickException(f"no tier '{name}'; there are: {known}") from error


def _say(desk: Desk, document: object, lines: Iterable[str], *, as_json: bool) -> None:
    """The document, or sentences; what is indented can be copied whole."""

    def show(console: Console) -> None:
        for line in lines:
            console.print(Text(line), soft_wrap=line.startswith(" "))

    desk.say(document, as_json, show)


members.add_command(import_members)

"""The manual door for people: the table of members, and what happened, in a sentence or two."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from idpsync.cli.tables import MOST, plain_table, pools_table
from idpsync.core.membership import Invite, Invited, Member
from idpsync.core.model import fold
from idpsync.core.plan import (
    Action,
    ChangeRoles,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    ReactivateAccount,
    UpdateProfile,
)
from idpsync.core.roles import OURS
from idpsync.core.seats import Holding, SeatPool, Tier, WaitEntry
from idpsync.engine.importing import Import, ImportStep, Todo
from idpsync.engine.perform import Performed

BY_HAND = "*"
ROOMY = 110  # columns of a terminal from which on nothing has to give way


def in_order(members: Iterable[Member]) -> tuple[Member, ...]:
    """By user name: where people look for somebody."""
    return tuple(sorted(members, key=lambda m: (fold(m.user_name), m.user_name)))


def show_members(console: Console, members: Sequence[Member]) -> None:
    """Everybody with an account or a pending invite."""
    if not members:
        console.print("Nobody has an account or an invite.")
        return
    table = plain_table(
        f"Members ({len(members)})", "person", "role", "!tier", "standing", "!door", "!since"
    )
    table.collapse_padding = True
    if console.width < ROOMY:  # addresses are what people look for: other columns give way first
        table.columns[1].max_width, table.columns[3].max_width = len("research"), len("invited, until")
    for member in members:
        mark = BY_HAND if member.by_hand else ""
        table.add_row(
            Text(member.user_name),
            Text(roles_of(member)),
            f"{member.tier or 'no seat'}{mark}",
            _standing(member),
            member.door.value if member.door else "-",
            f"{member.since:%Y-%m-%d}" if member.since else "-",
        )
    console.print(table)
    if any(member.by_hand for member in members):
        console.print(f"{BY_HAND} tier given by hand")


def roles_of(member: Member) -> str:
    return ", ".join(sorted(member.roles)) or "user"


def _standing(member: Member) -> str:
    if member.invite:
        return f"invited, until {member.invite.expires_at:%Y-%m-%d}"
    return member.standing.value


# --- what happened ------------------------------------------------------------------------------------


def invited_text(invited: Invited, link: str, *, again: bool) -> list[str]:
    """What an invite, or sending it once more, came to."""
    invite = invited.invite
    until = f"{invite.expires_at:%Y-%m-%d}"
    said = [
        f"The invite of {invite.email} stands until {until}: {invite.role}, with a {invite.tier} seat."
        if again
        else f"{invite.email} is invited as {invite.role} with a {invite.tier} seat; "
        f"the invite stands until {until}."
    ]
    said += [_own([invite.role]).strip()] if invite.role not in OURS else []
    if invited.mailed:
        said.append("The invitation was sent; it is accepted by logging in for the first time.")
    elif not invited.problem:
        said += ["No mail server is configured: hand on this link.", f"  {link}"]
    return said


def not_mailed_text(invited: Invited) -> str:
    """What to do when the mail server did not take the invitation."""
    email = invited.invite.email
    return (
        f"the invitation could not be sent: {invited.problem}. The invite stands, its seat is kept: "
        f"`idpsync members resend {email}` sends it again"
    )


def withdrawn_text(invite: Invite, pool: SeatPool, *, freed: bool) -> list[str]:
    """What a withdrawal came to; not `freed`: an account may be under way."""
    said = f"The invite of {invite.email} is withdrawn"
    if not freed:
        later = f"the {invite.tier} seat is free when it turns out that no account was made"
        return [f"{said}. A login of theirs is under way: {later}."]
    left = [invite.tier] if pool.free(invite.tier) else []
    return [f"{said}{_given_back(invite.tier, pool)}.", *next_in_line(left, pool.waiting)]


def next_in_line(freed: Iterable[Tier], waiting: Iterable[WaitEntry]) -> list[str]:
    """Who gets the seats that were given back; nothing when nobody waits."""
    entries = tuple(waiting)
    told = []
    for tier in sorted(set(freed)):
        number = sum(entry.awaits(tier) for entry in entries)
        if number:
            told.append(f"{_people(number)} for {tier}: the next run gives the seat to the first.")
    return told


def _people(number: int) -> str:
    return "1 person waits" if number == 1 else f"{number} people wait"


def done_text(actions: Sequence[Action], pool: SeatPool) -> str:
    """What was done to one person, several steps as one; `pool` is the one afterwards."""
    first, last = actions[0], actions[-1]
    name = last.profile.user_name
    match last:
        case ChangeTier(tier=tier):
            before = getattr(first, "previous_tier", None)
            if before == tier:  # what broke off on the way leads back
                return f"{name} has {tier or 'no seat'} as before."
            return f"{name} {_now(tier)} ({_before(before)})."
        case ChangeRoles(roles=roles, previous_roles=previous):
            if roles == previous:
                return f"{name} is {_roles(roles)} already: nothing to do."
            return f"{name} is {_roles(roles)} now (before: {_roles(previous)}).{_own(roles - previous)}"
        case CreateAccount(tier=tier):
            return f"{name} has an account now, and {_seat(tier)}."
        case ReactivateAccount(tier=tier):
            return f"{name} is active again and has {_seat(tier)}."
        case UpdateProfile():
            return f"The profile of {name} is up to date."
        case DeactivateAccount(previous_tier=left):
            return f"{name} is deactivated{_given_back(left, pool)}."
        case DeleteAccount(previous_tier=left):
            return f"The account of {name} is deleted{_given_back(left, pool)}."


DOOR_IS_OPEN = (
    "The login door is open to newcomers: as long as the identity provider lets them sign in, their "
    "next login may make them a new account."
)


def _now(tier: Tier | None) -> str:
    return f"has {tier} now" if tier else "keeps the account and has no seat now"


def _before(tier: Tier | None) -> str:
    return f"before: {tier or 'no seat'}"


def _seat(tier: Tier | None) -> str:
    return f"a {tier} seat" if tier else "no seat"


def _own(roles: Iterable[str]) -> str:
    """Roles without rights here are told as such: nobody takes a slip of the pen for one of ours."""
    return "".join(f" {role} is a role of your own." for role in sorted(set(roles) - OURS))


def _roles(roles: Iterable[str]) -> str:
    return ", ".join(sorted(roles)) or "user"


def _given_back(tier: Tier | None, pool: SeatPool) -> str:
    """What became of the seat: where a tier has more people than seats, it is nobody's."""
    if tier is None:
        return ""
    if pool.free(tier):
        return f"; the {tier} seat is free again"
    over = -pool.balance(tier)
    people = "1 person" if over == 1 else f"{over} people"
    return f"; {tier} still has {people} more than seats" if over else f"; {tier} is just full now"


def failures(performed: Iterable[Performed]) -> list[str]:
    """What the target, or the seat book, said to each act that was not done."""
    failed = [one for one in performed if not one.done]
    tried = [one for one in failed if one.outcome != "skipped"]
    told = [_failure(one) for one in tried[:MOST]]
    if len(tried) > MOST:
        told.append(f"… and {len(tried) - MOST} more: `idpsync ledger` has them all")
    for why, number in Counter(one.error for one in failed if one.outcome == "skipped").items():
        told.append(f"{number} not begun: {why}; the same call goes on where this one ended")
    return told


def _failure(one: Performed) -> str:
    name = one.action.profile.user_name
    if one.outcome == "unknown":
        return f"{name}: it is not known whether it was done, the next run looks: {one.error}"
    return f"{name}: {one.error}"


# --- import -------------------------------------------------------------------------------------------

DOES = {Todo.CREATE: "new", Todo.REACTIVATE: "active again", Todo.CHANGE: "", Todo.NOTHING: "left alone"}


def pool_after(pool: SeatPool, wanted: Import, holdings: Iterable[Holding]) -> SeatPool:
    """The pool as the import would leave it."""
    reserved = {holding.member: holding.tier for holding in holdings if not holding.settled}
    assigned, held = Counter(pool.assigned), Counter(pool.held)
    for step in wanted.steps:
        if step.move:
            assigned.update([step.move.to] if step.move.to else [])
            assigned.subtract([step.move.left] if step.move.left else [])
        elif step.todo in (Todo.CREATE, Todo.REACTIVATE) and step.row.tier:
            assigned[step.row.tier] += 1
            held.subtract([reserved[step.member]] if step.member in reserved else [])
    return replace(pool, assigned=assigned, held=held)


def show_import(console: Console, wanted: Import, title: str, before: SeatPool, after: SeatPool) -> None:
    """What each row would do, where it does something or says why not; the pool afterwards."""
    refused = {problem.line for problem in wanted.problems}
    shown = [
        step
        for step in wanted.steps
        if step.todo is not Todo.NOTHING or step.notes or step.row.line in refused
    ]
    if shown:
        table = plain_table(title, "#line", "person", "what", "note")
        for step in shown[:MOST]:
            table.add_row(
                str(step.row.line),
                Text(step.row.email),
                Text("REFUSED") if step.row.line in refused else _step(step),
                Text("; ".join(step.notes)),
            )
        if len(shown) > MOST:
            table.add_row("", f"… and {len(shown) - MOST} more", "", "`--json` lists all")
        console.print(table)
    if wanted.actions and not wanted.problems:
        console.print(pools_table(before, after))


def _step(step: ImportStep) -> Text:
    """new, premium, admin · tier standard → premium, +admin."""
    if step.todo in (Todo.CREATE, Todo.REACTIVATE):
        roles = sorted(role for write in step.writes for role in write.roles)
        return Text(", ".join([DOES[step.todo], str(step.row.tier or "no seat"), *roles]))
    said = []
    if step.move:
        said.append(f"{step.move.left or 'no seat'} → {step.move.to or 'no seat'}")
    for write in step.writes:
        if isinstance(write, ChangeRoles):
            said += [f"+{role}" for role in sorted(write.roles - write.previous_roles)]
            said += [f"-{role}" for role in sorted(write.previous_roles - write.roles)]
    return Text(", ".join(said) or DOES[step.todo])


def say_import(console: Console, wanted: Import, done: int, *, asked: bool) -> None:
    """How it ended, or how to go on; `asked` where it was only a look."""
    number, same = len(wanted.actions), sum(s.todo is Todo.NOTHING for s in wanted.steps)
    if same and number:
        console.print(f"{same} of {len(wanted.steps)} lines: nothing to do.")
    if not number:
        kept = any(step.notes for step in wanted.steps)
        why = (
            "what differs is left alone, as noted" if kept else "everybody is a member as the file says"
        )
        console.print(f"Nothing to do: {why}.")
    elif asked:
        console.print("Nothing was written: look it over, then call it again with --yes.")
    else:
        console.print(f"{done} of {number} actions done.")

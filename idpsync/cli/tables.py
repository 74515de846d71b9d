"""Tables for people. Width follows the terminal; nothing is told by colour alone."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from idpsync.core.alerts import AlertState, Phase
from idpsync.core.guard import GuardReport
from idpsync.core.plan import (
    Action,
    ChangeRoles,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    Plan,
    ReactivateAccount,
    UpdateProfile,
)
from idpsync.core.records import LedgerEntry, RunState
from idpsync.core.seats import SeatPool, Tier, WaitEntry
from idpsync.engine.outcome import Outcome

MOST = 20
"""Actions of one kind that are listed; the rest is counted."""


def json_text(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


def json_line(document: object) -> str:
    return json.dumps(document, ensure_ascii=False)


def plain_table(title: str, *columns: str) -> Table:
    """A table; `#` before a column name means numbers, `!` that it never wraps."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in columns:
        justify: JustifyMethod = "right" if column.startswith("#") else "left"
        whole = column[0] in "#!"
        table.add_column(column.lstrip("#!"), justify=justify, no_wrap=whole, overflow="fold")
    return table


# --- plans ------------------------------------------------------------------------------------------


def show_plan(console: Console, plan: Plan, report: GuardReport) -> None:
    """The plan: what was read, what would be written, who waits, what the guard says."""
    read = plan.directory
    whole = "read whole" if read.complete else "NOT read whole: nothing is removed"
    console.print(f"Directory ({read.kind}): {read.users} people, {whole}")
    for problem in read.problems:
        console.print(Text(f"  ! {problem}"))
    console.print(pools_table(plan.pool_before, plan.pool_after))
    if plan.actions:
        _show_actions(console, plan.actions)
    else:
        console.print("Nothing to do: accounts and seats are as they should be.")
    _show_rest(console, plan)
    _show_guard(console, plan, report)


def pools_table(before: SeatPool, after: SeatPool) -> Table:
    """The pool now, and as it would be."""
    table = plain_table("Seats", "tier", "#purchased", "#assigned", "#held", "#reserved", "#free")
    for tier in before.ladder:
        table.add_row(
            tier.name,
            str(before.purchased.get(tier, 0)),
            _step(before.assigned.get(tier, 0), after.assigned.get(tier, 0)),
            _step(before.held.get(tier, 0), after.held.get(tier, 0)),
            str(before.reserved.get(tier, 0)),
            _step(before.free(tier), after.free(tier)),
        )
    return table


def _step(before: int, after: int) -> str:
    return str(before) if before == after else f"{before} → {after}"


def _show_actions(console: Console, actions: tuple[Action, ...]) -> None:
    kinds: dict[str, list[Action]] = {}
    for action in actions:
        kinds.setdefault(heading_of(action), []).append(action)
    for heading, several in kinds.items():
        table = plain_table(f"{heading} ({len(several)})", "!person", "!what", "because")
        for action in several[:MOST]:
            table.add_row(
                Text(action.profile.user_name),
                Text(what_changes(action)),
                Text("; ".join(action.because)),
            )
        if len(several) > MOST:
            table.add_row(f"… and {len(several) - MOST} more", "", "`plan --json` lists all")
        console.print(table)


def heading_of(action: Action) -> str:
    match action:
        case CreateAccount():
            return "Create account"
        case ReactivateAccount():
            return "Reactivate account"
        case UpdateProfile():
            return "Update profile"
        case ChangeTier():
            return "Change tier"
        case ChangeRoles():
            return "Change roles"
        case DeactivateAccount():
            return "Deactivate account"
        case DeleteAccount():
            return "Delete account"


def what_changes(action: Action) -> str:
    match action:
        case CreateAccount(tier=tier, roles=roles) | ReactivateAccount(tier=tier, roles=roles):
            return " ".join([str(tier or "no seat"), *(f"+{role}" for role in sorted(roles))])
        case ChangeTier(previous_tier=left, tier=to):
            return f"{left or 'no seat'} → {to or 'no seat'}"
        case ChangeRoles(previous_roles=before, roles=after):
            gained, lost = sorted(after - before), sorted(before - after)
            return " ".join([*(f"+{r}" for r in gained), *(f"-{r}" for r in lost)])
        case UpdateProfile(changed=changed):
            return ", ".join(changed)
        case DeactivateAccount(previous_tier=left) | DeleteAccount(previous_tier=left):
            return f"gives back {left}" if left else "held no seat"


def _show_rest(console: Console, plan: Plan) -> None:
    for over in plan.over:
        console.print(Text(f"{over}. The newest: {_some(over.people, 10)}"))
    if plan.waiting:
        console.print(waiting_table(plan.waiting))
    if plan.refused:
        table = plain_table(f"Refused ({len(plan.refused)})", "!person", "!reason", "because")
        for refusal in plan.refused[:MOST]:
            table.add_row(Text(refusal.user_name), refusal.reason, Text("; ".join(refusal.because)))
        console.print(table)
    for conflict in plan.conflicts:
        console.print(Text(f"Skipped, {conflict.reason}: {', '.join(conflict.keys)}"))
    for adoption in plan.adoptions[:MOST]:
        console.print(Text(f"Adopts account {adoption.user_name} (matched by {adoption.matched_by})"))
    if plan.orphans:
        shown = _some(plan.orphans, 5)
        console.print(Text(f"{len(plan.orphans)} orphan accounts, left alone: {shown}"))


def _some(names: Sequence[str], most: int) -> str:
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")


def _show_guard(console: Console, plan: Plan, report: GuardReport) -> None:
    for check in report.tripped:
        console.print(Text(f"HELD by {check}: {_some(check.people, 10)}", style="bold red"))
    if report.held:
        console.print("Nothing was written. Once `apply` or the daemon has put it on hold:")
        commands = f"  idpsync approve {plan.digest}\n  idpsync reject {plan.digest}"
        console.print(Text(commands), soft_wrap=True)  # whole lines can be copied
    console.print(Text(f"{len(plan.actions)} actions, digest {plan.digest}"), soft_wrap=True)


def show_outcome(console: Console, outcome: Outcome) -> None:
    """How a run ended."""
    run = outcome.run
    if outcome.preview and run.state is RunState.HELD:
        show_plan(console, outcome.preview.plan, outcome.preview.report)
        return
    if outcome.error:
        console.print(Text(f"Run {run.id} failed: {outcome.error}", style="bold red"))
        return
    done = sum(p.done for p in outcome.performed)
    console.print(f"Run {run.id}: {done} of {len(outcome.performed)} actions done.")
    for problem in run.problems:
        console.print(Text(f"  ! {problem}"))
    if run.state is RunState.INCOMPLETE:
        console.print("The directory was not read whole: nothing was removed.")
    for failed in outcome.failed[:MOST]:
        name = failed.action.profile.user_name
        console.print(Text(f"  {failed.outcome}: {name}: {failed.error}", style="red"))
    if outcome.preview and outcome.preview.plan.waiting:
        number = len(outcome.preview.plan.waiting)
        waits = "1 person waits" if number == 1 else f"{number} people wait"
        console.print(f"{waits}: `idpsync waitlist`")


# --- state ------------------------------------------------------------------------------------------


def waiting_table(entries: Iterable[WaitEntry]) -> Table:
    entries = tuple(entries)
    table = plain_table(
        f"Wait list ({len(entries)})", "#", "!person", "!wants", "!holds", "!since", "because"
    )
    positions: Counter[Tier] = Counter()
    for entry in entries[:MOST]:
        positions[entry.wants] += 1
        table.add_row(
            str(positions[entry.wants]),
            Text(entry.user_name),
            entry.wants.name,
            str(entry.holds or "nothing"),
            f"{entry.since:%Y-%m-%d %H:%M}",
            Text("; ".join(entry.because)),
        )
    if len(entries) > MOST:
        table.add_row("", f"… and {len(entries) - MOST} more", "", "", "", "`waitlist --json` lists all")
    return table


def show_alerts(console: Console, states: Iterable[AlertState]) -> None:
    rows = [state for state in states if state.phase is not Phase.OK]
    if not rows:
        console.print("No alert is firing.")
    for state in rows:
        since = state.firing_since or state.pending_since
        severity = (state.severity.value if state.severity else "quiet").upper()
        console.print(Text(f"{severity}  {state.summary}", style="bold"))
        when = f" since {since:%Y-%m-%d %H:%M} UTC" if since else ""
        console.print(Text(f"  {_phase(state)}{when}; key {state.key}"), soft_wrap=True)


def _phase(state: AlertState) -> str:
    said = [state.phase.value]
    said += [f"acknowledged by {state.acknowledged_by}"] if state.acknowledged_by else []
    said += [f"silent until {state.silenced_until:%H:%M}"] if state.silenced_until else []
    return ", ".join(said)


def show_ledger(console: Console, entries: Iterable[LedgerEntry]) -> None:
    """One line per row, whole, whatever the width."""
    entries = tuple(entries)
    if not entries:
        console.print("No such row.")
    for row in entries:
        who = f" {row.member}" if row.member else ""
        said = f"{row.seq}  {row.at:%Y-%m-%d %H:%M:%S}  {row.event}{who}  {row.outcome} by {row.actor}"
        because = f": {'; '.join(row.because)}" if row.because else ""
        console.print(Text(said + because), soft_wrap=True)

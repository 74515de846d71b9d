"""One person, for people: what was decided about them, step by step, in plain sentences."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from idpsync.cli.outline import visible
from idpsync.core.explain import Explanation, SeatOption
from idpsync.core.plan import KIND, Action, action_json
from idpsync.core.reasons import GroupSeen, RuleSeen
from idpsync.core.records import LedgerEntry
from idpsync.core.scene import Finding

SEATED_BY_POLICY = frozenset(
    {
        Finding.SEATED,
        Finding.SPILLED,
        Finding.WAITING,
        Finding.SEATLESS,
        Finding.KEPT_BACK,
        Finding.NOT_ADMITTED,
    }
)
"""Findings in which policy has the last word; in the others it is told what it would give."""

LABEL = 10  # columns of the longest label

Line = tuple[str, str]


def show_explanation(console: Console, why: Explanation, history: Iterable[LedgerEntry]) -> None:
    """One person, step by step: the outcome first, then how it came about."""
    if not why.known:
        _show_unknown(console, why)
        return
    console.print(Text(visible(f"{why.user_name} {why.verdict.summary}."), style="bold"))
    _show(console, (("next", step) for step in why.verdict.next_steps))
    console.print()
    _show(console, _from_groups_to_rules(why))
    _show(console, (("seats", _seats(option)) for option in why.options))
    _show(console, _from_account_to_queue(why))
    _show(console, _written(history))


def _show_unknown(console: Console, why: Explanation) -> None:
    said = f"Nobody knows {why.user_name}: neither directory, target, wait list nor invites."
    console.print(Text(visible(said)))
    if why.similar:
        console.print(Text(visible(f"Did you mean {' or '.join(why.similar)}?")))


def _show(console: Console, lines: Iterable[Line]) -> None:
    last = ""
    for label, text in lines:
        console.print(_hanging("" if label == last else label, text))
        last = label


def _hanging(label: str, text: str) -> Padding:
    line = Table.grid(padding=(0, 1))
    line.add_column(width=LABEL, no_wrap=True, style="dim")
    line.add_column(overflow="fold")
    line.add_row(label, Text(visible(text)))
    return Padding(line, (0, 0, 0, 2))


# --- how it came about --------------------------------------------------------------------------------


def _from_groups_to_rules(why: Explanation) -> Iterator[Line]:
    if why.user:
        yield "directory", f"{_names(why)}; {_state(why)}"
    elif not why.groups:
        yield "directory", "not named in the last read"
        return
    whole = [group.name for group in why.groups_seen if group.member and group.complete]
    if whole or all(group.complete for group in why.groups_seen):
        yield "groups", ", ".join(whole) + " (read whole)" if whole else "none of those that are read"
    yield from (("groups", _doubtful(group)) for group in why.groups_seen if not group.complete)
    yield from (("rules", _rule(rule)) for rule in why.rules)
    asked = why.verdict.finding in SEATED_BY_POLICY
    yield (
        "may have" if asked else "would have",
        f"{_may_have(why)}: {'; '.join(why.entitlement.because)}",
    )
    for given in why.roles:
        by = f"by group {' and '.join(given.groups)}" if given.groups else "by the invite"
        yield "roles", f"{given.role} {by}"


def _names(why: Explanation) -> str:
    profile = why.user.profile if why.user else None
    names = (profile.display_name, profile.email) if profile else ()
    return ", ".join(name for name in names if name) or why.user_name


def _state(why: Explanation) -> str:
    active = why.user.active if why.user else None
    state = "active" if active else "activity unknown" if active is None else "disabled"
    return f"guest, {state}" if why.user and why.user.guest else state


def _doubtful(group: GroupSeen) -> str:
    seen = "a member" if group.member else "not seen as a member" if group.member is False else "unknown"
    return f"{group.name}: {seen}, NOT read whole ({group.problem})"


def _rule(seen: RuleSeen) -> str:
    mark = "wins: " if seen.wins else ""
    because = f" ({mark}{seen.because})" if seen.because else ""
    return f"{seen.rule.group} → {seen.gives}{because}"


def _may_have(why: Explanation) -> str:
    if not why.entitlement.admitted:
        return "no account"
    tiers = [tier.name for tier in why.entitlement.options]
    return (" or " if why.entitlement.flexible else ", else ").join(tiers) or "no seat"


def _seats(option: SeatOption) -> str:
    """2 purchased, 1 → 2 assigned, 1 → 0 free: premium is full (2 of 2)."""
    tier, before, after = option.tier, option.before, option.after
    kept = before.reserved.get(tier, 0)
    held = _step(before.held.get(tier, 0), after.held.get(tier, 0))
    numbers = [
        f"{before.purchased.get(tier, 0)} purchased",
        f"{_step(before.assigned.get(tier, 0), after.assigned.get(tier, 0))} assigned",
        *([f"{held} held"] if held != "0" else []),
        *([f"{kept} reserved for logins"] if kept else []),
        f"{_step(before.free(tier), after.free(tier))} free",
    ]
    return f"{tier}: {', '.join(numbers)}: {option.because}"


def _step(before: int, after: int) -> str:
    return str(before) if before == after else f"{before} → {after}"


# --- what it comes to ---------------------------------------------------------------------------------


def _from_account_to_queue(why: Explanation) -> Iterator[Line]:
    yield "account", _account(why)
    yield from (("will be", _deed(action)) for action in why.actions)
    yield from (("kept back", _deed(action)) for action in why.kept_back)
    yield from (("held by", limit) for limit in why.held_by)
    if why.wait_entry:
        since = f"since {why.wait_entry.since:%Y-%m-%d %H:%M} UTC"
        closed = "; ".join(r for r in why.wait_entry.because if r not in why.entitlement.because)
        yield "waits", f"number {why.position} for {why.wait_entry.wants}, {since}: {closed}"
    yield from (("note", remark) for remark in why.remarks)


def _account(why: Explanation) -> str:
    account = why.account
    if account is None:
        return "none"
    held = f" since {why.holding.since:%Y-%m-%d %H:%M} UTC" if why.holding and account.tier else ""
    linked = "linked" if why.linked else "not linked"
    seat = str(account.tier or "no seat")
    roles = "".join(f", {role}" for role in sorted(account.roles))
    return f"{account.standing.value}, {seat}{held}{roles}; {linked} ({account.id})"


def _deed(action: Action) -> str:
    """One action as a line: what is done, from what to what, and why."""
    done, facts = KIND[type(action)].replace("_", " "), action_json(action)
    return f"{done}{_change(facts)}: {'; '.join(action.because)}"


def _change(facts: dict[str, object]) -> str:
    if isinstance(changed := facts.get("changed"), list):
        return f" ({', '.join(changed)})"
    if isinstance(roles := facts.get("roles"), list) and "previous_roles" in facts:
        return f" to {', '.join(roles) or 'none'}"
    now, then = facts.get("previous_tier"), facts.get("tier") or "no seat"
    return f", {now} → {then}" if now else f", {then}"


def _written(history: Iterable[LedgerEntry]) -> Iterator[Line]:
    for row in history:
        because = f": {'; '.join(row.because)}" if row.because else ""
        said = f"{row.at:%Y-%m-%d %H:%M:%S} {row.event} {row.outcome} by {row.actor}{because}"
        yield "written", said

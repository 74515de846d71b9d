"""Times, spans and counts in words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

from idpsync.core.plan import KIND
from idpsync.core.records import RunRecord, RunState

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 seat`, `2 seats`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def relative(at: datetime, now: datetime) -> str:
    """How far `at` is from `now`, in one unit: `just now`, `4 minutes ago`, `in 2 hours`."""
    seconds = round((now - at).total_seconds())
    for unit, size in _UNITS:
        if abs(seconds) >= size:
            span = count(abs(seconds) // size, unit)
            return f"{span} ago" if seconds > 0 else f"in {span}"
    return "just now"


def stamp(at: datetime) -> str:
    """`2026-03-01 10:00 UTC`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def lasting(span: timedelta) -> str:
    """How long something took: `0.4 s`, `12 s`, `2 min 5 s`, `1 h 3 min`."""
    seconds = max(0.0, span.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def duration(run: RunRecord, now: datetime) -> str:
    """How long a run took, or has been going on."""
    if run.ended_at:
        return lasting(run.ended_at - run.started_at)
    return f"{lasting(now - run.started_at)} so far" if run.state is RunState.RUNNING else "not known"


def changes(run: RunRecord) -> str:
    """What a run changed, from its counts."""
    counts = run.counts
    if run.state is RunState.RUNNING:
        return "under way"
    if "actions" not in counts:
        return "nothing was written"
    told = [_written(run)]
    told += [f"{counts[key]:,} {word}" for key, word in _ASIDE.items() if counts.get(key)]
    return ", ".join(told)


_ASIDE = {"waiting": "waiting", "refused": "refused", "conflicts": "could not be told apart"}


def _written(run: RunRecord) -> str:
    actions, done, failed = (run.counts.get(key, 0) for key in ("actions", "done", "failed"))
    if run.state is RunState.HELD:
        return f"nothing was written, {count(actions, 'change')} held"
    if not actions:
        return "nothing to change"
    made = f"{done:,} of {count(actions, 'change')} made"
    return f"{made}, {failed:,} not" if failed else made


NAMED = 10
"""So many names are spelled out in one line; the rest is counted."""

_DOES = {
    "create_account": "create {}",
    "reactivate_account": "reactivate {}",
    "update_profile": "update the profile of {}",
    "change_tier": "change the tier of {}",
    "change_roles": "change the roles of {}",
    "deactivate_account": "deactivate {}",
    "delete_account": "delete {}",
}
_GRAVEST_FIRST = tuple(reversed(tuple(KIND.values())))


def intent(plan: Mapping[str, object]) -> str:
    """What a held plan would do, the gravest first: `deactivate 30 accounts, create 1 account`."""
    people = _people(plan)
    return ", ".join(_does(kind, people[kind]) for kind in _GRAVEST_FIRST if kind in people)


def named(plan: Mapping[str, object]) -> tuple[str, ...]:
    """The same with the names of the first few, one line per kind of change."""
    lines = []
    people = _people(plan)
    for kind in _GRAVEST_FIRST:
        names = people.get(kind, [])
        if names:
            more = len(names) - NAMED
            shown = ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
            lines.append(f"{_does(kind, names)}: {shown}")
    return tuple(lines)


def _does(kind: str, names: list[str]) -> str:
    return _DOES[kind].format(count(len(names), "account"))


def _people(plan: Mapping[str, object]) -> dict[str, list[str]]:
    """Kind of change → user names, as the plan was stored."""
    people: dict[str, list[str]] = {}
    actions = plan.get("actions")
    for action in actions if isinstance(actions, list) else []:
        people.setdefault(action["kind"], []).append(str(action["user_name"]))
    return people


def details(detail: Mapping[str, object]) -> str:
    """The plain values of a ledger row in one line: `tier premium · door jit`."""
    return " · ".join(
        f"{name.replace('_', ' ')} {'yes' if value is True else value}"
        for name, value in detail.items()
        if isinstance(value, str | int | float) and value is not False and value != ""
    )


def spelled(text: str) -> Markup:
    """Escaped text in which what stands between backticks is shown as code."""
    parts = [
        Markup("<code>{}</code>").format(part) if odd % 2 else escape(part)
        for odd, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)

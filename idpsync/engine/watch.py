"""What the alert rules see in runs, held plans and the ledger. Pure; None means: no data.

Each rule's name is its part of the dedup key and, with `-` for `.`, its section of RUNBOOK.md.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from idpsync.core.admission import NO_SEAT
from idpsync.core.alerts import Observation, Severity
from idpsync.core.errors import CREDENTIALS_REJECTED
from idpsync.core.records import HeldPlan, HoldState, LedgerEntry, RunRecord, RunState

STALE = "reconcile.stale"
FAILING = "reconcile.failing"
HELD = "plan.held"
INCOMPLETE = "directory.incomplete"
LOGIN_REFUSED = "login.refused"
TARGET_REFUSED = "target.refused"

UNDONE = frozenset({"failed", "unknown"})
"""Outcomes of actions that the target did not carry out, or perhaps not."""

FAILURES = 3
"""So many failed runs in a row are trouble; one or two may be the weather."""

SHOWN = 10
"""So many names or problems are spelled out in one message; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Staleness:
    """No good run for `window` is stale; `watched_since` is when this process began to look."""

    window: timedelta
    watched_since: datetime

    def observe(self, runs: Sequence[RunRecord], now: datetime) -> Observation | None:
        """None right after a start: the runs that are missing are those of the time we were away."""
        good = next((run.ended_at for run in runs if is_good(run) and run.ended_at), None)
        last = good.isoformat(timespec="minutes") if good else "never"
        facts = {"last good run": last, "allowed": _minutes(self.window)}
        if good is not None and now - good <= self.window:
            return _seen(STALE, None, f"the last good reconciliation ended {last}", facts)
        if now - self.watched_since <= self.window:
            return None
        summary = (
            f"no good reconciliation for more than {_minutes(self.window)} (last: {last}); "
            "joiners and leavers are not carried out; see what stops it: `idpsync plan`"
        )
        return _seen(STALE, Severity.CRITICAL, summary, facts)


def wrote(run: RunRecord) -> bool:
    """Whether the run got as far as the target; some of its actions may have failed there."""
    tried = run.counts.get("done", 0) + run.counts.get("failed", 0) > 0
    return run.state in {RunState.DONE, RunState.INCOMPLETE} or (run.state is RunState.FAILED and tried)


def is_good(run: RunRecord) -> bool:
    """Read whole and carried out; a person whom the target refuses does not make it a bad one."""
    return wrote(run) and run.state is not RunState.INCOMPLETE


def observe_failing(runs: Sequence[RunRecord]) -> Observation | None:
    """Rejected credentials at once, anything else that stops a run after three in a row."""
    ended = [run for run in runs if run.state is not RunState.RUNNING]
    if not ended:
        return None
    error = ended[0].error or "no reason recorded"
    rejected = CREDENTIALS_REJECTED in error
    stopped = (at for at, run in enumerate(ended) if run.state is not RunState.FAILED or wrote(run))
    failures = next(stopped, len(ended))
    if not failures and not rejected:
        return _seen(FAILING, None, "reconciliation works", {"failed in a row": "0"})
    facts = {"failed in a row": str(failures), "error": error}
    if rejected:
        summary = f"{error}; renew the credential or the right, then `idpsync check --online`"
        return _seen(FAILING, Severity.CRITICAL, summary, facts)
    summary = f"reconciliation failed {failures} × in a row: {error}"
    if failures >= FAILURES:
        remedy = "see which system it is: `idpsync check --online`"
        return _seen(FAILING, Severity.CRITICAL, f"{summary}; {remedy}", facts)
    return _seen(FAILING, None, summary, facts, keeps=Severity.CRITICAL)


def observe_held(plans: Sequence[HeldPlan]) -> Observation:
    """A plan waits for somebody's decision."""
    held = next((plan for plan in plans if plan.state is HoldState.HELD), None)
    if held is None:
        return _seen(HELD, None, "no plan is held", {})
    summary = (
        f"plan held by the guard, nothing was written: {_listed(held.tripped)}; "
        f"`idpsync approve {held.digest}` lets exactly it pass once, "
        f"`idpsync reject {held.digest}` drops it, `idpsync holds` shows it"
    )
    facts = {"digest": held.digest, "tripped": _listed(held.tripped)}
    return _seen(HELD, Severity.CRITICAL, summary, facts)


def observe_incomplete(runs: Sequence[RunRecord]) -> Observation | None:
    """Whether the last run that read anything could read all of it.

    Critical where one of several directories rejects our credentials.
    """
    last = applied(runs)
    if last is None:
        return None
    if last.state is not RunState.INCOMPLETE:
        return _seen(INCOMPLETE, None, "the directory was read whole", {})
    problems = _listed(last.problems) or "no problem was named"
    summary = (
        f"the directory could not be read whole: {problems}; nothing was removed for what is missing; "
        "see what is missing: `idpsync check --online`"
    )
    rejected = any(CREDENTIALS_REJECTED in problem for problem in last.problems)
    severity = Severity.CRITICAL if rejected else Severity.WARNING  # nobody but a person mends that
    return _seen(INCOMPLETE, severity, summary, {"problems": problems, "run": last.id})


def observe_refused_logins(rows: Iterable[LedgerEntry], seated: Collection[str]) -> Observation:
    """People who stood at the door in vain and still have no seat; critical where seats were short.

    `rows` are those of the time that is looked back on; the last refusal of each person counts.
    """
    refusals = {
        row.member: row
        for row in rows
        if row.event == LOGIN_REFUSED and row.member is not None and row.member not in seated
    }
    if not refusals:
        return _seen(LOGIN_REFUSED, None, "nobody refused at login lately is still without a seat", {})
    reasons = Counter(str(row.detail.get("reason", "unknown")) for row in refusals.values())
    short = NO_SEAT in reasons
    remedy = "add seats or free some: `idpsync seats`, `idpsync waitlist`"
    looked = "why, for each: `idpsync explain USER`"
    people = _listed(sorted(refusals))
    counted = _counted(reasons)
    summary = f"refused at login: {people} ({counted}); {remedy if short else looked}"
    because = _listed(_reasons_of(refusals))
    facts = {"people": people, "reasons": counted} | ({"because": because} if because else {})
    return _seen(LOGIN_REFUSED, Severity.CRITICAL if short else Severity.WARNING, summary, facts)


def _reasons_of(refusals: Mapping[str, LedgerEntry]) -> list[str]:
    return [f"{who}: {', '.join(row.because)}" for who, row in sorted(refusals.items()) if row.because]


def applied(runs: Sequence[RunRecord]) -> RunRecord | None:
    """The newest run that got as far as the target."""
    return next((run for run in runs if wrote(run)), None)


def observe_refused_actions(rows: Iterable[LedgerEntry], run: RunRecord) -> Observation:
    """What the target did not do in `run`, the newest that wrote to it; critical if it did nothing."""
    failed = [row for row in rows if row.run_id == run.id and row.outcome in UNDONE and row.member]
    if not failed:
        return _seen(TARGET_REFUSED, None, "the target did everything it was asked for", {})
    people = _listed(sorted({row.member or "" for row in failed}))
    counted = _counted(Counter(f"{row.event} {row.outcome}" for row in failed))
    because = _listed(sorted({row.because[-1] for row in failed if row.because}))
    summary = (
        f"the target did not carry out {counted} ({people}): {because or 'no reason given'}; "
        f"tried again with each run; the rows: `idpsync ledger --since {run.started_at.isoformat()}`"
    )
    facts = {"people": people, "actions": counted, "because": because, "run": run.id}
    nothing = run.counts.get("done", 0) == 0 and len(failed) >= FAILURES
    return _seen(TARGET_REFUSED, Severity.CRITICAL if nothing else Severity.WARNING, summary, facts)


def anchor(rule: str) -> str:
    """The section of RUNBOOK.md about `rule`."""
    return rule.replace(".", "-")


def _seen(
    rule: str,
    severity: Severity | None,
    summary: str,
    facts: Mapping[str, str],
    keeps: Severity | None = None,
) -> Observation:
    return Observation(rule, severity, summary, facts, anchor(rule), keeps=keeps or severity)


def _listed(parts: Sequence[str]) -> str:
    more = len(parts) - SHOWN
    shown = ", ".join(parts[:SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} × {what}" for what, number in sorted(counts.items()))


def _minutes(span: timedelta) -> str:
    return f"{round(span.total_seconds() / 60)} minutes"

"""Verbs about plans: plan, apply, explain, holds, approve, reject."""

import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from idpsync.cli import explain_tables, hold_tables
from idpsync.cli.assumptions import assume_option, assumptions_of, suppose
from idpsync.cli.context import Desk, json_option, pass_desk, print_text
from idpsync.cli.diff_outline import diff_outline
from idpsync.cli.documents import hand_out
from idpsync.cli.plan_file import kept_plan
from idpsync.cli.plan_outline import plan_outline
from idpsync.cli.plan_tables import show_outcome, show_plan
from idpsync.cli.progress import bar
from idpsync.core.drift import drift_json
from idpsync.core.explain import explain_user
from idpsync.core.explanation_report import explanation_json
from idpsync.core.plan_diff import plan_diff
from idpsync.core.policy import Mode
from idpsync.core.records import Cause, HeldPlan, HoldState, RunState
from idpsync.core.remedies import Exit, remedy
from idpsync.core.report import held_json, plan_json, run_json
from idpsync.engine.holding import decide
from idpsync.engine.leadership import JUDGE, lead
from idpsync.engine.outcome import Outcome, Preview
from idpsync.engine.reconcile import Order

BUSY_PATIENCE = 60.0  # a run of the daemon is let finish


@click.command()
@click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "json", "markdown", "html"]),
    default="table",
    show_default=True,
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option(
    "--diff",
    "older",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Show what changed since the plan in this file, the JSON of an earlier `plan --json`.",
)
@assume_option
@json_option
@pass_desk
def plan(
    desk: Desk,
    shape: str,
    out: Path | None,
    older: Path | None,
    assumed: tuple[str, ...],
    as_json: bool,
) -> int:
    """Read, decide, guard, print. Writes nothing."""
    kept = kept_plan(older, desk.config.organization.id) if older else None
    assumptions = assumptions_of(assumed, desk)
    preview = desk.house.reconciler.preview()
    supposed = suppose(desk, preview, assumptions) if assumptions else None
    shape = "json" if as_json else shape
    told = supposed.told if supposed else dict
    document = told(_document(desk, supposed.preview if supposed else preview))
    outline = plan_outline(document)
    if kept is not None:
        document = told(plan_diff(kept, document))
        outline = diff_outline(document, str(older))
    outline = supposed.headed(outline) if supposed else outline
    hand_out(desk, document, outline, shape, out)
    if shape == "table" and out is None:
        for line in desk.not_booked():
            desk.console.print(line)
    return _verdict(preview)


def _document(desk: Desk, preview: Preview) -> dict[str, object]:
    document = plan_json(preview.plan, preview.report, desk.config.organization.id)
    return {**document, "drift": drift_json(preview.found.drift)}


def _verdict(preview: Preview) -> int:
    if preview.report.held:
        return Exit.HELD
    return Exit.DONE if preview.snapshot.complete else Exit.INCOMPLETE


def _a_digest(_: click.Context, __: click.Parameter, written: str | None) -> str | None:
    """What `--digest` was given; a usage error for what no plan can be called."""
    if written is None or re.fullmatch(r"sha256:[0-9a-f]{1,64}", written):
        return written
    raise click.BadParameter(f"'{written}' is no digest: copy the one of `idpsync plan`, sha256:…")


@click.command()
@click.option(
    "--digest", metavar="D", callback=_a_digest, help="Apply only if the plan made now has this digest."
)
@click.option("--adopt", is_flag=True, help="Take over people who were at the target before idpsync.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_desk
def apply(desk: Desk, digest: str | None, adopt: bool, yes: bool, as_json: bool) -> int:
    """Plan and apply, under the guard.

    A first run at a target that has people in it writes nothing without --adopt, or a yes on a terminal
    to the accounts that are shown.
    """
    house = desk.house
    if house.reconciler.rule.policy.mode is not Mode.OBSERVE:
        desk.book_what_is_due()  # a plan is shown with the seats that it is carried out with
    asked = Consent(digest, adopt=adopt)
    if digest is None and not yes and sys.stdin.isatty():
        preview = house.reconciler.preview()
        show_plan(Console(stderr=True) if as_json else desk.console, _document(desk, preview))
        asked = _ask(preview, asked)
    outcome = carry_out(desk, asked, shown=not as_json)
    document = outcome_json(desk, outcome)
    desk.say(document, as_json, lambda console: show_outcome(console, outcome, document["plan"]))
    return exit_of(outcome)


@dataclass(frozen=True, slots=True)
class Consent:
    """What may be carried out: the plan of this digest; with whom a first run may begin."""

    digest: str | None = None
    adopt: bool = False
    agreed: frozenset[str] | None = None


def _ask(preview: Preview, asked: Consent) -> Consent:
    """Exactly this plan, once a person has said yes; a plan that touches nobody is not asked about."""
    made = preview.plan
    question = _question(preview, asked)
    if question:
        click.confirm(question, abort=True, err=True)
    begins = question and preview.first_run and not asked.adopt
    agreed = frozenset(adoption.account_id for adoption in made.adoptions) if begins else None
    return replace(asked, digest=made.digest, agreed=agreed)


def _question(preview: Preview, asked: Consent) -> str | None:
    """What a person is asked before a plan is applied; None where nobody would be touched by it."""
    if preview.plan.mode is Mode.OBSERVE:
        return None
    if preview.first_run and not asked.adopt:
        found = preview.first_run.matched_by.total()
        return f"Adopt the people who are there already ({found}), and apply exactly this plan?"
    touched = preview.plan.actions or preview.plan.adoptions
    return "Apply exactly this plan?" if touched else None


def carry_out(desk: Desk, asked: Consent | None = None, *, shown: bool) -> Outcome:
    """One reconciliation under the lease, then the alerts; with `shown` a bar on a terminal."""
    house, asked = desk.house, asked or Consent()
    with stopped_by_signals() as stopping:
        lease = house.store.lease
        with lead(lease, patience=BUSY_PATIENCE, on_lost=stopping.set) as token:
            order = Order(
                actor=desk.actor,
                trigger="cli",
                token=token,
                digest=asked.digest,
                adopt=asked.adopt,
                agreed=asked.agreed,
                stopping=stopping,
            )
            with bar("applying", shown=shown and desk.console.is_terminal) as progress:
                outcome = house.reconciler.reconcile(replace(order, progress=progress))
    with lead(house.store.lease, patience=BUSY_PATIENCE, name=JUDGE):
        house.alerting.evaluate(house.clock.now())
    house.alerting.deliver(house.clock.now())
    return outcome


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set: the person under way is finished, no other is begun."""
    stopping = threading.Event()
    caught = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stopping.set()) for number in caught]
    try:
        yield stopping
    finally:
        for number, handler in zip(caught, before, strict=True):
            signal.signal(number, handler)


def exit_of(outcome: Outcome) -> int:
    """The exit code that tells how a run ended."""
    if outcome.error:
        return remedy(outcome.error).exit
    if outcome.preview and outcome.preview.would_be_held:
        return Exit.HELD
    if outcome.run.state is RunState.INCOMPLETE:
        return Exit.INCOMPLETE
    return Exit.TARGET if outcome.failed else Exit.DONE


def outcome_json(desk: Desk, outcome: Outcome) -> dict[str, Any]:
    """How a run ended, with its plan and what failed."""
    return {
        "organization": desk.config.organization.id,
        "run": run_json(outcome.run),
        "plan": _document(desk, outcome.preview) if outcome.preview else None,
        "failed": [
            {
                "user_name": p.action.profile.user_name,
                "outcome": p.outcome,
                "error": p.error,
            }
            for p in outcome.failed
        ],
        "error": str(outcome.error) if outcome.error else None,
    }


@click.command()
@click.argument("user")
@json_option
@pass_desk
def explain(desk: Desk, user: str, as_json: bool) -> int:
    """Why USER (user name or e-mail) has what they have, and what must happen for more."""
    if not user.strip():
        raise click.BadParameter("name somebody, by user name or e-mail", param_hint="USER")
    house = desk.house
    preview = house.reconciler.preview()
    explanation = explain_user(
        user,
        preview.world,
        house.reconciler.rule.policy,
        preview.plan,
        report=preview.report,
        first_run=str(preview.first_run or ""),
    )
    history = house.store.ledger.entries(member=explanation.member, limit=10)
    desk.say(
        explanation_json(explanation, history),
        as_json,
        lambda console: explain_tables.show_explanation(console, explanation, history),
    )
    return Exit.DONE if explanation.known else Exit.USAGE


@click.command()
@json_option
@pass_desk
def holds(desk: Desk, as_json: bool) -> None:
    """Plans stopped by the guard."""
    held = desk.house.store.runs.held_plans()
    said = [held_json(h) for h in held]
    desk.say(said, as_json, lambda console: hold_tables.show_holds(console, held))


@click.command()
@click.argument("digest")
@pass_desk
def approve(desk: Desk, digest: str) -> None:
    """Let exactly the plan DIGEST pass, once, within 24 hours.

    DIGEST is that of a plan that is held (`idpsync holds`), or the one that `idpsync plan` has just
    shown: it is then made once more, and approved if it is still that one.

    The approval counts for the limits that hold the plan now. If another one trips, or anything in the
    plan changes, it has to be approved anew.
    """
    rejected = _rejection(desk, digest)
    held = _decide(desk, digest, HoldState.APPROVED)
    if rejected:
        print_text(rejected)
    lasts = desk.house.reconciler.rule.approval_lasts
    hold_tables.show_approval(desk.console, held, lasts)


@click.command()
@click.argument("digest")
@pass_desk
def reject(desk: Desk, digest: str) -> None:
    """Drop the held plan DIGEST; nothing is written.

    DIGEST is that of a plan that is held, or the one that `idpsync plan` has just shown. The same plan
    stays stopped and is not told of again; `approve` still lets it pass.
    """
    _decide(desk, digest, HoldState.REJECTED)
    print_text("Rejected; nothing was written.")


def _rejection(desk: Desk, digest: str) -> str | None:
    """What an approval reverses, in one sentence."""
    known = desk.house.rooms.runs.held_plans()
    plan = next((held for held in known if held.digest == digest), None)
    if plan is None or plan.state is not HoldState.REJECTED or plan.decided_at is None:
        return None
    return f"This reverses the rejection by {plan.decided_by} of {plan.decided_at:%Y-%m-%d %H:%M} UTC."


def _decide(desk: Desk, digest: str, state: HoldState) -> HeldPlan:
    house = desk.house
    return decide(house.rooms, digest, state, Cause(desk.actor), house.reconciler.preview)

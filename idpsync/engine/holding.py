"""Plans over the guard's limits: held until a person has decided, and let through once."""

from collections.abc import Callable

import structlog

from idpsync.core.errors import NotPossible, UnsafePlan
from idpsync.core.records import FIRST_RUN, Cause, HeldPlan, HoldState
from idpsync.core.report import plan_json
from idpsync.engine.outcome import Preview
from idpsync.engine.rooms import Rooms, Rule

log = structlog.get_logger()


def approved(rooms: Rooms, rule: Rule, preview: Preview, cause: Cause) -> bool:
    """Whether somebody approved exactly this plan, lately, for all that is against it; it is used up."""
    since = rooms.clock.now() - rule.approval_lasts
    taken = rooms.runs.take_approval(_held(rooms, preview), since, cause)
    if taken:
        log.info("plan.approved", digest=preview.plan.digest)
    return taken


def hold(rooms: Rooms, preview: Preview, cause: Cause) -> UnsafePlan:
    """Put the plan on hold; the error that says so."""
    held = rooms.runs.hold_plan(_held(rooms, preview), cause)
    rejected = held.state is HoldState.REJECTED  # no news: somebody has looked at it
    say = log.info if rejected else log.error
    say("plan.held", digest=held.digest, tripped=held.tripped, state=held.state.value)
    return UnsafePlan(held.digest, held.tripped, held.decided_by if rejected else None)


def decide(
    rooms: Rooms, digest: str, state: HoldState, cause: Cause, look: Callable[[], Preview]
) -> HeldPlan:
    """Approve or reject the plan `digest`.

    One that was only looked at so far is made anew by `look`: if it is still exactly that one, it is
    held and decided upon at once. Else NotPossible says what to do.
    """
    try:
        return rooms.runs.decide(digest, state, cause)
    except KeyError:
        preview = look()
    if preview.plan.digest != digest:
        raise NotPossible(
            f"no plan with digest {digest} is held, and the plan made now has {preview.plan.digest}: "
            "`idpsync holds` lists those that are held, `idpsync plan` shows the present one"
        )
    if not _limits(preview):
        raise NotPossible(
            f"the guard lets the plan {digest} pass: `idpsync apply --digest {digest}` carries it out"
        )
    rooms.runs.hold_plan(_held(rooms, preview), cause)
    return rooms.runs.decide(digest, state, cause)


def _held(rooms: Rooms, preview: Preview) -> HeldPlan:
    awaited = (str(preview.first_run),) if preview.first_run else ()
    return HeldPlan(
        digest=preview.plan.digest,
        held_at=rooms.clock.now(),
        state=HoldState.HELD,
        tripped=(*preview.report.sentences, *awaited),
        plan=plan_json(preview.plan, preview.report, rooms.organization),
        limits=_limits(preview),
    )


def _limits(preview: Preview) -> frozenset[str]:
    """Everything that is against the plan, by name: an approval counts for these and no others."""
    names = (check.name for check in preview.report.tripped)
    return frozenset([*names, *([FIRST_RUN] if preview.first_run else [])])

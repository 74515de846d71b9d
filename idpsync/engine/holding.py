"""Plans over the guard's limits: held until a person has decided, and let through once."""

import structlog

from idpsync.core.errors import UnsafePlan
from idpsync.core.records import Cause, HeldPlan, HoldState
from idpsync.core.report import plan_json
from idpsync.engine.outcome import Preview
from idpsync.engine.rooms import Rooms, Rule

log = structlog.get_logger()


def approved(rooms: Rooms, rule: Rule, preview: Preview, cause: Cause) -> bool:
    """Whether somebody approved exactly this plan, lately; the approval is used up."""
    since = rooms.clock.now() - rule.approval_lasts
    limits = {check.name for check in preview.report.tripped}
    taken = rooms.runs.take_approval(preview.plan.digest, limits, since, cause)
    if taken:
        log.info("plan.approved", digest=preview.plan.digest)
    return taken


def hold(rooms: Rooms, preview: Preview, cause: Cause) -> UnsafePlan:
    """Put the plan on hold; the error that says so."""
    tripped = tuple(str(check) for check in preview.report.tripped)
    held = HeldPlan(
        digest=preview.plan.digest,
        held_at=rooms.clock.now(),
        state=HoldState.HELD,
        tripped=tripped,
        plan=plan_json(preview.plan, preview.report, rooms.organization),
        limits=frozenset(check.name for check in preview.report.tripped),
    )
    rooms.runs.hold_plan(held, cause)
    log.error("plan.held", digest=held.digest, tripped=tripped)
    return UnsafePlan(held.digest, tripped)

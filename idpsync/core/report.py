"""The JSON shapes that scripts rely on: plan, seats, alerts and so on. One place, plain values only."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from idpsync.core.alerts import RUNBOOK, AlertState
from idpsync.core.guard import GuardReport, LimitCheck
from idpsync.core.plan import Over, Plan, action_json, name_of, pool_json
from idpsync.core.records import HeldPlan, LedgerEntry, RunRecord
from idpsync.core.seats import SeatPool, Tier, WaitEntry


def iso(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with `Z`; None stays None."""
    return at.isoformat().replace("+00:00", "Z") if at else None


def plan_json(plan: Plan, report: GuardReport, organization: str) -> dict[str, object]:
    """A plan with its guard report."""
    read = plan.directory
    return {
        "organization": organization,
        "digest": plan.digest,
        "made_at": iso(plan.made_at),
        "mode": plan.mode.value,
        "directory": {
            "kind": read.kind,
            "complete": read.complete,
            "users": read.users,
            "groups": [
                {"name": g.name, "members": g.members, "complete": g.complete} for g in read.groups
            ],
            "problems": list(read.problems),
        },
        "pool": {"before": pool_json(plan.pool_before), "after": pool_json(plan.pool_after)},
        "actions": [action_json(action) for action in plan.actions],
        "waiting": waiting_json(plan.waiting),
        "refused": [
            {"user_name": r.user_name, "reason": r.reason, "because": list(r.because)}
            for r in plan.refused
        ],
        "conflicts": [{"keys": list(c.keys), "reason": c.reason} for c in plan.conflicts],
        "adoptions": [
            {"user_name": a.user_name, "account_id": a.account_id, "matched_by": a.matched_by}
            for a in plan.adoptions
        ],
        "orphans": list(plan.orphans),
        "over": [_over_json(over) for over in plan.over],
        "notes": list(plan.notes),
        "guard": {"held": report.held, "limits": [_check_json(c) for c in report.checks]},
    }


def _over_json(over: Over) -> dict[str, object]:
    return {
        "tier": over.tier.name,
        "purchased": over.purchased,
        "assigned": over.assigned,
        "held": over.held,
        "people": list(over.people),
    }


def _check_json(check: LimitCheck) -> dict[str, object]:
    return {
        "name": check.name,
        "allowed": check.allowed,
        "seen": check.seen,
        "counted": check.counted,
        "tripped": check.tripped,
        "people": list(check.people),
    }


def waiting_json(entries: Iterable[WaitEntry]) -> list[dict[str, object]]:
    """The wait list; `position` counts per wished tier and starts at 1."""
    positions: dict[str, int] = {}
    rows: list[dict[str, object]] = []
    for entry in entries:
        position = positions[entry.wants.name] = positions.get(entry.wants.name, 0) + 1
        rows.append(
            {
                "user_name": entry.user_name,
                "wants": entry.wants.name,
                "holds": name_of(entry.holds),
                "position": position,
                "since": iso(entry.since),
                "because": list(entry.because),
            }
        )
    return rows


def seats_json(
    pool: SeatPool, organization: str, as_of: datetime, pending: Mapping[Tier, int]
) -> dict[str, object]:
    """The pool, tier by tier and in total. A forecast needs history: see `basis`.

    `pending` counts open invites per tier; `held` includes them.
    """
    invited: dict[object, int] = {tier.name: number for tier, number in pending.items()}
    tiers: list[dict[str, object]] = [
        {
            **row,
            "pending_invites": invited.get(row["tier"], 0),
            "waiting": sum(entry.wants.name == row["tier"] for entry in pool.waiting),
            "source": "store",
            "as_of": iso(as_of),
        }
        for row in pool_json(pool)
    ]
    summed = ("purchased", "assigned", "held", "pending_invites", "reserved", "free", "waiting")
    return {
        "organization": organization,
        "tiers": tiers,
        "total": {key: sum(int(str(row[key])) for row in tiers) for key in summed},
        "forecast": [
            {
                "tier": tier.name,
                "runs_out_on": None,
                "earliest": None,
                "latest": None,
                "basis": "no trend",
                "samples": 0,
            }
            for tier in pool.ladder
        ],
    }


def run_json(run: RunRecord) -> dict[str, object]:
    return {
        "id": run.id,
        "trigger": run.trigger,
        "state": run.state.value,
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at),
        "digest": run.digest,
        "counts": dict(run.counts),
        "error": run.error,
        "problems": list(run.problems),
    }


def held_json(held: HeldPlan) -> dict[str, object]:
    return {
        "digest": held.digest,
        "state": held.state.value,
        "held_at": iso(held.held_at),
        "tripped": list(held.tripped),
        "limits": sorted(held.limits),
        "decided_by": held.decided_by,
        "decided_at": iso(held.decided_at),
        "plan": dict(held.plan),
    }


def alert_json(state: AlertState) -> dict[str, object]:
    """One alert as it stands; `severity` is null for one that is neither pending nor firing."""
    return {
        "key": state.key,
        "phase": state.phase.value,
        "severity": state.severity.value if state.severity else None,
        "summary": state.summary,
        "facts": dict(state.facts),
        "runbook": f"{RUNBOOK}#{state.runbook}" if state.runbook else None,
        "pending_since": iso(state.pending_since),
        "firing_since": iso(state.firing_since),
        "last_sent_at": iso(state.last_sent_at),
        "acknowledged_by": state.acknowledged_by,
        "silenced_until": iso(state.silenced_until),
    }


def entry_json(entry: LedgerEntry) -> Mapping[str, object]:
    return {
        "seq": entry.seq,
        "at": iso(entry.at),
        "actor": entry.actor,
        "event": entry.event,
        "member": entry.member,
        "account_id": entry.account_id,
        "outcome": entry.outcome,
        "because": list(entry.because),
        "detail": dict(entry.detail),
        "run_id": entry.run_id,
    }

"""A plan as lines of text: everything it says, in its own order, for tests that compare it in full."""

from collections.abc import Iterator
from datetime import datetime

from idpsync.core.plan import (
    Action,
    ChangeRoles,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    Over,
    Plan,
    ReactivateAccount,
    UpdateProfile,
)
from idpsync.core.planner import plan
from idpsync.core.seats import Tier, WaitEntry
from tests.core.scenarios import Scenario, address
from tests.people import NOW


def prove(scenario: Scenario) -> None:
    """The plan of the scenario's world says what the scenario expects, and nothing else."""
    made = plan(scenario.world_made(), scenario.policy_made())
    assert told(made) == scenario.expect
    for name, sentence in scenario.because.items():
        assert sentence in reasons(made, name)


def reasons(made: Plan, name: str) -> list[str]:
    """Every sentence that the plan gives for what it says of `name`."""
    said: list[tuple[str, tuple[str, ...]]] = [(a.profile.user_name, a.because) for a in made.actions]
    said += [(entry.user_name, entry.because) for entry in made.waiting]
    said += [(refusal.user_name, refusal.because) for refusal in made.refused]
    return [why for user_name, because in said if user_name == address(name) for why in because]


def told(plan: Plan) -> tuple[str, ...]:
    """Actions, then adoptions, the queue, refusals, conflicts, orphans, the missing, the rest."""
    return tuple(line.replace("@acme.example", "") for line in _lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield from map(_action, plan.actions)
    for found in plan.adoptions:
        yield f"adopt {found.user_name} for {found.external_id} by {found.matched_by}"
    yield from map(_wait, plan.waiting)
    for refusal in plan.refused:
        yield f"refuse {refusal.user_name}: {refusal.reason}"
    for conflict in plan.conflicts:
        yield f"conflict {conflict.reason}: {', '.join(conflict.keys)}"
    for orphan in plan.orphans:
        yield f"orphan {orphan}"
    for departure in plan.departures:
        yield f"{departure.account_id.removeprefix('acc-')} is missing{_since(departure.since)}"
    yield from map(_over, plan.over)
    for note in plan.notes:
        yield f"note: {note}"


def _action(action: Action) -> str:
    name = action.profile.user_name
    match action:
        case CreateAccount(tier=tier, roles=roles):
            return f"create {name}: {_seat(tier)}{_with(roles)}"
        case ReactivateAccount(tier=tier, roles=roles):
            return f"reactivate {name}: {_seat(tier)}{_with(roles)}"
        case ChangeTier(previous_tier=left, tier=tier, yields_to=taker):
            return (
                f"change {name}: {_seat(left)} → {_seat(tier)}{f', handed to {taker}' if taker else ''}"
            )
        case ChangeRoles(previous_roles=before, roles=roles):
            return f"roles {name}: {_roles(before)} → {_roles(roles)}"
        case UpdateProfile(changed=changed, previous_user_name=previous):
            renamed = f", now {name}" if "user_name" in changed else ""
            return f"update {previous}: {' '.join(changed)}{renamed}"
        case DeactivateAccount():
            return f"deactivate {name}"
        case DeleteAccount():
            return f"delete {name}"


def _wait(entry: WaitEntry) -> str:
    owed = ", owed" if entry.owed else ""
    said = f"{entry.user_name} waits for {entry.wants}, holds {entry.holds or 'nothing'}{owed}"
    return said + _since(entry.since)


def _over(over: Over) -> str:
    return f"over {over.tier}: {over.assigned} in {over.purchased}, newest {' '.join(over.people)}"


def _seat(tier: Tier | None) -> str:
    return str(tier) if tier else "no seat"


def _roles(roles: frozenset[str]) -> str:
    return " ".join(sorted(roles)) or "none"


def _with(roles: frozenset[str]) -> str:
    return f", roles {_roles(roles)}" if roles else ""


def _since(moment: datetime) -> str:
    hours = int((NOW - moment).total_seconds() // 3600)
    return "" if not hours else f" since {hours // 24}d" if hours % 24 == 0 else f" since {hours}h"

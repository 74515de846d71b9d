"""What a mode keeps back: the actions that `full` would carry out and this mode does not."""

from collections import Counter
from dataclasses import replace

from idpsync.core.plan import KIND, Action, ChangeRoles, Plan
from idpsync.core.planner import plan
from idpsync.core.policy import Mode, Policy
from idpsync.core.world import World


def kept_back(world: World, policy: Policy, made: Plan) -> Counter[str]:
    """Kinds of action that `made` would have beside its own in mode full, and how many of each."""
    match policy.mode:
        case Mode.FULL:
            return Counter()
        case Mode.OBSERVE:
            return Counter(KIND[type(action)] for action in made.actions)
        case Mode.CREATE_ONLY | Mode.NO_REMOVALS:
            full = plan(world, replace(policy, mode=Mode.FULL))
            done = {_key(action) for action in made.actions}
            return Counter(KIND[type(a)] for a in full.actions if _key(a) not in done)


def _key(action: Action) -> tuple[str, ...]:
    """What is done to whom, whichever tier comes of it; of roles also which are left."""
    roles = sorted(action.roles) if isinstance(action, ChangeRoles) else ()
    return KIND[type(action)], getattr(action, "account_id", ""), action.profile.user_name, *roles


def restrained(mode: Mode, kept: Counter[str]) -> tuple[str, ...]:
    """What was kept back, in one sentence; nothing, no sentence."""
    if not kept:
        return ()
    counted = ", ".join(f"{number} × {kind}" for kind, number in sorted(kept.items()))
    return (f"policy.mode is {mode.value}: it keeps back {counted}; `full` would carry them out",)

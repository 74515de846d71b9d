"""Who loses what by one plan: what the guard counts."""

from collections.abc import Iterable
from functools import cached_property

from idpsync.core.model import Account, DirectorySnapshot
from idpsync.core.plan import ChangeTier, CreateAccount, DeactivateAccount, DeleteAccount, Plan
from idpsync.core.seats import Tier
from idpsync.core.world import has_seat


class Losses:
    """Who loses what by one plan."""

    def __init__(self, plan: Plan, accounts: tuple[Account, ...], snapshot: DirectorySnapshot) -> None:
        self.plan, self.accounts, self.snapshot = plan, accounts, snapshot
        self.removals = [a for a in plan.actions if isinstance(a, DeactivateAccount | DeleteAccount)]
        final: dict[str, Tier | None] = {}
        for action in plan.actions:
            if isinstance(action, ChangeTier):
                final[action.account_id] = action.tier  # the last step of an exchange counts
        final |= {action.account_id: None for action in self.removals}
        touched = [account for account in accounts if account.id in final] if final else []
        self.dropped = [a for a in touched if has_seat(a) and _is_less(final[a.id], a.tier)]
        gone = {a.account_id for a in self.removals}
        self.taken = gone | {account.id for account in self.dropped}
        self.seatless = gone | {account.id for account in self.dropped if final[account.id] is None}

    @property
    def external_ids(self) -> frozenset[str]:
        """People who are left without a seat or without an account."""
        losing = (a for a in self.plan.actions if not isinstance(a, CreateAccount))
        return frozenset(a.external_id for a in losing if a.account_id in self.seatless)

    def in_grace(self) -> list[Account]:
        """Those who are missed, and keep their seat for a while."""
        missed = {departure.account_id for departure in self.plan.departures} - self.taken
        return [a for a in self.accounts if a.id in missed and has_seat(a)] if missed else []

    @cached_property
    def names(self) -> dict[str, str]:
        """External id → user name, of everybody who is known in any way."""
        names = {a.external_id: a.user_name for a in self.accounts if a.external_id}
        names |= {a.external_id: a.profile.user_name for a in self.plan.actions}
        return names | {user.external_id: user.user_name for user in self.snapshot.users}

    def named(self, external_ids: Iterable[str]) -> list[str]:
        return [self.names.get(one, one) for one in external_ids]


def _is_less(tier: Tier | None, before: Tier | None) -> bool:
    return before is not None and (tier is None or tier > before)

"""A SCIM service provider whose seats follow from its own groups: one group per tier."""

from dataclasses import replace
from typing import assert_never

from idpsync.core.errors import NotFound, RemoteError
from idpsync.core.model import Account
from idpsync.core.plan import (
    Action,
    ChangeRoles,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    ReactivateAccount,
    UpdateProfile,
)
from idpsync.core.records import Health
from idpsync.core.seats import Tier
from idpsync.targets.scim import ScimTarget
from idpsync.targets.seat_groups import SeatGroups


class GroupSeatedScimTarget:
    """Users as `ScimTarget` has them, tiers by group. Seats are given last and taken first.

    A crash between the two leaves somebody without a seat, whom the next run gives theirs.
    """

    name = "scim"
    kind = "scim"

    def __init__(self, users: ScimTarget, seats: SeatGroups) -> None:
        self._users, self._seats = users, seats

    def accounts(self) -> tuple[Account, ...]:
        """Groups before users: whoever is made meanwhile is seen without a seat, not the reverse."""
        tiers = self._seats.tiers()
        return tuple(replace(account, tier=tiers.get(account.id)) for account in self._users.accounts())

    def find(self, user_name: str) -> Account | None:
        account = self._users.find(user_name)
        return replace(account, tier=self._seats.tiers().get(account.id)) if account else None

    def probe(self) -> Health:
        """Also whether every group is there and shows its members."""
        health = self._users.probe()
        if not health.ok:
            return health
        try:
            seated = len(self._seats.tiers())
        except RemoteError as error:
            return replace(health, ok=False, detail=str(error))
        groups = ", ".join(f"'{name}'" for name in self._seats.names)
        return replace(health, detail=f"{health.detail}; {seated} of them in {groups}")

    def apply(self, action: Action) -> Account:
        """As every target; SeatsExhausted when a group takes nobody any more."""
        match action:
            case CreateAccount() | ReactivateAccount():
                account = self._users.apply(replace(action, tier=None))
                self._seats.place(account.id, action.tier)
                return replace(account, tier=action.tier)
            case ChangeTier():
                account = self._users.read(action.account_id)
                self._seats.place(account.id, action.tier)
                return replace(account, tier=action.tier)
            case DeactivateAccount():
                self._seats.place(self._users.read(action.account_id).id, None)
                return self._users.apply(action)
            case DeleteAccount():
                self._vacate(action)
                return self._users.apply(action)
            case UpdateProfile() | ChangeRoles():
                account = self._users.apply(action)
                return replace(account, tier=self._tier_of(account))
            case _:
                assert_never(action)

    def _vacate(self, action: DeleteAccount) -> None:
        """Out of the groups, if there is anybody yet."""
        try:
            account = self._users.read(action.account_id)
        except NotFound:
            return
        self._seats.place(account.id, None)

    def _tier_of(self, account: Account) -> Tier | None:
        return self._seats.tier_of(account.id)

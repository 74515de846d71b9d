"""Groups of the identity provider as a target: the service itself makes seats of their members.

For services that take people from the identity provider by their own means (Claude Enterprise with group
mappings, Atlassian, GitLab, Lucid): idpsync keeps the groups no larger than what was bought, so that the
service never sees more people than seats. What it cannot tell the service (names, roles) is kept on the
shelf of the store; what counts for seats is read from the groups each time.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from idpsync.core.books import AccountShelf
from idpsync.core.errors import NotFound
from idpsync.core.model import Account, DirectoryUser, Profile, Standing, fold
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
from idpsync.targets.seat_groups import SYSTEM, SeatGroups
from idpsync.targets.shelved import ShelvedAccounts

People = Callable[[], Mapping[str, DirectoryUser]]
"""The people of the directory as last read, by external id."""


class IdpGroupsTarget:
    """An account is a person whom we let in; their tier is the group they are in.

    The group is written before the shelf: a crash between leaves somebody in a group, whom the next
    listing shows under the id of their directory, which is the id that their account gets.
    """

    name = "idp_groups"
    kind = "idp_groups"

    def __init__(self, seats: SeatGroups, shelf: AccountShelf, people: People) -> None:
        self._seats, self._shelf, self._people = seats, shelf, people
        self._kept = ShelvedAccounts(
            shelf, new_id=lambda action: action.external_id or str(uuid.uuid4())
        )

    def accounts(self) -> tuple[Account, ...]:
        """Everybody on the shelf with the tier of their group, and whom somebody else put into one."""
        tiers = self._seats.tiers()
        ours = [
            _as_seated(account, tiers.pop(account.external_id or "", None))
            for account in self._shelf.all()
        ]
        people = self._people() if tiers else {}
        strangers = [
            Account(key, _profile(people.get(key), key), Standing.ACTIVE, tier, external_id=key)
            for key, tier in sorted(tiers.items())
        ]
        return (*ours, *strangers)

    def find(self, user_name: str) -> Account | None:
        wanted = fold(user_name)
        return next((account for account in self.accounts() if account.member == wanted), None)

    def probe(self) -> Health:
        """Read every group; whether they may be written, only a write can tell."""
        tiers = self._seats.tiers()
        groups = ", ".join(f"'{name}'" for name in self._seats.names)
        return Health(SYSTEM, ok=True, detail=f"{len(tiers)} people in {groups}", latency=timedelta(0))

    def apply(self, action: Action) -> Account:
        """As every target; Refused for somebody whom the directory has no id for."""
        match action:
            case CreateAccount():
                self._kept.check(action)
                self._place(action.external_id, action.tier)
            case ReactivateAccount() | ChangeTier():
                self._place(self._person(action), action.tier)
            case DeactivateAccount():
                self._place(self._person(action), None)
            case DeleteAccount():
                self._place(action.external_id, None)
            case UpdateProfile() | ChangeRoles():
                self._person(action)
            case _:
                assert_never(action)
        return self._kept.apply(action)

    def _place(self, external_id: str, tier: Tier | None) -> None:
        if external_id or tier is not None:
            self._seats.place(external_id, tier)

    def _person(
        self, action: ReactivateAccount | ChangeTier | DeactivateAccount | UpdateProfile | ChangeRoles
    ) -> str:
        """The external id behind an account; NotFound where there is no such account.

        Somebody whom others put into a group comes onto the shelf with our first write.
        """
        account = self._shelf.get(action.account_id)
        if account is None and (tier := self._seats.tier_of(action.account_id)):
            key = action.account_id
            account = Account(key, action.profile, Standing.ACTIVE, tier, external_id=key)
            self._shelf.put(account)
        if account is None:
            raise NotFound(SYSTEM, "read account", f"there is no account {action.account_id}")
        return account.external_id or action.external_id


def _as_seated(account: Account, tier: Tier | None) -> Account:
    """The account as its group has it: whoever is in one works, whatever we last made of them."""
    if account.tier == tier:
        return account
    return replace(account, tier=tier, standing=Standing.ACTIVE if tier else account.standing)


def _profile(user: DirectoryUser | None, key: str) -> Profile:
    return user.profile if user else Profile(key)

"""A SCIM 2.0 service provider as a target: one action, at most one write, and the tier really given."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import assert_never

import structlog

from idpsync.core.errors import ConfigError, Conflict, NotFound, RemoteError, UnknownOutcome
from idpsync.core.model import Account, Standing
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
from idpsync.pace import Timer
from idpsync.scim_client import RemoteUser, ScimClient
from idpsync.scim_client.levers import Lever
from idpsync.targets.attributes import (
    EVERYTHING,
    TierValues,
    account_of,
    draft_of,
    filled,
    profile_changes,
    role_elements,
)
from idpsync.targets.plain import PlainUsers

log = structlog.get_logger()
NAME = "scim target"


class ScimTarget:
    """Accounts at a service provider; safe for use by several threads."""

    name = "scim"
    kind = "scim"

    def __init__(
        self, client: ScimClient, lever: Lever, tiers: TierValues, timer: Timer | None = None
    ) -> None:
        self._client, self._lever, self._tiers = client, lever, tiers
        self._timer = timer or Timer()
        self._plain = PlainUsers(lever, self._timer)

    def accounts(self) -> tuple[Account, ...]:
        """All accounts; Malformed unless the listing is proven complete."""
        began, plain = self._timer.now(), list[str]()

        def keep(user: RemoteUser) -> Account:
            if self._plain.among(user):
                plain.append(user.id)
            return self._account(user)

        listed = self._client.users(keep)
        self._plain.renew(frozenset(plain), listed_at=began)
        return tuple(account for account in listed if account.profile.user_name)

    def find(self, user_name: str) -> Account | None:
        """Conflict when several users have that name."""
        found = self._client.find("userName", user_name)
        if len(found) > 1:
            raise Conflict(
                NAME, "find account", f"{len(found)} users are called {user_name}", "uniqueness"
            )
        return self._account(found[0]) if found else None

    def probe(self) -> Health:
        began = time.monotonic()
        try:
            total = self._client.count()
        except (RemoteError, ConfigError) as error:
            return Health(NAME, ok=False, detail=str(error), latency=_since(began))
        seen = "number of users unknown" if total is None else f"{total} users"
        return Health(NAME, ok=True, detail=seen, latency=_since(began))

    def read(self, account_id: str) -> Account:
        """The account of this id; NotFound where there is none."""
        return self._account(self._client.get(account_id))

    def apply(self, action: Action) -> Account:
        """Carry out one action; SeatsExhausted when the provider has no seat for it."""
        match action:
            case CreateAccount():
                return self._account(self._create(action))
            case DeleteAccount():
                return self._delete(action)
            case ReactivateAccount():
                self._plain.forget(action.account_id)
                user = self._client.get(action.account_id)
                return self._account(self._settle(user, action))
            case UpdateProfile():
                return self._changed(action.account_id, lambda user: self._renamed(user, action))
            case ChangeTier():
                return self._changed(action.account_id, lambda user: self._seat(user, action.tier))
            case ChangeRoles():
                self._plain.forget(action.account_id)
                user = self._client.get(action.account_id)
                withdrawn = action.previous_roles - action.roles
                roles = role_elements(user.elements("roles"), self._lever, action.roles, withdrawn)
                return self._account(self._client.amend(user, {"roles": roles}))
            case DeactivateAccount():
                seated = action.previous_tier is not None
                return self._changed(action.account_id, lambda user: self._off(user, seated=seated))
            case _:
                assert_never(action)

    def _changed(self, user_id: str, changes: Callable[[RemoteUser], dict[str, object]]) -> Account:
        """The account after one write; before it the user is read, unless a listing showed enough."""
        if self._plain.has(user_id):
            unread = changes(RemoteUser(user_id, {}))
            if unread:
                return self._account(self._client.write(user_id, unread))
        user = self._client.get(user_id)
        return self._account(self._client.amend(user, changes(user)))

    def _renamed(self, user: RemoteUser, action: UpdateProfile) -> dict[str, object]:
        names = action.changed or EVERYTHING
        changes = profile_changes(user, action.profile, names)
        if "external_id" in names and action.external_id:
            changes["externalId"] = action.external_id
        return changes

    def _off(self, user: RemoteUser, *, seated: bool) -> dict[str, object]:
        """Switched off, and the seat taken away where there was one or nobody has looked."""
        seat = self._seat(user, None) if seated or user.raw else {}
        return {"active": False, **seat}

    def _create(self, action: CreateAccount) -> RemoteUser:
        draft = draft_of(action.profile, action.external_id)
        blank = RemoteUser("", {})
        draft |= self._provisions(blank, action.tier, action.roles)
        draft = {name: value for name, value in draft.items() if value not in (None, [])}
        try:
            creation = self._client.create(draft)
        except Conflict as conflict:
            return self._adopt(self._holder(action, conflict), action)
        if creation.found:
            return self._complete(creation.user, action)
        return self._seen(creation.user, action.tier)

    def _complete(self, user: RemoteUser, action: CreateAccount) -> RemoteUser:
        """What a create of unknown outcome left, as it was wanted; it stands whatever goes wrong now."""
        try:
            return self._adopt(user, action)
        except (RemoteError, ConfigError) as error:
            reason = f"{action.profile.user_name} was made perhaps, and then: {error}"
            raise UnknownOutcome(NAME, "create account", reason) from error

    def _holder(self, action: CreateAccount, conflict: Conflict) -> RemoteUser:
        """The user that stands in the way; the conflict itself when the provider hides it."""
        user = self._client.lookup(action.external_id, action.profile.user_name)
        if user is None:
            raise conflict
        return user

    def _adopt(self, user: RemoteUser, action: CreateAccount) -> RemoteUser:
        """Make the existing user what the create wanted; Conflict if it is somebody else's."""
        if user.external_id not in (None, action.external_id):
            reason = f"{action.profile.user_name} exists and belongs to another externalId"
            raise Conflict(NAME, "create account", reason, "uniqueness")
        log.info("account.adopted", id=user.id, user_name=action.profile.user_name)
        return self._settle(user, action)

    def _settle(self, user: RemoteUser, action: CreateAccount | ReactivateAccount) -> RemoteUser:
        """Everything in one write: some providers change nothing of a deactivated account alone.

        An action without externalId leaves the attribute as it is.
        """
        changes: dict[str, object] = {"active": True}
        changes |= {"externalId": action.external_id} if action.external_id else {}
        changes |= profile_changes(user, action.profile, filled(action.profile))
        changes |= self._provisions(user, action.tier, action.roles)
        return self._client.amend(user, changes)

    def _provisions(
        self, user: RemoteUser, tier: Tier | None, roles: frozenset[str]
    ) -> dict[str, object]:
        """The seat and the roles; both may live in `roles`."""
        changes = self._seat(user, tier)
        seated = changes.get("roles", user.elements("roles"))
        present = tuple(seated) if isinstance(seated, list | tuple) else ()
        return {**changes, "roles": role_elements(present, self._lever, roles, frozenset())}

    def _seat(self, user: RemoteUser, tier: Tier | None) -> dict[str, object]:
        return self._lever.change(user.raw, self._tiers.value_of(tier))

    def _seen(self, user: RemoteUser, tier: Tier | None) -> RemoteUser:
        """The user with its tier told: read back when the answer to the create lacks it."""
        given = self._tiers.tier_of(self._lever.read(user.raw))
        return user if given == tier else self._client.read_back(user.id, "create user")

    def _delete(self, action: DeleteAccount) -> Account:
        try:
            last = self._account(self._client.get(action.account_id))
        except NotFound:
            return Account(action.account_id, action.profile, Standing.DEACTIVATED)
        self._client.delete(action.account_id)
        return last

    def _account(self, user: RemoteUser) -> Account:
        return account_of(user, self._lever, self._tiers)


def _since(began: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - began)

"""Accounts on a shelf of the store, and what each action makes of them."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from idpsync.core.books import AccountShelf
from idpsync.core.errors import Conflict, NotFound
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

SYSTEM = "local accounts"


class ShelvedAccounts:
    """What is asked for is what is given.

    The `external_id` "" of an action means none: an account never has it, and keeps the one it has.
    """

    def __init__(
        self,
        shelf: AccountShelf,
        *,
        new_id: Callable[[CreateAccount], str] = lambda _: str(uuid.uuid4()),
    ) -> None:
        self._shelf, self._new_id = shelf, new_id

    def apply(self, action: Action) -> Account:
        """Conflict when the user name is another person's, NotFound when the account is gone."""
        match action:
            case CreateAccount():
                return self._put(self._created(action))
            case DeleteAccount():
                return self._delete(action)
            case ReactivateAccount():
                account = self._present(action.account_id)
                return self._put(
                    replace(
                        account,
                        standing=Standing.ACTIVE,
                        profile=action.profile,
                        tier=action.tier,
                        roles=action.roles,
                        external_id=action.external_id or account.external_id or None,
                    )
                )
            case UpdateProfile():
                account = self._present(action.account_id)
                mark = action.external_id or account.external_id
                return self._put(replace(account, profile=action.profile, external_id=mark))
            case ChangeTier():
                return self._put(replace(self._present(action.account_id), tier=action.tier))
            case ChangeRoles():
                account = self._present(action.account_id)
                withdrawn = action.previous_roles - action.roles
                return self._put(replace(account, roles=(account.roles - withdrawn) | action.roles))
            case DeactivateAccount():
                account = self._present(action.account_id)
                return self._put(replace(account, standing=Standing.DEACTIVATED, tier=None))
            case _:
                assert_never(action)

    def check(self, action: CreateAccount) -> Account | None:
        """The account that this person has already; Conflict when the user name is another person's."""
        present = self._shelf.find(action.profile.user_name)
        if present and (present.external_id or "") not in ("", action.external_id):
            raise Conflict(SYSTEM, "create account", "the user name is another person's", "uniqueness")
        return present

    def _created(self, action: CreateAccount) -> Account:
        """The account as it shall be: the present one of this person, or a new one."""
        present = self.check(action)
        return Account(
            id=present.id if present else self._new_id(action),
            profile=action.profile,
            standing=Standing.ACTIVE,
            tier=action.tier,
            external_id=action.external_id or None,
            roles=action.roles | (present.roles if present else frozenset()),
        )

    def _delete(self, action: DeleteAccount) -> Account:
        last = self._shelf.get(action.account_id)
        self._shelf.remove(action.account_id)
        return last or Account(action.account_id, action.profile, Standing.DEACTIVATED)

    def _present(self, account_id: str) -> Account:
        account = self._shelf.get(account_id)
        if account is None:
            raise NotFound(SYSTEM, "read account", f"there is no account {account_id}")
        return account

    def _put(self, account: Account) -> Account:
        self._shelf.put(account)
        return account

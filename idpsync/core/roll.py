"""The accounts of a target under the keys that a plan looks them up by."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from idpsync.core.model import Account, fold_all


@dataclass(frozen=True, slots=True)
class Roll:
    """Every account by its id, and beside it the member whose seat is counted for it."""

    accounts: Mapping[str, Account]
    members: Sequence[str]  # as `Account.member` has it, in the order of `accounts`

    @classmethod
    def of(cls, accounts: Iterable[Account]) -> "Roll":
        by_id = {account.id: account for account in accounts}
        return cls(by_id, fold_all([account.profile.user_name for account in by_id.values()]))

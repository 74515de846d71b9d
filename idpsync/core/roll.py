"""The accounts of a target under the keys that a plan looks them up by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from idpsync.core.model import Account, fold_all


@dataclass(frozen=True, slots=True)
class Roll:
    """Every account by its id, and the member whose seat is counted for it."""

    accounts: Mapping[str, Account]
    member_of: Mapping[str, str]  # account id → folded user name, as `Account.member` has it

    @classmethod
    def of(cls, accounts: Iterable[Account]) -> "Roll":
        by_id = {account.id: account for account in accounts}
        members = fold_all([account.profile.user_name for account in by_id.values()])
        return cls(by_id, dict(zip(by_id, members, strict=True)))

"""The accounts of a target under the keys that a plan looks them up by."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from idpsync.core.model import Account, fold_all

_ID, _USER_NAME = attrgetter("id"), attrgetter("profile.user_name")


@dataclass(frozen=True, slots=True)
class Roll:
    """Every account by its id, and beside it the member whose seat is counted for it."""

    accounts: Mapping[str, Account]
    members: Sequence[str]  # as `Account.member` has it, in the order of `accounts`

    @classmethod
    def of(cls, accounts: Iterable[Account]) -> "Roll":
        several = tuple(accounts)
        by_id = dict(zip(map(_ID, several), several, strict=True))
        return cls(by_id, fold_all(list(map(_USER_NAME, by_id.values()))))

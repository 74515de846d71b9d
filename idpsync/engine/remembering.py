"""The target as every door sees it: what we write there is remembered, and so is no drift."""

from idpsync.core.errors import UnknownOutcome
from idpsync.core.journals import AccountCache
from idpsync.core.model import Account, fold
from idpsync.core.plan import Action, DeleteAccount
from idpsync.core.ports import Target
from idpsync.core.records import Health


class Remembering:
    """A `Target` that notes how each account is after a write of ours."""

    def __init__(self, target: Target, known: AccountCache) -> None:
        self._target, self._known = target, known
        self.name, self.kind = target.name, target.kind

    def accounts(self) -> tuple[Account, ...]:
        return self._target.accounts()

    def find(self, user_name: str) -> Account | None:
        return self._target.find(user_name)

    def probe(self) -> Health:
        return self._target.probe()

    def apply(self, action: Action) -> Account:
        try:
            account = self._target.apply(action)
        except UnknownOutcome:
            self._known.doubt(getattr(action, "account_id", fold(action.profile.user_name)))
            raise
        if isinstance(action, DeleteAccount):
            self._known.forget(account.id)
        else:
            self._known.note(account)
        return account

"""Who is who in a world that stands: correlation, person by person, at the cost of what changed."""

from idpsync.core.correlate import Candidates, claimed_twice, linked_twice, match, rightful, sharing
from idpsync.core.errors import AmbiguousCorrelation
from idpsync.core.grounds import Grounds
from idpsync.core.model import Account, DirectoryUser, fold
from idpsync.core.plan import Adoption, Conflict
from idpsync.core.registers import Key, Registers


class Recognition:
    """Shared keys, adoptions and doubts as they stand. `grounds` are told who is skipped or adopted.

    `accounts` that are handed in gain those that have to be looked at again.
    """

    def __init__(self, files: Registers, grounds: Grounds) -> None:
        self.files, self.grounds = files, grounds
        self._shared: dict[Key, Conflict] = {}
        self._ambiguous: dict[str, Conflict] = {}
        self._adoptions: dict[str, Adoption] = {}
        self._adopters: dict[str, set[str]] = {}  # account id → who would adopt it
        grounds.skipped.clear()
        grounds.adopted.clear()

    # --- looking again ----------------------------------------------------------------------------

    def share(self, key: Key) -> None:
        """See whether several people bear a key."""
        ids = self.files.sharers(key)
        if len(ids) > 1:
            self._shared[key] = sharing(*key, ids)
        else:
            self._shared.pop(key, None)

    def correlate(self, external_id: str, accounts: set[str]) -> set[str]:
        """Find somebody's account anew; the others whom that concerns."""
        others = self._forget(external_id, accounts)
        user = self.files.people.get(external_id)
        if user is None:
            return others
        if self._shared and any(self._is_shared(key, user) for key in self.files.keys_of(user)):
            self.grounds.skipped.add(external_id)
        elif len(linked := rightful(self.files.linked_accounts(external_id))) > 1:
            self._ambiguous[external_id] = linked_twice(external_id, linked)
            self.grounds.skipped.add(external_id)
        elif not linked:
            others |= self._adopt(user, accounts)
        return others

    def _is_shared(self, key: Key, user: DirectoryUser) -> bool:
        return key in self._shared and not (key[0] == "e-mail" and user.active is False)

    def _forget(self, external_id: str, accounts: set[str]) -> set[str]:
        self.grounds.skipped.discard(external_id)
        self._ambiguous.pop(external_id, None)
        adoption = self._adoptions.pop(external_id, None)
        if adoption is None:
            return set()
        accounts.add(adoption.account_id)
        others = self._adopters[adoption.account_id]
        others.discard(external_id)
        self._judge_adopters(adoption.account_id)
        return set(others)

    def _adopt(self, user: DirectoryUser, accounts: set[str]) -> set[str]:
        try:
            verified = self.files.policy.admits_domain
            adoption = match(user, self._candidates(user), self.files.person_of, verified)
        except AmbiguousCorrelation as error:
            self._ambiguous[user.external_id] = Conflict(error.keys, "ambiguous_correlation")
            self.grounds.skipped.add(user.external_id)
            return set()
        if adoption is None:
            return set()
        accounts.add(adoption.account_id)
        self._adoptions[user.external_id] = adoption
        rivals = self._adopters.setdefault(adoption.account_id, set())
        rivals.add(user.external_id)
        self._judge_adopters(adoption.account_id)
        return rivals - {user.external_id}

    def _judge_adopters(self, account_id: str) -> None:
        """One person may adopt an account; of several nobody does."""
        rivals, grounds = self._adopters[account_id], self.grounds
        if len(rivals) == 1:
            grounds.adopted.add(account_id)
            grounds.skipped -= rivals
        else:
            grounds.adopted.discard(account_id)
            grounds.skipped |= rivals

    def _candidates(self, user: DirectoryUser) -> Candidates:
        files, (name, email) = self.files, (fold(user.user_name), fold(user.profile.email or ""))
        mailed = files.accounts_of(files.accounts_mailed.of(email))
        return Candidates(
            {user.external_id: files.accounts_of(files.accounts_marked.of(user.external_id))},
            {name: files.accounts_of(files.accounts_named.of(name))},
            {email: [account for account in mailed if account.external_id is None]},
        )

    # --- what is known ----------------------------------------------------------------------------

    def adopted_account(self, external_id: str) -> Account | None:
        """The account that somebody adopts; None where several would."""
        adoption = self._adoptions.get(external_id)
        if adoption is None or external_id in self.grounds.skipped:
            return None
        return self.files.accounts[adoption.account_id]

    def adoptions(self) -> list[Adoption]:
        """In the order of external ids."""
        adopted = self.grounds.adopted
        return [a for _, a in sorted(self._adoptions.items()) if a.account_id in adopted]

    def conflicts(self) -> list[Conflict]:
        """Shared keys first, then who may be meant twice, then accounts that several would adopt."""
        shared = sorted(self._shared, key=lambda key: (key[0] == "e-mail", key[1]))
        rivals = sorted((min(ids), key) for key, ids in self._adopters.items() if len(ids) > 1)
        accounts = self.files.accounts
        return [
            *(self._shared[key] for key in shared),
            *(conflict for _, conflict in sorted(self._ambiguous.items())),
            *(claimed_twice(accounts[key], self._adopters[key]) for _, key in rivals),
        ]

"""The first run at a target that has people in it already: nobody is adopted before somebody says so."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from idpsync.core.model import Account, Link, fold
from idpsync.core.plan import Plan
from idpsync.core.policy import Mode, Policy

KEYS = {"external_id": "external id", "user_name": "user name", "email": "verified e-mail"}
"""What accounts are matched by, the most trusted first."""


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What adopting a target would come to. `accounts` are those that idpsync did not make."""

    accounts: int
    matched_by: Counter[str]
    conflicts: int
    orphans: int
    changes: int
    digest: str
    mode: Mode

    def __str__(self) -> str:
        by = ", ".join(f"{words}: {self.matched_by[key]}" for key, words in KEYS.items())
        return (
            f"This target has {_accounts(self.accounts)} that idpsync has never linked; "
            f"first run: nothing was written. {self.matched_by.total()} would be adopted (by {by}), "
            f"{_counted(self.conflicts, 'conflict')}, {_counted(self.orphans, 'orphan')} left alone, "
            f"{_counted(self.changes, 'change')} would follow. {self._way_on()}"
        )

    @property
    def done(self) -> str:
        """What is said in its place once somebody has agreed."""
        return f"First run: {_accounts(self.matched_by.total())} adopted"

    def _way_on(self) -> str:
        if self.mode is Mode.OBSERVE:
            return "To adopt them: set another policy.mode than observe, then idpsync apply --adopt"
        return (
            "To adopt them: idpsync apply --adopt "
            f"(or approve exactly this plan: idpsync approve {self.digest})"
        )


def foreign_accounts(
    accounts: Iterable[Account], links: Iterable[Link], policy: Policy, ours: Collection[str]
) -> tuple[Account, ...]:
    """The accounts that somebody else made, when none of those was ever linked; else none.

    `ours` are ids of accounts that idpsync wrote itself, and members for whom it tried. Protected people
    alone are nobody to ask about: nothing is done to them.
    """
    if any(link.account_id not in ours for link in links):
        return ()
    foreign = tuple(a for a in accounts if a.id not in ours and a.member not in ours)
    return () if all(_protected(account, policy) for account in foreign) else foreign


def _protected(account: Account, policy: Policy) -> bool:
    return not policy.protected.isdisjoint({account.member, fold(account.profile.email or "")})


def first_run(foreign: Collection[Account], plan: Plan) -> FirstRun | None:
    """What the plan would begin with among the `foreign` accounts; None where there are none."""
    if not foreign:
        return None
    orphans = {fold(name) for name in plan.orphans}
    return FirstRun(
        accounts=len(foreign),
        matched_by=Counter(adoption.matched_by for adoption in plan.adoptions),
        conflicts=len(plan.conflicts),
        orphans=sum(account.member in orphans for account in foreign),
        changes=len(plan.actions),
        digest=plan.digest,
        mode=plan.mode,
    )


def _accounts(number: int) -> str:
    return _counted(number, "account")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

"""Attributes and roles that an account should have in step with the directory."""

from collections.abc import Iterator

from idpsync.core.model import Account, DirectoryUser, fold
from idpsync.core.plan import ChangeRoles, UpdateProfile
from idpsync.core.policy import Entitlement

ATTRIBUTES = ("user_name", "email", "given_name", "family_name", "display_name")


class Roles:
    """Whether roles need a word; the answer for a pair of sets is remembered, for they repeat.

    `managed` are the roles that rules give: no other role is touched.
    """

    def __init__(self, managed: frozenset[str]) -> None:
        self.managed = managed
        self._known: dict[tuple[frozenset[str], frozenset[str]], bool] = {}

    def in_step(self, held: frozenset[str], entitled: frozenset[str]) -> bool:
        """Whether `held` are just the roles somebody is entitled to, beside unmanaged ones."""
        if held == entitled:
            return True
        known = self._known.get((held, entitled))
        if known is None:
            known = self._known[held, entitled] = (held - self.managed) | entitled == held
        return known


def profile_actions(
    user: DirectoryUser,
    account: Account,
    entitlement: Entitlement,
    *,
    managed: frozenset[str],
    may_take: bool,
    adopted: bool,
) -> Iterator[UpdateProfile | ChangeRoles]:
    """What must be written to bring `account` in step with `user`.

    `managed` are the roles that rules give: no other role is touched. Without `may_take` a role is
    only added. An `adopted` account gets our mark, once: not every target keeps it, and the link says
    whose the account is.
    """
    changed = _differences(user, account)
    if adopted and account.external_id != user.external_id:
        changed = (*changed, "external_id")
    if changed:
        yield UpdateProfile(
            account_id=account.id,
            profile=user.profile,
            external_id=user.external_id,
            previous_user_name=account.user_name,
            changed=changed,
            because=(f"the directory says otherwise: {', '.join(changed)}",),
        )
    kept = account.roles - managed if may_take else account.roles
    roles = kept | entitlement.roles
    if roles != account.roles:
        yield ChangeRoles(
            account_id=account.id,
            profile=user.profile,
            external_id=user.external_id,
            previous_roles=account.roles,
            roles=roles,
            because=entitlement.because,
        )


def is_somebody_else(user: DirectoryUser, account: Account) -> bool:
    """Whether nothing of the account fits the person who bears its id now: an id that was given anew.

    Who marries or moves keeps some of their names; only where user name, e-mail, given and family name
    are all known, and all others, the directory is taken to mean another person.
    """
    given, kept = user.profile, account.profile
    if given.user_name == kept.user_name:
        return False
    pairs = (
        (given.user_name, kept.user_name),
        (given.email or "", kept.email or ""),
        (given.given_name, kept.given_name),
        (given.family_name, kept.family_name),
    )
    return all(now and before and fold(now) != fold(before) for now, before in pairs)


def _differences(user: DirectoryUser, account: Account) -> tuple[str, ...]:
    """Attributes the directory has a value for and the account another one.

    A value the directory does not have is left alone; names that are compared without case are left
    as the target writes them.
    """
    if user.profile is account.profile:
        return ()
    changed = []
    for name in ATTRIBUTES:
        wanted, found = getattr(user.profile, name), getattr(account.profile, name)
        if not wanted or wanted == found:
            continue
        if name in {"user_name", "email"} and found and fold(wanted) == fold(found):
            continue
        changed.append(name)
    return tuple(changed)

"""What changes tell that is not acted upon before a whole read has confirmed it."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from idpsync.core.changes import DirectoryChanges
from idpsync.core.guard import Limit
from idpsync.core.model import Account, DirectoryUser, Standing, fold
from idpsync.core.registers import Registers
from idpsync.core.seats import Holding
from idpsync.core.world import has_seat


def unconfirmed(
    seen: DirectoryChanges, known: Registers, *, canaries: AbstractSet[str], removals: Limit
) -> str:
    """Why a whole read is needed first, "" for no reason; `known` is how the world stood before."""
    if seen.problems:
        return "the directory tells of problems"
    if seen.scope != known.snapshot.scope:
        return "something else is asked for"
    if unheard := sorted(seen.groups.keys() - known.members.keys()):
        return f"group '{unheard[0]}' was not there before"
    if emptied := sorted(name for name in seen.groups if _is_emptied(seen, known, name)):
        return f"group '{emptied[0]}' is empty now"
    if _loses(seen, known, canaries):
        return "somebody whom must_contain names is not found any more"
    return _too_many(seen, known, removals)


def _is_emptied(seen: DirectoryChanges, known: Registers, name: str) -> bool:
    before, change = known.members[name], seen.groups[name]
    return bool(before) and not change.joined and before <= change.left


def _loses(seen: DirectoryChanges, known: Registers, canaries: AbstractSet[str]) -> bool:
    asked = {fold(name) for name in canaries}
    for external_id, user in seen.people.items() if asked else ():
        before = known.people.get(external_id)
        if before and asked & _names(before) - (_names(user) if user else set()):
            return True
    return False


def _names(user: DirectoryUser) -> set[str]:
    return {fold(name) for name in (user.user_name, user.profile.email or "", user.external_id)}


def _too_many(seen: DirectoryChanges, known: Registers, removals: Limit) -> str:
    """People who are gone count as removed here, whatever grace they have."""
    gone = [key for key, user in seen.people.items() if user is None and known.links_of.of(key)]
    accounts = known.accounts.values()
    working = len(accounts) - [a.standing for a in accounts].count(Standing.DEACTIVATED)
    counted = removals.count is not None and len(gone) > removals.count
    if counted or (removals.percent is not None and removals.trips_percent(len(gone), working)):
        return f"{len(gone)} people with accounts are gone"
    return ""


def disagreement(
    names: Mapping[str, str],
    accounts: Iterable[Account],
    holdings: Iterable[Holding],
    invited: AbstractSet[str],
) -> str:
    """What only a listing can settle between accounts and seats, "" for nothing.

    A reservation that no pending invite holds may have an account that nobody has noted yet. `names`
    are the members whose accounts these are, by id; `invited` those with such an invite.
    """
    holdings = tuple(holdings)
    seated = {(names[account.id], account.tier, account.id) for account in accounts if has_seat(account)}
    if seated != {(h.member, h.tier, h.account_id) for h in holdings if h.settled}:
        return "accounts and seats disagree"
    members = {member for member, _, _ in seated}
    for holding in holdings:
        if not holding.settled and (holding.member in members or holding.member not in invited):
            return f"an account or a tier of {holding.member} is under way"
    return ""

"""Why somebody has what they have: the plan, turned round to one person."""

from dataclasses import dataclass

from idpsync.core.membership import Invite, with_assignment
from idpsync.core.model import Account, DirectoryUser, fold
from idpsync.core.plan import Action, Plan
from idpsync.core.policy import Entitlement, Policy
from idpsync.core.seats import WaitEntry
from idpsync.core.world import World, groups_by_person


@dataclass(frozen=True, slots=True)
class Explanation:
    """One person through the whole decision. `notes` says what else matters, refusals first."""

    user_name: str
    member: str
    user: DirectoryUser | None
    groups: frozenset[str]
    entitlement: Entitlement
    account: Account | None
    linked: bool
    actions: tuple[Action, ...]
    wait_entry: WaitEntry | None
    position: int | None
    notes: tuple[str, ...]
    invite: Invite | None = None  # while it is pending

    @property
    def known(self) -> bool:
        """Whether directory, target, wait list or an invite know the person at all."""
        return bool(self.user or self.account or self.wait_entry or self.invite)


def explain_user(name: str, world: World, policy: Policy, plan: Plan) -> Explanation:
    """`name` is a user name, an e-mail address or a directory id."""
    user = next((u for u in world.snapshot.users if fold(name) in _names(u)), None)
    link_of = {(k.source, k.external_id): k.account_id for k in world.links}
    linked_id = link_of.get((user.source, user.external_id)) if user else None
    account = next(
        (a for a in world.accounts if a.id == linked_id),
        next((a for a in world.accounts if _is(a, name, user)), None),
    )
    groups = frozenset[str]()
    if user:
        every = {group.name for group in world.snapshot.groups}
        groups = frozenset(groups_by_person(world.snapshot, every).get(user.external_id, set()))
    member = account.member if account else fold(user.user_name if user else name)
    entry = next((w for w in plan.waiting if w.member == member), None)
    queue = [w.member for w in plan.waiting if entry and w.wants == entry.wants]
    ruled, invite = policy.entitle(groups), _invite_of(member, name, world)
    return Explanation(
        user_name=user.user_name if user else account.user_name if account else name,
        member=member,
        user=user,
        groups=groups,
        entitlement=with_assignment(ruled, world.assignments.get(member)),
        account=account,
        linked=bool(account and account.id in {k.account_id for k in world.links}),
        actions=tuple(a for a in plan.actions if _concerns(a, user, account)),
        wait_entry=entry,
        position=queue.index(member) + 1 if entry else None,
        notes=(
            *_notes(member, user, account, policy, plan),
            *_by_hand(member, ruled, invite, world),
        ),
        invite=invite,
    )


def _invite_of(member: str, name: str, world: World) -> Invite | None:
    """The pending invite of the person, also when they were asked for by its address."""
    by_address = (i for i in world.invites.values() if fold(i.email) == fold(name))
    return world.invites.get(member) or next(by_address, None)


def _by_hand(member: str, ruled: Entitlement, invite: Invite | None, world: World) -> list[str]:
    """What was given by hand, and whether it holds."""
    notes = []
    if given := world.assignments.get(member):
        said = f"{given.tier or 'no seat'} was given by hand by {given.by} on {given.at:%Y-%m-%d}"
        notes.append(said if ruled.flexible else f"{said}, but a rule with a tier counts for more")
    if invite:
        notes.append(
            f"an invite is pending: {invite.tier} as {invite.role}, by {invite.invited_by}, "
            f"until {invite.expires_at:%Y-%m-%d %H:%M} UTC"
        )
    return notes


def _names(user: DirectoryUser) -> set[str]:
    return {fold(user.user_name), fold(user.profile.email or user.user_name), fold(user.external_id)}


def _is(account: Account, name: str, user: DirectoryUser | None) -> bool:
    keys = {fold(name)} | (_names(user) if user else set())
    return account.member in keys or fold(account.profile.email or "") in keys


def _concerns(action: Action, user: DirectoryUser | None, account: Account | None) -> bool:
    if user and action.external_id == user.external_id:
        return True
    return bool(account and getattr(action, "account_id", None) == account.id)


def _notes(
    member: str, user: DirectoryUser | None, account: Account | None, policy: Policy, plan: Plan
) -> list[str]:
    notes = [
        f"refused: {refusal.reason} ({'; '.join(refusal.because)})"
        for refusal in plan.refused
        if fold(refusal.user_name) == member
    ]
    mine = {f"person {user.external_id}"} if user else set()
    mine |= {f"account {account.user_name}"} if account else set()
    notes += [
        f"in conflict: {conflict.reason}: {', '.join(conflict.keys)}"
        for conflict in plan.conflicts
        if any(key.startswith(tuple(mine)) for key in conflict.keys if mine)
    ]
    if user is None:
        notes.append("is not in the directory as it was just read")
    elif user.active is None:
        notes.append("the directory does not say whether they are active: nothing is granted or taken")
    elif not user.active:
        notes.append("is disabled in the directory")
    if account and account.user_name in plan.orphans:
        notes.append("the account was never linked: idpsync does not touch it")
    if account and member in policy.protected:
        notes.append("the account is protected: no plan touches it")
    return notes

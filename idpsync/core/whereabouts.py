"""Who is meant by a name, and everything the world knows of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from idpsync.core.membership import Assignment, Invite
from idpsync.core.model import Account, DirectoryUser, Link, Standing, fold
from idpsync.core.plan import Action, Adoption, Conflict, Departure, Plan, Refusal
from idpsync.core.policy import Policy
from idpsync.core.seats import Holding, WaitEntry
from idpsync.core.world import World

MOST_SIMILAR = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """One person before the plan. `member` is the key of their seat, `external_id` the directory's."""

    name: str
    member: str
    external_id: str
    user: DirectoryUser | None
    account: Account | None
    link: Link | None
    adoption: Adoption | None
    holding: Holding | None
    wish: WaitEntry | None  # as it stood before the plan
    assignment: Assignment | None
    invite: Invite | None

    @property
    def keys(self) -> frozenset[str]:
        """Every folded name they go by."""
        user, account = self.user, self.account
        names = [self.name, self.member, self.external_id]
        names += [user.user_name, user.profile.email or ""] if user else []
        names += [account.user_name, account.profile.email or ""] if account else []
        return frozenset(fold(name) for name in names if name)

    @property
    def works(self) -> bool:
        """Whether they have an account that is not switched off."""
        return self.account is not None and self.account.standing is not Standing.DEACTIVATED

    def actions(self, plan: Plan) -> tuple[Action, ...]:
        """What the plan does to them, in its order."""
        return tuple(action for action in plan.actions if self._concerns(action))

    def _concerns(self, action: Action) -> bool:
        if self.external_id and action.external_id == self.external_id:
            return True
        return bool(self.account and getattr(action, "account_id", None) == self.account.id)

    def refusal(self, plan: Plan) -> Refusal | None:
        return next((r for r in plan.refused if fold(r.user_name) in self.keys), None)

    def conflict(self, plan: Plan) -> Conflict | None:
        return next((c for c in plan.conflicts if any(map(self._is_named_in, c.keys))), None)

    def _is_named_in(self, key: str) -> bool:
        if self.user and (
            key == f"person {self.external_id}" or key.endswith(f" of {self.user.user_name}")
        ):
            return True
        name = f"account {self.account.user_name}" if self.account else ""
        return bool(name) and (key == name or key.startswith((f"{name} (", f"{name} belongs to ")))

    def departure(self, plan: Plan) -> Departure | None:
        mine = self.account.id if self.account else None
        return next((d for d in plan.departures if d.account_id == mine), None)

    def is_orphan(self, plan: Plan) -> bool:
        return bool(self.account and self.account.user_name in plan.orphans)

    def is_protected(self, policy: Policy) -> bool:
        return bool(self._addresses & policy.protected)

    def is_primary_owner(self, policy: Policy) -> bool:
        return policy.primary_owner is not None and policy.primary_owner in self._addresses

    @property
    def _addresses(self) -> frozenset[str]:
        """What protection goes by: an account alone is protected, for only an account can be taken."""
        if self.account is None:
            return frozenset()
        return frozenset({self.account.member, fold(self.account.profile.email or "")})


def find_subject(name: str, world: World, plan: Plan) -> Subject:
    """`name` is a user name, an e-mail address or a directory id, at the directory or at the target."""
    user = _user_called(name, world)
    account = _account_of(user, world, plan) if user else _account_called(name, world)
    if user is None and account is None and (invite := _invite_to({fold(name)}, world)):
        account = _account_called(invite.member, world)
    link = next((k for k in world.links if account and k.account_id == account.id), None)
    adoption = next((a for a in plan.adoptions if account and a.account_id == account.id), None)
    external_id = _external_id(name, user, link, adoption)
    if user is None and external_id:  # renamed since: the target knows them by the older name
        user = next((u for u in world.snapshot.users if u.external_id == external_id), None)
    member = account.member if account else fold(user.user_name if user else name)
    return Subject(
        name=user.user_name if user else account.user_name if account else name,
        member=member,
        external_id=external_id,
        user=user,
        account=account,
        link=link,
        adoption=adoption,
        holding=next((h for h in world.holdings if h.member == member), None),
        wish=next((w for w in world.waiting if w.member == member), None),
        assignment=world.assignments.get(member),
        invite=_invite_to({fold(name), member}, world),
    )


def _user_called(name: str, world: World) -> DirectoryUser | None:
    """The person so called: by user name before directory id before e-mail, which two may share."""
    key = fold(name)
    of = (
        lambda user: fold(user.user_name) == key,
        lambda user: fold(user.external_id) == key,
        lambda user: fold(user.profile.email or "") == key,
    )
    found = (next(filter(is_called, world.snapshot.users), None) for is_called in of)
    return next((user for user in found if user), None)


def _account_called(name: str, world: World) -> Account | None:
    key = fold(name)
    by_name = (a for a in world.accounts if a.member == key or a.id == name)
    by_email = (a for a in world.accounts if fold(a.profile.email or "") == key)
    linked = {link.account_id for link in world.links if link.external_id == name}
    by_link = (a for a in world.accounts if a.id in linked)
    return next(by_name, None) or next(by_email, None) or next(by_link, None)


def _account_of(user: DirectoryUser, world: World, plan: Plan) -> Account | None:
    """The account that is theirs by link or adoption, else one with a name of theirs and nobody's."""
    linked = [k.account_id for k in world.links if k.external_id == user.external_id]
    adopted = [a.account_id for a in plan.adoptions if a.external_id == user.external_id]
    accounts = {account.id: account for account in world.accounts}
    theirs = (accounts[key] for key in (*linked, *adopted) if key in accounts)
    taken = {k.account_id for k in world.links if k.external_id != user.external_id}
    names = (user.user_name, user.profile.email)
    named = (account for name in names if name and (account := _account_called(name, world)))
    free = (a for a in named if a.id not in taken and a.external_id in (None, user.external_id))
    return next(theirs, None) or next(free, None)


def _external_id(
    name: str, user: DirectoryUser | None, link: Link | None, adoption: Adoption | None
) -> str:
    if user:
        return user.external_id
    if link:
        return link.external_id
    return adoption.external_id if adoption else name


def _invite_to(keys: Iterable[str], world: World) -> Invite | None:
    """The pending invite of the person, also when they were asked for by its address."""
    wanted = set(keys)
    return next(
        (i for i in world.invites.values() if i.member in wanted or fold(i.email) in wanted), None
    )


def similar_names(name: str, world: World) -> tuple[str, ...]:
    """The nearest user names and addresses to one that nobody has, the nearest first."""
    local, _, domain = fold(name).partition("@")
    found: dict[str, list[str]] = {}
    for known in _known_names(world):
        known_local, _, known_domain = fold(known).partition("@")
        key = known_local if known_domain == domain or not (domain and known_domain) else fold(known)
        found.setdefault(key, []).append(known)
    nearest = get_close_matches(local, found, n=MOST_SIMILAR, cutoff=0.6)
    return tuple(known for key in nearest for known in found[key])[:MOST_SIMILAR]


def _known_names(world: World) -> Iterator[str]:
    names: dict[str, str] = {}
    users, accounts = world.snapshot.users, world.accounts
    for profile in (*(user.profile for user in users), *(account.profile for account in accounts)):
        names.setdefault(fold(profile.user_name), profile.user_name)
        if profile.email:
            names.setdefault(fold(profile.email), profile.email)
    for invite in world.invites.values():
        names.setdefault(invite.member, invite.email)
    yield from names.values()

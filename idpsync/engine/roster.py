"""Who is a member, was invited, or is known to the directory: what the manual door looks at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from idpsync.core.membership import Assignment, Invite, Member, roles_of_invite, under_present_names
from idpsync.core.model import Account, Profile, Standing, fold
from idpsync.core.policy import Entitlement, Policy
from idpsync.core.records import Person
from idpsync.core.seats import Door, Holding
from idpsync.engine.acceptance import pending_invites
from idpsync.engine.rooms import Rooms


@dataclass(frozen=True, slots=True)
class Known:
    """One person as everybody knows them. `invite` is the pending one, also when its time is over.

    `entitlement` is what policy says of them as the directory was last read.
    """

    name: str  # as they were asked for
    account: Account | None
    person: Person | None
    invite: Invite | None
    entitlement: Entitlement

    @property
    def active(self) -> bool:
        """Whether they have an account that is not switched off."""
        return self.account is not None and self.account.standing is not Standing.DEACTIVATED

    @property
    def member(self) -> str:
        """The key of their seat, whichever door counts it."""
        if self.account:
            return self.account.member
        if self.invite:
            return self.invite.member
        return fold(self.person.user.user_name if self.person else self.name)

    @property
    def keys(self) -> frozenset[str]:
        """Every folded name and address of theirs."""
        profiles = [self.account.profile] if self.account else []
        profiles += [self.person.user.profile] if self.person else []
        return frozenset([fold(self.name), *(key for one in profiles for key in keys_of(one))])


def keys_of(profile: Profile) -> tuple[str, ...]:
    """The folded user name, and the folded address if there is one."""
    return tuple(fold(name) for name in (profile.user_name, profile.email) if name)


class Roster:
    """Looks people up, as things stand at this moment. Writes nothing."""

    def __init__(self, rooms: Rooms, policy: Policy) -> None:
        self.rooms, self.policy = rooms, policy

    def find(self, name: str) -> Known:
        """By user name or e-mail address. RemoteError when the target cannot be asked."""
        person = self.rooms.cache.person(name)
        keys = dict.fromkeys([fold(name), *(keys_of(person.user.profile) if person else ())])
        account = next((a for key in keys if (a := self.rooms.target.find(key))), None)
        account = account or self._listed(keys, person)
        return self.known(name, account, pending_invites(self.rooms))

    def _listed(self, keys: Iterable[str], person: Person | None) -> Account | None:
        """The account that is linked to the person, or has one of the keys as its address."""
        user = person.user if person else None
        links = self.rooms.registry.links() if user else ()
        ours = {k.account_id for k in links if user and k.external_id == user.external_id}
        found = [
            account
            for account in sorted(self.rooms.target.accounts(), key=lambda a: a.id)
            if account.id in ours or set(keys) & set(keys_of(account.profile))
        ]
        working = (a for a in found if a.standing is not Standing.DEACTIVATED)
        return next(working, found[0] if found else None)

    def known(self, name: str, account: Account | None, invites: Mapping[str, Invite]) -> Known:
        """The same for somebody whose account was looked for already, among the pending `invites`."""
        names = [name, *(keys_of(account.profile) if account else ())]
        person = next((p for n in names if (p := self.rooms.cache.person(n))), None)
        keys = {fold(n) for n in names} | set(keys_of(person.user.profile) if person else ())
        invite = next((i for i in invites.values() if {i.member, fold(i.email)} & keys), None)
        entitlement = self.policy.entitle(person.groups if person else frozenset())
        return Known(name, account, person, invite, entitlement)

    def members(self) -> tuple[Member, ...]:
        """Every account, and every pending invite of somebody who has none yet, by user name."""
        holdings = {holding.member: holding for holding in self.rooms.seats.holdings()}
        accounts, invites = self.rooms.target.accounts(), pending_invites(self.rooms)
        names = {account.id: account.member for account in accounts}
        given = under_present_names(self.rooms.assignments.all().values(), names)
        members = []
        for account in accounts:
            key = account.member
            invite = invites.pop(key, None)
            off = account.standing is Standing.DEACTIVATED
            members.append(
                _invited(invite, holdings.get(key), account)
                if invite and off
                else _member(account, holdings.get(key), given.get(key))
            )
        members += [_invited(invite, holdings.get(key)) for key, invite in invites.items()]
        return tuple(sorted(members, key=lambda member: fold(member.user_name)))


def _member(account: Account, holding: Holding | None, given: Assignment | None) -> Member:
    profile = account.profile
    seated = holding if holding and holding.settled else None
    return Member(
        user_name=account.user_name,
        email=profile.email or "",
        name=_name_of(profile),
        roles=account.roles,
        tier=account.tier if account.standing is not Standing.DEACTIVATED else None,
        standing=account.standing,
        door=seated.door if seated else None,
        since=seated.since if seated else None,
        by_hand=given is not None and given.tier == account.tier,
        account_id=account.id,
    )


def _invited(invite: Invite, holding: Holding | None, account: Account | None = None) -> Member:
    return Member(
        user_name=account.user_name if account else invite.email,
        email=invite.email,
        name=_name_of(account.profile) if account else "",
        roles=roles_of_invite(invite),
        tier=invite.tier,
        standing=Standing.INVITED,
        door=holding.door if holding else Door.MANUAL,
        since=holding.since if holding else invite.invited_at,
        by_hand=True,
        invite=invite,
        account_id=account.id if account else None,
    )


def _name_of(profile: Profile) -> str:
    return profile.display_name or f"{profile.given_name} {profile.family_name}".strip()

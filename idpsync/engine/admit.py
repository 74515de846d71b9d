"""One login: entitle → hold → create → settle, or drop. The same policy and the same count as sync."""

from dataclasses import dataclass, replace

import structlog

from idpsync.core.admission import (
    DEACTIVATED,
    DOMAIN_NOT_VERIFIED,
    NO_SEAT,
    NOT_ASSIGNED,
    Admission,
)
from idpsync.core.errors import RemoteError, SeatsExhausted, UnknownOutcome
from idpsync.core.membership import RANKS, Assignment, Invite, roles_of_invite, with_assignment
from idpsync.core.model import Account, Link, Login, Profile, Standing, fold
from idpsync.core.plan import ChangeRoles, ChangeTier, CreateAccount, ReactivateAccount
from idpsync.core.policy import Entitlement, Policy
from idpsync.core.records import Cause, LedgerEntry, Person
from idpsync.core.seats import Claim, Door, Holding, Placement, Tier
from idpsync.engine.acceptance import came_in, invite_of, joined
from idpsync.engine.perform import EVENT
from idpsync.engine.rooms import Rooms

log = structlog.get_logger()

FIRST = 1_000_000  # before every priority that a configuration can name


@dataclass(frozen=True, slots=True)
class DoorRule:
    """What the login door obeys beside the policy.

    `open` is whether newcomers may come in here at all; `any_tier` ignores the rules' tiers (config:
    `jit.tier: highest_available`); `admins` are folded addresses, `admin_groups` group names of those
    who may use the console.
    """

    open: bool = True
    require_group: str | None = None
    any_tier: bool = False
    admins: frozenset[str] = frozenset()
    admin_groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Somebody at the door, with all we know of them."""

    login: Login
    person: Person | None
    groups: frozenset[str]
    holding: Holding | None
    member: str
    entitlement: Entitlement
    admin: bool
    invite: Invite | None = None  # while it stands; looked for when they have no seat yet

    @property
    def email(self) -> str:
        return self.login.profile.email or self.login.profile.user_name

    @property
    def profile(self) -> Profile:
        """As the account is to be called: the directory counts more than the login."""
        return self.person.user.profile if self.person else self.login.profile

    @property
    def roles(self) -> frozenset[str]:
        invited = roles_of_invite(self.invite) if self.invite else frozenset()
        return self.entitlement.roles | invited


class Admitter:
    """Admits one person at a time; safe to call from many threads and processes."""

    def __init__(self, rooms: Rooms, policy: Policy, rule: DoorRule) -> None:
        self.rooms, self.policy, self.rule = rooms, policy, rule

    def admit(self, login: Login) -> Admission:
        """The answer to one login.

        RemoteError or StoreError when the target or the store cannot answer: nobody is let in on a
        guess, and a reservation is dropped unless the account may exist.
        """
        return self._decide(login, invited=True)

    def _decide(self, login: Login, *, invited: bool) -> Admission:
        """`invited`: whether an invite counts."""
        visitor = self._recognise(login)
        if not self.policy.admits_domain(visitor.email):
            return self._refuse(visitor, DOMAIN_NOT_VERIFIED, "the domain is not a verified domain")
        if visitor.person and visitor.person.user.active is False:
            return self._refuse(visitor, DEACTIVATED, "disabled in the directory")
        if visitor.holding and (visitor.holding.settled or visitor.holding.moving):
            return self._let_in(visitor, visitor.holding.tier, ("holds a seat already",))
        account = self._account_of(visitor)
        visitor = self._by_hand(visitor, account, invited=invited)
        if account and account.standing is Standing.DEACTIVATED and not visitor.invite:
            return self._refuse(visitor, DEACTIVATED, "the account is deactivated")
        if account and account.tier and account.standing is not Standing.DEACTIVATED:
            return self._let_in(visitor, account.tier, ("has an account with a seat already",))
        return self._enter(visitor, account)

    def _recognise(self, login: Login) -> _Visitor:
        names = [n for n in (login.profile.user_name, login.profile.email) if n]
        person = next((p for n in names if (p := self.rooms.cache.person(n))), None)
        if person:
            names.append(person.user.user_name)
        held = [h for n in names if (h := self.rooms.seats.holding(fold(n)))]
        held.sort(key=lambda one: not (one.settled or one.moving))  # a seat before a reservation
        groups = login.groups if login.groups is not None else person.groups if person else frozenset()
        member = held[0].member if held else fold(person.user.user_name if person else names[0])
        return _Visitor(
            login=login,
            person=person,
            groups=groups,
            holding=held[0] if held else None,
            member=member,
            entitlement=self._entitlement(groups),
            admin=self._is_admin(names, groups),
        )

    def _entitlement(self, groups: frozenset[str], given: Assignment | None = None) -> Entitlement:
        """What policy says at this door, or what was `given` by hand where it holds."""
        ruled = self.policy.entitle(groups)
        entitlement = with_assignment(ruled, given)
        if entitlement is ruled and self.rule.any_tier and ruled.options:
            return replace(ruled, options=self.policy.ladder.tiers, flexible=True)
        return entitlement

    def _by_hand(self, visitor: _Visitor, account: Account | None, *, invited: bool) -> _Visitor:
        """The visitor with what was given by hand: an invite that stands, or a tier."""
        member = account.member if account else visitor.member
        names = (member, visitor.member, fold(visitor.login.profile.user_name), fold(visitor.email))
        invite = invite_of(self.rooms, names, Cause("jit")) if invited else None
        if invite:
            return replace(visitor, invite=invite, member=invite.member)
        given = self.rooms.assignments.all().get(member)
        return replace(visitor, member=member, entitlement=self._entitlement(visitor.groups, given))

    def _is_admin(self, names: list[str], groups: frozenset[str]) -> bool:
        return any(fold(n) in self.rule.admins for n in names) or bool(groups & self.rule.admin_groups)

    def _account_of(self, visitor: _Visitor) -> Account | None:
        profile = visitor.login.profile
        names = dict.fromkeys([visitor.member, fold(profile.user_name), fold(profile.email or "")])
        return next((a for n in names if n and (a := self.rooms.target.find(n))), None)

    # --- newcomers --------------------------------------------------------------------------------

    def _enter(self, visitor: _Visitor, account: Account | None) -> Admission:
        if closed := self._closed_to(visitor, account):
            return self._refuse(visitor, *closed)
        cause = Cause("jit", visitor.entitlement.because)
        claim = self._claim(visitor)
        placement = self.rooms.seats.hold(claim, cause)
        if visitor.invite and not joined(self.rooms, visitor.invite, placement):
            self.rooms.seats.cancel(visitor.member, cause, placement.ticket)
            if claim.since is None:
                self.rooms.waiting.drop(visitor.member, cause)
            return self._decide(visitor.login, invited=False)
        if placement.tier is None:
            return self._refuse(visitor, NO_SEAT, *placement.because, placement=placement)
        try:
            return self._seat(visitor, account, placement, placement.tier)
        except SeatsExhausted as error:
            self.rooms.seats.cancel(visitor.member, cause, placement.ticket)
            return self._refuse(visitor, NO_SEAT, error.reason, placement=placement)
        except UnknownOutcome:
            raise  # the account may exist: the reservation stays until the target has been asked
        except RemoteError:
            self.rooms.seats.cancel(visitor.member, cause, placement.ticket)
            raise

    def _claim(self, visitor: _Visitor) -> Claim:
        """Their wish, with the place in the queue that they have already."""
        entitlement = visitor.entitlement
        own = next((e for e in self.rooms.waiting.entries() if e.member == visitor.member), None)
        if visitor.invite:  # joins the reservation of the invite
            return Claim(
                member=visitor.member,
                user_name=visitor.login.profile.user_name,
                options=(visitor.invite.tier,),
                priority=entitlement.priority,
                door=Door.MANUAL,
                since=own.since if own else None,
                because=(f"invited by {visitor.invite.invited_by}",),
            )
        return Claim(
            member=visitor.member,
            user_name=visitor.login.profile.user_name,
            options=entitlement.options,
            priority=FIRST if own and own.owed else entitlement.priority,
            door=Door.JIT,
            since=own.since if own else None,
            flexible=entitlement.flexible,
            because=entitlement.because,
            seated=bool(own and own.owed),
        )

    def _closed_to(self, visitor: _Visitor, account: Account | None) -> tuple[str, ...]:
        """The reason and its sentences, when policy keeps a newcomer out before seats are looked at."""
        if visitor.invite:
            return ()
        required, entitlement = self.rule.require_group, visitor.entitlement
        if required and required not in visitor.groups:
            return (NOT_ASSIGNED, f"is not in the group '{required}'")
        if not self.rule.open and account is None:
            return (NOT_ASSIGNED, "newcomers do not come in at login here")
        if not entitlement.admitted:
            return (NOT_ASSIGNED, *entitlement.because)
        return () if entitlement.options else (NO_SEAT, *entitlement.because)

    def _seat(
        self, visitor: _Visitor, account: Account | None, placement: Placement, tier: Tier
    ) -> Admission:
        cause = Cause("jit", placement.because)
        action = self._action(visitor, account, placement, tier)
        made = self.rooms.target.apply(action)
        self.rooms.seats.settle(visitor.member, made.id, cause)
        if visitor.person:
            user = visitor.person.user
            link = Link(made.id, user.source, user.external_id, self.rooms.clock.now())
            self.rooms.registry.link(link, cause)
        self._record(EVENT[type(action)], visitor, "done", placement.because, tier=tier.name)
        if visitor.invite:
            self._give_role(visitor, made)
            member = came_in(self.rooms, visitor.invite, made, cause)
            visitor = replace(visitor, member=member)
        return self._let_in(visitor, tier, placement.because, placement)

    def _action(
        self, visitor: _Visitor, account: Account | None, placement: Placement, tier: Tier
    ) -> CreateAccount | ReactivateAccount | ChangeTier:
        person = visitor.person
        external_id = person.user.external_id if person else ""
        if account and account.standing is Standing.DEACTIVATED:
            return ReactivateAccount(
                account_id=account.id,
                profile=replace(visitor.profile, user_name=account.user_name),
                external_id=external_id,
                tier=tier,
                roles=visitor.roles,
                because=placement.because,
            )
        if account:
            return ChangeTier(
                account_id=account.id,
                profile=account.profile,
                external_id=external_id,
                previous_tier=None,
                tier=tier,
                because=placement.because,
            )
        return CreateAccount(
            profile=visitor.profile,
            external_id=external_id,
            source=person.user.source if person else visitor.login.source,
            tier=tier,
            roles=visitor.roles,
            because=placement.because,
        )

    def _give_role(self, visitor: _Visitor, account: Account) -> None:
        """The role of the invite, on an account that was there before; they are in, come what may."""
        roles = (account.roles - set(RANKS)) | visitor.roles
        if roles == account.roles:
            return
        because = (f"invited by {visitor.invite.invited_by}",) if visitor.invite else ()
        action = ChangeRoles(
            account_id=account.id,
            profile=account.profile,
            external_id=account.external_id or "",
            previous_roles=account.roles,
            roles=roles,
            because=because,
        )
        outcome = "done"
        try:
            self.rooms.target.apply(action)
        except RemoteError as error:
            outcome, because = "failed", (*because, str(error))
            log.error("role.not_given", member=visitor.member, roles=sorted(roles), reason=str(error))
        self._record(EVENT[ChangeRoles], visitor, outcome, because, roles=sorted(roles))

    # --- answers ----------------------------------------------------------------------------------

    def _let_in(
        self,
        visitor: _Visitor,
        tier: Tier,
        because: tuple[str, ...],
        placement: Placement | None = None,
    ) -> Admission:
        self._record("login.admitted", visitor, "done", because, tier=tier.name)
        return Admission(
            let_in=True,
            reason=None,
            member=visitor.member,
            user_name=visitor.login.profile.user_name,
            tier=tier,
            roles=visitor.roles,
            waits_for=placement.waits_for if placement else None,
            because=because,
            admin=visitor.admin,
        )

    def _refuse(
        self, visitor: _Visitor, reason: str, *because: str, placement: Placement | None = None
    ) -> Admission:
        """No seat for them. An administrator is let in all the same: somebody must be able to help."""
        self._record("login.refused", visitor, "refused", because, reason=reason)
        log.warning("login.refused", member=visitor.member, reason=reason, because=because)
        return Admission(
            let_in=visitor.admin and reason == NO_SEAT,
            reason=None if visitor.admin and reason == NO_SEAT else reason,
            member=visitor.member,
            user_name=visitor.login.profile.user_name,
            roles=visitor.roles,
            waits_for=placement.waits_for if placement else None,
            position=self._position(visitor.member) if placement else None,
            because=because,
            admin=visitor.admin,
        )

    def _position(self, member: str) -> int | None:
        """1 for the next in the queue for the same tier."""
        entries = self.rooms.waiting.entries()
        own = next((e for e in entries if e.member == member), None)
        if own is None:
            return None
        return 1 + [e.member for e in entries if e.wants == own.wants].index(member)

    def _record(
        self, event: str, visitor: _Visitor, outcome: str, because: tuple[str, ...], **detail: object
    ) -> None:
        self.rooms.ledger.append(
            [
                LedgerEntry(
                    at=self.rooms.clock.now(),
                    actor="jit",
                    event=event,
                    member=visitor.member,
                    outcome=outcome,
                    because=because,
                    detail={"user_name": visitor.login.profile.user_name, **detail},
                )
            ]
        )

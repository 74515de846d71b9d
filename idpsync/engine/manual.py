"""The manual door: people invited, seated, given roles and removed by hand; the same seat rules."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from threading import Event
from typing import Concatenate, ParamSpec, TypeVar

from idpsync.core.errors import NotPermitted, NotPossible
from idpsync.core.imports import MemberRow
from idpsync.core.membership import (
    Act,
    Actor,
    Assignment,
    Invite,
    Invited,
    Member,
    is_primary,
    leave_roles_to_rules,
    leave_tier_to_rule,
    permit,
    permit_role,
    protect_owners,
    rank_of,
    roles_with,
)
from idpsync.core.model import OWNER, PRIMARY_OWNER, USER, Account, Standing, fold
from idpsync.core.plan import ChangeRoles, ChangeTier, DeactivateAccount, DeleteAccount
from idpsync.core.policy import LeaverAction, Policy
from idpsync.core.ports import Courier
from idpsync.core.records import Cause
from idpsync.core.roles import role_called
from idpsync.core.seats import Tier
from idpsync.core.sequence import Move, sequence
from idpsync.engine.by_hand import ByHand, ManualRule, Progress
from idpsync.engine.importing import Import, Importing
from idpsync.engine.inviting import Inviting
from idpsync.engine.perform import Performed
from idpsync.engine.rooms import Rooms
from idpsync.engine.roster import Known

__all__ = ["Import", "ManualDoor", "ManualRule"]

P = ParamSpec("P")
T = TypeVar("T")


def one_at_a_time(
    act: Callable[Concatenate["ManualDoor", P], T],
) -> Callable[Concatenate["ManualDoor", P], T]:
    """An act that looks at what others have before it takes something: see `ByHand.alone`."""

    @wraps(act)
    def alone(door: "ManualDoor", /, *words: P.args, **options: P.kwargs) -> T:
        with door.by_hand.alone():
            return act(door, *words, **options)

    return alone


class ManualDoor:
    """People by hand. What is not allowed raises before anything is written.

    NotPermitted: somebody with more rights must do it. NotPossible: the person, or the invite, is not
    in a state for it. NoSeatAvailable: no seat is open to them. RemoteError: the target cannot be asked
    who is there. LeaseLost: another act by hand is under way. What the target then says
    to one action is in `Performed.error`.
    """

    def __init__(self, rooms: Rooms, policy: Policy, rule: ManualRule, courier: Courier | None) -> None:
        self.rooms, self.policy, self.rule = rooms, policy, rule
        self.by_hand = ByHand(rooms, policy, rule)
        self._inviting = Inviting(self.by_hand, courier)
        self._importing = Importing(self.by_hand)

    def actor(self, name: str, acts_as: str | None) -> Actor:
        """Who acts: the operator called `name`, or with the rights of the member `acts_as`."""
        if acts_as is None:
            return Actor(name)
        who = self.by_hand.roster.find(acts_as)
        if who.account is None or who.account.standing is not Standing.ACTIVE:
            raise NotPermitted(f"{acts_as} is not an active member here: nobody can act as them")
        primary = is_primary(who.account, self.rule.primary_owner)
        role = PRIMARY_OWNER if primary else rank_of(who.account.roles)
        return Actor(f"{name} as {who.account.profile.email or who.account.user_name}", role)

    def members(self) -> tuple[Member, ...]:
        """Everybody with an account or a pending invite, by user name; who is primary owner shows."""
        return tuple(self._with_rank(member) for member in self.by_hand.roster.members())

    def _with_rank(self, member: Member) -> Member:
        """The configuration names the primary owner; the target need not know."""
        keys = {fold(member.user_name), fold(member.email)}
        if self.rule.primary_owner not in keys:
            return member
        return replace(member, roles=member.roles | {PRIMARY_OWNER})

    # --- invites ----------------------------------------------------------------------------------

    def invite(
        self,
        actor: Actor,
        email: str,
        *,
        role: str = USER,
        tier: Tier | None = None,
        language: str | None = None,
    ) -> Invited:
        """Reserve a seat of `tier` (the highest open one without it), record the invite, send it.

        The invite stands also when the letter could not be sent.
        """
        return self._inviting.invite(actor, email.strip(), role, tier, language)

    def resend(self, actor: Actor, email: str, *, language: str | None = None) -> Invited:
        """Send the invitation once more; the invite stands as long as before."""
        return self._inviting.resend(actor, email, language)

    def withdraw(self, actor: Actor, email: str) -> Invite:
        """End a pending invite; its seat is free again."""
        return self._inviting.withdraw(actor, email)

    # --- seats ------------------------------------------------------------------------------------

    @one_at_a_time
    def assign(self, actor: Actor, email: str, tier: Tier | None) -> tuple[Performed, ...]:
        """Give a member a seat of `tier`, or none. Nothing is performed when they have it already."""
        permit(actor, Act.REASSIGN)
        who, account = self.by_hand.member(email, may_invite=True)
        self._check_move(who, account, tier)
        if tier is None:  # it takes their access
            self._guard_owners(actor, account)
        given = self._given(actor, account, tier)
        if account.tier == tier:
            self.rooms.assignments.put(given, self._cause(actor, tier))
            self._wait_no_longer(actor, account)
            return ()
        if tier:
            claim = self.by_hand.claim(who, (tier,), actor, flexible=False)
            helps = f", or let two people change seats (`idpsync members swap {email} EMAIL`)"
            self.by_hand.look_for_seat(claim, helps if account.tier else "")
        move = Move(account.member, account.tier, tier)
        performed = self.by_hand.perform(
            actor, [_change(account, move, _said(actor, tier))], {account.member: given}
        )
        if performed[0].done:
            self._wait_no_longer(actor, account)
        return performed

    @one_at_a_time
    def swap(self, actor: Actor, email: str, other: str) -> tuple[Performed, ...]:
        """Let two members change seats, also where both tiers are full.

        Nothing is performed when they have the same. When the target fails half way, whoever gave a
        seat up has it back, at once or with the next run.
        """
        permit(actor, Act.REASSIGN)
        pair = [self.by_hand.member(name) for name in (email, other)]
        (who, one), (whom, two) = pair
        if one.id == two.id:
            raise NotPossible(f"{email} and {other} are one and the same person")
        if one.tier is None or two.tier is None:
            bare, seated = (email, other) if one.tier is None else (other, email)
            raise NotPossible(
                f"{bare} has no seat to swap: take {seated}'s first (`idpsync members assign {seated} "
                f"none`), then assign it to {bare}"
            )
        self._check_move(who, one, two.tier)
        self._check_move(whom, two, one.tier)
        if one.tier == two.tier:
            return ()
        accounts = {one.member: one, two.member: two}
        moves = [Move(one.member, one.tier, two.tier), Move(two.member, two.tier, one.tier)]
        # as if every tier were full: the seats go from hand to hand, and no third one is needed
        steps = sequence(moves, dict.fromkeys(self.policy.ladder, 0))
        because = f"swapped by hand by {actor.name}: {one.user_name} and {two.user_name}"
        waited = {entry.member for entry in self.rooms.waiting.entries()}
        performed = self.by_hand.perform(
            actor,
            [_change(accounts[step.member], step, because) for step in steps],
            {
                one.member: self._given(actor, one, two.tier),
                two.member: self._given(actor, two, one.tier),
            },
        )
        swapped = self._swapped(performed, moves)
        for account in (one, two):
            seat = self.rooms.seats.holding(account.member)
            if swapped or (seat and seat.settled and account.member not in waited):
                self._wait_no_longer(actor, account)
        return performed

    def _swapped(self, performed: Sequence[Performed], moves: Sequence[Move]) -> bool:
        """Whether each ended where they should: an exchange that broke off leads back."""
        done = [p for p in performed if p.done]
        ended = {p.member: p.action.tier for p in done if isinstance(p.action, ChangeTier)}
        return all(move.member in ended and ended[move.member] == move.to for move in moves)

    def _check_move(self, who: Known, account: Account, tier: Tier | None) -> None:
        leave_tier_to_rule(account.user_name, who.entitlement)
        lowered = account.tier is not None and (tier is None or tier > account.tier)
        if lowered and self.by_hand.keeps_access(account):
            raise NotPermitted(
                f"{account.user_name} is the primary owner or protected (organization.protected): "
                "their tier may be raised, never taken"
            )

    # --- access and roles -------------------------------------------------------------------------

    @one_at_a_time
    def remove(self, actor: Actor, email: str) -> Performed:
        """Take a member's access and seat; what was given by hand ends with it."""
        permit(actor, Act.REMOVE)
        who, account = self.by_hand.member(email)
        self._guard_owners(actor, account)
        if self.by_hand.keeps_access(account):
            raise NotPermitted(
                f"{account.user_name} is protected (organization.protected): nobody takes their access"
            )
        listed = who.person is not None and who.person.user.active is True
        if listed and who.entitlement.admitted:
            raise NotPossible(
                f"{account.user_name} would be back with the next run: they are in the directory and "
                f"policy admits them ({who.entitlement.because[0]}); take them out of the group or the "
                "application there first"
            )
        gone = DeleteAccount if self.policy.leaver_action is LeaverAction.DELETE else DeactivateAccount
        because = (f"removed by {actor.name}",)
        action = gone(account.id, account.profile, account.external_id or "", account.tier, because)
        cause, given = Cause(actor.name, because), self.rooms.assignments.all().get(account.member)
        # before the account: whoever is off with a tier by hand would be back with the next run
        self.rooms.assignments.drop(account.member, cause)
        (performed,) = self.by_hand.perform(actor, [action])
        if performed.done:
            self.rooms.waiting.drop(account.member, cause)
        elif given and performed.outcome != "unknown":
            self.rooms.assignments.put(given, cause)
        return performed

    @one_at_a_time
    def give_role(self, actor: Actor, email: str, role: str) -> Performed:
        """Give a member `role`: owner, admin and user replace each other, custom roles add up."""
        role = role_called(role)
        permit_role(actor, role)
        who, account = self.by_hand.member(email)
        after = roles_with(account.roles, role)
        taken = account.roles - after
        if taken:
            self._guard_owners(actor, account)
        if who.person:
            ruled, managed = who.entitlement.roles, self.policy.managed_roles
            leave_roles_to_rules(account.user_name, account.roles, after, ruled, managed)
        action = ChangeRoles(
            account_id=account.id,
            profile=account.profile,
            external_id=account.external_id or "",
            previous_roles=account.roles,
            roles=after,
            because=(f"{role} by hand ({actor.name})",),
        )
        if after == account.roles:
            return Performed(action, "done")
        return self.by_hand.perform(actor, [action])[0]

    def _guard_owners(self, actor: Actor, account: Account) -> None:
        """NotPermitted where an owner must stay one, or the actor may take nothing from owners."""
        owns = OWNER in account.roles
        if owns:
            permit_role(actor, OWNER)
        others = self.rooms.target.accounts() if owns else ()
        protect_owners(account, others, self.rule.primary_owner)

    # --- what others have already -----------------------------------------------------------------

    def prepare(self, rows: Sequence[MemberRow]) -> Import:
        """What each row of an export would do, and everything that stands in the way; writes nothing."""
        return self._importing.prepare(rows)

    def carry_out(
        self,
        actor: Actor,
        import_: Import,
        progress: Progress = lambda _done, _all: None,
        stopping: Event | None = None,
    ) -> tuple[Performed, ...]:
        """Do it; ConfigError with the problems if there are any. May be repeated after a break.

        Once `stopping` is set the person under way is finished, no other is begun.
        """
        return self._importing.carry_out(actor, import_, progress, stopping)

    # --- what they share --------------------------------------------------------------------------

    def _given(self, actor: Actor, account: Account, tier: Tier | None) -> Assignment:
        return Assignment(account.member, tier, actor.name, self.rooms.clock.now(), account.id)

    def _cause(self, actor: Actor, tier: Tier | None) -> Cause:
        return Cause(actor.name, (_said(actor, tier),))

    def _wait_no_longer(self, actor: Actor, account: Account) -> None:
        """Whoever was given a tier by hand wishes for nothing else."""
        self.rooms.waiting.drop(account.member, Cause(actor.name, ("given a tier by hand",)))


def _said(actor: Actor, tier: Tier | None) -> str:
    return f"{tier or 'no seat'} by hand ({actor.name})"


def _change(account: Account, move: Move, because: str) -> ChangeTier:
    return ChangeTier(
        account_id=account.id,
        profile=account.profile,
        external_id=account.external_id or "",
        previous_tier=move.left,
        tier=move.to,
        because=(because,),
        yields_to=move.yields_to,
    )

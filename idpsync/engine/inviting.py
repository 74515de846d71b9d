"""Invites: a seat is reserved, the invite is recorded with it, the letter goes out afterwards."""

from uuid import uuid4

import structlog

from idpsync.core.errors import Conflict, IdpSyncError, NotPossible, RemoteError
from idpsync.core.membership import (
    Act,
    Actor,
    Invite,
    Invited,
    is_address,
    leave_roles_to_rules,
    leave_tier_to_rule,
    permit,
    permit_role,
    roles_with,
)
from idpsync.core.model import Account, Standing, fold
from idpsync.core.policy import domain_of
from idpsync.core.ports import Courier
from idpsync.core.records import Cause, LedgerEntry
from idpsync.core.roles import role_called
from idpsync.core.seats import Tier
from idpsync.core.world import has_seat
from idpsync.engine.acceptance import pending_invites, stands
from idpsync.engine.by_hand import ByHand, no_seat
from idpsync.engine.roster import Known

log = structlog.get_logger()


class Inviting:
    """Invite, send again, withdraw."""

    def __init__(self, by_hand: ByHand, courier: Courier | None) -> None:
        self.by_hand, self.courier = by_hand, courier
        self.rooms, self.policy, self.rule = by_hand.rooms, by_hand.policy, by_hand.rule

    def invite(
        self, actor: Actor, email: str, role: str, tier: Tier | None, language: str | None
    ) -> Invited:
        """See `ManualDoor.invite`."""
        permit(actor, Act.INVITE)
        role = role_called(role)
        permit_role(actor, role)
        self._check_door(email)
        self.rooms.invites.lapse(Cause(actor.name))  # a seat of an invite that is over is free
        who = self.by_hand.roster.find(email)
        self._check_person(who, role, tier)
        ticket, seat = self._reserve(actor, who, tier)
        now, cause = self.rooms.clock.now(), Cause(actor.name, (f"invited by {actor.name}",))
        invite = Invite(
            id=uuid4().hex[:12],
            member=who.member,
            email=email.strip(),
            tier=seat,
            invited_by=actor.name,
            invited_at=now,
            expires_at=now + self.rule.invite_lasts,
            role=role,
        )
        self._open(invite, ticket, cause)
        return self._send(invite, language, cause)

    def resend(self, actor: Actor, email: str, language: str | None) -> Invited:
        """See `ManualDoor.resend`."""
        permit(actor, Act.INVITE)
        invite = self._pending(email)
        return self._send(invite, language, Cause(actor.name, (f"sent again by {actor.name}",)))

    def withdraw(self, actor: Actor, email: str) -> Invite:
        """See `ManualDoor.withdraw`."""
        permit(actor, Act.INVITE)
        invite = self._pending(email)
        permit_role(actor, invite.role)
        self._check_absent(email)
        try:
            cause = Cause(actor.name, (f"withdrawn by {actor.name}",))
            return self.rooms.invites.withdraw(invite.member, cause)
        except KeyError as error:
            raise _none_pending(email) from error

    def _check_absent(self, email: str) -> None:
        """NotPossible once the target seats them, though nobody has noted it: a lost answer, a crash."""
        account = self.by_hand.roster.find(email).account
        if account and has_seat(account):
            raise NotPossible(
                f"{email} has come in already and has a seat; `idpsync members remove "
                f"{account.user_name}` takes their access"
            )

    # --- what is asked before a seat is reserved --------------------------------------------------

    def _check_door(self, email: str) -> None:
        if not self.rule.open:
            raise NotPossible(
                "people are not invited by hand here: `organization.doors` does not name manual"
            )
        if not is_address(email):
            raise NotPossible(f"'{email}' is not an e-mail address")
        if not self.policy.admits_domain(email):
            verified = ", ".join(sorted(self.policy.verified_domains))
            raise NotPossible(
                f"{domain_of(email)} is not a verified domain; these are: {verified} "
                "(organization.verified_domains)"
            )

    def _check_person(self, who: Known, role: str, tier: Tier | None) -> None:
        if who.account and who.active:
            raise NotPossible(_is_member(who.name, who.account))
        if who.invite:
            until = f"{who.invite.expires_at:%Y-%m-%d %H:%M} UTC"
            raise NotPossible(
                f"{who.name} is invited already, until {until}: `idpsync members resend "
                f"{who.invite.email}` sends the invitation again, `withdraw` takes it back"
            )
        if who.person and who.person.user.active is False:
            raise NotPossible(
                f"{who.name} is disabled in the directory, so their login would be refused: "
                "enable them there first"
            )
        if who.person:
            if tier and who.entitlement.options[:1] != (tier,):
                leave_tier_to_rule(who.name, who.entitlement)
            after, ruled = roles_with(frozenset(), role), who.entitlement.roles
            leave_roles_to_rules(who.name, frozenset(), after, ruled, self.policy.managed_roles)

    # --- seat, record, letter ---------------------------------------------------------------------

    def _reserve(self, actor: Actor, who: Known, tier: Tier | None) -> tuple[int, Tier]:
        """The ticket of the reservation, and its tier."""
        if self.rooms.seats.holding(who.member):
            raise NotPossible(
                f"a seat is booked for {who.name} already: a login or a run is bringing them in; "
                "look again in a quarter of an hour"
            )
        options = (tier,) if tier else self.policy.ladder.tiers
        claim = self.by_hand.claim(who, options, actor, flexible=tier is None)
        self.by_hand.look_for_seat(claim)
        placement = self.rooms.seats.hold(claim, Cause(actor.name, claim.because))
        if placement.tier is None:  # somebody was faster
            if claim.since is None:
                self.rooms.waiting.drop(
                    who.member, Cause(actor.name, ("asked for by hand, not waited for",))
                )
            raise no_seat(claim, placement)
        if placement.ticket is None:
            raise NotPossible(f"{who.name} came in, or was invited, at this very moment: look again")
        return placement.ticket, placement.tier

    def _open(self, invite: Invite, ticket: int, cause: Cause) -> None:
        """Record the invite with its seat; when that fails the seat is free again."""
        try:
            self.rooms.invites.open(invite, ticket, cause)
        except IdpSyncError as error:
            self.rooms.seats.cancel(invite.member, cause, ticket)
            if isinstance(error, Conflict):
                raise NotPossible(
                    f"{invite.email} was invited at this very moment: look again"
                ) from error
            raise

    def _send(self, invite: Invite, language: str | None, cause: Cause) -> Invited:
        """The letter goes out when everything is recorded; a letter that fails undoes nothing."""
        if self.courier is None:
            return Invited(invite, mailed=False)
        problem = ""
        try:
            self.courier.invite(invite, language or self.rule.language)
        except RemoteError as error:
            problem = str(error)
            log.error("invite.not_mailed", member=invite.member, reason=problem)
        self._record(invite, cause, problem)
        return Invited(invite, mailed=not problem, problem=problem)

    def _record(self, invite: Invite, cause: Cause, problem: str) -> None:
        entry = LedgerEntry(
            at=self.rooms.clock.now(),
            actor=cause.actor,
            event="invite.mailed",
            member=invite.member,
            outcome="failed" if problem else "done",
            because=(*cause.because, *((problem,) if problem else ())),
            detail={"id": invite.id, "email": invite.email},
        )
        self.rooms.ledger.append([entry], cause)

    def _pending(self, email: str) -> Invite:
        """The invite that stands; NotPossible when there is none."""
        wanted = fold(email)
        pending = pending_invites(self.rooms).values()
        invite = next((i for i in pending if wanted in {i.member, fold(i.email)}), None)
        if invite is None or not stands(invite, self.rooms.clock.now()):
            raise _none_pending(email)
        return invite


def _is_member(name: str, account: Account) -> str:
    if account.standing is Standing.INVITED:
        return f"{name} is invited at the target already, and has not accepted there yet"
    if account.tier:
        return f"{name} is a member already, with a {account.tier} seat"
    return (
        f"{name} is a member already, without a seat: `idpsync members assign {name} TIER` gives "
        "them one"
    )


def _none_pending(email: str) -> NotPossible:
    return NotPossible(f"there is no pending invite for {email}; `idpsync members` lists them")

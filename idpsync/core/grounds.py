"""What is decided about one person, and on what grounds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from idpsync.core.leavers import Evidence, Leaver
from idpsync.core.membership import Assignment, Invite, with_assignment, with_invite
from idpsync.core.model import Account, DirectoryUser, Standing, fold
from idpsync.core.plan import Conflict, Refusal
from idpsync.core.policy import Entitlement, Guests, Mode, Policy
from idpsync.core.profile import is_somebody_else
from idpsync.core.seats import Door, Holding, Tier, WaitEntry
from idpsync.core.wish import Wish
from idpsync.core.world import Case

EVER = datetime.min.replace(tzinfo=UTC)
"""Since when somebody sits of whose seat the book knows nothing."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What was said of somebody proves nothing: nothing is given or taken, and their wish stays.

    `members` are the names their wish may stand under; `conflict` what a person has to decide.
    """

    members: frozenset[str]
    conflict: Conflict | None = None


def not_assigned(external_id: str, groups: Iterable[str]) -> Refusal:
    """Somebody in ruled groups whom the directory does not name among the people it assigns to us."""
    named = " and ".join(f"'{name}'" for name in groups)
    because = (f"is in {named}, but not among the people that the directory assigns to us",)
    return Refusal(external_id, "not_assigned", because)


Decision = Case | Leaver | Refusal | Doubt | None
"""None: nobody to touch."""


@dataclass(slots=True, kw_only=True)
class Grounds:
    """Everything that a decision about one person rests on, beside the person and their account.

    `skipped` are external ids of people in a conflict, `adopted` accounts that this plan links; `spare`
    is how many seats of each tier are left for those who are owed one.
    """

    policy: Policy
    evidence: Evidence
    now: datetime
    holding_of: Mapping[str, Holding]
    wait_of: Mapping[str, WaitEntry]
    assignments: Mapping[str, Assignment]
    invites: Mapping[str, Invite]
    invite_of: Mapping[str, Invite]  # by member and by address
    adopted: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    spare: dict[Tier, int] = field(default_factory=dict)

    @property
    def mode(self) -> Mode:
        return self.policy.mode

    def decide(
        self, user: DirectoryUser, account: Account | None, member: str, ruled: Entitlement
    ) -> Decision:
        """What one person is: a case, a leaver, refused, in doubt, or nobody to touch.

        `account` is theirs by link or adoption, `member` the name their seat is counted under, `ruled`
        what the rules say of them.
        """
        if user.external_id in self.skipped or user.active is None:
            return Doubt(frozenset({member, fold(user.user_name)}))
        if account and self.protects(account, member):
            return None
        if account and account.id not in self.adopted and is_somebody_else(user, account):
            keys = (f"person {user.external_id}", f"account {account.user_name}")
            names = frozenset({member, fold(user.user_name)})
            return Doubt(names, Conflict(keys, "id_reused"))
        entitlement = with_assignment(ruled, self._given(member, account))
        if not (user.active and entitlement.admitted):
            return self._leaver(user, account, entitlement) if account else None
        # what a rule may say counts more than what was given by hand: it must have been read
        if not self._is_known(ruled, account):
            return None
        return self._refusal(user, account) or self._case(user, entitlement, account, member)

    def _given(self, member: str, account: Account | None) -> Assignment | None:
        """What the member was given by hand, or will have been once somebody notes that they came in.

        Between their account and the end of their invite a login, or a crash, leaves a while in which
        nothing else says that they belong here.
        """
        if account and account.standing is not Standing.DEACTIVATED and self.invite_of:
            names = (member, fold(account.profile.email or ""))
            invite = next((i for name in names if (i := self.invite_of.get(name))), None)
            if invite:
                tier = invite.tier if invite.member == member else account.tier or invite.tier
                return Assignment(member, tier, invite.invited_by, invite.invited_at)
        return self.assignments.get(member)

    def protects(self, account: Account, member: str) -> bool:
        """Whether no plan takes anything from this account."""
        names, email = self.policy.protected, account.profile.email
        return bool(names) and (member in names or (email is not None and fold(email) in names))

    def _is_known(self, entitlement: Entitlement, account: Account | None) -> bool:
        """Whether enough was read to let a newcomer in: the group that says less may be out of sight."""
        newcomer = account is None or account.standing is Standing.DEACTIVATED
        return not (newcomer and entitlement.flexible and not self.evidence.groups_read)

    def _refusal(self, user: DirectoryUser, account: Account | None) -> Refusal | None:
        if account is not None and account.standing is not Standing.DEACTIVATED:
            return None  # whoever is in stays in
        if user.guest and self.policy.guests is Guests.EXCLUDE:
            because = ("the directory calls them a guest, and policy.guests is exclude",)
            return Refusal(user.user_name, "guest", because)
        address = user.profile.email or user.user_name
        if not self.policy.admits_domain(address):
            because = (f"the domain of {address} is not a verified domain",)
            return Refusal(user.user_name, "domain_not_verified", because)
        return None

    def _case(
        self, user: DirectoryUser, entitlement: Entitlement, account: Account | None, member: str
    ) -> Case:
        holding = self.holding_of.get(member)
        works = account is not None and account.standing is not Standing.DEACTIVATED
        if not works:
            entitlement = with_invite(entitlement, self.invites.get(member))
        actual = account.tier if account and works else None
        reserved = holding.tier if holding and actual is None and not holding.settled else None
        owed = self._owed(member) if works and actual is None and reserved is None else None
        current = actual or reserved or owed
        return Case(
            user=user,
            entitlement=entitlement,
            account=account,
            member=member,
            actual=actual,
            current=current,
            satisfied=reserved is not None
            or (current is not None and self._satisfied(entitlement, current, holding)),
            pinned=reserved is not None,
            owed=owed is not None,
        )

    def _owed(self, member: str) -> Tier | None:
        """The tier that somebody in a broken exchange can still be given back."""
        entry = self.wait_of.get(member)
        return self.spared((entry.wants, *entry.accepts)) if entry and entry.owed else None

    def spared(self, tiers: Iterable[Tier]) -> Tier | None:
        """The first of these that has a seat left, which is theirs now."""
        tier = next((t for t in tiers if self.spare[t] > 0), None)
        if tier:
            self.spare[tier] -= 1
        return tier

    def _satisfied(self, entitlement: Entitlement, current: Tier, holding: Holding | None) -> bool:
        if entitlement.flexible or (entitlement.options and current == entitlement.options[0]):
            return True
        ceiling = entitlement.ceiling
        if ceiling is not None and current >= ceiling:
            return self.mode is Mode.CREATE_ONLY
        return not self.may_lower(holding)

    def may_lower(self, holding: Holding | None) -> bool:
        """Whether somebody who holds this may be lowered now; None: whatever they hold."""
        if self.mode not in (Mode.FULL, Mode.OBSERVE) or not self.evidence.groups_complete:
            return False
        if holding is None:
            return True
        if self.policy.login_tier_sticks and holding.door is Door.JIT:
            return False
        return self.now - holding.since >= self.policy.min_hold

    def _leaver(self, user: DirectoryUser, account: Account, entitlement: Entitlement) -> Leaver | None:
        if user.active is False and self.evidence.people_complete:
            because = (f"{user.user_name} is disabled in the directory",)
            return Leaver(account, user.external_id, because, gone=False)
        if user.active and self.evidence.groups_complete:
            return Leaver(account, user.external_id, entitlement.because, gone=False)
        return None

    # --- before the pool ----------------------------------------------------------------------------

    def competes(self, case: Case) -> bool:
        """Whether somebody comes to the table where seats are given out."""
        if not case.entitlement.options:
            return False
        if case.satisfied:
            return self._may_yield(case)
        return case.account is None or self.mode is not Mode.CREATE_ONLY

    def _may_yield(self, case: Case) -> bool:
        """Whether a higher priority may take their tier: what they have had for a while, as agreed."""
        if not self.policy.preempt or case.actual is None:
            return False
        return self.may_lower(self.holding_of.get(case.member))

    def wish(self, case: Case) -> Wish:
        """What they ask for there, and when it is their turn."""
        entry = self.wait_of.get(case.member)
        return Wish(
            member=case.member,
            current=case.current,
            options=case.entitlement.options,
            priority=case.entitlement.priority,
            since=entry.since if entry else None,
            owed=entry.owed if entry else False,
            seated_since=self._seated_since(case) if self._may_yield(case) else None,
            content=case.satisfied and case.entitlement.flexible,
        )

    def _seated_since(self, case: Case) -> datetime:
        holding = self.holding_of.get(case.member)
        return holding.since if holding else EVER

"""Casework: from people, accounts and links to one case per person, and to those who leave."""

from collections.abc import Iterable, Iterator

from idpsync.core.correlate import Correlation, correlate
from idpsync.core.leavers import Evidence, Leaver
from idpsync.core.membership import Assignment, with_assignment, with_invite
from idpsync.core.model import Account, DirectoryUser, Standing, fold
from idpsync.core.plan import Departure, Refusal
from idpsync.core.policy import Entitlement, Mode, Policy
from idpsync.core.seats import Door, Holding, Tier
from idpsync.core.world import Case, Debt, World, groups_by_person, pool_of


class Casework:
    """Who is who, and what each may have; nothing is given or taken yet.

    `cases` are those who may have something; `leavers` whose account is not wanted any more;
    `refused` get nothing; `departures` are missed since when; `debts` are owed to people without a case.
    """

    def __init__(self, world: World, policy: Policy) -> None:
        self.world, self.policy = world, policy
        self.mode = policy.mode
        self.evidence = Evidence.of(world.snapshot, {rule.group for rule in policy.rules})
        self.holding_of = {holding.member: holding for holding in world.holdings}
        self.wait_of = {entry.member: entry for entry in world.waiting}
        pool = pool_of(world, policy.ladder)
        self.spare = {tier: pool.balance(tier) for tier in policy.ladder}
        addressed = {fold(invite.email): invite for invite in world.invites.values()}
        self.invite_of = {**addressed, **world.invites}
        self.correlation: Correlation = correlate(
            world.snapshot.users,
            world.accounts,
            world.links,
            verified=policy.admits_domain,
        )
        self.refused: list[Refusal] = []
        self.leavers: list[Leaver] = []
        self.departures: list[Departure] = []
        self.cases = self._sort_people()
        self.debts = list(self._unpaid())

    def _sort_people(self) -> list[Case]:
        groups_of = groups_by_person(self.world.snapshot, {rule.group for rule in self.policy.rules})
        accounts = self.correlation.account_of
        cases = []
        for user in sorted(self.world.snapshot.users, key=lambda u: u.external_id):
            if user.external_id in self.correlation.skipped or user.active is None:
                continue
            account = accounts.get(user.external_id)
            if account and self._protected(account):
                continue
            ruled = self.policy.entitle(groups_of.get(user.external_id, frozenset()))
            member = account.member if account else fold(user.user_name)
            entitlement = with_assignment(ruled, self._given(member, account))
            if user.active and entitlement.admitted:
                # what a rule may say counts more than what was given by hand: it must have been read
                if self._is_known(ruled, account) and self._may_enter(user, account):
                    cases.append(self._case(user, entitlement, account))
            elif account:
                self._note_leaver(user, account, entitlement)
        self._note_absent()
        return cases

    def _given(self, member: str, account: Account | None) -> Assignment | None:
        """What the member was given by hand, or will have been once somebody notes that they came in.

        Between their account and the end of their invite a login, or a crash, leaves a while in which
        nothing else says that they belong here.
        """
        if account and account.standing is not Standing.DEACTIVATED:
            names = (account.member, fold(account.profile.email or ""))
            invite = next((i for name in names if (i := self.invite_of.get(name))), None)
            if invite:
                tier = invite.tier if invite.member == member else account.tier or invite.tier
                return Assignment(member, tier, invite.invited_by, invite.invited_at)
        return self.world.assignments.get(member)

    def _protected(self, account: Account) -> bool:
        keys = {account.member, fold(account.profile.email or "")}
        return not keys.isdisjoint(self.policy.protected)

    def _is_known(self, entitlement: Entitlement, account: Account | None) -> bool:
        """Whether enough was read to let a newcomer in: the group that says less may be out of sight."""
        newcomer = account is None or account.standing is Standing.DEACTIVATED
        return not (newcomer and entitlement.flexible and not self.evidence.groups_read)

    def _may_enter(self, user: DirectoryUser, account: Account | None) -> bool:
        newcomer = account is None or account.standing is Standing.DEACTIVATED
        if newcomer and not self.policy.admits_domain(user.profile.email or user.user_name):
            address = user.profile.email or user.user_name
            because = (f"the domain of {address} is not a verified domain",)
            self.refused.append(Refusal(user.user_name, "domain_not_verified", because))
            return False
        return True

    def _case(self, user: DirectoryUser, entitlement: Entitlement, account: Account | None) -> Case:
        member = account.member if account else fold(user.user_name)
        holding = self.holding_of.get(member)
        works = account is not None and account.standing is not Standing.DEACTIVATED
        if not works:
            entitlement = with_invite(entitlement, self.world.invites.get(member))
        actual = account.tier if account and works else None
        reserved = holding.tier if holding and not holding.settled and actual is None else None
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
        return self._spared((entry.wants, *entry.accepts)) if entry and entry.owed else None

    def _spared(self, tiers: Iterable[Tier]) -> Tier | None:
        """The first of these that has a seat left, which is theirs now."""
        tier = next((t for t in tiers if self.spare[t] > 0), None)
        if tier:
            self.spare[tier] -= 1
        return tier

    def _unpaid(self) -> Iterator[Debt]:
        """Debts to those whom this read decides nothing for: nobody in the directory, mostly."""
        decided = {c.member for c in self.cases} | {leaver.account.member for leaver in self.leavers}
        accounts = {a.member: a for a in self.world.accounts if a.standing is not Standing.DEACTIVATED}
        for entry in sorted(self.world.waiting, key=lambda entry: entry.turn):
            account = accounts.get(entry.member)
            if account is None or account.tier or not entry.owed or entry.member in decided:
                continue
            holding = self.holding_of.get(entry.member)
            kept = holding.tier if holding and not holding.settled else None
            # any seat rather than none: the one they gave up may sit somebody else by now
            tiers = (entry.wants, *entry.accepts, *self.policy.ladder.from_(entry.wants), *self.spare)
            yield Debt(account, entry, kept or self._spared(tiers), reserved=kept is not None)

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
        return self.world.now - holding.since >= self.policy.min_hold

    def _note_leaver(self, user: DirectoryUser, account: Account, entitlement: Entitlement) -> None:
        if user.active is False:
            because = (f"{user.user_name} is disabled in the directory",)
            self.leavers.append(Leaver(account, user.external_id, because, gone=False))
        elif self.evidence.groups_complete:
            self.leavers.append(Leaver(account, user.external_id, entitlement.because, gone=False))

    def _note_absent(self) -> None:
        """Linked accounts whose person a complete read did not name."""
        if not self.evidence.absence_counts:
            return
        present = {user.external_id for user in self.world.snapshot.users}
        by_id = {account.id: account for account in self.world.accounts}
        for link in sorted(self.world.links, key=lambda k: k.account_id):
            account = by_id.get(link.account_id)
            if account is None or link.source != self.world.snapshot.source:
                continue
            if link.external_id in present or self._protected(account):
                continue
            since = link.missing_since or self.world.now
            self.departures.append(Departure(account.id, since))
            because = ("is no longer in the directory",)
            self.leavers.append(Leaver(account, link.external_id, because, gone=True, since=since))

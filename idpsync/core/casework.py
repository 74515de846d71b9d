"""Casework: from people, accounts and links to one case per person, and to those who leave.

Of a hundred thousand people most are as they should be, and no plan says a word of them. They are told
apart in one pass over plain dictionaries; only the others become cases.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from itertools import filterfalse, repeat

from idpsync.core.correlate import Correlation, Owners, correlate
from idpsync.core.leavers import Evidence, Leaver
from idpsync.core.membership import Assignment, with_assignment, with_invite
from idpsync.core.model import Account, Coverage, DirectoryUser, Standing, fold, fold_all
from idpsync.core.plan import Conflict, Departure, Refusal
from idpsync.core.policy import Entitlement, Guests, Mode, Policy
from idpsync.core.profile import Roles, is_somebody_else
from idpsync.core.roll import Roll
from idpsync.core.seats import Door, Holding, Tier
from idpsync.core.world import Case, Debt, World, pool_of

_Person = tuple[DirectoryUser, Account | None, str]  # with the member whose seat is counted for them


class Casework:
    """Who is who, and what each may have; nothing is given or taken yet.

    `case_of` are those who may have something, by external id, without those of whom nothing has to be
    said; `leavers` whose account is not wanted any more; `refused` get nothing; `departures` are missed
    since when; `debts` are owed to people without a case; `skipped` people are in a conflict.
    """

    def __init__(self, world: World, policy: Policy) -> None:
        self.world, self.policy = world, policy
        self.mode = policy.mode
        self.evidence = Evidence.of(world.snapshot, {rule.group for rule in policy.rules})
        self.ruled = policy.entitle_all(world.snapshot.groups)
        self.unruled = policy.entitle(frozenset())
        self.roll = Roll.of(world.accounts)
        self.owners = Owners(world.links, self.roll)
        self.roles = Roles(policy.managed_roles)
        self.reserved = [h for h in world.holdings if h.account_id is None or h.moving]
        self.wait_of = {entry.member: entry for entry in world.waiting}
        self.before = pool_of(world, policy.ladder, self.roll, self.reserved)
        self.spare = {tier: self.before.balance(tier) for tier in policy.ladder}
        addressed = {fold(invite.email): invite for invite in world.invites.values()}
        self.invite_of = {**addressed, **world.invites}
        self.correlation: Correlation = correlate(
            world.snapshot.users, self.roll, self.owners, verified=policy.admits_domain
        )
        self.adopted = {adoption.account_id for adoption in self.correlation.adoptions}
        self.skipped = set(self.correlation.skipped)
        self.doubtful: set[str] = set()
        self.refused: list[Refusal] = []
        self.leavers: list[Leaver] = []
        self.departures: list[Departure] = []
        self.reused: list[Conflict] = []
        self.case_of: dict[str, Case] = {}
        unsettled = self._unsettled()
        self.holding_of = self._holdings_of(unsettled)
        for user, account, member in unsettled:
            self.consider(user, account, member)
        self._note_absentees()
        self.debts = list(self._unpaid())

    # --- who needs a second look ------------------------------------------------------------------

    def _unsettled(self) -> list[_Person]:
        """Everybody who is not yet just as they should be, or of whom a book says something.

        This loop is walked for everybody: it is written for speed.
        """
        marked, in_step, active = self._marked(), self.roles.in_step, Standing.ACTIVE
        people, accounts = self.correlation.people, self.correlation.accounts
        ids = [user.external_id for user in people]
        entitlements = map(self.ruled.get, ids, repeat(self.unruled))
        found: list[tuple[DirectoryUser, Account | None]] = []
        for user, account, entitlement in zip(people, accounts, entitlements, strict=True):
            if account is not None and account.standing is active and user.active is True:
                given, kept, options = user.profile, account.profile, entitlement.options
                tier = account.tier
                if (
                    # the best tier they may have, or any where they are content with any, or none
                    (tier.rank == options[0].rank or entitlement.flexible if options else False)
                    if tier is not None
                    else not options and entitlement.admitted
                ) and (
                    given.user_name == kept.user_name
                    and given.email == kept.email
                    and given.family_name == kept.family_name
                    and given.given_name == kept.given_name
                    and given.display_name == kept.display_name
                    and (account.roles == entitlement.roles or in_step(account.roles, entitlement.roles))
                    and account.id not in marked
                ):
                    continue
            found.append((user, account))
        found.sort(key=lambda pair: pair[0].external_id)
        names = fold_all([(account or user).user_name for user, account in found])
        return [(user, account, name) for (user, account), name in zip(found, names, strict=True)]

    def _marked(self) -> AbstractSet[str]:
        """Accounts that a book says something of, or that are protected, or adopted in this plan."""
        if self.policy.preempt:  # anybody's tier may be taken: everybody has a case
            return self.roll.accounts.keys()
        addressed = self.policy.protected | self.invite_of.keys()
        members = {h.member for h in self.reserved} | addressed
        members |= self.wait_of.keys() | self.world.assignments.keys()
        named = zip(self.roll.accounts, self.roll.members, strict=True)
        marked = {account_id for account_id, member in named if member in members}
        if addressed:
            accounts = self.roll.accounts.values()
            mailed = zip(fold_all([a.profile.email or "" for a in accounts]), accounts, strict=True)
            marked |= {account.id for address, account in mailed if address in addressed}
        return marked | self.adopted

    def _holdings_of(self, people: list[_Person]) -> dict[str, Holding]:
        """What the seat book says of them and of those who are owed a seat, by member."""
        members = {member for _, _, member in people}
        members |= {entry.member for entry in self.world.waiting if entry.owed}
        return {holding.member: holding for holding in self.world.holdings if holding.member in members}

    # --- one person -------------------------------------------------------------------------------

    def consider(self, user: DirectoryUser, account: Account | None, member: str) -> None:
        """Decide what one person is: a case, a leaver, refused, or nobody to touch."""
        external_id = user.external_id
        if external_id in self.skipped:
            return self._note_doubt(user)
        if user.active is None:
            self.doubtful.add(member)
            return None
        if account and self._protected(account, member):
            return None
        if account and account.id not in self.adopted and is_somebody_else(user, account):
            return self._note_reused(user, account)
        ruled = self.ruled.get(external_id, self.unruled)
        entitlement = with_assignment(ruled, self._given(member, account))
        if user.active and entitlement.admitted:
            # what a rule may say counts more than what was given by hand: it must have been read
            if self._is_known(ruled, account) and self._may_enter(user, account):
                self.case_of[external_id] = self._case(user, entitlement, account, member)
        elif account:
            self._note_leaver(user, account, entitlement)
        return None

    def _note_doubt(self, user: DirectoryUser) -> None:
        """What was said of them proves nothing: their wish stays, under each name it may have."""
        self.doubtful.add(fold(user.user_name))
        if linked := self.owners.account(user.source, user.external_id):
            self.doubtful.add(linked.member)

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
        return self.world.assignments.get(member)

    def _protected(self, account: Account, member: str) -> bool:
        names, email = self.policy.protected, account.profile.email
        return bool(names) and (member in names or (email is not None and fold(email) in names))

    def _note_reused(self, user: DirectoryUser, account: Account) -> None:
        self.skipped.add(user.external_id)
        self._note_doubt(user)
        keys = (f"person {user.external_id}", f"account {account.user_name}")
        self.reused.append(Conflict(keys, "id_reused"))

    def _is_known(self, entitlement: Entitlement, account: Account | None) -> bool:
        """Whether enough was read to let a newcomer in: the group that says less may be out of sight."""
        newcomer = account is None or account.standing is Standing.DEACTIVATED
        return not (newcomer and entitlement.flexible and not self.evidence.groups_read)

    def _may_enter(self, user: DirectoryUser, account: Account | None) -> bool:
        if account is not None and account.standing is not Standing.DEACTIVATED:
            return True  # whoever is in stays in
        if user.guest and self.policy.guests is Guests.EXCLUDE:
            because = ("the directory calls them a guest, and policy.guests is exclude",)
            self.refused.append(Refusal(user.user_name, "guest", because))
            return False
        address = user.profile.email or user.user_name
        if not self.policy.admits_domain(address):
            because = (f"the domain of {address} is not a verified domain",)
            self.refused.append(Refusal(user.user_name, "domain_not_verified", because))
            return False
        return True

    def _case(
        self, user: DirectoryUser, entitlement: Entitlement, account: Account | None, member: str
    ) -> Case:
        holding = self.holding_of.get(member)
        works = account is not None and account.standing is not Standing.DEACTIVATED
        if not works:
            entitlement = with_invite(entitlement, self.world.invites.get(member))
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
        return self._spared((entry.wants, *entry.accepts)) if entry and entry.owed else None

    def _spared(self, tiers: Iterable[Tier]) -> Tier | None:
        """The first of these that has a seat left, which is theirs now."""
        tier = next((t for t in tiers if self.spare[t] > 0), None)
        if tier:
            self.spare[tier] -= 1
        return tier

    def _unpaid(self) -> Iterator[Debt]:
        """Debts to those whom this read decides nothing for: nobody in the directory, mostly."""
        owed = [entry for entry in self.world.waiting if entry.owed]
        if not owed:
            return
        decided = self.decided()
        accounts = {a.member: a for a in self.world.accounts if a.standing is not Standing.DEACTIVATED}
        for entry in sorted(owed, key=lambda entry: entry.turn):
            account = accounts.get(entry.member)
            if account is None or account.tier or entry.member in decided:
                continue
            holding = self.holding_of.get(entry.member)
            kept = holding.tier if holding and not holding.settled else None
            # any seat rather than none: the one they gave up may sit somebody else by now
            tiers = (entry.wants, *entry.accepts, *self.policy.ladder.from_(entry.wants), *self.spare)
            yield Debt(account, entry, kept or self._spared(tiers), reserved=kept is not None)

    def decided(self) -> set[str]:
        """Members whom a case speaks for, or who leave."""
        leaving = {leaver.account.member for leaver in self.leavers}
        return {case.member for case in self.case_of.values()} | leaving

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

    # --- those who leave, and those who are nowhere -----------------------------------------------

    def _note_leaver(self, user: DirectoryUser, account: Account, entitlement: Entitlement) -> None:
        if user.active is False:
            because = (f"{user.user_name} is disabled in the directory",)
            self.leavers.append(Leaver(account, user.external_id, because, gone=False))
        elif self.evidence.groups_complete:
            self.leavers.append(Leaver(account, user.external_id, entitlement.because, gone=False))

    def _note_absentees(self) -> None:
        """Those of whom links or groups speak, and the people that were read do not."""
        present = {user.external_id for user in self.world.snapshot.users}.__contains__
        if self.evidence.absence_counts:
            linked = self.owners.account_of.get(self.world.snapshot.source, {})
            self._note_absent(set(filterfalse(present, linked)))
        if self.world.snapshot.users_coverage is Coverage.COMPLETE:
            self._note_unassigned(set(filterfalse(present, self.ruled)))

    def _note_absent(self, gone: set[str]) -> None:
        """Linked accounts whose person a complete read did not name."""
        source, accounts = self.world.snapshot.source, self.roll.accounts
        links = (link for link in self.owners.links if link.external_id in gone) if gone else ()
        for link in sorted(links, key=lambda k: k.account_id):
            account = accounts.get(link.account_id)
            if account is None or link.source != source or self._protected(account, account.member):
                continue
            since = link.missing_since or self.world.now
            self.departures.append(Departure(account.id, since))
            because = ("is no longer in the directory",)
            self.leavers.append(Leaver(account, link.external_id, because, gone=True, since=since))

    def _note_unassigned(self, unknown: set[str]) -> None:
        """People in a ruled group whom a whole read does not name among those who may come in."""
        for linked in self.owners.account_of.values() if unknown else ():
            unknown = unknown - linked.keys()  # they leave, or have left
        groups_of: dict[str, list[str]] = defaultdict(list)
        for group in sorted(self.world.snapshot.groups, key=lambda g: g.name) if unknown else ():
            for external_id in unknown & (group.members or frozenset()):
                groups_of[external_id].append(group.name)
        for external_id, names in sorted(groups_of.items()):
            groups = " and ".join(f"'{name}'" for name in names)
            because = (f"is in {groups}, but not among the people that the directory assigns to us",)
            self.refused.append(Refusal(external_id, "not_assigned", because))

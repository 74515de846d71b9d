"""What each one is in a world that stands: found again only for those whom a change concerns."""

from datetime import datetime
from heapq import heappop, heappush

from idpsync.core.grounds import Decision, Doubt, Grounds, not_assigned
from idpsync.core.leavers import Leaver, leave
from idpsync.core.model import Account, DirectoryUser, Link, fold
from idpsync.core.plan import Refusal
from idpsync.core.profile import profile_actions
from idpsync.core.recognition import Recognition
from idpsync.core.registers import Registers, Touched
from idpsync.core.table import Table
from idpsync.core.world import Case


class Findings:
    """What a plan has to say of people and accounts. Who competes for a seat sits at `table`.

    `decided`, `acting`, `leaving` and `unassigned` are by external id, `gone`, `going` and `orphans` by
    account id. Of whom nothing has to be said nothing is kept.
    """

    def __init__(self, files: Registers, grounds: Grounds, known: Recognition) -> None:
        self.files, self.grounds, self.policy, self._known = files, grounds, files.policy, known
        self.table = Table(dict.fromkeys(self.policy.ladder, 0))
        self.decided: dict[str, Decision] = {}
        self.acting: set[str] = set()  # something is written for them, whatever seats there are
        self.leaving: set[str] = set()
        self.unassigned: dict[str, Refusal] = {}
        self.gone: dict[str, Leaver] = {}
        self.going: set[str] = set()  # of those gone: whose grace is over
        self.orphans: set[str] = set()
        self._member_of: dict[str, str] = {}  # external id → the member who may sit at the table
        self._who: dict[str, str] = {}  # the other way round
        self._dates: list[tuple[datetime, str]] = []
        self._undated: set[str] = set()  # accounts whose person was never marked as missing

    def due(self) -> Touched:
        """Those whom the last plan moved, and those for whom a date has passed since."""
        people = self.moved()
        self.table.moved.clear()
        while self._dates and self._dates[0][0] <= self.grounds.now:
            people.add(heappop(self._dates)[1])
        return Touched(people, set(self._undated))

    def moved(self) -> set[str]:
        """Those whom the last settling moved, by external id."""
        return {self._who[member] for member in self.table.moved}

    # --- people -----------------------------------------------------------------------------------

    def put_away(self, external_id: str) -> None:
        """Forget what was found of one person."""
        self.decided.pop(external_id, None)
        self.unassigned.pop(external_id, None)
        self.acting.discard(external_id)
        self.leaving.discard(external_id)
        if member := self._member_of.pop(external_id, None):
            self._who.pop(member, None)
            self.table.drop(member)

    def decide(self, external_id: str) -> None:
        """What a plan has to say of one person, from what is known now."""
        user = self.files.people.get(external_id)
        if user is None:
            self._note_unassigned(external_id)
            return
        linked = self.files.linked_account(external_id)
        account = linked or self._known.adopted_account(external_id)
        self._file(external_id, self._decision(user, account))

    def _decision(self, user: DirectoryUser, account: Account | None) -> Decision:
        member = self.files.member_of[account.id] if account else fold(user.user_name)
        ruled = self.policy.entitle(frozenset(self.files.groups_of.get(user.external_id, ())))
        return self.grounds.decide(user, account, member, ruled)

    def _note_unassigned(self, external_id: str) -> None:
        groups = self.files.groups_of.get(external_id)
        if groups and not self.files.links_of.of(external_id):
            self.unassigned[external_id] = not_assigned(external_id, sorted(groups))

    def _file(self, external_id: str, decision: Decision) -> None:
        match decision:
            case Case() as case:
                self._file_case(external_id, case)
            case Leaver() as leaver:
                self.decided[external_id] = leaver
                if leave(leaver, self.policy, self.grounds.now):
                    self.leaving.add(external_id)
            case Refusal() | Doubt():
                self.decided[external_id] = decision
            case None:
                pass

    def _file_case(self, external_id: str, case: Case) -> None:
        acts = self._acts(case)
        if case.satisfied and (due := self._may_be_lowered_from(case)):
            heappush(self._dates, (due, external_id))
        if case.satisfied and not acts and case.member not in self.files.wait_of:
            return  # just as they should be
        self.decided[external_id] = case
        if acts:
            self.acting.add(external_id)
        self._member_of[external_id] = case.member
        self._who[case.member] = external_id
        if self.grounds.competes(case):
            self.table.put(self.grounds.wish(case))

    def _acts(self, case: Case) -> bool:
        """Whether something is to be written for them, whatever seats there are."""
        if case.pinned or case.owed:
            return True
        if case.arrives or case.account is None:
            return not case.entitlement.options
        if case.actual and not case.entitlement.options and not case.satisfied:
            return True
        wanted = profile_actions(
            case.user,
            case.account,
            case.entitlement,
            managed=self.policy.managed_roles,
            may_take=self.grounds.may_lower(None),
            adopted=case.account.id in self.grounds.adopted,
        )
        return next(wanted, None) is not None

    def _may_be_lowered_from(self, case: Case) -> datetime | None:
        """When somebody keeps a tier above theirs only for a while: until then."""
        holding = self.files.holdings.get(case.member)
        if case.entitlement.flexible or holding is None or case.current is None:
            return None
        due = holding.since + self.policy.min_hold
        best = case.entitlement.options[:1]
        return due if due > self.grounds.now and best != (case.current,) else None

    # --- accounts ---------------------------------------------------------------------------------

    def look_at(self, account_id: str) -> None:
        """Whether an account is an orphan, and whether its person has gone."""
        account, link = self.files.accounts.get(account_id), self.files.links.get(account_id)
        orphan = account and link is None and account_id not in self.grounds.adopted
        (self.orphans.add if orphan else self.orphans.discard)(account_id)
        self.gone.pop(account_id, None)
        self.going.discard(account_id)
        self._undated.discard(account_id)
        if account and link and self._has_gone(account, link):
            self._file_gone(account, link)

    def _has_gone(self, account: Account, link: Link) -> bool:
        if link.source != self.files.snapshot.source or link.external_id in self.files.people:
            return False
        return not self.grounds.protects(account, account.member)

    def _file_gone(self, account: Account, link: Link) -> None:
        now = self.grounds.now
        since = link.missing_since or now
        because = ("is no longer in the directory",)
        leaver = Leaver(account, link.external_id, because, gone=True, since=since)
        self.gone[account.id] = leaver
        if link.missing_since is None:
            self._undated.add(account.id)
        if since + self.policy.leaver_grace > now:
            heappush(self._dates, (since + self.policy.leaver_grace, link.external_id))
        elif leave(leaver, self.policy, now):
            self.going.add(account.id)

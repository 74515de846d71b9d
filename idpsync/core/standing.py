"""A world that stands: planned for again at the cost of what changed, not of everybody in it.

The same decisions about each person, the same table for the seats and the same planning as for a whole
world; only those are looked at again whom a change, a moved seat or a passed date concerns. What a plan
merely tells (who waits, who is refused) is made when somebody looks. Where one person's lot may hang on
everybody else's (somebody may be put down for another, a tier is over its number, an exchange broke off)
the whole world is planned anew.
"""

from idpsync.core.changes import Changes
from idpsync.core.findings import Findings
from idpsync.core.grounds import Grounds
from idpsync.core.leavers import Evidence
from idpsync.core.plan import Plan
from idpsync.core.planner import Planning, plan
from idpsync.core.policy import Policy
from idpsync.core.recognition import Recognition
from idpsync.core.registers import Registers, Touched
from idpsync.core.standing_work import StandingWork
from idpsync.core.world import World


class StandingWorld:
    """One world between plans. A plan is valid until the next change: read what it tells before."""

    def __init__(self, world: World, policy: Policy) -> None:
        self.policy = policy
        self.files = files = Registers(world, policy)
        self.grounds = Grounds(
            policy=policy,
            evidence=Evidence.of(world.snapshot, {rule.group for rule in policy.rules}),
            now=world.now,
            holding_of=files.holdings,
            wait_of=files.wait_of,
            assignments=files.assignments,
            invites=files.invites,
            invite_of=files.invite_of,
        )
        self._work: StandingWork | None = None
        self._whole = False  # whether what is known was kept up until now
        if self._is_plain():
            self._begin()

    def world(self) -> World:
        """The world as it stands now."""
        return self.files.world(self.grounds.now)

    def plan(self, changes: Changes) -> Plan:
        """The plan for the world after `changes`: equal to that of the whole world."""
        if self._work:
            self._work.close()
        self.grounds.now = changes.now
        touched = self.files.apply(changes)
        if not self._is_plain():
            self._whole = False
            return plan(self.world(), self.policy)
        if self._whole:
            self._look_again(touched | self._findings.due())
        else:
            self._begin()
        self._work = StandingWork(self.files, self.grounds, self._known, self._findings)
        return Planning(self._work, self.policy, self._findings.table).result()

    def _is_plain(self) -> bool:
        """Whether nobody's lot hangs on everybody else's."""
        pool = self.files.pool()
        return (
            self.grounds.evidence.groups_complete
            and not self.policy.preempt
            and all(pool.balance(tier) >= 0 for tier in self.policy.ladder)
            and not self.files.owed
        )

    def _begin(self) -> None:
        """Look at everybody, as if nothing were known."""
        files = self.files
        self._known = Recognition(files, self.grounds)
        self._findings = Findings(files, self.grounds, self._known)
        linked = (person for _, person in files.person_of.values())
        everybody = {*files.people, *files.groups_of, *linked}
        self._look_again(Touched(everybody, set(files.accounts), files.shared_keys()))
        self._whole = True

    def _look_again(self, touched: Touched) -> None:
        for key in touched.keys:
            self._known.share(key)
        people, accounts = self._recognise(touched)
        for external_id in people:  # all of them first: a member's name may go from one to another
            self._findings.put_away(external_id)
        for external_id in people:
            self._findings.decide(external_id)
            accounts.update(self.files.links_of.of(external_id))
        for account_id in accounts:
            self._findings.look_at(account_id)

    def _recognise(self, touched: Touched) -> tuple[set[str], set[str]]:
        """Find anew who is who; the people and accounts whom that concerns in the end."""
        waiting, seen, accounts = set(touched.people), set[str](), set(touched.accounts)
        while waiting:
            seen.add(external_id := waiting.pop())
            waiting |= self._known.correlate(external_id, accounts) - seen
        return seen, accounts

"""What a plan of a world that stands is made from: the work of a whole world, out of what is kept."""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TypeVar

from idpsync.core.findings import Findings
from idpsync.core.grounds import Doubt, Grounds
from idpsync.core.later import Later
from idpsync.core.leavers import Leaver
from idpsync.core.over import over_tier
from idpsync.core.plan import (
    Action,
    Adoption,
    Conflict,
    Departure,
    DirectorySummary,
    Over,
    Refusal,
)
from idpsync.core.recognition import Recognition
from idpsync.core.registers import Registers
from idpsync.core.seats import Holding, SeatPool, Tier, WaitEntry
from idpsync.core.world import Case, Debt

T = TypeVar("T")


class StandingWork:
    """The `Work` of one plan. What the plan tells is found when somebody looks, until it is closed."""

    def __init__(
        self, files: Registers, grounds: Grounds, known: Recognition, findings: Findings
    ) -> None:
        self.files, self.grounds, self._known, self._findings = files, grounds, known, findings
        self.before: SeatPool = files.pool()
        self._closed = False

    def close(self) -> None:
        """The world goes on: what nobody has looked at is lost."""
        self._closed = True

    def later(self, make: Callable[[], Iterable[T]]) -> Later[T]:
        """Made when somebody looks; RuntimeError once the world has gone on."""

        def made() -> Iterable[T]:
            if self._closed:
                raise RuntimeError("the world has changed since this plan was made")
            return make()

        return Later(made)

    # --- people and accounts ----------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return self.grounds.now

    @property
    def cases(self) -> list[Case]:
        findings = self._findings
        found = (findings.decided[who] for who in sorted(findings.acting | findings.moved()))
        return [case for case in found if isinstance(case, Case)]

    @property
    def waiting_cases(self) -> Iterator[Case]:
        return (case for case in self._findings.decided.values() if isinstance(case, Case))

    @property
    def leavers(self) -> list[Leaver]:
        findings = self._findings
        left = (findings.decided[who] for who in sorted(findings.leaving))
        gone = [findings.gone[account_id] for account_id in sorted(findings.going)]
        return [*(leaver for leaver in left if isinstance(leaver, Leaver)), *gone]

    @property
    def debts(self) -> tuple[Debt, ...]:
        return ()

    @property
    def refused(self) -> list[Refusal]:
        people = sorted(self._findings.decided.items())
        unassigned = [refusal for _, refusal in sorted(self._findings.unassigned.items())]
        return [*(d for _, d in people if isinstance(d, Refusal)), *unassigned]

    @property
    def conflicts(self) -> list[Conflict]:
        doubts = (d for _, d in sorted(self._findings.decided.items()) if isinstance(d, Doubt))
        return [*self._known.conflicts(), *(doubt.conflict for doubt in doubts if doubt.conflict)]

    @property
    def adoptions(self) -> list[Adoption]:
        return self._known.adoptions()

    @property
    def orphans(self) -> list[str]:
        return sorted(account.user_name for account in self.files.accounts_of(self._findings.orphans))

    @property
    def departures(self) -> list[Departure]:
        gone = sorted(self._findings.gone.items())
        return [Departure(key, leaver.since or self.now) for key, leaver in gone]

    @property
    def doubtful(self) -> set[str]:
        doubts = (d for d in self._findings.decided.values() if isinstance(d, Doubt))
        return {member for doubt in doubts for member in doubt.members}

    def decided(self) -> set[str]:
        findings = self._findings
        left = [d for d in findings.decided.values() if isinstance(d, Leaver)]
        leaving = {leaver.account.member for leaver in (*left, *findings.gone.values())}
        return {case.member for case in self.waiting_cases} | leaving

    # --- books and names --------------------------------------------------------------------------

    @property
    def wait_of(self) -> dict[str, WaitEntry]:
        return self.files.wait_of

    @property
    def entries(self) -> Iterable[WaitEntry]:
        return self.files.wait_of.values()

    @property
    def reservations(self) -> list[Holding]:
        return list(self.files.reservations.values())

    @property
    def kept_back(self) -> dict[Tier, int]:
        return self.files.kept_back

    def names_among(self, asked: AbstractSet[str]) -> set[str]:
        return {m for m in asked if self.files.named.of(m) or self.files.accounts_named.of(m)}

    def seated_among(self, members: AbstractSet[str]) -> set[str]:
        return self.files.seated_among(members)

    def names_owner(self, owner: str) -> bool:
        return bool(self.files.named.of(owner) or self.files.mailed.of(owner))

    # --- the whole --------------------------------------------------------------------------------

    def summary(self) -> DirectorySummary:
        return DirectorySummary(
            kind=self.files.directory_kind,
            complete=self.files.snapshot.complete,
            users=len(self.files.people),
            groups=self.later(self.files.group_counts),
            problems=self.files.snapshot.problems,
        )

    def over(self, actions: Iterable[Action], after: SeatPool) -> tuple[Over, ...]:
        return over_tier(self.files.world(self.now), actions, after)

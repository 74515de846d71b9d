"""Import of members whom a service has already: all of it is looked at first, or nothing is done."""

from collections.abc import Iterable, Iterator, Sequence
from threading import Event

from idpsync.core.errors import ConfigError, NotPossible, Problem
from idpsync.core.imports import MemberRow
from idpsync.core.membership import (
    RANKS,
    Act,
    Actor,
    Assignment,
    is_primary,
    leave_roles_to_rules,
    permit,
    permit_role,
    roles_with,
)
from idpsync.core.model import OWNER, PRIMARY_OWNER, USER, Account, Profile, Standing, fold
from idpsync.core.plan import ChangeRoles, CreateAccount, ReactivateAccount
from idpsync.core.policy import domain_of
from idpsync.core.records import Cause
from idpsync.core.sequence import Move
from idpsync.engine.acceptance import pending_invites, stands
from idpsync.engine.by_hand import ByHand, Progress
from idpsync.engine.import_steps import BECAUSE, Import, ImportSeats, ImportStep, Todo
from idpsync.engine.perform import Performed
from idpsync.engine.roster import Known, keys_of

__all__ = ["Import", "ImportStep", "Importing", "Todo"]


class Importing:
    """Prepares and carries out one file."""

    def __init__(self, by_hand: ByHand) -> None:
        self.by_hand, self.rooms, self.rule = by_hand, by_hand.rooms, by_hand.rule

    def prepare(self, rows: Sequence[MemberRow]) -> Import:
        """See `ManualDoor.prepare`."""
        accounts = {account.id: account for account in self.rooms.target.accounts()}
        people = self._people(rows, accounts.values())
        steps = tuple(self._step(row, who) for row, who in people)
        seats = ImportSeats(self.by_hand, steps)
        problems = (
            *self._problems(people),
            *self._last_owner(steps, accounts.values()),
            *seats.problems(),
        )
        return Import(steps, tuple(seats.ordered()), tuple(problems))

    def carry_out(
        self, actor: Actor, import_: Import, progress: Progress, stopping: Event | None = None
    ) -> tuple[Performed, ...]:
        """See `ManualDoor.carry_out`."""
        permit(actor, Act.INVITE)
        permit(actor, Act.REASSIGN)
        stopping = stopping or Event()
        with self.by_hand.alone(on_lost=stopping.set):
            return self._carry_out(actor, import_, progress, stopping)

    def _carry_out(
        self, actor: Actor, import_: Import, progress: Progress, stopping: Event
    ) -> tuple[Performed, ...]:
        for step in import_.steps:
            for role in sorted(_roles_touched(step)):
                permit_role(actor, OWNER if role == PRIMARY_OWNER else role)
        if problems := import_.problems or self._owners_left(import_.steps):
            raise ConfigError(*problems)
        now = self.rooms.clock.now()
        given = {
            step.member: Assignment(step.member, step.row.tier, actor.name, now, _account_id(step))
            for step in import_.steps
            if step.by_hand
        }
        performed = self.by_hand.perform(
            actor, import_.actions, given, progress=progress, stopping=stopping
        )
        waiting = {entry.member for entry in self.rooms.waiting.entries()}
        for done in performed:
            if done.done and done.member in waiting & given.keys():
                self.rooms.waiting.drop(done.member, Cause(actor.name, BECAUSE))
        return performed

    def _people(
        self, rows: Sequence[MemberRow], accounts: Iterable[Account]
    ) -> list[tuple[MemberRow, Known]]:
        """Each row with whom it is about."""
        roster, invites = self.by_hand.roster, pending_invites(self.rooms)
        account_of: dict[str, Account] = {}
        for account in sorted(accounts, key=lambda a: (a.standing is Standing.DEACTIVATED, a.id)):
            for key in keys_of(account.profile):
                account_of.setdefault(key, account)
        found = []
        for row in rows:
            person = self.rooms.cache.person(row.email)
            keys = [fold(row.email), *(keys_of(person.user.profile) if person else ())]
            account_there = next((account_of[key] for key in keys if key in account_of), None)
            found.append((row, roster.known(row.email, account_there, invites)))
        return found

    # --- what stands in the way -------------------------------------------------------------------

    def _problems(self, people: Iterable[tuple[MemberRow, Known]]) -> Iterator[Problem]:
        if not self.rule.open:
            yield Problem("organization.doors", "does not name manual: nobody is imported by hand here")
        first: dict[str, int] = {}
        primary: list[int] = []
        for row, who in people:
            line = first.setdefault(who.member, row.line)
            if line != row.line:
                yield _problem(row, f"{row.email} stands on line {line} already")
            yield from self._faults(row, who)
            if row.role == PRIMARY_OWNER:
                primary.append(row.line)
                if len(primary) > 1:
                    said = f"there is exactly one primary owner, and line {primary[0]} names one"
                    yield _problem(row, said, "role")

    def _faults(self, row: MemberRow, who: Known) -> Iterator[Problem]:
        if not self.by_hand.policy.admits_domain(row.email):
            yield _problem(row, f"{domain_of(row.email) or row.email} is not a verified domain")
        if stands(who.invite, self.rooms.clock.now()):
            yield _problem(
                row, f"{row.email} has a pending invite: `idpsync members withdraw {row.email}` first"
            )
        if row.role == PRIMARY_OWNER and self.rule.primary_owner not in who.keys:
            yield _problem(
                row,
                f"{row.email} is the primary owner here, and the configuration names "
                f"{self.rule.primary_owner or 'nobody'}: mend organization.primary_owner first",
                "role",
            )

    def _last_owner(self, steps: Iterable[ImportStep], accounts: Iterable[Account]) -> Iterator[Problem]:
        working = [a for a in accounts if a.standing is Standing.ACTIVE]
        owners = {a.id for a in working if OWNER in a.roles or is_primary(a, self.rule.primary_owner)}
        if not owners:
            return
        unseated = {step.account.id for step in steps if step.account and _unseated(step)}
        for step in steps:
            for write in step.writes:
                key = getattr(write, "account_id", step.member)
                owns = write.roles & {PRIMARY_OWNER, OWNER}
                owners = owners | {key} if owns else owners - {key}
        if not owners:
            yield Problem("role", "nobody would be an owner any more: leave at least one in the file")
        elif owners <= unseated:
            yield Problem("seat type", "no owner would have a seat any more: leave at least one theirs")

    def _owners_left(self, steps: Sequence[ImportStep]) -> tuple[Problem, ...]:
        """The same as the target stands now: since the file was looked at somebody may have left."""
        if not any(OWNER in _roles_touched(step) for step in steps):
            return ()
        return tuple(self._last_owner(steps, self.rooms.target.accounts()))

    # --- what a row comes to ----------------------------------------------------------------------

    def _step(self, row: MemberRow, who: Known) -> ImportStep:
        if who.person and who.person.user.active is False:
            note = "is disabled in the directory: left alone"
            return ImportStep(row, Todo.NOTHING, who.member, notes=(note,))
        if who.account and who.active:
            return self._changed(row, who, who.account)
        flexible = who.entitlement.flexible
        notes = (
            () if flexible else (f"{who.entitlement.because[0]}: the next run may give another tier",)
        )
        todo = Todo.REACTIVATE if who.account else Todo.CREATE
        writes = (_arrival(row, who),)
        return ImportStep(
            row, todo, who.member, writes, account=who.account, by_hand=flexible, notes=notes
        )

    def _changed(self, row: MemberRow, who: Known, account: Account) -> ImportStep:
        notes: list[str] = []
        move = self._moved(row, who, account, notes)
        after = self._roles(row, who, account, notes)
        writes: tuple[ChangeRoles, ...] = ()
        if after != account.roles:
            mark = account.external_id or ""
            writes = (ChangeRoles(account.id, account.profile, mark, account.roles, after, BECAUSE),)
        return ImportStep(
            row=row,
            todo=Todo.CHANGE if move or writes else Todo.NOTHING,
            member=who.member,
            writes=writes,
            move=move,
            account=account,
            by_hand=move is not None,
            notes=tuple(notes),
        )

    def _moved(self, row: MemberRow, who: Known, account: Account, notes: list[str]) -> Move | None:
        if account.tier == row.tier:
            return None
        lowered = account.tier is not None and (row.tier is None or row.tier > account.tier)
        if not who.entitlement.flexible:
            notes.append(f"{who.entitlement.because[0]}: the tier is left alone")
        elif lowered and self.by_hand.keeps_access(account):
            notes.append("is the primary owner or protected: the tier is not lowered")
        else:
            return Move(who.member, account.tier, row.tier)
        return None

    def _roles(self, row: MemberRow, who: Known, account: Account, notes: list[str]) -> frozenset[str]:
        """The roles they are to have; those of the primary owner are not touched by a file."""
        if is_primary(account, self.rule.primary_owner):
            return account.roles
        after = roles_with(account.roles, row.role)
        if who.person:
            ruled, managed = who.entitlement.roles, self.by_hand.policy.managed_roles
            try:
                leave_roles_to_rules(account.user_name, account.roles, after, ruled, managed)
            except NotPossible as decided:
                notes.append(str(decided))
                return account.roles
        return after


def _arrival(row: MemberRow, who: Known) -> CreateAccount | ReactivateAccount:
    roles = who.entitlement.roles | ({row.role} - {USER})
    user = who.person.user if who.person else None
    if who.account:
        return ReactivateAccount(
            account_id=who.account.id,
            profile=who.account.profile,
            external_id=user.external_id if user else who.account.external_id or "",
            tier=row.tier,
            roles=roles,
            because=BECAUSE,
        )
    given_name, _, family_name = row.name.partition(" ")
    return CreateAccount(
        profile=user.profile
        if user
        else Profile(row.email, row.email, given_name, family_name.strip(), row.name),
        external_id=user.external_id if user else "",
        source=user.source if user else "import",
        tier=row.tier,
        roles=roles,
        because=BECAUSE,
    )


def _roles_touched(step: ImportStep) -> set[str]:
    """Roles with rights that the row gives or takes; whoever comes back or loses their seat, all."""
    before = step.account.roles if step.account else frozenset()
    touched: set[str] = set(before) if step.todo is Todo.REACTIVATE or _unseated(step) else set()
    for write in step.writes:
        touched |= write.roles ^ before
    return touched & set(RANKS)


def _account_id(step: ImportStep) -> str | None:
    return step.account.id if step.account else None


def _unseated(step: ImportStep) -> bool:
    return step.move is not None and step.move.to is None


def _problem(row: MemberRow, message: str, column: str = "email") -> Problem:
    return Problem(column, message, line=row.line)

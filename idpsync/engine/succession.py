"""The world as the last good run of this process left it: the next run reads only what changed since.

In any doubt everything is read. What is kept is gone with the first run that was not good in every way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from idpsync.core.believing import disagreement, unconfirmed
from idpsync.core.changes import DirectoryChanges, changes_between
from idpsync.core.drift import facts_of
from idpsync.core.errors import RemoteError
from idpsync.core.guard import guard
from idpsync.core.model import DirectorySnapshot
from idpsync.core.plan import Plan
from idpsync.core.policy import Mode
from idpsync.core.ports import CanReadChanges
from idpsync.core.records import LastRead, RunState
from idpsync.core.standing import StandingWorld
from idpsync.core.world import World
from idpsync.engine.increments import InDoubt, changes_in, read_books
from idpsync.engine.outcome import Findings, Outcome, Preview
from idpsync.engine.rooms import Rooms, Rule

log = structlog.get_logger()

COMPARED = (
    "actions",
    "adoptions",
    "waiting",
    "granted",
    "refused",
    "conflicts",
    "orphans",
    "departures",
    "pool_before",
    "pool_after",
    "over",
)
"""What the plan of a standing world and that of a whole one must agree in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one good run leaves to the next. `lines` are the accounts as they were known."""

    world: StandingWorld
    rule: Rule
    run_id: str
    token: int | None
    cursor: str
    whole_at: datetime
    lines: Mapping[str, str]
    last: LastRead


@dataclass(frozen=True, slots=True)
class Turn:
    """One run: its id, and the fencing token it holds."""

    run_id: str
    token: int | None


class Succession:
    """Lives as long as its process; one run at a time uses it."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self._kept: Kept | None = None  # after the last run
        self._next: Kept | None = None  # after this run, if it is good
        self._checked: Kept | None = None  # to be compared with this run's whole read

    def preview(self, rule: Rule, turn: Turn) -> Preview | None:
        """What a run would do about what changed; None: read everything. The log says why."""
        kept, self._kept, self._next, self._checked = self._kept, None, None, None
        if kept is None:
            return None
        try:
            return self._preview(kept, rule, turn)
        except InDoubt as doubt:
            log.info("changes.left", reason=str(doubt))
            return None

    def keep(self, outcome: Outcome, rule: Rule, turn: Turn) -> None:
        """After a run that was good in every way: the next may go on from here."""
        following, self._next, self._checked = self._next, None, None
        preview = outcome.preview
        if preview is None or outcome.run.state is not RunState.DONE:
            return
        if preview.changes is None:
            following = self._begun(preview, rule, turn)
        self._kept = following

    # --- a whole read -----------------------------------------------------------------------------

    def _begun(self, preview: Preview, rule: Rule, turn: Turn) -> Kept | None:
        read = preview.snapshot
        able = isinstance(self.rooms.source, CanReadChanges)
        if not able or not read.cursor or read.problems or rule.policy.mode is not Mode.FULL:
            return None
        return Kept(
            world=StandingWorld(preview.world, rule.policy),
            rule=rule,
            run_id=turn.run_id,
            token=turn.token,
            cursor=read.cursor,
            whole_at=preview.world.now,
            lines={account.id: facts_of(account) for account in preview.world.accounts},
            last=_last_read(read, preview.report.scope),
        )

    def check(self, preview: Preview) -> None:
        """Compare with what was read whole; where the standing world differs, the fault is ours."""
        checked, self._checked = self._checked, None
        if checked is None or not preview.snapshot.complete:
            return
        told, read = checked.world.world(), preview.world
        between = changes_between(told, read)
        unseen = checked.cursor == preview.snapshot.cursor  # the directory was the same at both looks
        people = len(between.people) if unseen else 0
        members = sum(len(c.joined | c.left) for c in between.groups.values()) if unseen else 0
        differing = _differing(checked.world.plan(between), preview.plan)
        if people or members or differing:
            log.error("standing.differs", people=people, memberships=members, plan=differing)

    # --- what changed -----------------------------------------------------------------------------

    def _preview(self, kept: Kept, rule: Rule, turn: Turn) -> Preview:
        begun = self.rooms.clock.now()
        self._must_follow(kept, rule, turn)
        seen = self._seen(kept)
        if reason := unconfirmed(
            seen, kept.world.files, canaries=rule.canaries, removals=rule.limits.removals
        ):
            raise InDoubt(reason)
        books = read_books(self.rooms, begun)
        changes = changes_in(kept.world.files, kept.lines, books, seen, rule.policy)
        made = _told_now(kept.world.plan(changes))
        world = _as_read(kept.world.world(), seen)
        names = kept.world.files.member_of
        if reason := disagreement(names, world.accounts, books.holdings, books.invites.keys()):
            raise InDoubt(reason)
        report = guard(
            made, rule.limits, accounts=world.accounts, snapshot=world.snapshot, last=kept.last
        )
        if report.held:
            raise InDoubt("the guard would hold the plan")
        following = replace(
            kept,
            run_id=turn.run_id,
            token=turn.token,
            cursor=seen.cursor,
            lines=books.lines,
            last=_last_read(world.snapshot, kept.last.scope),
        )
        if begun - kept.whole_at >= rule.full_read:
            self._checked = following
            raise InDoubt("it is time for a whole read")
        self._next = following
        if self.rooms.shown is not None:
            self.rooms.shown.note(user for user in seen.people.values() if user)
        log.info("changes.read", people=len(seen.people), accounts=len(changes.accounts))
        log.info("plan.made", digest=made.digest, actions=len(made.actions), waiting=len(made.waiting))
        return Preview(made, report, world, begun, Findings(taken_over=True), changes=seen)

    def _must_follow(self, kept: Kept, rule: Rule, turn: Turn) -> None:
        """Nobody ran in between, and the rule is still the same."""
        if rule != kept.rule:
            raise InDoubt("the rules are not those of the last run")
        before = next((run for run in self.rooms.runs.runs(2) if run.id != turn.run_id), None)
        led = turn.token is None or kept.token is None or turn.token == kept.token + 1
        if before is None or before.id != kept.run_id or not led:
            raise InDoubt("somebody else has run since")

    def _seen(self, kept: Kept) -> DirectoryChanges:
        source = self.rooms.source
        try:
            seen = source.changes(kept.cursor) if isinstance(source, CanReadChanges) else None
        except RemoteError as error:
            raise InDoubt(str(error)) from error
        if seen is None:
            raise InDoubt("the directory cannot tell what changed")
        return seen


def _as_read(world: World, seen: DirectoryChanges) -> World:
    return replace(world, snapshot=replace(world.snapshot, taken_at=seen.taken_at, cursor=seen.cursor))


def _last_read(read: DirectorySnapshot, scope: str) -> LastRead:
    members = {group.name: group.members for group in read.groups if group.members is not None}
    return LastRead(members, {group.name: group.external_id for group in read.groups}, scope)


def _told_now(made: Plan) -> Plan:
    """With all that it tells, also once the world has gone on."""
    return replace(
        made,
        waiting=tuple(made.waiting),
        refused=tuple(made.refused),
        conflicts=tuple(made.conflicts),
        orphans=tuple(made.orphans),
        departures=tuple(made.departures),
        directory=replace(made.directory, groups=tuple(made.directory.groups)),
    )


def _differing(one: Plan, other: Plan) -> list[str]:
    return [name for name in COMPARED if getattr(one, name) != getattr(other, name)]

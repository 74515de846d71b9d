"""Reading both sides and deciding: what one run sees, and what it would do. Nothing is written."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from idpsync.core.adoption import first_run, foreign_accounts
from idpsync.core.drift import told_drift
from idpsync.core.errors import (
    CredentialsRejected,
    DirectoryUnread,
    RemoteError,
    Transient,
)
from idpsync.core.guard import guard
from idpsync.core.kinship import under_present_ids, without_the_unread
from idpsync.core.membership import under_present_names
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, Link
from idpsync.core.planner import plan
from idpsync.core.policy import Policy
from idpsync.core.records import LastRead
from idpsync.core.restraint import kept_back, restrained
from idpsync.core.suspicion import examine
from idpsync.core.world import World
from idpsync.engine.acceptance import pending_invites, without_over
from idpsync.engine.drifting import look_for_drift, recall
from idpsync.engine.outcome import Findings, Preview
from idpsync.engine.rooms import Rooms, Rule

log = structlog.get_logger()


class Reader:
    """Makes previews: reads directory, target and books, plans, and asks the guard."""

    def __init__(self, rooms: Rooms, rule: Rule) -> None:
        self.rooms, self.rule = rooms, rule

    def preview(self) -> Preview:
        """Read and decide; write nothing.

        DirectoryUnread or RemoteError when a side could not be read at all.
        """
        begun = self.rooms.clock.now()
        last, links = self.rooms.cache.last_read(), self.rooms.registry.links()
        snapshot = self._examined(last, links)
        links = under_present_ids(links, snapshot, self._as_last_read)
        snapshot = without_the_unread(snapshot, self.rooms.cache.people)
        world, listed = self._world(snapshot, links, begun)
        preview = self._decided(world, last, listed, self._findings(world, listed))
        made = preview.plan
        log.info("plan.made", digest=made.digest, actions=len(made.actions), waiting=len(made.waiting))
        return preview

    def _examined(self, last: LastRead, links: Iterable[Link]) -> DirectorySnapshot:
        return examine(
            self._read_directory(),
            last=last,
            canaries=self.rule.canaries,
            linked=sum(link.source == self.rooms.source.name for link in links),
            keys=_keys(self.rule.policy),
        )

    def _as_last_read(self, external_id: str) -> DirectoryUser | None:
        known = self.rooms.cache.person(external_id)
        return known.user if known and known.user.external_id == external_id else None

    def _world(
        self, snapshot: DirectorySnapshot, links: tuple[Link, ...], begun: datetime
    ) -> tuple[World, datetime]:
        """With what target and books say now, and when the target began to."""
        rooms = self.rooms
        if rooms.shown is not None:
            rooms.shown.note(snapshot.users)
        # reservations are read before accounts: one that becomes an account meanwhile is seen as both,
        # and counted once; the other way round it would be seen as neither
        holdings, pool = rooms.seats.holdings(), rooms.seats.pool()
        listed = rooms.clock.now()
        accounts = rooms.target.accounts()
        # invites after accounts and before assignments: whoever came in on one is seen invited still, or
        # with the tier that it left them
        pending, given = pending_invites(rooms), rooms.assignments.all()
        invites, holdings = without_over(pending, holdings, begun)
        world = World(
            snapshot=snapshot,
            directory_kind=rooms.source.kind,
            accounts=accounts,
            links=links,
            holdings=holdings,
            waiting=rooms.waiting.entries(),
            purchased=pool.purchased,
            reserved=pool.reserved,
            now=begun,
            assignments=under_present_names(given.values(), {a.id: a.member for a in accounts}),
            invites=invites,
        )
        return world, listed

    def what_if(self, preview: Preview, world: World) -> Preview:
        """What would be decided about `world`, made from what `preview` read. Nothing is read again."""
        last = self.rooms.cache.last_read()
        found = replace(preview.found, foreign=())  # nobody can approve what is only assumed
        return self._decided(world, last, preview.begun, found)

    def _findings(self, world: World, listed: datetime) -> Findings:
        """What others did at the target, and who was there before us."""
        known = recall(self.rooms, listed)
        if known.taken_over:
            return Findings(drift=look_for_drift(self.rooms, known, world.accounts), taken_over=True)
        ours = known.lines.keys() | {h.member for h in world.holdings if not h.settled}
        return Findings(foreign=foreign_accounts(world.accounts, world.links, self.rule.policy, ours))

    def _decided(self, world: World, last: LastRead, listed: datetime, found: Findings) -> Preview:
        policy = self.rule.policy
        made = plan(world, policy)
        begins = first_run(found.foreign, made)
        kept = kept_back(world, policy, made)
        said = (*([str(begins)] if begins else []), *restrained(policy.mode, kept))
        made = replace(made, notes=(*made.notes, *said, *told_drift(found.drift)))
        report = guard(
            made,
            self.rule.limits,
            accounts=world.accounts,
            snapshot=world.snapshot,
            last=last,
        )
        return Preview(made, report, world, listed, found, begins)

    def _read_directory(self) -> DirectorySnapshot:
        """The snapshot. A directory that answers, but not with people, was read with nothing in it."""
        try:
            snapshot = self.rooms.source.read()
        except (Transient, CredentialsRejected) as error:
            raise DirectoryUnread(error) from error
        except RemoteError as error:
            log.warning("directory.unreadable", reason=str(error))
            return DirectorySnapshot(
                source=self.rooms.source.name,
                taken_at=self.rooms.clock.now(),
                users=(),
                groups=(),
                users_coverage=Coverage.FAILED,
                problems=(str(error),),
            )
        log.info(
            "directory.read",
            people=len(snapshot.users),
            groups=len(snapshot.groups),
            complete=snapshot.complete,
            requests=snapshot.requests,
            throttled=snapshot.throttled,
        )
        return snapshot


def _keys(policy: Policy) -> Mapping[str, str]:
    """Where the configuration names each group of a rule."""
    keys: dict[str, str] = {}
    for number, rule in enumerate(policy.rules):
        key = f"policy.rules[{number}].group"
        keys[rule.group] = f"{keys[rule.group]} and {key}" if rule.group in keys else key
    return keys

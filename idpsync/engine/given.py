"""Tiers given by hand, put down before the target is told: a crash between the two undoes nothing."""

from collections.abc import Iterable, Mapping

from idpsync.core.membership import Assignment
from idpsync.core.model import fold
from idpsync.core.plan import Action, ChangeTier, CreateAccount, ReactivateAccount
from idpsync.core.records import Cause
from idpsync.core.world import NO_ASSIGNMENTS
from idpsync.engine.rooms import Rooms


class Given:
    """What is given to whom, by member, and what they had been given before."""

    def __init__(self, rooms: Rooms, tiers: Mapping[str, Assignment]) -> None:
        self.rooms, self.tiers = rooms, tiers
        self.before = rooms.assignments.all() if tiers else NO_ASSIGNMENTS

    def put_down(self, action: Action, amid: Iterable[str], cause: Cause) -> tuple[str, ...]:
        """Those whose tier was put down, now that `action` is about to be carried out.

        `amid` are those who gave a seat up in an exchange: with the next step there is no way back for
        them, so theirs is put down with it, and not with their own last step, which may lead back.
        """
        if not isinstance(action, CreateAccount | ReactivateAccount | ChangeTier):
            return ()
        member, amid = fold(action.profile.user_name), tuple(amid)
        given = self.tiers.get(member)
        if given is None or given.tier != action.tier or member in amid:
            return ()
        members = tuple(one for one in amid if one in self.tiers)
        self.rooms.assignments.put(given, cause, *(self.tiers[one] for one in members))
        return (member, *members)

    def take_back(self, members: Iterable[str], cause: Cause) -> None:
        """The target surely did not do it: each has again what they had been given before."""
        for member in members:
            if old := self.before.get(member):
                self.rooms.assignments.put(old, cause)
            else:
                self.rooms.assignments.drop(member, cause)

"""Users of whom the last listing showed all that a change needs to know: they are written unread."""

from idpsync.pace import Timer
from idpsync.scim_client import RemoteUser
from idpsync.scim_client.levers import Lever

LASTS = 900.0
"""Seconds after a listing in which nobody else is taken to have added to what it showed."""

ADDRESS = 1  # so many may stand in `emails`: ours


class PlainUsers:
    """Ids of users whose multi-valued attributes hold nothing but what is ours.

    Nothing that the listing showed of others is lost by writing such an attribute whole. Whom we gave
    more ourselves is forgotten until the next listing.
    """

    def __init__(self, lever: Lever, timer: Timer) -> None:
        self._lever, self._timer = lever, timer
        self._ids: frozenset[str] = frozenset()
        self._forgotten: set[str] = set()
        self._until = 0.0

    def has(self, user_id: str) -> bool:
        known = user_id in self._ids and user_id not in self._forgotten
        return known and self._timer.now() < self._until

    def forget(self, user_id: str) -> None:
        """More is written to this user than what a listing showed."""
        self._forgotten.add(user_id)

    def among(self, user: RemoteUser) -> bool:
        """Whether a listed user is one."""
        return self._lever.is_alone(user.raw) and len(user.elements("emails")) <= ADDRESS

    def renew(self, ids: frozenset[str], *, listed_at: float) -> None:
        """What a whole listing that began at `listed_at` showed; monotonic seconds."""
        self._ids, self._until, self._forgotten = ids, listed_at + LASTS, set()

"""Seat tiers as Claude's activity feed tells them: the only place where the API shows any.

Source: platform.claude.com, "Activity feed" (at most a minute late, kept for six years).
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from idpsync.core.errors import NotFound
from idpsync.core.model import fold
from idpsync.targets.claude_api import ClaudeApi, Invitation, Member
from idpsync.targets.claude_errors import MissingScope
from idpsync.targets.claude_pages import Row

TYPES = ("claude_user_seat_tier_updated", "org_user_invite_sent")
OVERLAP = timedelta(minutes=5)
"""Read again each time: an activity may show up a minute after it happened."""


@dataclass(frozen=True, slots=True)
class Told:
    """The tier that Claude gave somebody, in Claude's word for it; None for no seat."""

    tier: str | None
    at: datetime


class SeatFeed:
    """What the feed says of each member and invite; read on from where it was read last.

    `readable` is None until it was read, False where the key may not. One thread reads at a time, and
    nobody who only asks what is known waits for it.
    """

    def __init__(self, api: ClaudeApi) -> None:
        self._api = api
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._told: dict[str, Told] = {}
        self._until: datetime | None = None
        self.readable: bool | None = None

    def read(self, organization_id: str) -> None:
        """Errors as of any read; a key that lacks the scope reads nothing, and that is no error."""
        with self._turn:
            self._read_on(organization_id)

    def read_first(self, organization_id: str) -> None:
        """As `read`, unless somebody has read it, or just now does."""
        with self._turn:
            if self.readable is None:
                self._read_on(organization_id)

    def of(self, row: Member | Invitation) -> Told | None:
        """None where the feed says nothing of them."""
        key = row.id if isinstance(row, Member) else _invited(row.email)
        with self._lock:
            return self._told.get(key)

    def _read_on(self, organization_id: str) -> None:
        since = self._until - OVERLAP if self._until else None
        try:
            rows = self._api.activities(TYPES, since)
        except (MissingScope, NotFound):  # NotFound: the organisation has no feed
            self.readable = False
            return
        told: dict[str, Told] = {}
        for row in reversed(rows):  # the oldest first: the newest has the last word
            happened = _instant(row.get("created_at"))
            if happened is None or not _is_of(row, organization_id):
                continue
            self._until = max(self._until or happened, happened)
            told |= _told_by(row, happened)
        with self._lock:
            self._told |= told
        self.readable = True


def _told_by(row: Row, happened: datetime) -> dict[str, Told]:
    """By member or invite; nothing where the row gives nobody a tier."""
    match row.get("type"):
        case "claude_user_seat_tier_updated":
            key, tier = str(row.get("user_id") or ""), row.get("current_seat_tier")
        case "org_user_invite_sent":
            key, tier = _invited(str(row.get("invited_email") or "")), row.get("invited_seat_tier")
            if tier is None:  # an invite holds a seat always: it is only not told which
                return {}
        case _:
            return {}
    return {key: Told(tier, happened)} if tier is None or isinstance(tier, str) else {}


def _is_of(row: Row, organization_id: str) -> bool:
    """Whether it happened in this organisation: the feed is that of the parent and all its children."""
    if not organization_id:
        return True
    named = {row[key] for key in ("organization_id", "organization_uuid") if row.get(key)}
    return not named or organization_id in named


def _invited(email: str) -> str:
    return f"invite to {fold(email)}"


def _instant(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else None

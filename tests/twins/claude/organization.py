"""A Claude Enterprise organisation that keeps state: people, seats, groups, and what happened to them.

Which tier a newcomer takes by which way, what each mode does by itself, and what is told of it
in the activity feed: from Anthropic's public documentation.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.source import FakeDirectory
from tests.people import StoppedClock

Body = dict[str, Any]
OWNER = "owner@acme.example"
INVITE_LASTS = timedelta(days=21)


class NoSeat(Exception):
    """Nobody buys one: an invite fails, a login is turned away, a sync leaves somebody out."""


@dataclass
class Organization:
    """`seats` are bought, highest tier first. `mapped` are the directory's groups and their tiers."""

    seats: Mapping[str, int]
    mode: str = "scim_advanced"
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    mapped: Mapping[str, str] = field(default_factory=dict)
    clock: StoppedClock = field(default_factory=StoppedClock)
    id: str = "0b0e5a40-1111-4222-8333-944455556666"

    def __post_init__(self) -> None:
        self.members: dict[str, Body] = {}
        self.invites: dict[str, Body] = {}
        self.groups: dict[str, Body] = {}
        self.tier_of: dict[str, str | None] = {}  # of members and pending invites, by id
        self.activities: list[Body] = []  # newest first
        self.allowed_domains = {"acme.example"}
        self.member_limit = 10_000
        self.add_member(OWNER, "primary_owner", tier=next(iter(self.seats)))

    # --- seats ------------------------------------------------------------------------------------

    def free(self, tier: str) -> int:
        self.expire()
        return self.seats[tier] - sum(held == tier for held in self.tier_of.values())

    def highest_free(self) -> str:
        return self._first(list(self.seats))

    def lowest_free(self) -> str:
        return self._first(list(reversed(list(self.seats))))

    def _first(self, tiers: list[str]) -> str:
        for tier in tiers:
            if self.free(tier) > 0:
                return tier
        raise NoSeat

    def assign(self, member_id: str, tier: str | None) -> None:
        """As by hand in the console, or by a mapping."""
        before = self.tier_of.get(member_id)
        if tier == before:
            return
        if tier is not None and self.free(tier) < 1:
            raise NoSeat
        self.tier_of[member_id] = tier
        member = self.members[member_id]
        self.happened(
            "claude_user_seat_tier_updated",
            user_id=member_id,
            user_email=member["email"],
            previous_seat_tier=before,
            current_seat_tier=tier,
        )

    # --- people -----------------------------------------------------------------------------------

    def add_member(self, email: str, role: str = "user", *, tier: str | None = None) -> Body:
        """Somebody is there, however they came; `tier` is one that is free."""
        member: Body = {
            "type": "user",
            "id": f"user_{uuid.uuid4().hex[:12]}",
            "email": email,
            "name": email.partition("@")[0].title(),
            "role": role,
            "added_at": self.now(),
        }
        self.members[member["id"]] = member
        self.tier_of[member["id"]] = None
        if tier:
            self.assign(member["id"], tier)
        return member

    def called(self, email: str) -> Body | None:
        return next(
            (m for m in self.members.values() if m["email"].casefold() == email.casefold()), None
        )

    def remove(self, member_id: str) -> None:
        del self.members[member_id]
        self.tier_of.pop(member_id, None)

    def invite(self, email: str, role: str, groups: list[str]) -> Body:
        """NoSeat at zero; otherwise the lowest free tier is held for it."""
        tier = self.lowest_free()
        invite: Body = {
            "type": "invite",
            "id": f"invite_{uuid.uuid4().hex[:12]}",
            "email": email,
            "role": role,
            "invited_at": self.now(),
            "expires_at": (self.clock.now() + INVITE_LASTS).isoformat(),
            "accepted_at": None,
            "status": "pending",
            "rbac_group_ids": groups,
        }
        self.invites[invite["id"]] = invite
        self.tier_of[invite["id"]] = tier
        self.happened(
            "org_user_invite_sent", invited_email=email, invited_role=role, invited_seat_tier=tier
        )
        return invite

    def pending(self, email: str) -> Body | None:
        self.expire()
        return next(
            (
                i
                for i in self.invites.values()
                if i["status"] == "pending" and i["email"].casefold() == email.casefold()
            ),
            None,
        )

    def accept(self, email: str) -> Body:
        """The invited person comes, with the seat that was held for them."""
        invite = self.pending(email)
        assert invite, f"nobody invited {email}"
        tier = self.tier_of.pop(invite["id"])
        invite |= {"status": "accepted", "accepted_at": self.now()}
        return self.add_member(email, invite["role"], tier=tier)

    def expire(self) -> None:
        for invite in self.invites.values():
            over = datetime.fromisoformat(invite["expires_at"]) <= self.clock.now()
            if invite["status"] == "pending" and over:
                invite["status"] = "expired"
                self.tier_of.pop(invite["id"], None)

    # --- what the mode does by itself -------------------------------------------------------------

    def login(self, email: str) -> Body:
        """Somebody whom the identity provider lets through signs in. NoSeat: they are turned away."""
        member, tier = self.called(email), self.mapped_tier(email)
        assigned = tier is not None
        if self.mode == "jit_advanced" and not assigned:
            if member:
                self.remove(member["id"])
            raise PermissionError(email)
        if member is None:
            if self.mode == "login_only":
                raise PermissionError(email)
            newcomer = tier if self.mode.endswith("advanced") and tier else self.highest_free()
            if self.free(newcomer) < 1:
                raise NoSeat
            return self.add_member(email, tier=newcomer)
        if self.mode == "jit_advanced":
            self.assign(member["id"], tier)
        return member

    def sync(self) -> list[str]:
        """One directory sync, in a SCIM mode; the addresses of those for whom there was no seat."""
        assert self.mode.startswith("scim"), self.mode
        left_out = []
        wanted = {email: self.mapped_tier(email) for email in self._mapped_people()}
        for member in list(self.members.values()):
            if member["email"] not in wanted and member["role"] != "primary_owner":
                self.remove(member["id"])
        for email, tier in sorted(wanted.items()):
            try:
                self._sync_one(email, tier)
            except NoSeat:
                left_out.append(email)
        return left_out

    def _sync_one(self, email: str, tier: str | None) -> None:
        member = self.called(email)
        maps = self.mode == "scim_advanced"
        if member is None:
            wanted = tier if maps and tier else self.highest_free()
            if self.free(wanted) < 1:
                raise NoSeat
            self.add_member(email, tier=wanted)
        elif maps:
            self.assign(member["id"], tier)

    def _mapped_people(self) -> list[str]:
        return [
            str(self.directory.people[key].profile.email)
            for group in self.mapped
            for key in self.directory.groups.get(group, ())
        ]

    def mapped_tier(self, email: str) -> str | None:
        """The highest tier of the mapped groups that the person is in."""
        tiers = list(self.seats)
        found = [
            tier
            for group, tier in self.mapped.items()
            for key in self.directory.groups.get(group, ())
            if str(self.directory.people[key].profile.email).casefold() == email.casefold()
        ]
        return min(found, key=tiers.index) if found else None

    # --- what happened ----------------------------------------------------------------------------

    def happened(self, kind: str, **facts: object) -> None:
        self.activities.insert(
            0,
            {
                "id": f"activity_{len(self.activities):08}",
                "type": kind,
                "created_at": self.now(),
                "organization_uuid": self.id,
                **facts,
            },
        )

    def now(self) -> str:
        return self.clock.now().isoformat()

"""Builders for people, groups, accounts and worlds; every test says only what matters to it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from idpsync.core.contract import Contract
from idpsync.core.membership import Assignment, Invite
from idpsync.core.model import (
    Account,
    Coverage,
    DirectorySnapshot,
    DirectoryUser,
    Group,
    Link,
    Profile,
    Standing,
)
from idpsync.core.policy import GroupRule, Policy
from idpsync.core.seats import Holding, Ladder, Tier, WaitEntry
from idpsync.core.world import World

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
LADDER = Ladder.of("premium", "standard")
PREMIUM, STANDARD = LADDER.tiers
SOURCE = "people"


def wide_contract(seats: Mapping[Tier, int]) -> Contract:
    """A term that every clock is in."""
    return Contract(date(2000, 1, 1), date(2099, 12, 31), seats)


class StoppedClock:
    """A clock that moves only when told to."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


def profile(name: str) -> Profile:
    return Profile(
        user_name=f"{name}@acme.example",
        email=f"{name}@acme.example",
        given_name=name.title(),
        family_name="Example",
        display_name=f"{name.title()} Example",
    )


def person(name: str, *, active: bool | None = True) -> DirectoryUser:
    return DirectoryUser(SOURCE, f"id-{name}", profile(name), active)


def account(
    name: str,
    tier: Tier | None = STANDARD,
    *,
    standing: Standing = Standing.ACTIVE,
    roles: Iterable[str] = (),
    external_id: str | None = "",
) -> Account:
    return Account(
        id=f"acc-{name}",
        profile=profile(name),
        standing=standing,
        tier=tier,
        external_id=f"id-{name}" if external_id == "" else external_id,
        roles=frozenset(roles),
    )


def link(name: str, missing_since: datetime | None = None) -> Link:
    return Link(f"acc-{name}", SOURCE, f"id-{name}", NOW - timedelta(days=30), missing_since)


def group(name: str, members: Iterable[str] | None, coverage: Coverage = Coverage.COMPLETE) -> Group:
    ids = None if members is None else frozenset(f"id-{member}" for member in members)
    return Group(name, f"g-{name}", ids, coverage)


def snapshot(
    people: Iterable[DirectoryUser | str],
    groups: Iterable[Group] = (),
    coverage: Coverage = Coverage.COMPLETE,
) -> DirectorySnapshot:
    users = tuple(person(p) if isinstance(p, str) else p for p in people)
    return DirectorySnapshot(SOURCE, NOW, users, tuple(groups), coverage)


def world(
    read: DirectorySnapshot,
    accounts: Iterable[Account] = (),
    *,
    links: Iterable[Link] | None = None,
    seats: Mapping[Tier, int] | None = None,
    reserved: Mapping[Tier, int] | None = None,
    waiting: Iterable[WaitEntry] = (),
    holdings: Iterable[Holding] = (),
    assignments: Iterable[Assignment] = (),
    invites: Iterable[Invite] = (),
    now: datetime = NOW,
) -> World:
    """A world in which every account is linked unless `links` says otherwise."""
    accounts = tuple(accounts)
    made = [link(a.id.removeprefix("acc-")) for a in accounts]
    return World(
        snapshot=read,
        directory_kind="file",
        accounts=accounts,
        links=tuple(made if links is None else links),
        holdings=tuple(holdings),
        waiting=tuple(waiting),
        purchased=seats or {PREMIUM: 2, STANDARD: 5},
        reserved=reserved or {},
        now=now,
        assignments={given.member: given for given in assignments},
        invites={invite.member: invite for invite in invites},
    )


def given(name: str, tier: Tier | None) -> Assignment:
    """The tier was given by hand."""
    return Assignment(f"{name}@acme.example", tier, "cli:root", NOW)


def invite(name: str, tier: Tier = STANDARD, *, role: str = "user", days: int = 21) -> Invite:
    """A pending invite, sent now."""
    address = f"{name}@acme.example"
    return Invite(
        id=f"inv-{name}",
        member=address,
        email=address,
        tier=tier,
        invited_by="cli:root",
        invited_at=NOW,
        expires_at=NOW + timedelta(days=days),
        role=role,
    )


RULES = (
    GroupRule("Premium", PREMIUM, priority=10),
    GroupRule("Users", STANDARD),
    GroupRule("Contractors", seatless=True),
    GroupRule("Admins", role="admin"),
)
POLICY = Policy(ladder=LADDER, rules=RULES)

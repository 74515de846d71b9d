"""What if? The world as it would be: people join a group or leave one, seats are bought. Pure.

Nobody in it but the people that are made up is new, and they are called so that nobody takes them for
somebody: `joiner-1 of Sales`. An assumption that makes no sense is a ValueError with one sentence.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from itertools import count, islice

from idpsync.core.contract import MOST_SEATS
from idpsync.core.model import DirectorySnapshot, DirectoryUser, Group, Profile, fold
from idpsync.core.plan import Plan
from idpsync.core.policy import Policy
from idpsync.core.seats import Ladder, Tier
from idpsync.core.world import World, has_seat

JOINS = "what_if_joins"
"""The attribute by which people who are made up are known: the group that they join."""

MOST_PEOPLE = 100_000
"""People that one assumption may make up."""

FORMS = ("join=GROUP:N", "leave=GROUP:N", "seats=TIER:+N", "upgrade=FROM:TO:N", "reserve=TIER:N")

NEVER_LESS = "seats are never given back during a term: a contract only grows"
FEWEST = "fewer than no seats cannot be kept"

_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<digits>[0-9]{1,30})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Join:
    """People whom the directory does not have yet come into a group."""

    group: str
    number: int

    def __str__(self) -> str:
        return f"join={self.group}:{self.number}"

    @property
    def says(self) -> str:
        return f"{_people(self.number)} {_verb(self.number, 'joins', 'join')} '{self.group}'"


@dataclass(frozen=True, slots=True)
class Leave:
    """Those with the newest seats leave a group; they stay in the directory."""

    group: str
    number: int

    def __str__(self) -> str:
        return f"leave={self.group}:{self.number}"

    @property
    def says(self) -> str:
        return f"{_people(self.number)} {_verb(self.number, 'leaves', 'leave')} '{self.group}'"


@dataclass(frozen=True, slots=True)
class MoreSeats:
    """Seats are bought."""

    tier: Tier
    number: int

    def __str__(self) -> str:
        return f"seats={self.tier}:+{self.number}"

    @property
    def says(self) -> str:
        return f"{_seats(self.number, f'more {self.tier}')} {_verb(self.number, 'is', 'are')} bought"


@dataclass(frozen=True, slots=True)
class UpgradedSeats:
    """Seats become seats of a higher tier."""

    left: Tier
    tier: Tier
    number: int

    def __str__(self) -> str:
        return f"upgrade={self.left}:{self.tier}:{self.number}"

    @property
    def says(self) -> str:
        verb = _verb(self.number, "is", "are")
        return f"{_seats(self.number, str(self.left))} {verb} upgraded to {self.tier}"


@dataclass(frozen=True, slots=True)
class Reserve:
    """So many seats are kept for logins."""

    tier: Tier
    number: int

    def __str__(self) -> str:
        return f"reserve={self.tier}:{self.number}"

    @property
    def says(self) -> str:
        verb = _verb(self.number, "is", "are")
        return f"{_seats(self.number, str(self.tier))} {verb} kept for logins"


Assumption = Join | Leave | MoreSeats | UpgradedSeats | Reserve


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def _seats(number: int, kind: str) -> str:
    return f"1 {kind} seat" if number == 1 else f"{number} {kind} seats"


def _verb(number: int, one: str, many: str) -> str:
    return one if number == 1 else many


# --- as they are written ------------------------------------------------------------------------------


def parse_assumption(text: str, ladder: Ladder) -> Assumption:
    """One of FORMS; ValueError with a sentence that quotes the text."""
    kind, _, rest = text.strip().partition("=")
    where, _, count = rest.rpartition(":")
    kind, where = kind.strip().lower(), where.strip()
    if kind not in _PARSERS or not where:
        raise ValueError(f"'{text}' is no assumption: write one of {', '.join(FORMS)}")
    return _PARSERS[kind](where, count, ladder, text)


def _join(where: str, count: str, _: Ladder, text: str) -> Assumption:
    instead = f"people who leave are written leave={where}:N"
    return Join(where, _number(count, text, instead, most=MOST_PEOPLE))


def _leave(where: str, count: str, _: Ladder, text: str) -> Assumption:
    instead = f"people who come are written join={where}:N"
    return Leave(where, _number(count, text, instead, most=MOST_PEOPLE))


def _more(where: str, count: str, ladder: Ladder, text: str) -> Assumption:
    return MoreSeats(_tier(where, ladder, text), _number(count, text, NEVER_LESS, most=MOST_SEATS))


def _upgrade(where: str, count: str, ladder: Ladder, text: str) -> Assumption:
    names = where.split(":")
    if len(names) != 2:
        raise ValueError(f"'{text}' is no assumption: write upgrade=FROM:TO:N, two tiers and a number")
    left, tier = (_tier(name, ladder, text) for name in names)
    if left <= tier:
        raise ValueError(f"'{text}': an upgrade goes up the ladder, and {tier} is not above {left}")
    return UpgradedSeats(left, tier, _number(count, text, NEVER_LESS, most=MOST_SEATS))


def _reserve(where: str, count: str, ladder: Ladder, text: str) -> Assumption:
    if count.strip().startswith("+"):
        raise ValueError(f"'{text}': a reserve is a number, not a step: write how many seats are kept")
    return Reserve(_tier(where, ladder, text), _number(count, text, FEWEST, least=0, most=MOST_SEATS))


_PARSERS: Mapping[str, Callable[[str, str, Ladder, str], Assumption]] = {
    "join": _join,
    "leave": _leave,
    "seats": _more,
    "upgrade": _upgrade,
    "reserve": _reserve,
}


def _number(count: str, text: str, instead: str, *, most: int, least: int = 1) -> int:
    """The number; `instead` is said of one below zero."""
    found = _NUMBER.fullmatch(count.strip())
    if not found:
        raise ValueError(f"'{text}': '{count.strip()}' is not a number, such as 40")
    if found["sign"] == "-":
        raise ValueError(f"'{text}': {instead}")
    number = int(found["digits"])
    if not least <= number <= most:
        raise ValueError(f"'{text}': the number is {least:,} or more, and at most {most:,}")
    return number


def _tier(name: str, ladder: Ladder, text: str) -> Tier:
    try:
        return ladder.named(name.strip())
    except KeyError:
        tiers = [tier.name for tier in ladder]
        near = _near(name.strip(), tiers)
        raise ValueError(
            f"'{text}': there is no tier {name.strip()}; the tiers are {', '.join(tiers)}{near}"
        ) from None


def _near(name: str, names: Iterable[str]) -> str:
    """What the sentence ends with: names close to this one, if there are any."""
    folded = {fold(one): one for one in names}
    close = get_close_matches(fold(name), folded, n=3, cutoff=0.6)
    return f" (did you mean {' or '.join(folded[one] for one in close)}?)" if close else ""


# --- the world as it would be -------------------------------------------------------------------------


def what_if(world: World, plan: Plan, assumptions: Iterable[Assumption], policy: Policy) -> World:
    """`assume`, when everybody who is there today has the place in the queue that `plan` gives them:
    people who are made up do not overtake them by the letters of their names.

    `plan` is the one for `world`.
    """
    if world.snapshot.complete:  # else a wish on the list says more than the read does
        placed = {entry.member: entry for entry in (*plan.granted, *plan.waiting, *world.waiting)}
        world = replace(world, waiting=tuple(placed.values()))
    return assume(world, assumptions, policy)


def assume(world: World, assumptions: Iterable[Assumption], policy: Policy) -> World:
    """The world in which all that is so, one after the other. ValueError where it cannot be."""
    for assumption in assumptions:
        match assumption:
            case Join(group=name, number=number):
                world = _joined(world, _read_group(world, name, assumption), number, policy)
            case Leave(group=name, number=number):
                world = _left(world, _read_group(world, name, assumption), number)
            case MoreSeats(tier=tier, number=number):
                world = replace(world, purchased=_changed(world.purchased, {tier: number}))
            case UpgradedSeats(left=left, tier=tier, number=number):
                world = _upgraded(world, left, tier, number)
            case Reserve(tier=tier, number=number):
                world = _reserving(world, tier, number)
    return world


def _reserving(world: World, tier: Tier, number: int) -> World:
    there = world.purchased.get(tier, 0)
    if number > there:
        raise ValueError(f"'reserve={tier}:{number}': only {there} {tier} seats are purchased")
    return replace(world, reserved={**world.reserved, tier: number})


def _changed(seats: Mapping[Tier, int], by: Mapping[Tier, int]) -> Mapping[Tier, int]:
    return {**seats, **{tier: seats.get(tier, 0) + number for tier, number in by.items()}}


def _upgraded(world: World, left: Tier, tier: Tier, number: int) -> World:
    there = world.purchased.get(left, 0)
    if number > there:
        raise ValueError(f"'upgrade={left}:{tier}:{number}': only {there} {left} seats are purchased")
    return replace(world, purchased=_changed(world.purchased, {left: -number, tier: number}))


def _read_group(world: World, name: str, assumption: Assumption) -> Group:
    groups = {group.name: group for group in world.snapshot.groups}
    if name not in groups:
        listed = ", ".join(sorted(groups)[:10]) or "none"
        raise ValueError(
            f"'{assumption}': no group '{name}' was read: a run reads the groups that the "
            f"configuration names: {listed}{_near(name, groups)}"
        )
    if groups[name].members is None:
        why = groups[name].reason or groups[name].coverage.value
        raise ValueError(f"'{assumption}': the group '{name}' could not be read: {why}")
    return groups[name]


def _joined(world: World, group: Group, number: int, policy: Policy) -> World:
    users = {fold(key) for user in world.snapshot.users for key in _keys(user)}
    made = _made_up(group.name, policy, world.snapshot.source, users, digits=len(str(number)))
    joiners = tuple(islice(made, number))
    members = (group.members or frozenset()) | {user.external_id for user in joiners}
    snapshot = replace(world.snapshot, users=(*world.snapshot.users, *joiners))
    return replace(world, snapshot=_with_group(snapshot, replace(group, members=members)))


def _made_up(
    group: str, policy: Policy, source: str, taken: AbstractSet[str], *, digits: int
) -> Iterator[DirectoryUser]:
    """Endless people with names that nobody has, in a verified domain where there is one.

    With `digits` the names of so many stand in the order of their numbers, and so does the queue.
    """
    domain = min(policy.verified_domains, default="what-if.invalid")
    slug = re.sub(r"[^a-z0-9]+", "-", group.casefold()).strip("-") or "group"
    for number in count(1):
        name = f"joiner-{number:0{digits}} of {group}"
        address = f"joiner-{number:0{digits}}.{slug}@{domain}"
        if not {fold(name), fold(address)} & taken:
            profile = Profile(user_name=name, email=address, display_name=name)
            yield DirectoryUser(source, name, profile, attributes={JOINS: group})


def _keys(user: DirectoryUser) -> tuple[str, ...]:
    return (user.external_id, user.user_name, *((user.profile.email,) if user.profile.email else ()))


def _left(world: World, group: Group, number: int) -> World:
    members = group.members or frozenset()
    if number > len(members):
        raise ValueError(f"'leave={group.name}:{number}': '{group.name}' has {len(members)} members")
    gone = newest_members(world, group)[:number]
    left = replace(group, members=members - set(gone))
    return replace(world, snapshot=_with_group(world.snapshot, left))


def newest_members(world: World, group: Group) -> tuple[str, ...]:
    """External ids of the members: who got a seat last stands first, who has none last."""
    account_of = {a.external_id: a.id for a in world.accounts if a.external_id}
    account_of |= {link.external_id: link.account_id for link in world.links}
    accounts = {account.id: account for account in world.accounts}
    since = {holding.member: holding.since for holding in world.holdings}
    names = {user.external_id: user.user_name for user in world.snapshot.users}

    def newest_first(external_id: str) -> tuple[bool, float, str]:
        account = accounts.get(account_of.get(external_id, ""))
        seated = account is not None and has_seat(account)
        given: datetime = since.get(account.member, world.now) if account else world.now
        return not seated, -given.timestamp(), names.get(external_id, external_id)

    return tuple(sorted(group.members or (), key=newest_first))


def _with_group(snapshot: DirectorySnapshot, group: Group) -> DirectorySnapshot:
    groups = (group if one.name == group.name else one for one in snapshot.groups)
    return replace(snapshot, groups=tuple(groups))

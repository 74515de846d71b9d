"""A large organisation in the middle of its year: tiers full, some waiting, some coming and going.

    WorldSize(people=100_000, groups=1_000)

Everybody is in five groups; four of five groups are named by a rule with a tier and a priority. Seats
are short by a few in a hundred, so each tier is full and has a queue. The world begins settled, and then
the churn comes: people leave, others join, others change their groups.
"""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from idpsync.core.model import Account, DirectorySnapshot, DirectoryUser, Group, Link, Profile, Standing
from idpsync.core.plan import CreateAccount
from idpsync.core.planner import plan
from idpsync.core.policy import GroupRule, Policy
from idpsync.core.seats import Door, Holding, Ladder, Tier
from idpsync.core.world import World

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
LADDER = Ladder.of("gold", "silver", "bronze")
GROUPS_EACH = 5
SHORT = 0.97  # seats for so many of those who want them


@dataclass(frozen=True, slots=True)
class WorldSize:
    people: int
    groups: int
    churn: float = 0.05
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Scene:
    """A settled world, the same one after the churn, and the rules of both."""

    policy: Policy
    settled: World
    churned: World


def scene(size: WorldSize) -> Scene:
    """The same size and seed give the same scene."""
    chance = random.Random(size.seed)
    policy = Policy(LADDER, rules_for(size.groups))
    people = {_id(n): _person(n) for n in range(size.people)}
    member_of = {who: _five(chance, size.groups) for who in people}
    empty = World(
        snapshot=_read(people, member_of, size.groups),
        directory_kind="file",
        accounts=(),
        links=(),
        holdings=(),
        waiting=(),
        purchased=_seats(policy, people, member_of),
        reserved={},
        now=NOW - timedelta(days=30),
    )
    settled = carry_out(empty, policy)
    churned = crowd_after(replace(settled, now=NOW), chance, int(size.people * size.churn))
    return Scene(policy, settled, churned)


def crowd_after(world: World, chance: random.Random, changes: int) -> World:
    """The world once so many people have changed: two in five left, two came, one is in other groups."""
    people = {user.external_id: user for user in world.snapshot.users}
    members = [set(group.members or ()) for group in world.snapshot.groups]
    left = (2 * changes + 2) // 5
    moved = (changes + 3) // 5
    several = chance.sample(sorted(people), left + moved)
    groups_of: dict[str, list[int]] = {who: [] for who in several}
    for n, group in enumerate(members):
        for who in group & groups_of.keys():
            groups_of[who].append(n)
    for who, numbers in groups_of.items():
        for n in numbers:
            members[n].discard(who)
    for who in several[:left]:
        del people[who]
    newcomers = [_person(n) for n in range(len(people) + left, len(people) + changes - moved)]
    people |= {user.external_id: user for user in newcomers}
    for who in (*several[left:], *(user.external_id for user in newcomers)):
        for n in _five(chance, len(members)):
            members[n].add(who)
    groups = zip(world.snapshot.groups, members, strict=True)
    listed = tuple(replace(group, members=frozenset(ids)) for group, ids in groups)
    return replace(world, snapshot=replace(world.snapshot, users=tuple(people.values()), groups=listed))


def rules_for(groups: int) -> tuple[GroupRule, ...]:
    """One group in fifty grants gold, one in five silver, more than half bronze; the rest nothing."""
    rules = []
    for n in range(groups * 4 // 5):
        tier = LADDER.tiers[0 if n % 40 == 0 else 1 if n % 4 == 0 else 2]
        rules.append(GroupRule(_group(n), tier, priority=n % 10))
    return tuple(rules)


def carry_out(world: World, policy: Policy) -> World:
    """The world once a plan of nothing but creations is carried out."""
    made = plan(world, policy)
    accounts, links, holdings = [], [], []
    for action in made.actions:
        if not isinstance(action, CreateAccount):
            raise TypeError(f"an empty target is only filled, and here is {action}")
        key = "acc-" + action.external_id
        accounts.append(
            Account(key, action.profile, Standing.ACTIVE, action.tier, action.external_id, action.roles)
        )
        links.append(Link(key, action.source, action.external_id, world.now))
        if action.tier:
            holdings.append(
                Holding(action.profile.user_name, action.tier, Door.SYNC, world.now, account_id=key)
            )
    return replace(
        world,
        accounts=tuple(accounts),
        links=tuple(links),
        holdings=tuple(holdings),
        waiting=tuple(made.waiting),
    )


def _read(
    people: dict[str, DirectoryUser], member_of: dict[str, list[int]], groups: int
) -> DirectorySnapshot:
    members: list[list[str]] = [[] for _ in range(groups)]
    for who, several in member_of.items():
        for n in several:
            members[n].append(who)
    listed = tuple(Group(_group(n), f"g{n}", frozenset(ids)) for n, ids in enumerate(members))
    return DirectorySnapshot("people", NOW, tuple(people.values()), listed)


def _seats(
    policy: Policy, people: dict[str, DirectoryUser], member_of: dict[str, list[int]]
) -> dict[Tier, int]:
    wanted = dict.fromkeys(LADDER, 0)
    for who in people:
        entitlement = policy.entitle({_group(n) for n in member_of[who]})
        wanted[entitlement.options[0]] += 1
    return {tier: int(number * SHORT) for tier, number in wanted.items()}


def _five(chance: random.Random, groups: int) -> list[int]:
    return chance.sample(range(groups), GROUPS_EACH)


def _id(n: int) -> str:
    return f"00u{n:017x}"


def _group(n: int) -> str:
    return f"Team {n:05}"


def _person(n: int) -> DirectoryUser:
    name, given, family = f"person{n:06}@acme.example", f"Given{n % 997}", f"Family{n % 4993}"
    return DirectoryUser("people", _id(n), Profile(name, name, given, family, f"{given} {family}"))

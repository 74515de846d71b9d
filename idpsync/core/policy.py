"""`Policy.entitle`: what may this person have, and which rule says so?"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from operator import itemgetter

from idpsync.core.model import ADMIN, OWNER, PRIMARY_OWNER, USER, Group
from idpsync.core.seats import Ladder, Tier

_REPLACE_EACH_OTHER = (PRIMARY_OWNER, OWNER, ADMIN, USER)
_RANK_OF = {role: rank for rank, role in enumerate(_REPLACE_EACH_OTHER)}
_NO_ROLES: frozenset[str] = frozenset()


class WithoutRule(StrEnum):
    """What people get whom no rule with a tier names."""

    HIGHEST_AVAILABLE = "highest_available"
    LOWEST_AVAILABLE = "lowest_available"
    NONE = "none"  # no account


class WhenFull(StrEnum):
    SPILL_DOWN = "spill_down"  # next lower free tier, and wait for the wished one
    WAIT = "wait"


class Guests(StrEnum):
    """Whether people that the directory calls guests may have an account."""

    EXCLUDE = "exclude"
    INCLUDE = "include"


class LeaverAction(StrEnum):
    DEACTIVATE = "deactivate"
    DELETE = "delete"
    RELEASE_SEAT = "release_seat"


class Mode(StrEnum):
    """A filter on what a plan may contain."""

    FULL = "full"
    NO_REMOVALS = "no_removals"
    CREATE_ONLY = "create_only"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class GroupRule:
    """Members of `group` may have `tier`; `seatless` is `tier: none`, a member without a seat.

    `when_full` is what its people do while the tier is full; None leaves it to the policy.
    """

    group: str
    tier: Tier | None = None
    seatless: bool = False
    role: str | None = None
    priority: int = 0
    when_full: WhenFull | None = None

    @property
    def says_tier(self) -> bool:
        return self.tier is not None or self.seatless


_Numbered = tuple[int, GroupRule]


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What somebody may have.

    `options` are the acceptable tiers in the order they are liked; empty with `admitted` means an
    account without a seat. `flexible` people are content with any of their options and do not wait
    for a better one.
    """

    admitted: bool
    options: tuple[Tier, ...]
    roles: frozenset[str]
    priority: int
    flexible: bool
    because: tuple[str, ...]

    @property
    def ceiling(self) -> Tier | None:
        return min(self.options) if self.options else None


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one organisation. Pure: same groups, same entitlement."""

    ladder: Ladder
    rules: tuple[GroupRule, ...] = ()
    without_rule: WithoutRule = WithoutRule.HIGHEST_AVAILABLE
    when_full: WhenFull = WhenFull.SPILL_DOWN
    preempt: bool = False
    guests: Guests = Guests.EXCLUDE
    verified_domains: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset()  # folded user names and e-mail addresses
    primary_owner: str | None = None  # a folded address, one of the protected
    leaver_action: LeaverAction = LeaverAction.DEACTIVATE
    leaver_grace: timedelta = timedelta(0)
    min_hold: timedelta = timedelta(hours=24)
    login_tier_sticks: bool = False  # jit.tier: highest_available
    mode: Mode = Mode.FULL
    _by_group: Mapping[str, tuple[tuple[int, GroupRule], ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    managed_roles: frozenset[str] = field(init=False, repr=False, compare=False, default=frozenset())
    """Roles that rules give: whom no rule gives one has it taken by the next run."""

    def __post_init__(self) -> None:
        roles = frozenset(rule.role for rule in self.rules if rule.role and rule.role != USER)
        object.__setattr__(self, "managed_roles", roles)
        by_group: dict[str, tuple[tuple[int, GroupRule], ...]] = {}
        for number, rule in enumerate(self.rules):
            by_group[rule.group] = (*by_group.get(rule.group, ()), (number, rule))
        object.__setattr__(self, "_by_group", by_group)

    def speaks_of(self, group: str) -> bool:
        """Whether a rule names this group."""
        return group in self._by_group

    def _matching(self, groups: AbstractSet[str]) -> list[GroupRule]:
        """The rules that name one of `groups`, as they stand; costs what the person's groups cost."""
        found = [pair for group in groups for pair in self._by_group.get(group, ())]
        return [rule for _, rule in sorted(found, key=itemgetter(0))]

    def entitle(self, groups: AbstractSet[str]) -> Entitlement:
        """The entitlement of somebody in `groups`.

        Several rules match: the highest tier wins, then the highest priority; all roles add up, save
        that of owner, admin and user one counts: by priority, then the most powerful.
        """
        matched = self._matching(groups)
        tiered = [rule for rule in matched if rule.says_tier]
        return self._entitlement(min(tiered, key=_better) if tiered else None, matched)

    def entitle_all(self, groups: Iterable[Group]) -> dict[str, Entitlement]:
        """External id → `entitle` of the groups the person is in, for all who are in a ruled one.

        Rule by rule from the weakest to the best, whole groups at a time: what is left in the end is the
        best. People whom the same rules name share one entitlement.
        """
        members: dict[str, list[AbstractSet[str]]] = {}
        for group in groups:
            if group.members and group.name in self._by_group:
                members.setdefault(group.name, []).append(group.members)
        ruled = [pair for name in members for pair in self._by_group[name]]
        found: dict[str, Entitlement] = {}
        rule_of: dict[int, GroupRule] = {}
        tiered = sorted((p for p in ruled if p[1].says_tier), key=lambda p: (_better(p[1]), p[0]))
        for _, rule in reversed(tiered):
            entitlement = self._entitlement(rule, [rule])
            rule_of[id(entitlement)] = rule
            for some in members[rule.group]:
                found.update(dict.fromkeys(some, entitlement))
        made: dict[tuple[int, int], Entitlement] = {}
        for who, matched in self._also_matching(ruled, members).items():
            best = rule_of.get(id(found.get(who)))
            key = (id(best), id(matched))
            if key not in made:
                made[key] = self._entitlement(best, [rule for _, rule in matched])
            found[who] = made[key]
        return found

    @staticmethod
    def _also_matching(
        ruled: Iterable[_Numbered], members: Mapping[str, list[AbstractSet[str]]]
    ) -> dict[str, tuple[_Numbered, ...]]:
        """External id → those of the rules that say more than a tier, in their order; shared tuples."""
        more = sorted((p for p in ruled if p[1].role or not p[1].says_tier), key=itemgetter(0))
        found: dict[str, tuple[_Numbered, ...]] = {}
        longer: dict[tuple[int, int], tuple[_Numbered, ...]] = {}
        nothing: tuple[_Numbered, ...] = ()
        for pair in more:
            for who in set().union(*members[pair[1].group]):
                before = found.get(who, nothing)
                key = (id(before), pair[0])
                if key not in longer:
                    longer[key] = (*before, pair)
                found[who] = longer[key]
        return found

    def _entitlement(self, best: GroupRule | None, matched: list[GroupRule]) -> Entitlement:
        roles = _roles(matched)
        if best is None:
            return self._without_rule(roles, max((rule.priority for rule in matched), default=0))
        return Entitlement(
            admitted=True,
            options=self._options(best),
            roles=roles,
            priority=best.priority,
            flexible=False,
            because=(_says(best), *_roles_because(matched, roles)),
        )

    def _options(self, rule: GroupRule) -> tuple[Tier, ...]:
        if rule.tier is None:
            return ()
        spills = (rule.when_full or self.when_full) is WhenFull.SPILL_DOWN
        return self.ladder.from_(rule.tier) if spills else (rule.tier,)

    def _without_rule(self, roles: frozenset[str], priority: int) -> Entitlement:
        options: tuple[Tier, ...]
        because = (f"no rule names a tier → {self.without_rule.value}",)
        match self.without_rule:
            case WithoutRule.NONE:
                admitted, options = False, ()
            case WithoutRule.HIGHEST_AVAILABLE:
                admitted, options = True, self.ladder.tiers
            case WithoutRule.LOWEST_AVAILABLE:
                admitted, options = True, self.ladder.tiers[::-1]
        return Entitlement(
            admitted=admitted,
            options=options,
            roles=roles,
            priority=priority,
            flexible=True,
            because=because,
        )

    def admits_domain(self, email: str | None) -> bool:
        """Whether the address lies in a verified domain; with no verified domains every one does."""
        if not self.verified_domains:
            return True
        return bool(email) and domain_of(email or "") in self.verified_domains


def domain_of(email: str) -> str:
    """The domain of an address in its comparable form (IDNA, lower case); "" if it has none."""
    _, at, domain = email.strip().rpartition("@")
    if not at:
        return ""
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return domain.casefold()


def _better(rule: GroupRule) -> tuple[bool, int, int, str]:
    rank = rule.tier.rank if rule.tier else 0
    return (rule.tier is None, rank, -rule.priority, rule.group)


def _says(rule: GroupRule) -> str:
    return f"group '{rule.group}' → {rule.tier.name if rule.tier else 'no seat'}"


def _roles(rules: list[GroupRule]) -> frozenset[str]:
    """Custom roles add up; of those that replace each other the highest priority gives one.

    `user` is what everybody is: it beats others, and is never written.
    """
    given = [(rule.priority, rule.role) for rule in rules if rule.role]
    if not given:
        return _NO_ROLES
    ours = [(-priority, _RANK_OF[role]) for priority, role in given if role in _RANK_OF]
    custom = {role for _, role in given if role not in _RANK_OF}
    best = {_REPLACE_EACH_OTHER[index] for _, index in sorted(ours)[:1]}
    return frozenset((custom | best) - {USER})


def _roles_because(rules: list[GroupRule], roles: frozenset[str]) -> list[str]:
    return [f"group '{rule.group}' → role {rule.role}" for rule in rules if rule.role in roles]

"""What policy looked at for one person: groups, rules and roles, and which of them counted."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from idpsync.core.model import DirectorySnapshot, Group
from idpsync.core.policy import Entitlement, GroupRule, Policy, WhenFull


@dataclass(frozen=True, slots=True)
class GroupSeen:
    """A group before one person: `member` is None where its members could not be read."""

    name: str
    member: bool | None
    complete: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RuleSeen:
    """A rule that names one of the person's groups; one at most wins."""

    rule: GroupRule
    wins: bool
    because: str

    @property
    def gives(self) -> str:
        """What the rule says, in a few words."""
        tier = "no seat" if self.rule.seatless else str(self.rule.tier) if self.rule.tier else ""
        role = f"role {self.rule.role}" if self.rule.role else ""
        return ", ".join(part for part in (tier, role) if part)


@dataclass(frozen=True, slots=True)
class RoleGiven:
    """A role and the groups whose rules give it; none for the role of an invite."""

    role: str
    groups: tuple[str, ...]


def groups_seen(external_id: str, snapshot: DirectorySnapshot, policy: Policy) -> tuple[GroupSeen, ...]:
    """The groups the person is in, and those that a rule names and that were not read whole."""
    ruled = {rule.group for rule in policy.rules}
    listed = {group.name: group for group in snapshot.groups}
    seen = [_seen(group, external_id) for group in snapshot.groups]
    missing = (GroupSeen(name, None, complete=False, problem="gone") for name in ruled - listed.keys())
    told = (g for g in seen if g.member or (g.name in ruled and not g.complete))
    return tuple(sorted((*told, *missing), key=lambda group: (not group.member, group.name)))


def _seen(group: Group, external_id: str) -> GroupSeen:
    member = None if group.members is None else external_id in group.members
    problem = "" if group.complete else ": ".join(p for p in (group.coverage, group.reason) if p)
    return GroupSeen(group.name, member, group.complete, problem)


def rules_seen(groups: AbstractSet[str], ruled: Entitlement, policy: Policy) -> tuple[RuleSeen, ...]:
    """The rules that name one of `groups`, the winner first; `ruled` is what they come to."""
    matched = [rule for rule in policy.rules if rule.group in groups]
    winner = next((rule for rule in matched if _decides(rule, ruled, policy)), None)
    seen = [RuleSeen(rule, rule is winner, _why(rule, winner, matched, policy)) for rule in matched]
    return tuple(sorted(seen, key=lambda one: not one.wins))


def _decides(rule: GroupRule, ruled: Entitlement, policy: Policy) -> bool:
    """Whether the rule alone gives the same tiers for the same reason."""
    if not rule.says_tier:
        return False
    alone = replace(policy, rules=(rule,)).entitle({rule.group})
    return (alone.options, alone.priority, alone.because[0]) == (
        ruled.options,
        ruled.priority,
        ruled.because[0],
    )


def waits_when_full(rule: GroupRule, policy: Policy) -> bool:
    """Whether its people take no lower tier while theirs is full."""
    return rule.tier is not None and (rule.when_full or policy.when_full) is WhenFull.WAIT


def patience(rules: Sequence[RuleSeen], policy: Policy) -> Iterator[str]:
    """Why no lower seat comes to somebody whose rule waits; the winner stands first."""
    winner = next((seen.rule for seen in rules if seen.wins), None)
    if winner is None or not waits_when_full(winner, policy):
        return
    tier = winner.tier
    yield f"'{winner.group}' waits while {tier} is full (when_full: wait): no lower seat is given."
    for lower in (seen.rule for seen in rules if seen.rule.tier and seen.rule.tier != winner.tier):
        yield f"'{lower.group}' would give {lower.tier}, but the rule with the highest tier wins."


def _why(rule: GroupRule, winner: GroupRule | None, matched: list[GroupRule], policy: Policy) -> str:
    if not rule.says_tier:
        return "names no tier"
    if rule is winner:
        won = _why_it_wins(rule, [one for one in matched if one is not rule and one.says_tier])
        return f"{won}; waits while it is full" if waits_when_full(rule, policy) else won
    if winner is None:
        return ""
    if rule.tier != winner.tier:
        return f"lower than {winner.tier}"
    if rule.priority != winner.priority:
        return f"priority {rule.priority} is lower than {winner.priority}"
    return f"says the same as '{winner.group}'"


def _why_it_wins(rule: GroupRule, others: list[GroupRule]) -> str:
    if not others:
        return "the only rule with a tier"
    equals = [one for one in others if one.tier == rule.tier]
    if not equals:
        return "the highest tier"
    if all(one.priority < rule.priority for one in equals):
        return f"the highest tier, and of those the highest priority, {rule.priority}"
    return "the highest tier and priority, and the first of its kind"


def roles_given(
    roles: AbstractSet[str], groups: AbstractSet[str], policy: Policy
) -> tuple[RoleGiven, ...]:
    """Which rules give each role."""
    return tuple(
        RoleGiven(role, tuple(r.group for r in policy.rules if r.role == role and r.group in groups))
        for role in sorted(roles)
    )

"""Why somebody has what they have: the plan, turned round to one person."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from idpsync.core.guard import GuardReport
from idpsync.core.membership import Assignment, Invite, with_assignment, with_invite
from idpsync.core.model import Account, DirectoryUser
from idpsync.core.plan import Action, Plan
from idpsync.core.planner import plan as plan_anew
from idpsync.core.policy import Entitlement, Mode, Policy
from idpsync.core.queueing import Place, place_of
from idpsync.core.reasons import (
    GroupSeen,
    RoleGiven,
    RuleSeen,
    groups_seen,
    patience,
    roles_given,
    rules_seen,
)
from idpsync.core.scene import Finding, Scene, Verdict
from idpsync.core.seats import Claim, Holding, SeatPool, Tier, WaitEntry, why_not
from idpsync.core.verdict import verdict
from idpsync.core.whereabouts import Subject, find_subject, similar_names
from idpsync.core.world import World

NO_CHOICE = frozenset(
    {
        Finding.PRIMARY_OWNER,
        Finding.PROTECTED,
        Finding.ORPHAN,
        Finding.LEAVING,
        Finding.IN_GRACE,
        Finding.GONE,
        Finding.INVITED,
        Finding.ON_WAIT_LIST_ONLY,
        Finding.DISABLED,
    }
)
"""Findings in which nobody asks which tier somebody may have."""


@dataclass(frozen=True, slots=True)
class SeatOption:
    """One tier before one person: `before` and `after` the plan. `theirs`: they hold it in the end."""

    tier: Tier
    theirs: bool
    open: bool
    because: str
    before: SeatPool
    after: SeatPool


@dataclass(frozen=True, slots=True)
class Explanation:
    """One person through the whole decision. `notes` says what else matters, refusals first; those that
    no verdict tells are `remarks`.

    `kept_back` are actions that the mode does not let happen, `held_by` the limits of the guard that
    stop what is planned, `similar` the names that a name nobody has may have meant.
    """

    user_name: str
    member: str
    user: DirectoryUser | None
    groups: frozenset[str]
    entitlement: Entitlement
    account: Account | None
    linked: bool
    actions: tuple[Action, ...]
    wait_entry: WaitEntry | None
    position: int | None
    notes: tuple[str, ...]
    remarks: tuple[str, ...]
    verdict: Verdict
    groups_seen: tuple[GroupSeen, ...]
    rules: tuple[RuleSeen, ...]
    roles: tuple[RoleGiven, ...]
    options: tuple[SeatOption, ...]
    place: Place | None = None
    holding: Holding | None = None
    invite: Invite | None = None  # while it is pending
    kept_back: tuple[Action, ...] = ()
    held_by: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether directory, target, wait list, plan or an invite know the person at all."""
        return self.verdict.finding is not Finding.UNKNOWN


def explain_user(
    name: str,
    world: World,
    policy: Policy,
    plan: Plan,
    *,
    report: GuardReport | None = None,
    first_run: str = "",
) -> Explanation:
    """`name` is a user name, an e-mail address or a directory id; `report` what the guard says.

    `first_run` is why nothing is written at a target that was never taken over.
    """
    subject = find_subject(name, world, plan)
    groups = _groups_of(subject, world)
    ruled = policy.entitle(groups)
    scene = _scene(subject, world, policy, plan, ruled)
    why = _explained(scene, groups, ruled)
    held_by = tuple(map(str, report.tripped)) if report and scene.actions else ()
    steps = (*why.verdict.next_steps, *_obstacles(scene, held_by, first_run))
    return replace(
        why,
        verdict=replace(why.verdict, next_steps=steps),
        held_by=held_by,
        similar=() if why.known else similar_names(name, world),
    )


def _groups_of(subject: Subject, world: World) -> frozenset[str]:
    return frozenset(
        group.name
        for group in world.snapshot.groups
        if group.members and subject.external_id in group.members
    )


def _scene(subject: Subject, world: World, policy: Policy, plan: Plan, ruled: Entitlement) -> Scene:
    actions = subject.actions(plan)
    return Scene(
        subject=subject,
        world=world,
        policy=policy,
        plan=plan,
        entitlement=_entitlement(subject, ruled),
        actions=actions,
        kept_back=_kept_back(subject, world, policy, actions),
        wait_entry=next((w for w in plan.waiting if w.member == subject.member), None),
        place=place_of(subject.member, plan),
    )


def _explained(scene: Scene, groups: frozenset[str], ruled: Entitlement) -> Explanation:
    """As if nothing stood in the way of the plan."""
    subject, policy = scene.subject, scene.policy
    rules = rules_seen(groups, ruled, policy)
    found = _found(scene, rules, ruled)
    remarks = tuple(_remarks(scene, ruled))
    return Explanation(
        user_name=subject.name,
        member=subject.member,
        user=subject.user,
        groups=groups,
        entitlement=scene.entitlement,
        account=subject.account,
        linked=subject.link is not None,
        actions=scene.actions,
        wait_entry=scene.wait_entry,
        position=scene.place.position if scene.place else None,
        notes=(*_notes(scene), *remarks),
        remarks=remarks,
        verdict=found,
        groups_seen=groups_seen(subject.external_id, scene.world.snapshot, policy),
        rules=rules,
        roles=roles_given(scene.entitlement.roles, groups, policy),
        options=tuple(_options(scene, found.finding)),
        place=scene.place,
        holding=subject.holding,
        invite=subject.invite,
        kept_back=scene.kept_back,
    )


def _found(scene: Scene, rules: tuple[RuleSeen, ...], ruled: Entitlement) -> Verdict:
    """What became of them, and what a rule could do about it where they wait by the rules alone."""
    found = verdict(scene)
    if found.finding is not Finding.WAITING or scene.entitlement.options != ruled.options:
        return found
    return replace(found, next_steps=(*found.next_steps, *patience(rules, scene.policy)))


_HELD = "The guard holds this plan: nothing is written before `idpsync approve {}`."


def _obstacles(scene: Scene, held_by: tuple[str, ...], first_run: str) -> Iterator[str]:
    """Why what is planned for them is not written, or not yet."""
    if scene.policy.mode is Mode.OBSERVE:
        yield from _observed(scene)
    elif held_by:
        yield _HELD.format(scene.plan.digest)
    if first_run and (scene.actions or scene.subject.adoption):
        yield first_run


def _observed(scene: Scene) -> Iterator[str]:
    """For everybody of whom another mode would write something, be it a link, a mark or a wish."""
    subject = scene.subject
    if scene.actions or subject.adoption or scene.wait_entry or subject.departure(scene.plan):
        yield "policy.mode is observe: nothing of this is written."


def _entitlement(subject: Subject, ruled: Entitlement) -> Entitlement:
    """With what was given by hand; an invite gives it to those who are in, its role to newcomers."""
    invite, given = subject.invite, subject.assignment
    if not subject.works:
        return with_invite(with_assignment(ruled, given), invite)
    if invite:
        given = Assignment(subject.member, invite.tier, invite.invited_by, invite.invited_at)
    return with_assignment(ruled, given)


def _kept_back(
    subject: Subject, world: World, policy: Policy, actions: tuple[Action, ...]
) -> tuple[Action, ...]:
    """What mode full would do to the person beside what is done."""
    if policy.mode not in (Mode.CREATE_ONLY, Mode.NO_REMOVALS):
        return ()
    full = subject.actions(plan_anew(world, replace(policy, mode=Mode.FULL)))
    return tuple(action for action in full if action not in actions)


# --- the pool before one person -----------------------------------------------------------------------


def _options(scene: Scene, finding: Finding) -> Iterator[SeatOption]:
    """The tiers they may have, best liked first, and the one they hold beyond that.

    Whom policy does not decide about, or who leaves, has none but that one.
    """
    options = () if finding in NO_CHOICE else scene.entitlement.options
    before, after = scene.plan.pool_before, scene.plan.pool_after
    for tier in dict.fromkeys((*options, *(t for t in (scene.tier, scene.final) if t))):
        claim = Claim(scene.subject.member, scene.subject.name, (tier,))
        is_open = after.open_to(claim, tier) > 0
        because = _why(scene, tier, options) or ("open" if is_open else why_not(after, claim, tier))
        yield SeatOption(tier, scene.final == tier, is_open, because, before, after)


def _why(scene: Scene, tier: Tier, options: tuple[Tier, ...]) -> str:
    """What says more than whether there is room."""
    final = scene.final
    if tier == final:
        return "theirs"
    if tier == scene.tier and tier not in options:
        return "given back"
    if final in options and tier in options and options.index(tier) > options.index(final):
        return "not needed"
    return ""


# --- what else matters --------------------------------------------------------------------------------


def _notes(scene: Scene) -> Iterator[str]:
    """What the verdict tells in other words."""
    subject, plan = scene.subject, scene.plan
    if refusal := subject.refusal(plan):
        yield f"refused: {refusal.reason} ({'; '.join(refusal.because)})"
    if conflict := subject.conflict(plan):
        yield f"in conflict: {conflict.reason}: {', '.join(conflict.keys)}"
    if subject.user is None:
        yield "is not in the directory as it was just read"
    elif subject.user.active is None:
        yield "the directory does not say whether they are active: nothing is granted or taken"
    elif not subject.user.active:
        yield "is disabled in the directory"
    if subject.is_orphan(plan):
        yield "the account was never linked: idpsync does not touch it"
    if subject.is_protected(scene.policy):
        yield "the account is protected: no plan touches it"


def _remarks(scene: Scene, ruled: Entitlement) -> Iterator[str]:
    if adoption := scene.subject.adoption:
        words = adoption.matched_by.replace("_", " ")
        yield f"the account is found to be theirs by {words}, and is linked by the next run"
    yield from _reserved(scene)
    yield from _by_hand(scene.subject, ruled)
    yield from _over(scene)


def _reserved(scene: Scene) -> Iterator[str]:
    holding = scene.subject.holding
    if holding and not holding.settled and scene.tier is None:
        until = f" until {holding.expires_at:%Y-%m-%d %H:%M} UTC" if holding.expires_at else ""
        yield f"a {holding.tier} seat is reserved for them{until}"


def _by_hand(subject: Subject, ruled: Entitlement) -> Iterator[str]:
    """What was given by hand, and whether it holds."""
    if given := subject.assignment:
        said = f"{given.tier or 'no seat'} was given by hand by {given.by} on {given.at:%Y-%m-%d}"
        yield said if ruled.flexible else f"{said}, but a rule with a tier counts for more"
    if invite := subject.invite:
        yield (
            f"an invite is pending: {invite.tier} as {invite.role}, by {invite.invited_by}, "
            f"until {invite.expires_at:%Y-%m-%d %H:%M} UTC"
        )


def _over(scene: Scene) -> Iterator[str]:
    for over in scene.plan.over:
        if over.tier == scene.final:
            yield str(over)

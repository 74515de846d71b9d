"""What became of one person in a plan: one finding, one sentence, and what must happen next."""

from collections.abc import Iterator
from datetime import datetime

from idpsync.core.plan import KIND, Action, ChangeTier, DeactivateAccount, DeleteAccount
from idpsync.core.planner import LOGIN_WISH_LASTS
from idpsync.core.policy import LeaverAction, Mode, Policy
from idpsync.core.queueing import Place
from idpsync.core.scene import Finding, Scene, Verdict
from idpsync.core.seats import Door, Tier, WaitEntry


def verdict(scene: Scene) -> Verdict:
    """The first finding that holds."""
    return (
        _not_to_be_told_apart(scene)
        or _untouchable(scene)
        or _refused(scene)
        or _not_in_directory(scene)
        or _not_admitted(scene)
        or _about_the_seat(scene)
    )


# --- nobody decides about them ------------------------------------------------------------------------

_HOW_TO_TELL_APART = {
    "shared_username": "give each of them a user name of their own in the directory",
    "shared_email": "give each of them an e-mail address of their own in the directory",
    "claimed_twice": "remove the name or address that one of them should not have",
    "linked_twice": "deactivate or delete the account that should not be in use",
    "ambiguous_correlation": (
        "at the target, set the external id of the account that is theirs, or rename the other one"
    ),
    "id_reused": (
        "if it is the same person, change one name at the target to that of the directory; if it is "
        "another one, remove the account by hand"
    ),
}


def _not_to_be_told_apart(scene: Scene) -> Verdict | None:
    conflict = scene.subject.conflict(scene.plan)
    if conflict is None:
        return None
    words = conflict.reason.replace("_", " ")
    said = f"is in a conflict ({words}: {', '.join(conflict.keys)}): nothing is given or taken"
    step = _HOW_TO_TELL_APART.get(conflict.reason, "a person has to say which account is whose")
    return Verdict(Finding.CONFLICT, said, (f"To settle it: {step}.",))


def _untouchable(scene: Scene) -> Verdict | None:
    subject, keeps = scene.subject, _holds(scene.tier)
    if subject.is_primary_owner(scene.policy):
        said = f"is the primary owner and keeps what they have ({keeps}): no plan touches the account"
        return Verdict(Finding.PRIMARY_OWNER, said)
    if subject.is_protected(scene.policy):
        said = f"is protected and keeps what they have ({keeps}): no plan touches the account"
        step = "To let plans decide again: take them from organization.protected."
        return Verdict(Finding.PROTECTED, said, (step,))
    return None


_HOW_TO_ADMIT = {
    "domain_not_verified": (
        "have the domain verified and add it to organization.verified_domains, or correct the address "
        "in the directory"
    ),
    "guest": "set policy.guests to include, or invite them by hand",
    "not_assigned": "assign them to the application in the identity provider",
}


def _refused(scene: Scene) -> Verdict | None:
    refusal = scene.subject.refusal(scene.plan)
    if refusal is None:
        return None
    said = f"is refused: {'; '.join(refusal.because)}"
    step = _HOW_TO_ADMIT.get(refusal.reason)
    return Verdict(Finding.REFUSED, said, (f"To let them in: {step}.",) if step else ())


# --- not in the directory -----------------------------------------------------------------------------


def _not_in_directory(scene: Scene) -> Verdict | None:
    subject, plan = scene.subject, scene.plan
    if subject.user:
        return None
    if subject.account is None:
        return _known_by_a_book(scene)
    if subject.is_orphan(plan):
        said = f"has an account that idpsync never linked ({_holds(scene.tier)}) and does not touch"
        step = "It is adopted once the directory names a person with its external id, name or address."
        return Verdict(Finding.ORPHAN, said, (step,))
    if _loses(scene.actions):
        return _leaving(scene, "is no longer in the directory")
    departure = subject.departure(plan)
    if departure and (end := departure.since + scene.policy.leaver_grace) > scene.world.now:
        said = f"is missing in the directory since {_at(departure.since)} and keeps {_holds(scene.tier)}"
        then = f"Will be {_fate(scene.policy)} after {_at(end)}, unless the directory names them again."
        return Verdict(Finding.IN_GRACE, said, (then, *_restrained(scene)))
    if departure:
        if scene.kept_back:
            return _kept_back(scene, "is no longer in the directory")
        said = (
            "is no longer in the directory; the account is off already"
            if not scene.works
            else (f"is no longer in the directory and has an account: {_holds(scene.tier)}")
        )
        return Verdict(Finding.GONE, said)
    said = "was not named by the directory, which was not read whole: nothing is taken"
    return Verdict(Finding.UNDECIDED, said, (_whole_read(scene),))


def _known_by_a_book(scene: Scene) -> Verdict:
    subject = scene.subject
    if invite := subject.invite:
        said = f"was invited by hand and has not come in: {_holds(invite.tier)} is kept for them"
        step = f"They come in by logging in; the invite ends on {_at(invite.expires_at)}."
        return Verdict(Finding.INVITED, said, (step,))
    if wish := subject.wish or scene.wait_entry:
        said = f"is known from the wait list alone: waits for {wish.wants} since {_at(wish.since)}"
        return Verdict(Finding.ON_WAIT_LIST_ONLY, said, tuple(_of_a_stranger(scene, wish)))
    return Verdict(Finding.UNKNOWN, "is known to neither directory, target, wait list nor invites")


def _of_a_stranger(scene: Scene, wish: WaitEntry) -> Iterator[str]:
    if scene.place:
        yield from scene.place.sentences
    if wish.door is Door.JIT and scene.wait_entry:
        yield (
            f"They asked at the login door; the wish is kept until {_at(wish.since + LOGIN_WISH_LASTS)} "
            "and they have to log in again."
        )
    elif scene.wait_entry:
        yield "The wish is kept until the directory was read whole."
    else:
        yield "The next run drops the wish: nobody knows them any more."


def _leaving(scene: Scene, why: str) -> Verdict:
    said = f"{why} and will be {_fate_of(scene.actions)}"
    return Verdict(Finding.LEAVING, said, _restrained(scene))


# --- in the directory, but not admitted ---------------------------------------------------------------


def _not_admitted(scene: Scene) -> Verdict | None:
    user = scene.subject.user
    if user is None or (user.active and scene.entitlement.admitted):
        return None
    if user.active is None:
        said = "may be active or not, the directory does not say: nothing is given or taken"
        return Verdict(Finding.UNDECIDED, said, ("The directory has to say whether they are active.",))
    if _loses(scene.actions):
        because = "is disabled in the directory" if not user.active else "is let in by no rule"
        return _leaving(scene, because)
    if not user.active:
        return _disabled(scene)
    if scene.subject.invite and not scene.works:
        return _known_by_a_book(scene)
    groups = ", ".join(f"'{rule.group}'" for rule in scene.policy.rules if rule.says_tier)
    step = f"To let them in: add them to one of the groups {groups}." if groups else ""
    if not scene.works:
        said = "has no account: no rule lets them in (policy.without_rule is none)"
        return Verdict(Finding.NOT_ADMITTED, said, (step,) if step else ())
    if scene.kept_back:
        return _kept_back(scene, "is let in by no rule")
    said = f"is let in by no rule as far as groups were read, and keeps {_holds(scene.tier)}"
    return Verdict(Finding.UNDECIDED, said, (_whole_read(scene),))


def _disabled(scene: Scene) -> Verdict:
    if scene.works and scene.kept_back:
        return _kept_back(scene, "is disabled in the directory")
    off = "the account is off" if scene.subject.account else "no account is made"
    step = "Comes back once the directory says they are active."
    return Verdict(Finding.DISABLED, f"is disabled in the directory: {off}", (step,))


# --- who may have something ---------------------------------------------------------------------------


def _about_the_seat(scene: Scene) -> Verdict:
    final, entry = scene.final, scene.wait_entry
    if entry and scene.place:
        return _waits(scene, entry, scene.place)
    if not scene.works and not scene.arrives:
        return _not_yet(scene)
    if final is None and not scene.entitlement.options:
        return Verdict(Finding.SEATLESS, f"{_gets(scene)}, as agreed", tuple(_lower_later(scene)))
    if final is None:
        return _kept_back(scene, "has no seat")
    return Verdict(Finding.SEATED, _gets(scene), (*_lower_later(scene), *_restrained(scene)))


def _waits(scene: Scene, entry: WaitEntry, place: Place) -> Verdict:
    waits = f"waits for {entry.wants}, number {place.position} in the queue"
    if scene.final is None:
        account = ", with an account" if scene.works or scene.arrives else ""
        said = f"{waits}, and has no seat{account}"
        return Verdict(Finding.WAITING, said, (*place.sentences, *_restrained(scene)))
    said = f"{_gets(scene)} and {waits}"
    steps = (*place.sentences, *_lower_later(scene), *_restrained(scene))
    return Verdict(Finding.SPILLED, said, steps)


def _not_yet(scene: Scene) -> Verdict:
    if scene.kept_back:
        return _kept_back(scene, "has no account that works")
    said = (
        "has no account yet: no rule that was read gives them a tier, and a group that a rule names was "
        "not read whole"
    )
    return Verdict(Finding.UNDECIDED, said, (_whole_read(scene),))


def _lower_later(scene: Scene) -> Iterator[str]:
    """When somebody who holds more than policy gives is lowered."""
    ceiling, tier, holding = scene.entitlement.ceiling, scene.tier, scene.subject.holding
    if tier is None or scene.entitlement.flexible or scene.final != tier:
        return
    if ceiling is not None and tier >= ceiling:
        return
    lower = str(ceiling or "no seat")
    if scene.policy.mode not in (Mode.FULL, Mode.OBSERVE):
        yield f"May have {lower} only; policy.mode {scene.policy.mode.value} takes no tier."
    elif not scene.evidence.groups_complete:
        yield f"May have {lower} only as far as groups were read. {_whole_read(scene)}"
    elif holding and holding.door is Door.JIT and scene.policy.login_tier_sticks:
        yield f"May have {lower} by the rules, but keeps the tier of the login (jit.tier)."
    elif holding and (end := holding.since + scene.policy.min_hold) > scene.world.now:
        yield f"Keeps {tier} until {_at(end)} (policy.min_hold); may have {lower} from then on."
    else:
        yield f"May have {lower} only: moves there as soon as it has a free seat."


# --- words --------------------------------------------------------------------------------------------


def _gets(scene: Scene) -> str:
    tier, final = scene.tier, scene.final
    if not scene.works:
        return f"will get an account with {_holds(final)}"
    return f"has {_holds(final)}" if tier == final else f"moves from {_holds(tier)} to {_holds(final)}"


def _holds(tier: Tier | None) -> str:
    return str(tier) if tier else "no seat"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _whole_read(scene: Scene) -> str:
    groups = scene.world.snapshot.groups
    unread = [group.name for group in groups if not group.complete]
    unread += sorted({rule.group for rule in scene.policy.rules} - {group.name for group in groups})
    what = f" (not whole: {', '.join(unread[:3])})" if unread else ""
    return f"The directory has to be read whole first{what}."


def _loses(actions: tuple[Action, ...]) -> bool:
    return any(
        isinstance(a, DeactivateAccount | DeleteAccount)
        or (isinstance(a, ChangeTier) and a.tier is None)
        for a in actions
    )


def _fate_of(actions: tuple[Action, ...]) -> str:
    if any(isinstance(action, DeleteAccount) for action in actions):
        return "deleted"
    off = any(isinstance(action, DeactivateAccount) for action in actions)
    return "deactivated" if off else "left with an account without a seat"


def _fate(policy: Policy) -> str:
    match policy.leaver_action:
        case LeaverAction.DELETE:
            return "deleted"
        case LeaverAction.RELEASE_SEAT:
            return "left with an account without a seat"
        case LeaverAction.DEACTIVATE:
            return "deactivated"


def _kept_back(scene: Scene, why: str) -> Verdict:
    keeps = f" and keeps {scene.tier}" if scene.tier else ""
    return Verdict(Finding.KEPT_BACK, f"{why}{keeps}", _restrained(scene))


def _deed(action: Action) -> str:
    """What is done, in a few words."""
    kind = KIND[type(action)].replace("_", " ")
    return f"{kind} to {_holds(action.tier)}" if isinstance(action, ChangeTier) else kind


def _restrained(scene: Scene) -> tuple[str, ...]:
    """What the mode keeps back."""
    if not scene.kept_back:
        return ()
    kinds = ", ".join(dict.fromkeys(_deed(action) for action in scene.kept_back))
    return (f"policy.mode {scene.policy.mode.value} keeps back: {kinds}.",)

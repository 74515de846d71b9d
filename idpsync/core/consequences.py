"""What follows from assumptions: the plan with them beside the plan without them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from idpsync.core.assume import JOINS
from idpsync.core.model import DirectoryUser, fold
from idpsync.core.plan import (
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    Plan,
    ReactivateAccount,
    name_of,
)
from idpsync.core.seats import Tier, WaitEntry
from idpsync.core.world import World, has_seat

_LAST = 1_000  # ranks after every tier
_Key = tuple[str, str]  # the two worlds of ids are not one: "account" and its id, "person" and theirs
_Seats = dict[_Key, tuple[str, Tier | None]]


@dataclass(frozen=True, slots=True)
class Share:
    """So many of those who join fare alike: `tier` is what they get, `waits_for` what they wait for."""

    number: int
    tier: Tier | None
    waits_for: Tier | None
    says: str


@dataclass(frozen=True, slots=True)
class Joiners:
    """What becomes of the people who are made up in one group, the best off first."""

    group: str
    number: int
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody who would hold another tier because of the assumptions; None is no seat."""

    user_name: str
    without: Tier | None
    then: Tier | None

    def __str__(self) -> str:
        without, then = (str(tier or "no seat") for tier in (self.without, self.then))
        holds = f"keeps {then}" if then == without else f"{then} instead of {without}"
        return f"{self.user_name}: {holds}"


@dataclass(frozen=True, slots=True)
class Consequences:
    """`left` are those who leave a group; `lowered` and `raised` are others, the lowered ones displaced.

    `now_wait` and `wait_no_more` are people who are there today; those who wait now have no seat, or a
    lower one for it.
    """

    joiners: tuple[Joiners, ...]
    left: tuple[Shift, ...]
    lowered: tuple[Shift, ...]
    raised: tuple[Shift, ...]
    now_wait: tuple[WaitEntry, ...]
    wait_no_more: tuple[WaitEntry, ...]


def consequences(before: World, without: Plan, after: World, then: Plan) -> Consequences:
    """`without` is the plan for the world as it is, `then` the one for the world that is assumed."""
    made_up = [user for user in after.snapshot.users if JOINS in user.attributes]
    names = {fold(user.user_name) for user in made_up}
    leaving = _leaving(before, after)
    shifts = _shifts(before, without, then, made_up, leaving)
    others = [shift for who, shift in shifts if who not in leaving]
    lower = {fold(shift.user_name) for _, shift in shifts if _rank(shift.then) > _rank(shift.without)}
    waited, waits = ({w.member: w for w in plan.waiting} for plan in (without, then))
    new = {who: w for who, w in waits.items() if who not in waited and who not in names}
    return Consequences(
        joiners=_joiners(made_up, then),
        left=tuple(shift for who, shift in shifts if who in leaving),
        lowered=tuple(s for s in others if _rank(s.then) > _rank(s.without)),
        raised=tuple(s for s in others if _rank(s.then) < _rank(s.without)),
        now_wait=tuple(w for who, w in new.items() if w.holds is None or who in lower),
        wait_no_more=tuple(w for who, w in waited.items() if who not in waits),
    )


def _leaving(before: World, after: World) -> set[str]:
    """Directory ids of those who left a group."""
    members = {group.name: group.members or frozenset() for group in after.snapshot.groups}
    return {
        external_id
        for group in before.snapshot.groups
        for external_id in (group.members or frozenset()) - members[group.name]
    }


def _shifts(
    world: World,
    without: Plan,
    then: Plan,
    made_up: Iterable[DirectoryUser],
    leaving: AbstractSet[str],
) -> list[tuple[str, Shift]]:
    """Everybody of today whom a plan moves or who leaves a group, by directory id where one is known."""
    person_of = {link.account_id: link.external_id for link in world.links}
    new = {("person", user.external_id) for user in made_up}
    now: _Seats = {
        ("account", a.id): (a.user_name, a.tier if has_seat(a) else None) for a in world.accounts
    }
    first, last = _moved(without), _moved(then)
    left = {key for key in now if person_of.get(key[1]) in leaving}
    shifts = []
    for key in (first.keys() | last.keys() | left) - new:
        name = (now.get(key) or first.get(key) or last[key])[0]
        held, holds = ((moved.get(key) or now.get(key, ("", None)))[1] for moved in (first, last))
        kind, one = key
        who = person_of.get(one, "") if kind == "account" else one
        shifts.append((who, Shift(name, held, holds)))
    return sorted(shifts, key=lambda shift: shift[1].user_name)


def _moved(plan: Plan) -> _Seats:
    """Those whose seat the plan touches, and what they hold once it is carried out."""
    seats: _Seats = {}
    for action in plan.actions:
        name = action.profile.user_name
        match action:
            case CreateAccount(external_id=one, tier=tier):
                seats["person", one] = name, tier
            case ChangeTier(account_id=one, tier=tier) | ReactivateAccount(account_id=one, tier=tier):
                seats["account", one] = name, tier
            case DeactivateAccount(account_id=one) | DeleteAccount(account_id=one):
                seats["account", one] = name, None
            case _:
                pass
    return seats


def _rank(tier: Tier | None) -> int:
    return tier.rank if tier else _LAST


# --- those who join -----------------------------------------------------------------------------------


def _joiners(made_up: Iterable[DirectoryUser], plan: Plan) -> tuple[Joiners, ...]:
    got = {a.external_id: a.tier for a in plan.actions if isinstance(a, CreateAccount)}
    waits = {entry.member: entry.wants for entry in plan.waiting}
    shares: dict[str, Counter[tuple[Tier | None, Tier | None, str]]] = {}
    for user in made_up:
        wants = waits.get(fold(user.user_name))
        says = _fares(user.external_id, got, wants)
        share = (got.get(user.external_id), wants, says)
        shares.setdefault(user.attributes[JOINS], Counter())[share] += 1
    return tuple(_together(group, counted) for group, counted in shares.items())


def _together(group: str, counted: Counter[tuple[Tier | None, Tier | None, str]]) -> Joiners:
    shares = [Share(number, *share) for share, number in counted.items()]
    best_first = sorted(shares, key=lambda s: (_rank(s.tier), _rank(s.waits_for), s.says))
    return Joiners(group, counted.total(), tuple(best_first))


def _fares(external_id: str, got: Mapping[str, Tier | None], wants: Tier | None) -> str:
    if external_id not in got:
        return f"nothing yet, waiting for {wants}" if wants else "nothing: no account is made for them"
    seat = str(got[external_id] or "an account without a seat")
    return f"{seat} for now, waiting for {wants}" if wants else seat


# --- for people and for scripts -----------------------------------------------------------------------

MOST_NAMED = 5


def sentences(found: Consequences) -> tuple[str, ...]:
    """What follows, in as few sentences as it takes; names are cut short, `--json` has them all."""
    said = []
    for joiners in found.joiners:
        shares = "; ".join(f"{share.number} {_get(share)} {share.says}" for share in joiners.shares)
        said.append(f"Of {joiners.number} who join '{joiners.group}': {shares}.")
    said += _told("Leaves the group", "leave the group", found.left)
    said += _told("Is displaced", "are displaced", found.lowered)
    said += _told("Is better off", "are better off", found.raised)
    said += _told("Has to wait now", "have to wait now", [w.user_name for w in found.now_wait])
    said += _told("Waits no more", "wait no more", [w.user_name for w in found.wait_no_more])
    return tuple(said) or ("Nobody gains or loses anything by it.",)


def _get(share: Share) -> str:
    return "gets" if share.number == 1 else "get"


def _told(one: str, many: str, who: Iterable[object]) -> list[str]:
    named = [str(person) for person in who]
    if not named:
        return []
    more = f"; and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    start = one if len(named) == 1 else f"{len(named)} people {many}"
    return [f"{start}: {'; '.join(named[:MOST_NAMED])}{more}."]


def consequences_json(found: Consequences) -> dict[str, object]:
    """The `what_if` of a plan's document."""
    return {
        "says": list(sentences(found)),
        "joiners": [
            {
                "group": joiners.group,
                "number": joiners.number,
                "shares": [
                    {
                        "number": share.number,
                        "tier": name_of(share.tier),
                        "waits_for": name_of(share.waits_for),
                        "says": share.says,
                    }
                    for share in joiners.shares
                ],
            }
            for joiners in found.joiners
        ],
        "left": [_shift_json(shift) for shift in found.left],
        "displaced": [_shift_json(shift) for shift in found.lowered],
        "raised": [_shift_json(shift) for shift in found.raised],
        "now_wait": [entry.user_name for entry in found.now_wait],
        "wait_no_more": [entry.user_name for entry in found.wait_no_more],
    }


def _shift_json(shift: Shift) -> dict[str, object]:
    return {
        "user_name": shift.user_name,
        "without": name_of(shift.without),
        "then": name_of(shift.then),
    }

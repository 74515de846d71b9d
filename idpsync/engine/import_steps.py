"""What a file of members comes to: a step per row, the seats it needs, the order of its actions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from idpsync.core.errors import Problem
from idpsync.core.imports import MemberRow
from idpsync.core.model import Account
from idpsync.core.plan import Action, ChangeRoles, ChangeTier, CreateAccount, ReactivateAccount
from idpsync.core.seats import Claim, Door, Tier
from idpsync.core.sequence import Move, sequence
from idpsync.engine.by_hand import ByHand

BECAUSE = ("imported by hand",)


class Todo(StrEnum):
    """What a row comes to."""

    CREATE = "create"
    REACTIVATE = "reactivate"
    CHANGE = "change"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class ImportStep:
    """What one row would do; a change of tier goes from `move.left` to `move.to`.

    `notes` say what of the row is left alone, and why. `by_hand`: the tier holds from then on.
    """

    row: MemberRow
    todo: Todo
    member: str
    writes: tuple[CreateAccount | ReactivateAccount | ChangeRoles, ...] = ()
    move: Move | None = None
    account: Account | None = None
    by_hand: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """A whole file as it would be carried out: `actions` in their order. With a problem, none of it."""

    steps: tuple[ImportStep, ...]
    actions: tuple[Action, ...]
    problems: tuple[Problem, ...] = ()


class ImportSeats:
    """The seats that a file needs, and the order in which they change hands."""

    def __init__(self, by_hand: ByHand, steps: Sequence[ImportStep]) -> None:
        self.steps, self.ladder = steps, by_hand.policy.ladder
        pool = by_hand.rooms.seats.pool()
        anybody = Claim("", "", (), door=Door.MANUAL, seated=True)
        self.open = {tier: pool.open_to(anybody, tier) for tier in self.ladder}
        too_many = any(pool.balance(tier) < 0 for tier in self.ladder)
        self.room = max(0, pool.total_balance) if too_many else None
        holdings = by_hand.rooms.seats.holdings()
        self.reserved: Mapping[str, Tier] = {h.member: h.tier for h in holdings if not h.settled}

    def problems(self) -> Iterator[Problem]:
        """Tiers of which more seats are needed than are open."""
        needed: Counter[Tier] = Counter()
        for step in self.steps:
            if step.move:
                needed.update([step.move.to] if step.move.to else [])
                needed.subtract([step.move.left] if step.move.left else [])
            elif step.todo in (Todo.CREATE, Todo.REACTIVATE) and step.row.tier:
                needed[step.row.tier] += self.reserved.get(step.member) != step.row.tier
        if self.room is not None and needed.total() > self.room:
            yield Problem(
                "seat type",
                f"{needed.total()} more people would have a seat, and all tiers together have room for "
                f"{self.room}: `idpsync seats add` first",
            )
        for tier in self.ladder:
            short = needed[tier] - self.open[tier]
            if needed[tier] > 0 and short > 0:
                yield Problem(
                    "seat type",
                    f"more {tier} seats are needed ({needed[tier]}) than are open ({self.open[tier]}): "
                    f"`idpsync seats add {tier}={short}` first",
                )

    def ordered(self) -> Iterator[Action]:
        """Seats given up, moves, seats given; then roles, those who come back, those who are new."""
        moves = {step.move.member: (step.move, step.account) for step in self.steps if step.move}
        accounts = {member: account for member, (_, account) in moves.items() if account}
        every = [move for move, _ in moves.values()]
        given_up = [move for move in every if move.to is None]
        free = Counter(self.open)
        free.update(move.left for move in given_up if move.left)
        granted = [move for move in every if move.left is None]
        for move in (*given_up, *sequence(every, free), *granted):
            yield _change(accounts[move.member], move)
        for kind in (ChangeRoles, ReactivateAccount, CreateAccount):
            for step in self.steps:
                yield from (write for write in step.writes if isinstance(write, kind))


def _change(account: Account, move: Move) -> ChangeTier:
    return ChangeTier(
        account_id=account.id,
        profile=account.profile,
        external_id=account.external_id or "",
        previous_tier=move.left,
        tier=move.to,
        because=BECAUSE,
        yields_to=move.yields_to,
    )

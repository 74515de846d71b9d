"""What every act at the manual door shares: whom it is about, which seats are open to it, doing it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from idpsync.core.errors import LeaseLost, NoSeatAvailable, NotPossible
from idpsync.core.membership import Actor, Assignment, is_address, is_primary
from idpsync.core.model import Account
from idpsync.core.plan import Action
from idpsync.core.policy import Policy
from idpsync.core.records import Cause
from idpsync.core.seats import Claim, Door, Placement, Tier, place
from idpsync.core.world import NO_ASSIGNMENTS, has_seat
from idpsync.engine.leadership import lead
from idpsync.engine.perform import Performed, Performer
from idpsync.engine.rooms import Rooms
from idpsync.engine.roster import Known, Roster, keys_of

Progress = Callable[[int, int], None]

MEMBERS = "members"
"""The lease under which roles, tiers and access are taken by hand, one act after another."""


@dataclass(frozen=True, slots=True)
class ManualRule:
    """What the manual door obeys beside the policy.

    `open` is whether people may be invited and imported here at all; `primary_owner` and `protected`
    are folded names. `language` is that of invitations where nobody names one; `concurrency` how many
    people are written side by side at an import; `patience` how many seconds an act waits for another.
    """

    open: bool = True
    invite_lasts: timedelta = timedelta(days=21)
    primary_owner: str | None = None
    protected: frozenset[str] = frozenset()
    language: str = "en"
    concurrency: int = 4
    patience: float = 10.0


class ByHand:
    """The parts of the door, and what they do alike."""

    def __init__(self, rooms: Rooms, policy: Policy, rule: ManualRule) -> None:
        self.rooms, self.policy, self.rule = rooms, policy, rule
        self.roster = Roster(rooms, policy)

    def member(self, name: str, *, may_invite: bool = False) -> tuple[Known, Account]:
        """Somebody with a working account; NotPossible says what else they are.

        `may_invite`: inviting them is advised where that can be done.
        """
        who = self.roster.find(name)
        if who.account and who.active:
            return who, who.account
        if who.invite:
            until = f"{who.invite.expires_at:%Y-%m-%d}"
            raise NotPossible(
                f"{name} has not come in yet: an invite is pending until {until}; to change it, "
                f"`idpsync members withdraw {who.invite.email}`, then invite them again"
            )
        state = "has no account here" if who.account is None else "has an account that is deactivated"
        invitable = is_address(name) and self.policy.admits_domain(name)
        asks = f"`idpsync members invite {name}` asks them in"
        lists = "`idpsync members` lists everybody"
        raise NotPossible(f"{name} {state}: {asks if may_invite and invitable else lists}")

    @contextmanager
    def alone(self, on_lost: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Nobody else changes members meanwhile: of two owners who demote each other one stays.

        LeaseLost when another act is not done in time; nothing was written then.
        """
        with ExitStack() as held:
            try:
                lease, patience = self.rooms.lease, self.rule.patience
                held.enter_context(lead(lease, patience=patience, name=MEMBERS, on_lost=on_lost))
            except LeaseLost as error:
                raise LeaseLost(
                    "somebody else changes members by hand at this moment, and nothing was written; try "
                    "again when they are done"
                ) from error
            yield

    def keeps_access(self, account: Account) -> bool:
        """Whether nothing may be taken from them: the primary owner, and those who are protected."""
        primary = is_primary(account, self.rule.primary_owner)
        return primary or not self.rule.protected.isdisjoint(keys_of(account.profile))

    def claim(self, who: Known, options: tuple[Tier, ...], actor: Actor, *, flexible: bool) -> Claim:
        """Their wish, with the place in the queue that they have already."""
        entries = self.rooms.waiting.entries()
        own = next((entry for entry in entries if entry.member == who.member), None)
        return Claim(
            member=who.member,
            user_name=who.account.user_name if who.account else who.name,
            options=options,
            priority=who.entitlement.priority,
            door=Door.MANUAL,
            since=own.since if own else None,
            flexible=flexible,
            because=(f"by hand ({actor.name})",),
            seated=who.account is not None and has_seat(who.account),
        )

    def look_for_seat(self, claim: Claim, helps: str = "") -> None:
        """NoSeatAvailable where none is open to the claim; `helps` is what helps besides buying."""
        placement = place(self.rooms.seats.pool(), claim)
        if placement.tier is None:
            raise no_seat(claim, placement, helps)

    def perform(
        self,
        actor: Actor,
        actions: Iterable[Action],
        given: Mapping[str, Assignment] = NO_ASSIGNMENTS,
        *,
        progress: Progress = lambda _done, _all: None,
        stopping: Event | None = None,
    ) -> tuple[Performed, ...]:
        """Carry out `actions`; the tiers `given` by hand are put down as each is done."""
        performer = Performer(
            self.rooms,
            Cause(actor.name),
            (),
            concurrency=self.rule.concurrency,
            stopping=stopping or Event(),
            door=Door.MANUAL,
            by_hand=given,
        )
        return performer.perform(actions, progress)


def no_seat(claim: Claim, placement: Placement, helps: str = "") -> NoSeatAvailable:
    """Why there is none, and what can be done."""
    why = placement.because[len(claim.because) :]
    ways = "buy seats (`idpsync seats add`), or take one back (`idpsync members assign EMAIL none`)"
    return NoSeatAvailable(claim.user_name, (*why, ways + helps))

"""A second opinion on who sits where, by trying every placement. It shares no code with the planner.

A *placement* gives each person one tier, or none. It is *possible* when

- nobody holds what they neither had nor accept, and nobody who had a seat is without one;
- nobody is worse off than before, in their own order of liking. What somebody may not have any more
  comes after everything they accept, and no seat at all comes last. Only with preempt may somebody
  step down, to another tier they accept;
- no tier takes anybody in beyond its seats, less those kept for logins. Where a tier has more people
  than seats, all tiers together take in no more newcomers than there are seats left in all.

*The order*: those who must leave a tier, then those owed a seat (there are none in these worlds), then
priority, then who has waited longest (who asks for the first time comes last), then the name.

Among possible placements these laws choose:

1. **Nothing is wasted.** No seat is free that somebody likes better than what they get.
2. **No move without a reason.** Whoever moves gets what they like better, or yields to somebody of
   strictly higher priority who comes into that tier, or by way of it into a higher one.
3. **No envy.** Nobody comes into a tier that somebody before them in the order wants and does not get
   (*plain envy*), and nobody can be put into a tier they like better at the cost of people after them
   alone, each of whom may fall back as far as what they had (*just envy*). It holds as well where
   full tiers exchange people because somebody must leave, and where tiers have more people than seats.
4. **As many as can be.** Of all possible placements without envy none seats more people. Where everybody
   spills down, nothing is kept and nobody must leave, no placement at all seats more. Elsewhere number
   and order can be at odds, and the order comes first:

   - Two newcomers, one seat in each of two tiers. The first may have either, the second waits for the
     better one. Two would sit if the first took the lower; the first gets the better, one sits.
   - Somebody moves up out of a tier whose last seat is kept for logins: theirs is not given on.
   - Somebody who must go down takes a seat that a newcomer could have had.
5. **Nothing left to take** (with preempt). Whoever waits cannot be let into a full tier by a chain of
   people who step down one after the other, each of lower priority than the one they yield to. Each
   priority is settled before the next lower one; among people of one priority free seats are given out
   first, so the order among several takers is not that of law 3.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

Placement = Mapping[str, int | None]
"""Name → tier, 0 the highest; None for no seat."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """One person: what they have, what they accept (best first), and what their place depends on.

    `waited` is how many days, None for whoever asks for the first time. `yields` says that a higher
    priority may take the tier they have, `seated` how many days they have had it.
    """

    name: str
    had: int | None
    accepts: tuple[int, ...]
    priority: int = 0
    waited: int | None = None
    yields: bool = False
    seated: int = 0

    @property
    def must_leave(self) -> bool:
        return self.had is not None and all(self.had < tier for tier in self.accepts)

    @property
    def place(self) -> tuple[bool, int, int, str]:
        """Sort key of the order."""
        days = -1 if self.waited is None else self.waited
        return (not self.must_leave, -self.priority, -days, self.name)

    def rank(self, tier: int | None) -> int:
        """How much they like it; smaller is better."""
        if tier is None:
            return 9
        return self.accepts.index(tier) if tier in self.accepts else 8

    @property
    def climb(self) -> tuple[int | None, ...]:
        """What they had and everything they like better, best first."""
        better = tuple(tier for tier in self.accepts if self.rank(tier) < self.rank(self.had))
        return (*better, self.had)


@dataclass(frozen=True, slots=True)
class Office:
    """A few people and a few seats; `kept` of them are for logins."""

    seats: tuple[int, ...]
    kept: tuple[int, ...]
    people: tuple[Somebody, ...]

    def had(self) -> Placement:
        return {who.name: who.had for who in self.people}

    def fits(self, placement: Placement) -> bool:
        """Whether there are the seats in each tier that somebody comes into, and in all together."""
        after = Counter(placement.values())
        for tier, seats in enumerate(self.seats):
            entered = any(placement[who.name] == tier != who.had for who in self.people)
            if entered and after[tier] > seats - self.kept[tier]:
                return False
        return self.newcomers(placement) <= self.room()

    def holds(self, placement: Placement) -> bool:
        """Whether no tier has grown beyond its seats: full tiers may exchange people, however full."""
        before, after = Counter(self.had().values()), Counter(placement.values())
        open_seats = [seats - kept for seats, kept in zip(self.seats, self.kept, strict=True)]
        grown = (after[tier] > max(seats, before[tier]) for tier, seats in enumerate(open_seats))
        return not any(grown) and self.newcomers(placement) <= self.room()

    def newcomers(self, placement: Placement) -> int:
        return sum(who.had is None and placement[who.name] is not None for who in self.people)

    def room(self) -> int:
        """How many newcomers all tiers together have seats for, if that matters."""
        before = Counter(self.had().values())
        free = [seats - before[tier] for tier, seats in enumerate(self.seats)]
        return max(0, sum(free)) if min(free) < 0 else len(self.people)

    def climbs(self) -> Iterator[Placement]:
        """Every possible placement in which nobody yields."""
        names = [who.name for who in self.people]
        for tiers in product(*(who.climb for who in self.people)):
            placement = dict(zip(names, tiers, strict=True))
            if self.fits(placement):
                yield placement


def just_envy(office: Office, placement: Placement) -> tuple[str, int] | None:
    """Somebody and a tier they could be put into at the cost of people after them alone, if any."""
    for who, tier in _wanted(office, placement):
        if any(office.fits(other) for other in _with(office, placement, who, tier)):
            return who.name, tier
    return None


def plain_envy(office: Office, placement: Placement) -> tuple[str, int] | None:
    """Somebody and a tier that is open to them, or that somebody after them came into, if any."""
    for who, tier in _wanted(office, placement):
        came = (other for other in office.people if placement[other.name] == tier != other.had)
        if any(other.place > who.place for other in came):
            return who.name, tier
    return wasted(office, placement)


def wasted(office: Office, placement: Placement) -> tuple[str, int] | None:
    """Somebody and a tier that they would like and that is open, if any."""
    open_to = (w for w in _wanted(office, placement) if office.fits({**placement, w[0].name: w[1]}))
    return next(((who.name, tier) for who, tier in open_to), None)


def _wanted(office: Office, placement: Placement) -> Iterator[tuple[Somebody, int]]:
    """Everybody with each tier that they like better than what they get."""
    for who in office.people:
        for tier in who.accepts:
            if who.rank(tier) < who.rank(placement[who.name]):
                yield who, tier


def _with(office: Office, placement: Placement, first: Somebody, tier: int) -> Iterator[Placement]:
    """Placements with `first` in `tier`, in which only people after them fall back."""
    choices: list[tuple[int | None, ...]] = []
    for who in office.people:
        has = placement[who.name]
        outranks = first.yields and who.priority > first.priority
        if who is first:
            choices.append((tier,))
        elif who.place < first.place or who.must_leave or outranks or has not in who.climb:
            choices.append((has,))
        else:
            choices.append(who.climb[who.climb.index(has) :])
    for tiers in product(*choices):
        yield dict(zip((who.name for who in office.people), tiers, strict=True))


def moved_for_nothing(office: Office, placement: Placement) -> list[str]:
    """People who like what they get less than what they had, and did not yield."""
    return [
        who.name
        for who in office.people
        if who.rank(placement[who.name]) > who.rank(who.had) and not _yielded(office, placement, who)
    ]


def _yielded(office: Office, placement: Placement, who: Somebody) -> bool:
    """Whether somebody of higher priority came where they were, or by way of it to a higher tier."""
    if who.had is None or not who.yields or placement[who.name] not in who.accepts:
        return False
    above = range(who.had + 1)
    return any(
        other.priority > who.priority and placement[other.name] != other.had
        for other in office.people
        if placement[other.name] in above
    )


def most_seated(office: Office, *, fair: bool) -> int:
    """The largest number of people that any placement seats; `fair`: any without plain envy."""
    placements = (p for p in office.climbs() if not fair or plain_envy(office, p) is None)
    return max(sum(tier is not None for tier in p.values()) for p in placements)


def left_to_take(office: Office, placement: Placement) -> tuple[str, int] | None:
    """Somebody who waits, and a tier that a chain of people stepping down could free for them."""
    for who, tier in _wanted(office, placement):
        if _chain(office, placement, who, tier):
            return who.name, tier
    return None


def _chain(office: Office, placement: Placement, taker: Somebody, tier: int) -> bool:
    """Whether `taker` can have `tier` if people there and below step down in turn."""
    moved = {**placement, taker.name: tier}
    if office.fits(moved):
        return True
    for who in office.people:
        if not who.yields or who.priority >= taker.priority or placement[who.name] != tier:
            continue
        lower = (other for other in who.accepts if other > tier)
        if any(_chain(office, moved, who, other) for other in lower):
            return True
    return False

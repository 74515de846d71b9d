"""The little language of the scenario tests: a small organisation in, everything its plan says out.

Whoever has a name is written `name[fact,key=value]`: `ada bob[disabled] cy[email=cyril]`. The person
ada is `id-ada` in the directory, `ada@acme.example` by name, and the account ada is theirs and linked
unless a fact says otherwise. Seats name the ladder, the highest tier first. A fact that is not known
here is an error, so that no slip in a table means nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from idpsync.core.membership import Assignment, Invite
from idpsync.core.model import Account, Coverage, DirectoryUser, Group, Link, Profile, Standing
from idpsync.core.policy import GroupRule, Guests, LeaverAction, Mode, Policy, WhenFull, WithoutRule
from idpsync.core.seats import Door, Holding, Ladder, Tier, WaitEntry
from idpsync.core.world import World
from tests import people as a
from tests.people import NOW


@dataclass(frozen=True, slots=True)
class Scenario:
    """One sentence about a plan, the world in which it holds, and all that the plan says there.

    Without `rules` there is one group per tier, by its name, `Contractors` (no seat) and `Admins` (the
    role admin). Groups that a rule names and `groups` does not are empty, and were read whole.
    `because` is a sentence that the plan must give for what it says of somebody.
    """

    says: str
    expect: tuple[str, ...] = ()
    people: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    accounts: str = ""
    seats: str = "2 premium, 5 standard"
    rules: tuple[str, ...] = ()
    policy: str = ""
    read: str = "complete"
    reserve: str = ""
    holds: str = ""
    waiting: str = ""
    by_hand: str = ""
    invites: str = ""
    because: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.says

    @property
    def ladder(self) -> Ladder:
        return Ladder.of(*(words.split()[1] for words in self.seats.split(", ")))

    def policy_made(self) -> Policy:
        chosen: dict[str, Any] = {}
        for said in filter(None, self.policy.split(", ")):
            key, _, value = said.partition(" ")
            chosen[key] = _POLICY[key](value)
        return Policy(ladder=self.ladder, rules=self._rules(), **chosen)

    def world_made(self) -> World:
        accounts = named(self.accounts, "off invited orphan unmarked seatless", self.ladder)
        read = a.snapshot(
            [_person(n) for n in named(self.people, "disabled unknown guest")],
            self._groups(),
            Coverage(self.read),
        )
        return a.world(
            read,
            [_account(n, self.ladder) for n in accounts],
            links=[_link(n) for n in accounts if "orphan" not in n.facts],
            seats=self._count(self.seats),
            reserved=self._count(self.reserve),
            waiting=[_wait(n, self.ladder) for n in named(self.waiting, "owed", self.ladder)],
            holdings=[*self._holdings(accounts)],
            assignments=[_given(n, self.ladder) for n in named(self.by_hand, "seatless", self.ladder)],
            invites=self._invites(),
        )

    def _rules(self) -> tuple[GroupRule, ...]:
        by_tier = tuple(f"{tier.name.title()} → {tier}" for tier in self.ladder)
        said = self.rules or (*by_tier, "Contractors → no seat", "Admins → role admin")
        return tuple(_rule(line, self.ladder) for line in said)

    def _groups(self) -> list[Group]:
        covered = [
            (named(key, " ".join(["unlisted", *Coverage]))[0], who) for key, who in self.groups.items()
        ]
        said = {n.name for n, _ in covered}
        empty = [
            a.group(name, ()) for name in {r.group: None for r in self._rules()} if name not in said
        ]
        return [*empty, *(_group(n, who) for n, who in covered if "unlisted" not in n.facts)]

    def _invites(self) -> list[Invite]:
        sent = named(self.invites, "", self.ladder)
        return [
            a.invite(n.name, _tier_said(n, self.ladder), role=n.values.get("role", "user")) for n in sent
        ]

    def _holdings(self, accounts: list["Named"]) -> Iterator[Holding]:
        for n in accounts:
            if "since" in n.values:
                door = Door(n.values.get("door", "sync"))
                seat = Holding(address(n.name), _tier_said(n, self.ladder), door, ago(n.values["since"]))
                yield replace(seat, account_id=f"acc-{n.name}")
        for n in named(self.holds, "moving settled", self.ladder):
            door = Door(n.values.get("door", "jit"))
            hold = Holding(address(n.name), _tier_said(n, self.ladder), door, NOW)
            account_id = f"acc-{n.name}" if n.facts & {"moving", "settled"} else None
            yield replace(hold, account_id=account_id, moving="moving" in n.facts)
        for invite in self._invites():
            yield Holding(invite.member, invite.tier, Door.MANUAL, NOW, expires_at=invite.expires_at)

    def _count(self, seats: str) -> dict[Tier, int]:
        pairs = (words.split() for words in seats.split(", ") if words)
        return {self.ladder.named(tier): int(number) for number, tier in pairs}


# --- words --------------------------------------------------------------------------------------------

_VALUES = {
    *("called", "user_name", "email", "given_name", "family_name", "display_name", "since", "door"),
    *("roles", "role", "mark", "linked", "source", "missing", "id", "holding", "accepts"),
}


@dataclass(frozen=True, slots=True)
class Named:
    """`name[fact,key=value]`."""

    name: str
    facts: frozenset[str]
    values: Mapping[str, str]


def named(text: str, facts: str = "", ladder: Ladder | None = None) -> list[Named]:
    """Everybody in `text`; ValueError for a fact that is not among `facts` or the tiers."""
    allowed = {*facts.split(), *(tier.name for tier in ladder or ())}
    return [_named(word, allowed) for word in text.split()]


def _named(word: str, allowed: set[str]) -> Named:
    match = re.fullmatch(r"([^\[\]]+)(?:\[([^\[\]]+)\])?", word)
    said = (match[2] or "").split(",") if match else []
    values = dict(part.split("=", 1) for part in said if "=" in part)
    facts = {part for part in said if part and "=" not in part}
    if match is None or facts - allowed or values.keys() - _VALUES:
        raise ValueError(f"not understood: {word!r}")
    return Named(match[1], frozenset(facts), values)


def address(name: str) -> str:
    return name if "@" in name else f"{name}@acme.example"


def span(text: str) -> timedelta:
    """`49h` or `3d`."""
    return timedelta(**{{"h": "hours", "d": "days"}[text[-1]]: int(text[:-1])})


def ago(text: str) -> datetime:
    return NOW - span(text)


_POLICY: Mapping[str, Callable[[str], object]] = {
    "preempt": lambda _: True,
    "login_tier_sticks": lambda _: True,
    "guests": Guests,
    "when_full": WhenFull,
    "without_rule": WithoutRule,
    "leaver_action": LeaverAction,
    "leaver_grace": span,
    "min_hold": span,
    "mode": Mode,
    "primary_owner": address,
    "protected": lambda names: frozenset(address(name) for name in names.split()),
    "verified_domains": lambda names: frozenset(names.split()),
}


# --- the parts of a world -----------------------------------------------------------------------------


def _rule(line: str, ladder: Ladder) -> GroupRule:
    """`Premium → premium, role admin, priority 10, waits`."""
    group, _, said = line.partition(" → ")
    rule = GroupRule(group)
    for part in said.split(", "):
        word, _, value = part.partition(" ")
        match word:
            case "no":
                rule = replace(rule, seatless=True)
            case "role":
                rule = replace(rule, role=value)
            case "priority":
                rule = replace(rule, priority=int(value))
            case "waits":
                rule = replace(rule, when_full=WhenFull.WAIT)
            case "spills":
                rule = replace(rule, when_full=WhenFull.SPILL_DOWN)
            case _:
                rule = replace(rule, tier=ladder.named(word))
    return rule


def _group(n: Named, members: str) -> Group:
    coverage = next((Coverage(fact) for fact in n.facts), Coverage.COMPLETE)
    seen = members.split() if coverage not in (Coverage.FAILED, Coverage.GONE) else None
    return a.group(n.name, seen, coverage)


def _person(n: Named) -> DirectoryUser:
    active = None if "unknown" in n.facts else "disabled" not in n.facts
    attributes = {"user_type": "Guest"} if "guest" in n.facts else {}
    return DirectoryUser(a.SOURCE, f"id-{n.name}", _profile(n), active, attributes)


def _profile(n: Named) -> Profile:
    made = a.profile(n.values.get("called", n.name))
    if "user_name" in n.values:
        made = replace(made, user_name=address(n.values["user_name"]))
    if "email" in n.values:
        said = n.values["email"]
        made = replace(made, email=address(said) if said else None)
    spoken = ("given_name", "family_name", "display_name")
    names = {key: n.values[key] for key in spoken if key in n.values}
    return replace(made, **names)


def _account(n: Named, ladder: Ladder) -> Account:
    standings = {"off": Standing.DEACTIVATED, "invited": Standing.INVITED}
    mark = None if "unmarked" in n.facts else f"id-{n.values.get('mark', n.name)}"
    return Account(
        id=f"acc-{n.values.get('id', n.name)}",
        profile=_profile(n),
        standing=next((standings[f] for f in n.facts if f in standings), Standing.ACTIVE),
        tier=_tier_of(n, ladder),
        external_id=mark,
        roles=frozenset(filter(None, n.values.get("roles", "").split("+"))),
    )


def _link(n: Named) -> Link:
    missing = ago(n.values["missing"]) if "missing" in n.values else None
    made = a.link(n.values.get("linked", n.name), missing)
    source = n.values.get("source", made.source)
    return replace(made, account_id=f"acc-{n.values.get('id', n.name)}", source=source)


def _wait(n: Named, ladder: Ladder) -> WaitEntry:
    accepts = filter(None, n.values.get("accepts", "").split("+"))
    return WaitEntry(
        member=address(n.name),
        user_name=address(n.name),
        wants=_tier_said(n, ladder),
        since=ago(n.values.get("since", "0h")),
        holds=ladder.named(n.values["holding"]) if "holding" in n.values else None,
        owed="owed" in n.facts,
        accepts=tuple(ladder.named(tier) for tier in accepts),
        door=Door(n.values.get("door", "sync")),
    )


def _given(n: Named, ladder: Ladder) -> Assignment:
    return a.given(n.name, _tier_of(n, ladder))


def _tier_of(n: Named, ladder: Ladder) -> Tier | None:
    return next((tier for tier in ladder if tier.name in n.facts), None)


def _tier_said(n: Named, ladder: Ladder) -> Tier:
    """The tier that must be said."""
    tier = _tier_of(n, ladder)
    if tier is None:
        raise ValueError(f"{n.name}: which tier?")
    return tier

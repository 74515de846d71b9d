"""Drift: what differs at the target from what idpsync last knew there, and idpsync did not do.

What is kept of an account is one line of text. Lines are compared whole and taken apart only where they
differ, so that a target where nothing happened costs one comparison per account.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from idpsync.core.model import Account, Profile, Standing, fold
from idpsync.core.seats import Ladder

IN_DOUBT = ""
"""The line of an account of which it is not known how it is: a write of ours without an answer."""

TOLD = 5
"""Differences that a sentence spells out; the rest is counted."""

_PROFILE = ("user_name", "email", "given_name", "family_name", "display_name", "external_id")
_FIELDS = (*_PROFILE, "standing", "tier", "roles")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_Facts = Mapping[str, str | None]


class DriftKind(StrEnum):
    """What somebody did to an account at the target."""

    MADE = "made"
    GONE = "gone"
    STANDING = "standing"
    TIER = "tier"
    ROLES = "roles"
    PROFILE = "profile"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `attribute` is what of the account differs; of one made or gone, its tier."""

    kind: DriftKind
    account_id: str
    user_name: str
    attribute: str
    before: str | None
    after: str | None

    @property
    def member(self) -> str:
        return fold(self.user_name)

    @property
    def detail(self) -> dict[str, object]:
        """The difference as plain JSON values."""
        return {
            "kind": self.kind.value,
            "attribute": self.attribute,
            "before": self.before,
            "after": self.after,
        }

    def __str__(self) -> str:
        match self.kind:
            case DriftKind.MADE:
                return f"{self.user_name}: account made, with {self.after or 'no seat'}"
            case DriftKind.GONE:
                return f"{self.user_name}: account gone, it had {self.before or 'no seat'}"
            case _:
                return f"{self.user_name}: {self.attribute} {self._said(self.before, self.after)}"

    def _said(self, before: str | None, after: str | None) -> str:
        nothing = "no seat" if self.kind is DriftKind.TIER else "none"
        return f"{before or nothing} → {after or nothing}"


def facts_of(account: Account) -> str:
    """What is kept of an account, as one line."""
    profile = account.profile
    return _encode(
        (
            profile.user_name,
            profile.email,
            profile.given_name,
            profile.family_name,
            profile.display_name,
            account.external_id,
            account.standing.value,
            account.tier.name if account.tier else None,
            ", ".join(sorted(account.roles)),
        )
    )


def account_of(account_id: str, line: str, ladder: Ladder) -> Account:
    """The account that the line of `facts_of` was kept of, as far as it tells.

    KeyError for a tier that the ladder has not. A role whose name holds a comma comes back as two.
    """
    facts = _facts(line)
    tier, roles = facts["tier"], facts["roles"] or ""
    return Account(
        id=account_id,
        profile=Profile(
            user_name=facts["user_name"] or "",
            email=facts["email"],
            given_name=facts["given_name"] or "",
            family_name=facts["family_name"] or "",
            display_name=facts["display_name"] or "",
        ),
        standing=Standing(facts["standing"] or ""),
        tier=None if tier is None else ladder.named(tier),
        external_id=facts["external_id"],
        roles=frozenset(filter(None, roles.split(", "))),
    )


def drift(known: Mapping[str, str], now: Iterable[Account]) -> tuple[Drift, ...]:
    """What differs between `known`, lines by account id, and all accounts as listed `now`.

    Nothing is said of what is in doubt. That an invited person came in is their own doing, also where
    the account has a new id then.
    """
    lines = {account.id: facts_of(account) for account in now}
    changed = {key for key, line in lines.items() if key in known and known[key] not in (line, IN_DOUBT)}
    made = {key: _facts(line) for key, line in lines.items() if key not in known}
    gone = {key: _facts(line) for key, line in known.items() if line and key not in lines}
    silent = _came_in(gone, made) | {key for key, line in known.items() if not line}
    found = [
        *(one for key in changed for one in _differences(key, _facts(known[key]), _facts(lines[key]))),
        *(_made(key, facts) for key, facts in made.items()),
        *(_gone(key, facts) for key, facts in gone.items()),
    ]
    return tuple(sorted((one for one in found if one.member not in silent), key=_order))


def _order(one: Drift) -> tuple[str, str, int]:
    return one.member, one.account_id, _FIELDS.index(one.attribute)


def _facts(line: str) -> _Facts:
    return dict(zip(_FIELDS, json.loads(line), strict=True))


def _came_in(gone: Mapping[str, _Facts], made: Mapping[str, _Facts]) -> set[str]:
    """Members whose invite became an account under another id."""
    invited = {_member(facts) for facts in gone.values() if facts["standing"] == Standing.INVITED}
    return invited & {_member(facts) for facts in made.values()}


def _member(facts: _Facts) -> str:
    return fold(facts["user_name"] or "")


def _made(account_id: str, facts: _Facts) -> Drift:
    name = facts["user_name"] or ""
    return Drift(DriftKind.MADE, account_id, name, "tier", None, facts["tier"])


def _gone(account_id: str, facts: _Facts) -> Drift:
    name = facts["user_name"] or ""
    return Drift(DriftKind.GONE, account_id, name, "tier", facts["tier"], None)


def _differences(account_id: str, before: _Facts, after: _Facts) -> Iterator[Drift]:
    for name in _FIELDS:
        came_in = name == "standing" and (before[name], after[name]) == ("invited", "active")
        if before[name] != after[name] and not came_in:
            kind = DriftKind.PROFILE if name in _PROFILE else DriftKind(name)
            yield Drift(kind, account_id, after["user_name"] or "", name, before[name], after[name])


def told_drift(drifts: tuple[Drift, ...]) -> tuple[str, ...]:
    """The differences in one sentence; none, no sentence."""
    if not drifts:
        return ()
    more = f"; and {len(drifts) - TOLD} more" if len(drifts) > TOLD else ""
    listed = "; ".join(str(one) for one in drifts[:TOLD])
    return (f"Changed at the target, and not by idpsync: {listed}{more}",)


def drift_json(drifts: Iterable[Drift]) -> list[dict[str, object]]:
    """The differences in the shape of `plan --json`."""
    return [{"user_name": one.user_name, "account_id": one.account_id, **one.detail} for one in drifts]

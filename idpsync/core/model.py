"""What is read: people and groups from a directory, accounts from a target, links between them."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from idpsync.core.seats import Tier

PRIMARY_OWNER, OWNER, ADMIN, USER = "primary_owner", "owner", "admin", "user"
"""Roles that replace each other, the most powerful first; all others add up."""

NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})

ALSO = "id in "
"""Attributes that begin so name a further directory and the id that a person has there."""


def fold(name: str) -> str:
    """The form in which user names and e-mail addresses are compared (NFC, case folded).

    SCIM compares `userName` without case (RFC 7643 §4.1.1); mail domains are case-insensitive
    (RFC 5321 §2.4) and no provider in the field keeps two mailboxes apart by case.
    """
    if name.isascii():
        return name.strip().lower()
    return unicodedata.normalize("NFC", name.strip()).casefold()


def fold_all(names: Sequence[str]) -> list[str]:
    """`fold` of each, in a few passes over all of them at once."""
    joined = "|".join(names)  # no mark combines with it: names stay apart
    if joined.split(None, 1) != [joined]:  # one may begin or end with a blank
        return [fold(name) for name in names]
    text = joined if joined.isascii() else unicodedata.normalize("NFC", joined)
    text = text.casefold()
    if text == joined:
        return list(names)  # all of them are folded as they stand
    folded = text.split("|")
    return folded if len(folded) == len(names) else [fold(name) for name in names]


class Coverage(StrEnum):
    """How much of what was asked for a read really returned."""

    COMPLETE = "complete"  # a positive end mark was seen
    SUSPECT = "suspect"  # ended well, but contradicts what is known: empty, or a canary is missing
    PARTIAL = "partial"  # cut: size limit, deadline, unreadable rows
    FAILED = "failed"  # nothing usable came
    GONE = "gone"  # the group or base does not exist


@dataclass(frozen=True, slots=True)
class Profile:
    """What an account should be called; the attributes idpsync keeps in step."""

    user_name: str
    email: str | None = None
    given_name: str = ""
    family_name: str = ""
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """One person as a directory tells it.

    `external_id` never changes in the identity provider (Okta id, Entra object id, entryUUID).
    `active` is None when the directory did not say: such a person is neither granted nor taken from.
    """

    source: str
    external_id: str
    profile: Profile
    active: bool | None = True
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_ATTRIBUTES)

    @property
    def user_name(self) -> str:
        return self.profile.user_name

    @property
    def guest(self) -> bool:
        """Whether the directory calls them a guest of somebody else (Entra's `userType`)."""
        said = self.attributes.get("user_type") or self.attributes.get("userType") or ""
        return said.casefold() == "guest"

    @property
    def other_ids(self) -> tuple[str, ...]:
        """The ids under which further directories of the organisation know the same person."""
        return tuple(value for name, value in self.attributes.items() if name.startswith(ALSO))


@dataclass(frozen=True, slots=True)
class Proof:
    """How a listing came to its end: the protocol's own mark ("no rel=next"), after so many pages.

    `expected` is how many there should be by an independent count, None where nobody counts.
    """

    ended_by: str
    pages: int
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One directory group; `members` are external ids, None when they could not be read."""

    name: str
    external_id: str
    members: frozenset[str] | None
    coverage: Coverage = Coverage.COMPLETE
    reason: str = ""
    proof: Proof | None = field(default=None, compare=False)

    @property
    def complete(self) -> bool:
        return self.coverage is Coverage.COMPLETE and self.members is not None


@dataclass(frozen=True, slots=True)
class DirectorySnapshot:
    """One read of one directory. Anything but complete forbids removals, per group.

    Every group that was asked for is listed, the unreadable ones too, so that "no members" and
    "could not be read" never look alike. `cursor` is where an incremental read would go on. `scope`
    names what was asked for (server, base, filter, application): another scope, another set of people.
    `other_groups` are groups that nothing asks for, external id → name, as far as the source saw them:
    a group that is gone may be among them under its new name. `requests` is what the read cost the
    directory, answered by a pause so many times: `throttled`. `several`: of more directories than one.
    """

    source: str
    taken_at: datetime
    users: tuple[DirectoryUser, ...]
    groups: tuple[Group, ...]
    users_coverage: Coverage = Coverage.COMPLETE
    problems: tuple[str, ...] = ()
    cursor: str | None = None
    scope: str = ""
    other_groups: Mapping[str, str] = field(default_factory=lambda: NO_ATTRIBUTES)
    users_proof: Proof | None = field(default=None, compare=False)
    requests: int = field(default=0, compare=False)
    throttled: int = field(default=0, compare=False)
    several: bool = field(default=False, compare=False)

    @property
    def complete(self) -> bool:
        return self.users_coverage is Coverage.COMPLETE and all(g.complete for g in self.groups)


class Standing(StrEnum):
    """Where an account is in its life."""

    INVITED = "invited"  # pending invite: holds a seat, cannot work yet
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True)
class Account:
    """One user resource at a target."""

    id: str
    profile: Profile
    standing: Standing
    tier: Tier | None = None
    external_id: str | None = None
    roles: frozenset[str] = frozenset()
    last_active_at: datetime | None = None
    version: str | None = None

    @property
    def user_name(self) -> str:
        return self.profile.user_name

    @property
    def member(self) -> str:
        """The key under which every door counts this person's seat."""
        return fold(self.profile.user_name)


@dataclass(frozen=True, slots=True)
class Link:
    """Our claim on an account: without one it is an orphan and untouchable.

    `missing_since` is when a complete read first did not name the person (grace runs from it).
    """

    account_id: str
    source: str
    external_id: str
    adopted_at: datetime
    missing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """Who stands at the login door, as the identity provider vouches for them.

    `groups` is None when the assertion does not say (Entra above 150 groups): unknown, never "none".
    """

    source: str
    name_id: str
    profile: Profile
    groups: frozenset[str] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def member(self) -> str:
        return fold(self.profile.user_name)

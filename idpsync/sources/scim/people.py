"""User resources as people (RFC 7643 §4.1)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from idpsync.core.model import NO_ATTRIBUTES, DirectoryUser, Profile
from idpsync.scim_client.messages import Element, RemoteUser, member, own_key, read_bool, read_text

SOURCE = "scim"
KEPT = {"user_type": "userType", "title": "title", "external_id": "externalId"}


@dataclass(frozen=True, slots=True)
class Seen:
    """One User resource as far as it is kept. `silent`: it has no attribute `active`.

    `groups` are those it calls itself a direct member of.
    """

    user: DirectoryUser
    silent: bool
    groups: tuple[str, ...]


def seen(row: RemoteUser) -> Seen:
    """What is kept of one resource."""
    value = member(row.raw, "active")
    profile = Profile(
        user_name=row.user_name,
        email=row.email,
        given_name=row.text("name.givenName"),
        family_name=row.text("name.familyName"),
        display_name=row.text("displayName"),
    )
    kept = {name: text for name, path in KEPT.items() if (text := row.text(path))}
    return Seen(
        user=DirectoryUser(SOURCE, row.id, profile, read_bool(value), kept or NO_ATTRIBUTES),
        silent=own_key(row.raw, "active") not in row.raw,
        groups=tuple(_direct(row.elements("groups"))),
    )


def _direct(groups: Iterable[Element]) -> Iterable[str]:
    for element in groups:
        how = read_text(member(element, "type")) or "direct"
        identifier = read_text(member(element, "value"))
        if identifier and how.casefold() == "direct":
            yield identifier


def says_true(people: Iterable[Seen]) -> bool:
    """Whether this provider writes `active` for those who are: then its absence is no yes."""
    return any(one.user.active for one in people)


def judged(one: Seen, *, when_silent: bool | None) -> DirectoryUser:
    """The person. RFC 7643 §4.1.1 leaves open what the absence of `active` means."""
    return replace(one.user, active=when_silent) if one.silent else one.user


def counted(people: Iterable[Seen]) -> Mapping[str, int] | None:
    """How many call themselves direct members of each group; None where nobody says a word of it."""
    counts = Counter(group for one in people for group in set(one.groups))
    return counts or None

"""Our nouns in SCIM's attributes, and back (RFC 7643 §4.1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from idpsync.core.model import Account, Profile, Standing
from idpsync.core.seats import Ladder, Tier
from idpsync.scim_client import RemoteUser
from idpsync.scim_client.levers import ElementLever, Lever
from idpsync.scim_client.messages import Element, chosen_email, member, read_text

EVERYTHING = ("user_name", "email", "given_name", "family_name", "display_name")
SINGLE = {
    "user_name": "userName",
    "given_name": "name.givenName",
    "family_name": "name.familyName",
    "display_name": "displayName",
}


@dataclass(frozen=True)
class TierValues:
    """The names that one provider has for the tiers of the ladder."""

    ladder: Ladder
    values: Mapping[str, str]

    def value_of(self, tier: Tier | None) -> str | None:
        return self.values.get(tier.name, tier.name) if tier else None

    def tier_of(self, values: Iterable[str]) -> Tier | None:
        """The highest tier that one of the values names; None when none does."""
        named = (self._tiers.get(value.casefold()) for value in values)
        return min((tier for tier in named if tier), default=None)

    @cached_property
    def _tiers(self) -> Mapping[str, Tier]:
        """The highest tier of each folded value."""
        return {str(self.value_of(tier)).casefold(): tier for tier in reversed(self.ladder.tiers)}


def account_of(user: RemoteUser, lever: Lever, tiers: TierValues) -> Account:
    """The account that a User resource is."""
    return Account(
        id=user.id,
        profile=Profile(
            user_name=user.user_name,
            email=user.email,
            given_name=user.text("name.givenName"),
            family_name=user.text("name.familyName"),
            display_name=user.text("displayName"),
        ),
        standing=Standing.ACTIVE if user.active else Standing.DEACTIVATED,
        tier=tiers.tier_of(lever.read(user.raw)),
        external_id=user.external_id,
        roles=frozenset(_role_names(user, lever)),
        version=user.version,
    )


def draft_of(profile: Profile, external_id: str) -> dict[str, object]:
    """A new User resource; empty attributes are left out."""
    name = {"givenName": profile.given_name, "familyName": profile.family_name}
    name = {key: value for key, value in name.items() if value}
    draft: dict[str, object] = {
        "userName": profile.user_name,
        "externalId": external_id,
        "active": True,
        "name": name,
        "displayName": profile.display_name,
        "emails": [_email(profile.email)] if profile.email else [],
    }
    return {key: value for key, value in draft.items() if value not in ("", [], {})}


def profile_changes(user: RemoteUser, profile: Profile, names: Iterable[str]) -> dict[str, object]:
    """Path → value for the named fields of `profile`; an empty field takes the attribute away."""
    changes: dict[str, object] = {}
    for name in names:
        if name in SINGLE:
            changes[SINGLE[name]] = getattr(profile, name) or None
        elif name == "email":
            changes["emails"] = _with_email(user.elements("emails"), profile.email)
    return changes


def filled(profile: Profile) -> tuple[str, ...]:
    """The fields of a profile that say something."""
    return tuple(name for name in EVERYTHING if getattr(profile, name))


def role_elements(
    present: tuple[Element, ...], lever: Lever, wanted: frozenset[str], withdrawn: frozenset[str]
) -> list[Element]:
    """`roles` with the wanted ones in and the withdrawn ones out; everybody else's stay as they are."""
    roles = [each for each in present if not _is_seat(each, lever)]
    kept = [each for each in present if _is_seat(each, lever) or _value(each) not in withdrawn]
    missing = wanted - {_value(each) for each in roles}
    return [*kept, *({"value": name} for name in sorted(missing))]


def _role_names(user: RemoteUser, lever: Lever) -> list[str]:
    elements = (each for each in user.elements("roles") if not _is_seat(each, lever))
    return [value for value in map(_value, elements) if value]


def _is_seat(element: Element, lever: Lever) -> bool:
    return isinstance(lever, ElementLever) and lever.attribute == "roles" and lever.owns(element)


def _value(element: Element) -> str:
    return read_text(member(element, "value")) or ""


def _email(address: str) -> Element:
    return {"value": address, "type": "work", "primary": True}


def _with_email(present: tuple[Element, ...], address: str | None) -> list[Element]:
    """The addresses with ours replaced; others stay."""
    ours = chosen_email(present) if present else None
    others = [each for index, each in enumerate(present) if index != ours]
    if not address:
        return others
    if ours is not None and _value(present[ours]) == address:
        return list(present)
    return [_email(address), *others]

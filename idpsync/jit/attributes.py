"""From an assertion to a `Login`: who is this, in the words of Okta, Entra and everybody else?"""

from collections.abc import Mapping

from idpsync.core.errors import AssertionRejected
from idpsync.core.model import Login, Profile
from idpsync.jit.saml import Assertion
from idpsync.jit.settings import AttributeNames, Preset

_WS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_MS = "http://schemas.microsoft.com/identity/claims/"
_MS_2008 = "http://schemas.microsoft.com/ws/2008/06/identity/claims/"

OVERAGE = "http://schemas.microsoft.com/claims/groups.link"
"""Entra sends this instead of more than 150 groups: unknown, never none."""

_FIELDS = ("user_name", "email", "given_name", "family_name", "display_name", "groups")

_OKTA = {
    "email": ("email",),
    "given_name": ("firstName",),
    "family_name": ("lastName",),
    "display_name": ("displayName",),
    "groups": ("groups",),
}
_ENTRA = {
    "email": (f"{_WS}emailaddress",),
    "given_name": (f"{_WS}givenname",),
    "family_name": (f"{_WS}surname",),
    "display_name": (f"{_MS}displayname",),
    "groups": (f"{_MS_2008}groups",),
}
_USUAL = {
    "email": ("email", "mail", "emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", *_ENTRA["email"]),
    "given_name": (
        "firstname",
        "given_name",
        "givenname",
        "urn:oid:2.5.4.42",
        *_ENTRA["given_name"],
    ),
    "family_name": (
        "lastname",
        "family_name",
        "surname",
        "sn",
        "urn:oid:2.5.4.4",
        *_ENTRA["family_name"],
    ),
    "display_name": (
        "displayname",
        "display_name",
        "urn:oid:2.16.840.1.113730.3.1.241",
        *_ENTRA["display_name"],
    ),
    "groups": ("groups", "memberof", *_ENTRA["groups"]),
}
_PRESETS: Mapping[Preset, Mapping[str, tuple[str, ...]]] = {Preset.OKTA: _OKTA, Preset.ENTRA: _ENTRA}

_IMMUTABLE = {Preset.ENTRA: f"{_MS}objectidentifier"}
_LONGEST = 512


class AttributeMap:
    """Which attributes are looked at for which field, in order; names compare without case."""

    def __init__(self, own: AttributeNames, preset: Preset | None) -> None:
        chosen = own.model_dump()
        self._names = {
            name: tuple(
                n.casefold()
                for n in (
                    *([chosen[name]] if chosen[name] else []),
                    *(_PRESETS[preset].get(name, ()) if preset else ()),
                    *_USUAL.get(name, ()),
                )
            )
            for name in _FIELDS
        }
        self._immutable = (_IMMUTABLE.get(preset) if preset else None) or ""

    def login(self, assertion: Assertion) -> Login:
        """The person behind `assertion`.

        The user name is the configured attribute, else the NameID where it is an address, else the
        e-mail. AssertionRejected when none of them is there: nobody can be told apart then.
        """
        found = {name.casefold(): values for name, values in assertion.attributes.items()}
        one = {name: self._first(name, found) for name in _FIELDS}
        email = one["email"] or _address(assertion.name_id)
        user_name = one["user_name"] or _address(assertion.name_id) or email
        if not user_name:
            raise AssertionRejected("neither an e-mail attribute nor an address as NameID: add one")
        return Login(
            source=f"saml:{assertion.issuer}",
            name_id=assertion.name_id,
            profile=Profile(
                user_name=user_name,
                email=email,
                given_name=one["given_name"] or "",
                family_name=one["family_name"] or "",
                display_name=one["display_name"] or "",
            ),
            groups=self._groups(found),
            attributes=self._extra(found),
        )

    def _first(self, name: str, found: Mapping[str, tuple[str, ...]]) -> str | None:
        for candidate in self._names[name]:
            for value in found.get(candidate, ()):
                return _clean(value)
        return None

    def _groups(self, found: Mapping[str, tuple[str, ...]]) -> frozenset[str] | None:
        if OVERAGE in found:
            return None
        said = [found[name] for name in self._names["groups"] if name in found]
        if said:
            return frozenset(_clean(group) for group in said[0])
        # an identity provider leaves the attribute out for somebody without groups, but also when
        # nobody ever told it to send them: without a word about groups they are not known
        return None

    def _extra(self, found: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
        values = found.get(self._immutable, ())
        return {"external_id": _clean(values[0])} if values else {}


def _address(text: str) -> str | None:
    local, at, domain = text.rpartition("@")
    return _clean(text) if at and local and domain else None


def _clean(value: str) -> str:
    """The value, refused when it could not be shown or compared: control characters, or endless."""
    if len(value) > _LONGEST or not value.isprintable():
        raise AssertionRejected("an attribute holds control characters or is too long")
    return value

"""From an assertion to a login, as Okta, Entra and the rest name things."""

from collections.abc import Mapping

import pytest

from idpsync.core.errors import AssertionRejected
from idpsync.jit.attributes import OVERAGE, AttributeMap
from idpsync.jit.saml import Assertion
from idpsync.jit.settings import AttributeNames, Preset
from tests.jit.forge import IDP, NOW

CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
GROUPS = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"
OBJECT = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def _assertion(name_id: str = "00u1", **attributes: tuple[str, ...]) -> Assertion:
    return _with(attributes, name_id)


def _with(attributes: Mapping[str, tuple[str, ...]], name_id: str = "00u1") -> Assertion:
    return Assertion(IDP, "_a", NOW, name_id, "", dict(attributes))


def _map(preset: Preset | None = None, **own: str) -> AttributeMap:
    return AttributeMap(AttributeNames(**own), preset)


def test_oktas_names_are_understood() -> None:
    login = _map(Preset.OKTA).login(
        _assertion(
            "Ada@Acme.example",
            email=("ada@acme.example",),
            firstName=("Ada",),
            lastName=("Lovelace",),
            groups=("A", "B"),
        )
    )
    assert login.profile.user_name == "Ada@Acme.example"
    assert login.member == "ada@acme.example"
    assert login.profile.email == "ada@acme.example"
    assert (login.profile.given_name, login.profile.family_name) == ("Ada", "Lovelace")
    assert login.groups == frozenset({"A", "B"})


def test_entras_claims_are_understood() -> None:
    login = _map(Preset.ENTRA).login(
        _with(
            {
                f"{CLAIMS}/emailaddress": ("ada@acme.example",),
                f"{CLAIMS}/givenname": ("Ada",),
                f"{CLAIMS}/surname": ("Lovelace",),
                GROUPS: ("8e2e", "11fa"),
                OBJECT: ("0b1c-object",),
            },
            "ada@acme.onmicrosoft.example",
        )
    )
    assert login.profile.user_name == "ada@acme.onmicrosoft.example"
    assert login.profile.email == "ada@acme.example"
    assert login.groups == frozenset({"8e2e", "11fa"})
    assert login.attributes["external_id"] == "0b1c-object"


@pytest.mark.parametrize("preset", [None, Preset.OKTA, Preset.ENTRA])
def test_too_many_groups_are_unknown_never_none(preset: Preset | None) -> None:
    said = {f"{CLAIMS}/emailaddress": ("ada@acme.example",), OVERAGE: ("https://graph.example/x",)}
    assert _map(preset).login(_with(said)).groups is None


def test_groups_that_are_not_mentioned_are_unknown() -> None:
    assert _map().login(_assertion("ada@acme.example")).groups is None


def test_a_group_attribute_without_values_means_no_groups() -> None:
    assert _map().login(_assertion("ada@acme.example", groups=())).groups == frozenset()


@pytest.mark.parametrize(
    "name",
    ["mail", "EMAIL", "emailAddress", "urn:oid:0.9.2342.19200300.100.1.3", f"{CLAIMS}/emailaddress"],
)
def test_the_usual_names_of_an_address_are_understood(name: str) -> None:
    assert _map().login(_with({name: ("ada@acme.example",)})).profile.email == "ada@acme.example"


def test_a_configured_name_comes_first() -> None:
    said = _assertion(email=("wrong@acme.example",), work=("ada@acme.example",), login=("ada",))
    login = _map(Preset.OKTA, email="Work", user_name="login").login(said)
    assert login.profile.email == "ada@acme.example"
    assert login.profile.user_name == "ada"


def test_an_opaque_name_gives_way_to_the_address() -> None:
    assert _map().login(_assertion("00u1", email=("ada@acme.example",))).profile.user_name == (
        "ada@acme.example"
    )


def test_an_address_as_name_is_enough() -> None:
    assert _map().login(_assertion("ada@acme.example")).profile.email == "ada@acme.example"


@pytest.mark.parametrize(
    "said",
    [
        _assertion("00u1"),
        _assertion("@acme.example"),
        _assertion("ada@"),
        _assertion("ada\u0000@acme.example"),
        _assertion("ada@acme.example", firstName=("a\nb",)),
        _assertion("ada@acme.example", groups=("x" * 600,)),
    ],
    ids=range(6),
)
def test_nobody_without_a_usable_name_is_let_through(said: Assertion) -> None:
    with pytest.raises(AssertionRejected):
        _map().login(said)

"""What an assertion must say, once its signature is known to be good.

SAML profiles §4.1.4.3 and core §2.5, read strictly: every comparison is exact, nothing is optional
that the web browser profile makes a must.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lxml import etree

from idpsync.core.errors import AssertionRejected
from idpsync.jit.saml import names
from idpsync.jit.saml.names import saml

LONGEST_LIFE = timedelta(hours=2)
"""From IssueInstant to NotOnOrAfter; Entra gives about an hour, everybody else five minutes."""

_RESTRICTION, _AUDIENCE, _CONFIRMATION, _CONFIRMATION_DATA, _AUTHN = saml(
    "AudienceRestriction",
    "Audience",
    "SubjectConfirmation",
    "SubjectConfirmationData",
    "AuthnStatement",
)
_ISSUER, _SUBJECT, _CONDITIONS, _NAME_ID = saml("Issuer", "Subject", "Conditions", "NameID")
_ATTRIBUTES, _ATTRIBUTE, _VALUE = saml("AttributeStatement", "Attribute", "AttributeValue")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What we know without the assertion. `request_id` is None for an unasked (IdP-initiated) login."""

    issuer: str
    audience: str
    acs_url: str
    request_id: str | None
    now: datetime
    skew: timedelta


@dataclass(frozen=True, slots=True)
class Assertion:
    """What the identity provider vouches for, read from the element whose signature was verified.

    `not_on_or_after` is the last instant at which any of its time conditions still held, without
    skew. Attribute values are in document order; a name may have none.
    """

    issuer: str
    assertion_id: str
    not_on_or_after: datetime
    name_id: str
    name_id_format: str
    attributes: dict[str, tuple[str, ...]]


def read_assertion(root: etree._Element, expected: Expectation) -> Assertion:
    """The one assertion of a screened and verified response; AssertionRejected if it is not for us."""
    assertion = _only(root, names.ASSERTION)
    if assertion.find(names.SIGNATURE) is None:
        raise AssertionRejected("the assertion itself is not signed")
    _check_response(root, expected)
    if _text(_only(assertion, _ISSUER)) != expected.issuer:
        raise AssertionRejected("the assertion has another issuer")
    issued = _instant(assertion, "IssueInstant")
    if issued > expected.now + expected.skew:
        raise AssertionRejected("the assertion was issued in the future: compare the clocks")
    ends = (_check_conditions(assertion, expected), _check_subject(assertion, expected))
    if max(ends) - issued > LONGEST_LIFE:
        raise AssertionRejected(f"the assertion lives longer than {LONGEST_LIFE}")
    _check_authn(assertion, expected)
    name_id = _only(_only(assertion, _SUBJECT), _NAME_ID)
    if not _text(name_id):
        raise AssertionRejected("the NameID is empty")
    return Assertion(
        issuer=expected.issuer,
        assertion_id=assertion.get("ID", ""),
        not_on_or_after=max(ends),
        name_id=_text(name_id),
        name_id_format=name_id.get("Format", names.UNSPECIFIED),
        attributes=_attributes(assertion),
    )


def _check_response(root: etree._Element, expected: Expectation) -> None:
    issuer = root.find(_ISSUER)
    if issuer is not None and _text(issuer) != expected.issuer:
        raise AssertionRejected("the response has another issuer")
    destination = root.get("Destination")
    if destination is None and root.find(names.SIGNATURE) is not None:
        raise AssertionRejected("the response is signed and has no Destination")
    if destination is not None and destination != expected.acs_url:
        raise AssertionRejected("the response has another Destination")
    answered = root.get("InResponseTo")
    if answered is not None and answered != expected.request_id:
        raise AssertionRejected("the response answers another request")


def _check_conditions(assertion: etree._Element, expected: Expectation) -> datetime:
    conditions = _only(assertion, _CONDITIONS)
    if conditions.get("NotBefore") is not None:
        starts = _instant(conditions, "NotBefore")
        if starts > expected.now + expected.skew:
            raise AssertionRejected("the assertion is not valid yet: compare the clocks")
    restrictions = conditions.findall(_RESTRICTION)
    if not restrictions:
        raise AssertionRejected("the assertion names no audience")
    for restriction in restrictions:
        if expected.audience not in [_text(audience) for audience in restriction.findall(_AUDIENCE)]:
            raise AssertionRejected("the assertion is for another audience")
    return _unexpired(conditions, expected)


def _check_subject(assertion: etree._Element, expected: Expectation) -> datetime:
    confirmations = [
        c for c in _only(assertion, _SUBJECT).findall(_CONFIRMATION) if c.get("Method") == names.BEARER
    ]
    if len(confirmations) != 1:
        raise AssertionRejected(f"{len(confirmations)} bearer confirmations, exactly one is wanted")
    facts = _only(confirmations[0], _CONFIRMATION_DATA)
    if facts.get("Recipient") != expected.acs_url:
        raise AssertionRejected("the confirmation has another Recipient, or none")
    if facts.get("NotBefore") is not None:
        raise AssertionRejected("the confirmation has a NotBefore, which the profile forbids")
    if facts.get("InResponseTo") != expected.request_id:
        raise AssertionRejected("the confirmation answers another request, or none")
    return _unexpired(facts, expected)


def _check_authn(assertion: etree._Element, expected: Expectation) -> None:
    for statement in assertion.findall(_AUTHN):
        if statement.get("SessionNotOnOrAfter") is not None:
            _unexpired(statement, expected, "SessionNotOnOrAfter")


def _unexpired(element: etree._Element, expected: Expectation, name: str = "NotOnOrAfter") -> datetime:
    ends = _instant(element, name)
    if ends <= expected.now - expected.skew:
        raise AssertionRejected(f"{name} has passed: compare the clocks")
    return ends


def _attributes(assertion: etree._Element) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for statement in assertion.findall(_ATTRIBUTES):
        for attribute in statement.findall(_ATTRIBUTE):
            values = tuple(text for v in attribute.findall(_VALUE) if (text := _text(v)))
            name = attribute.get("Name", "")
            found[name] = found.get(name, ()) + values
    return found


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        name = tag.rpartition("}")[2]
        raise AssertionRejected(f"{len(found)} {name} elements, exactly one is wanted")
    return found[0]


def _text(element: etree._Element) -> str:
    return (element.text or "").strip()


def _instant(element: etree._Element, name: str) -> datetime:
    value = element.get(name)
    if value is None:
        raise AssertionRejected(f"{name} is missing")
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise AssertionRejected(f"{name} is not an instant") from None
    if instant.utcoffset() is None:
        raise AssertionRejected(f"{name} has no time zone; SAML times are in UTC")
    return instant.astimezone(UTC)

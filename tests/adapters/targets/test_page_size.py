"""How many users are asked for at once: what the provider says it can do, and less when it cannot."""

import pytest

from idpsync.core.errors import Refused
from idpsync.scim_client.profile import LARGEST_PAGE, USUAL_PAGE, ScimProfile
from idpsync.targets.scim import ScimTarget
from tests.twins.scim import Answer, Fault, Quirks, ScimTwin, error


def allowing(rows: int) -> Fault:
    """A provider that says so many users may be asked for at once."""
    told = {"schemas": [], "filter": {"supported": True, "maxResults": rows}}
    return Fault("GET", "/ServiceProviderConfig", instead=Answer(200, told))


def asked(twin: ScimTwin) -> list[str]:
    return [r.query["count"] for r in twin.seen if r.path == "/Users"]


@pytest.mark.parametrize(
    ("features", "size"),
    [
        ({}, USUAL_PAGE),
        ({"filter": {"supported": True, "maxResults": 20}}, 20),
        ({"filter": {"supported": True, "maxResults": 300}}, 300),
        ({"filter": {"supported": True, "maxResults": 10_000}}, LARGEST_PAGE),
        ({"filter": {"supported": True, "maxResults": 0}}, USUAL_PAGE),
        ({"filter": {"supported": True, "maxResults": "many"}}, USUAL_PAGE),
        ({"pagination": {"index": True, "maxPageSize": 250}}, 250),
        ({"filter": {"maxResults": 300}, "pagination": {"maxPageSize": 250}}, 250),
    ],
)
def test_a_page_is_as_large_as_the_provider_says_it_can_be(
    features: dict[str, object], size: int
) -> None:
    assert ScimProfile().hinted(features).page_size == size


def test_a_provider_that_allows_more_is_asked_for_more(subject: ScimTarget, twin: ScimTwin) -> None:
    twin.quirks = Quirks(page_size=1000)
    for number in range(301):
        twin.put(f"user{number}")
    twin.faults.append(allowing(300))
    assert len(subject.accounts()) == 301
    assert asked(twin) == ["300", "300"]


@pytest.mark.parametrize(
    "answer",
    [error(400, "count is too large", "invalidCount"), Answer(200, {"detail": "too much"})],
)
def test_a_provider_that_cannot_do_what_it_says_is_asked_for_the_usual_page(
    subject: ScimTarget, twin: ScimTwin, answer: Answer
) -> None:
    twin.put("ada")
    twin.faults.append(allowing(300))
    twin.faults.append(Fault("GET", "/Users", instead=answer))
    assert [account.user_name for account in subject.accounts()] == ["ada"]
    assert asked(twin) == ["300", str(USUAL_PAGE)]


def test_a_refusal_of_the_usual_page_is_told_at_once(subject: ScimTarget, twin: ScimTwin) -> None:
    twin.faults.append(Fault("GET", "/Users", instead=error(400, "no lists here")))
    with pytest.raises(Refused, match="no lists here"):
        subject.accounts()
    assert asked(twin) == [str(USUAL_PAGE)]

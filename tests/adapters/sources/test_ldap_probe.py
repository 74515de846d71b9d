"""What `check --online` tells of a real OpenLDAP server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from idpsync.core.records import Health
from idpsync.sources import build
from tests.adapters.sources.ldap_world import config_of
from tests.fakes.source import SteadyClock
from tests.slapd import PEOPLE, SYNCPROV, LdapGroup, Slapd, entry_uuid, running_slapd

pytestmark = pytest.mark.server


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    """Ten people, five of them in "Claude Users"; three entries per search for capped_dn."""
    groups = {"Claude Users": [f"user{n:04d}" for n in range(5)]}
    with running_slapd(tmp_path, people=10, groups=groups, size_limit=3, overlays=SYNCPROV) as server:
        yield server


def health(slapd: Slapd, *groups: str, at: datetime | None = None, **changes: object) -> Health:
    clock = SteadyClock(at or datetime.now(UTC))
    return build(config_of(slapd, **changes), clock=clock, groups=frozenset(groups)).probe()


def test_who_we_are_how_many_we_would_read_and_the_groups_ids_are_told(slapd: Slapd) -> None:
    told = health(slapd, "Claude Users")
    assert told.ok
    assert told.detail == f"logged in to {slapd.url} as {slapd.bind_dn}; would read 10 people"
    group = f"Claude Users → {entry_uuid('Claude Users')}"
    assert told.facts == ("not encrypted", group, "tells changes (syncprov)")


def test_whom_the_server_takes_us_for_is_told_where_it_decides(slapd: Slapd) -> None:
    told = health(slapd, url=slapd.ldapi_url, bind="external", bind_dn=None, password=None)
    assert f"as {slapd.bind_dn}" in told.detail


def test_encryption_and_the_certificates_end_are_told(slapd: Slapd) -> None:
    encrypted: dict[str, Any] = {"url": slapd.ldaps_url, "ca_file": slapd.ca_file}
    assert health(slapd, **encrypted).facts[0] == "TLSv1.3, certificate good for 29 days"
    late = datetime.now(UTC) + timedelta(days=20)
    assert (
        health(slapd, at=late, **encrypted).facts[0] == "TLSv1.3, certificate good for 9 days: renew it"
    )


def test_a_size_limit_below_the_people_is_told(slapd: Slapd) -> None:
    told = health(slapd, "Claude Users", bind_dn=slapd.capped_dn)
    assert not told.ok
    assert "would read 3 people and no more" in told.detail
    assert "size limit for this bind DN is too small; lift it" in told.detail


def test_groups_that_are_missing_are_told_by_name(slapd: Slapd) -> None:
    told = health(slapd, "Claude Users", "Claude Gold", "Claude Max")
    assert not told.ok
    assert "does not see the groups Claude Gold, Claude Max" in told.detail
    assert told.missing == {"Claude Gold", "Claude Max"}


def test_two_groups_of_one_name_are_told(slapd: Slapd) -> None:
    with slapd.root() as c:
        attributes = LdapGroup("Claude Users", ("user0001",)).attributes()
        c.add(f"cn=Claude Users,{PEOPLE}", attributes=attributes)  # type: ignore[no-untyped-call]
    told = health(slapd, "Claude Users", group_base=slapd.groups_base.partition(",")[2])
    assert not told.ok
    assert "several groups are called Claude Users" in told.detail


def test_a_server_that_tells_no_changes_is_told(tmp_path: Path) -> None:
    with running_slapd(tmp_path, people=3) as plain:
        told = health(plain)
    assert told.ok
    assert "tells no changes, everything is read each time" in told.facts[-1]

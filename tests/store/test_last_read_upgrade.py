"""A store from before scopes were kept: its last read and its held plans go on."""

import pytest
from alembic import command
from alembic.config import Config

from idpsync.core.records import HoldState, LastRead
from idpsync.store import open_store
from tests.contracts.run_book import held
from tests.contracts.stores import CAUSE
from tests.people import LADDER, NOW, StoppedClock, group, snapshot
from tests.postgres import new_database
from tests.store.shell import run, shell

GROUP = "INSERT INTO cached_group (organization, name, sha) VALUES ('acme', 'Users', 'x')"
MEMBER = (
    "INSERT INTO cached_member (organization, group_name, external_id)"
    " VALUES ('acme', 'Users', 'id-ada')"
)
STATE = "INSERT INTO cache_state (organization) VALUES ('acme')"
APPROVED = (
    "INSERT INTO held_plan (organization, digest, held_at, state, tripped, plan, decided_by, decided_at)"
    " VALUES ('acme', 'd1', :at, 'approved', '[]', '{}', 'cli:root', :at)"
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def before_scopes(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        url = str(request.getfixturevalue("sqlite_url"))
    else:
        url = new_database(request.getfixturevalue("postgres_cluster"), "before_scopes")
    config = Config()
    config.set_main_option("script_location", "idpsync.store:migrations")
    config.set_main_option("path_separator", "os")
    with shell(url) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
    for statement in (GROUP, MEMBER, STATE):
        run(url, statement)
    run(url, APPROVED, at=NOW.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    return url


def test_what_was_read_is_kept_and_an_approval_of_unknown_limits_does_not_count(
    before_scopes: str,
) -> None:
    store = open_store(
        before_scopes, organization="acme", ladder=LADDER, reserved={}, clock=StoppedClock()
    )
    store.upgrade()

    assert store.cache.last_read() == LastRead({"Users": frozenset({"id-ada"})})
    assert not store.runs.take_approval(held("d1"), NOW, CAUSE)
    assert store.runs.hold_plan(held("d1"), CAUSE).state is HoldState.HELD
    store.cache.save(snapshot(["ada"], [group("Users", ["ada"])]))
    assert store.cache.last_read().group_ids == {"Users": "g-Users"}
    store.close()

"""Whatever is cut, wherever it is cut: what is planned from it takes nothing from anybody."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.errors import RemoteError
from idpsync.core.model import Account, DirectorySnapshot, Link, Profile, Standing
from idpsync.core.plan import ChangeTier, DeactivateAccount, DeleteAccount, Plan
from idpsync.core.planner import plan
from idpsync.core.policy import GroupRule, Policy
from idpsync.core.records import LastRead
from idpsync.core.seats import Ladder
from idpsync.core.suspicion import examine
from idpsync.core.world import World
from tests.adapters.sources.okta_world import APP, OktaWorld, in_single_file, okta_world, unavailable
from tests.twins.okta.server import Answer, Fault
from tests.twins.okta.time import START

LADDER = Ladder.of("premium", "standard")
PREMIUM, STANDARD = LADDER.tiers
POLICY = Policy(
    ladder=LADDER,
    rules=(GroupRule("Premium", PREMIUM, priority=10), GroupRule("Users", STANDARD)),
    verified_domains=frozenset({"acme.example"}),
)
PEOPLE = 12
Spoil = Callable[[Answer], Answer]
TAKES = ChangeTier | DeactivateAccount | DeleteAccount


def html(_answer: Answer) -> Answer:
    return Answer(200, raw=b"<html>maintenance</html>")


def truncated(answer: Answer) -> Answer:
    answer.cut = 25
    return answer


def empty(answer: Answer) -> Answer:
    """A listing that ends well, with nobody in it."""
    return Answer(answer.status, [], [(name, v) for name, v in answer.headers if name != "link"])


def foreign(answer: Answer) -> Answer:
    return Answer(200, answer.body, [("link", '<https://evil.example/api/v1/x>; rel="next"')])


def denied(_answer: Answer) -> Answer:
    return Answer(403, {"errorCode": "E0000006", "errorSummary": "no permission"})


def not_there(_answer: Answer) -> Answer:
    return Answer(404, {"errorCode": "E0000007", "errorSummary": "Not found"})


def nulls(answer: Answer) -> Answer:
    return Answer(
        200, [{"id": row["id"]} for row in answer.body] if isinstance(answer.body, list) else None
    )


SPOILS = [html, truncated, empty, foreign, denied, not_there, unavailable, nulls]


@contextmanager
def staffed(folder: Path, *, app: bool) -> Iterator[OktaWorld]:
    with okta_world(folder, app=app) as world:
        world.staff(PEOPLE, Users=9, Premium=6)
        yield world


def accounts(read: DirectorySnapshot) -> tuple[tuple[Account, ...], tuple[Link, ...]]:
    """Everybody whom the rules admit has an account with the seat that they ask for."""
    groups = {group.name: group.members or frozenset() for group in read.groups}
    made, links = [], []
    for user in read.users:
        if user.external_id not in groups["Users"]:
            continue
        tier = PREMIUM if user.external_id in groups["Premium"] else STANDARD
        profile = Profile(user.user_name, user.profile.email, "Ada", "Lovelace")
        key = f"a-{user.external_id}"
        made.append(Account(key, profile, Standing.ACTIVE, tier, user.external_id))
        links.append(Link(key, "okta", user.external_id, START))
    return tuple(made), tuple(links)


def planned(read: DirectorySnapshot, whole: DirectorySnapshot) -> Plan:
    made, links = accounts(whole)
    last = LastRead(
        {group.name: group.members or frozenset() for group in whole.groups},
        {group.name: group.external_id for group in whole.groups},
        whole.scope,
    )
    world = World(
        snapshot=examine(read, last=last, linked=len(links)),
        directory_kind="okta",
        accounts=made,
        links=links,
        holdings=(),
        waiting=(),
        purchased={PREMIUM: 20, STANDARD: 20},
        reserved={PREMIUM: 0, STANDARD: 0},
        now=START,
    )
    return plan(world, POLICY)


def taken(made: Plan) -> list[object]:
    return [action for action in made.actions if isinstance(action, TAKES)]


@pytest.mark.parametrize("app", [False, True], ids=["members of groups", "people of an application"])
def test_whatever_is_cut_wherever_it_is_cut_nobody_loses_anything(app: bool) -> None:
    with TemporaryDirectory() as folder, staffed(Path(folder), app=app) as world:
        whole = world.source("Users", "Premium").read()
        assert whole.complete
        assert accounts(whole)[0]
        assert taken(planned(whole, whole)) == []
        ids = (team.row["id"] for team in world.org.teams.values())
        listings = [*(f"{one}/users" for one in ids), *([f"apps/{APP}/users?"] if app else [])]

        @settings(max_examples=80, deadline=None, derandomize=True)
        @given(st.integers(0, 9), st.sampled_from(SPOILS), st.integers(1, 100))
        def spoiled(skip: int, spoil: Spoil, times: int) -> None:
            world.twin.faults = [Fault("/api/v1/", spoil, times=times, skip=skip)]
            nobody_loses()

        @settings(max_examples=60, deadline=None, derandomize=True)
        @given(st.sampled_from(listings), st.sampled_from(SPOILS), st.integers(1, 100))
        def cut(listing: str, spoil: Spoil, times: int) -> None:
            """The listing is in two pages, of which the second is spoiled."""
            world.twin.faults = [
                Fault(listing, in_single_file, times=2, unless="after="),
                Fault("after=", spoil, times=times),
            ]
            nobody_loses()

        def nobody_loses() -> None:
            try:
                read = world.source("Users", "Premium").read()
            except RemoteError:
                return
            assert taken(planned(read, whole)) == []

        spoiled()
        cut()


def test_the_same_plan_takes_from_those_whom_a_whole_read_does_not_show(tmp_path: Path) -> None:
    """So that the test above is not satisfied by a plan that never takes."""
    with staffed(tmp_path, app=True) as world:
        whole = world.source("Users", "Premium").read()
        world.org.deactivate("u00001@acme.example")
        read = world.source("Users", "Premium").read()
        assert len(taken(planned(read, whole))) == 1

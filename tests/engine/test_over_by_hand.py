"""Where a tier has more people than seats: who has a seat may move, nobody is added."""

import pytest

from idpsync.core.errors import NoSeatAvailable
from idpsync.core.imports import MemberRow
from idpsync.core.seats import Tier
from tests.engine.house import EngineHouse
from tests.engine.test_manual import ADA, ROOT, seated
from tests.people import PREMIUM, STANDARD


def crowded() -> EngineHouse:
    """Two people in one standard seat's tier, and a premium seat that nobody has."""
    house = seated({"ada": STANDARD, "bob": STANDARD})
    assert house.store.seats.pool().balance(STANDARD) == -1
    return house


def test_somebody_seated_moves_out_of_the_crowded_tier() -> None:
    house = crowded()

    [done] = house.hand.assign(ROOT, ADA, PREMIUM)

    assert done.done
    assert house.store.seats.pool().balance(STANDARD) == 0


def test_nobody_is_invited_into_the_seat_that_seems_free() -> None:
    house = crowded()

    with pytest.raises(NoSeatAvailable, match="premium has room, but 2 people sit in 2 seats"):
        house.hand.invite(ROOT, "new@acme.example")


@pytest.mark.parametrize(("name", "problems"), [("ada", 0), ("new", 1)])
def test_an_import_moves_people_and_adds_nobody(name: str, problems: int) -> None:
    tier: Tier = PREMIUM
    row = MemberRow(2, name, f"{name}@acme.example", "user", tier)

    prepared = crowded().hand.prepare([row])

    assert len(prepared.problems) == problems
    assert all("all tiers together have room for 0" in p.message for p in prepared.problems)

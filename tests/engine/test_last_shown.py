"""Whom the directory last showed: what targets that know accounts by people are told."""

from dataclasses import replace

from idpsync.engine.rooms import LastShown
from tests.engine.house import EngineHouse
from tests.engine.standing_house import NOTHING, looked, settled
from tests.people import person


def names(shown: LastShown) -> list[str]:
    return [user.user_name for user in shown.people().values()]


def test_what_was_told_once_stays_while_more_is_noted() -> None:
    shown = LastShown()
    shown.note([person("ada"), person("bob")])
    told = []
    for user in shown.people().values():  # as a login does while a run reads
        shown.note([person("eve"), person("zoe")])
        told.append(user)
    assert told == [person("ada"), person("bob")]
    assert len(names(shown)) == 4


def test_whoever_was_shown_last_stands_last() -> None:
    shown = LastShown()
    shown.note([person("ada"), person("bob")])
    shown.note([person("ada")])
    assert list(shown.people()) == ["id-bob", "id-ada"]


def test_a_whole_read_is_noted_and_whoever_is_gone_is_known_still() -> None:
    house = EngineHouse()
    house.rooms = replace(house.rooms, shown=(shown := LastShown()))
    house.add("ada eve", "Users")
    house.run()
    house.directory.remove("ada")
    house.add("zoe", "Users")
    house.run()
    assert sorted(names(shown)) == ["ada", "eve", "zoe"]


def test_what_changed_is_noted_too() -> None:
    house = settled()
    house.rooms = replace(house.rooms, shown=(shown := LastShown()))
    house.begin()
    house.run()
    house.run()
    house.add("zoe", "Users")
    house.directory.add("p1", given_name="Pia")
    house.directory.remove("p2")
    assert looked(house) == NOTHING
    assert "zoe" in names(shown)
    assert "p2" in names(shown)
    assert shown.people()[house.directory.id_of("p1")].profile.given_name == "Pia"

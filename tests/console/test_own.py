"""The small page of somebody who is no admin."""

from idpsync.console import Viewer
from idpsync.core.records import Cause
from idpsync.core.seats import Claim
from tests.console.scenes import BOB, Stage, seat, store, wait, wish
from tests.console.test_page import EVIL, words_of
from tests.people import PREMIUM, STANDARD


def test_somebody_with_a_seat_sees_its_tier_whatever_the_case_of_their_name() -> None:
    into = store()
    seat(into, STANDARD, "bob")
    said = words_of(Stage(into, Viewer("Bob@Acme.Example", admin=False)).get("/").text)
    assert "Account Bob@Acme.Example Seat standard" in said
    assert "wait for nothing" in said


def test_somebody_who_waits_sees_their_place_and_the_reason_and_nobody_else() -> None:
    into = store()
    seat(into, STANDARD, "bob")
    wait(
        into,
        wish("eve@acme.example", hours=5),
        wish("bob@acme.example", because="premium is full (20 of 20)"),
    )
    said = words_of(Stage(into, BOB).get("/").text)
    assert "Waiting for premium" in said
    assert "Your place 2" in said
    assert "premium is full (20 of 20)" in said
    assert "eve@" not in said


def test_the_next_in_line_is_told_so() -> None:
    into = store()
    wait(into, wish("bob@acme.example", PREMIUM))
    assert "Your place 1 (next)" in words_of(Stage(into, BOB).get("/").text)


def test_a_held_seat_is_being_set_up() -> None:
    into = store()
    into.seats.hold(Claim(BOB.member, BOB.user_name, (STANDARD,)), Cause("jit"))
    assert "standard (being set up)" in words_of(Stage(into, BOB).get("/").text)


def test_somebody_without_anything_is_told_whom_to_ask() -> None:
    text = Stage(store(), BOB).get("/").text
    assert "You have no seat and are not waiting for one" in text
    assert '<a href="mailto:it@acme.example">' in text


def test_without_a_contact_the_it_team_is_named() -> None:
    assert "Ask your IT team" in Stage(store(), BOB, contact=None).get("/").text


def test_a_contact_is_a_link_only_when_it_is_safe_to_follow() -> None:
    assert (
        'href="https://help.acme.example"'
        in Stage(store(), BOB, contact="https://help.acme.example").get("/").text
    )
    assert "javascript:alert(1)</p>" in Stage(store(), BOB, contact="javascript:alert(1)").get("/").text


def test_a_name_is_never_markup() -> None:
    text = Stage(store(), Viewer(EVIL, admin=False)).get("/").text
    assert "<script" not in text
    assert "&lt;script&gt;" in text

"""What verbs find when they open the books: a contract, and for writers the seats that are due."""

from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from idpsync.config import Config, load
from idpsync.core.contract import Item
from idpsync.core.pricing import quote
from idpsync.core.records import Cause
from idpsync.store import open_store
from idpsync.wiring import open_books
from tests.cli.conftest import PEOPLE, Inside, beginning
from tests.cli.test_members_terminal import on_a_terminal
from tests.people import StoppedClock

LONG_AGO = datetime(2001, 3, 1, tzinfo=UTC)


def config_in(folder: Path) -> Config:
    path = folder / "idpsync.yaml"
    path.write_text(yaml.safe_dump(beginning(folder).config), encoding="utf-8")
    (config,) = load(path)
    return config


def test_the_books_have_the_contract_of_the_configuration_from_the_first_opening(
    tmp_path: Path,
) -> None:
    config = config_in(tmp_path)

    with closing(open_books(config)) as books:
        assert books.contracts.contract() == config.agreement()
        assert books.seats.pool().purchased == config.purchased()
    with closing(open_books(config)) as books:
        events = [entry.event for entry in books.ledger.entries()]
    assert events == ["contract.seeded"]


def bought_long_ago(config: Config) -> None:
    """An upgrade that was recorded before its day, and that nobody has booked since."""
    premium, standard = config.ladder()
    then = open_store(
        config.store.reveal(),
        organization=config.organization.id,
        ladder=config.ladder(),
        reserved={},
        clock=StoppedClock(LONG_AGO),
    )
    with closing(then):
        then.contracts.seed(config.agreement(), Cause("config"))
        order = Item(premium, 3, upgraded_from=standard)
        contract = config.agreement()
        bought = then.contracts.record(quote(contract, (), [order], date(2001, 4, 1)), Cause("cli:root"))
        assert bought.applied_at is None


def seats_now(config: Config) -> tuple[dict[str, int], bool]:
    """What is in the pool, and whether the purchase is booked."""
    with closing(open_books(config)) as books:
        pool = {tier.name: number for tier, number in books.seats.pool().purchased.items()}
        purchase = min(books.contracts.purchases(), key=lambda one: one.quote.on)
        return pool, purchase.applied_at is not None


BEFORE, AFTER = {"premium": 2, "standard": 4}, {"premium": 5, "standard": 1}
NOBODY = "name,email,role,seat type\nZoe,zoe@acme.example,user,\n"


@pytest.mark.parametrize(
    "words",
    [
        ["seats"],
        ["seats", "quote", "premium=1", "--on", "2050-03-01"],
        ["contract"],
        ["plan"],
        ["explain", "ada@acme.example"],
        ["waitlist"],
        ["members"],
        ["members", "import", "new.csv"],
        ["ledger"],
    ],
)
def test_verbs_that_only_look_book_no_purchase(idpsync: Inside, words: list[str]) -> None:
    config = config_in(idpsync.folder)
    (idpsync.folder / "new.csv").write_text(NOBODY, encoding="utf-8")
    bought_long_ago(config)

    said = " ".join(idpsync.done(*words).out.split())

    assert seats_now(config) == (BEFORE, False)
    note = "Due, and not among these seats yet: INV-0001; the next run makes them."
    assert (note in said) == (words in (["seats"], ["plan"]))


@pytest.mark.parametrize(
    "words",
    [
        ["apply", "--yes"],
        ["seats", "add", "premium=1", "--on", "2050-03-01"],
        ["members", "invite", "zoe@acme.example"],
        ["members", "import", "new.csv", "--yes"],
    ],
)
def test_verbs_that_write_find_the_seats_that_are_due(idpsync: Inside, words: list[str]) -> None:
    config = config_in(idpsync.folder)
    (idpsync.folder / "new.csv").write_text(NOBODY, encoding="utf-8")
    bought_long_ago(config)

    idpsync.done(*words)

    assert seats_now(config) == (AFTER, True)


def test_a_plan_that_is_asked_about_has_the_seats_it_is_carried_out_with(idpsync: Inside) -> None:
    config = config_in(idpsync.folder)
    crowded = PEOPLE.replace("Barros,true,", "Barros,true,Premium").replace(
        "Costa,true,", "Costa,true,Premium"
    )
    (idpsync.folder / "people.csv").write_text(crowded, encoding="utf-8")
    bought_long_ago(config)

    code, said = on_a_terminal(idpsync, "y\n", "apply")

    assert code == 0, said
    assert seats_now(config) == (AFTER, True)

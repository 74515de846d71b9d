"""What every verb finds when it opens the books: a contract, and the seats that are bought by today."""

from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import yaml

from idpsync.config import Config, load
from idpsync.core.contract import Item
from idpsync.core.pricing import quote
from idpsync.core.records import Cause
from idpsync.store import open_store
from idpsync.wiring import open_books
from tests.cli.conftest import beginning
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


def test_what_was_bought_for_a_day_that_is_over_by_now_is_in_the_pool(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    premium, standard = config.ladder()
    then = open_store(
        config.store.reveal(),
        organization=config.organization.id,
        ladder=config.ladder(),
        reserved={},
        clock=StoppedClock(LONG_AGO),
    )
    with closing(then):
        contract = config.agreement()
        then.contracts.seed(contract, Cause("config"))
        order = Item(premium, 3, upgraded_from=standard)
        bought = then.contracts.record(quote(contract, (), [order], date(2001, 4, 1)), Cause("cli:root"))
        assert bought.applied_at is None

    with closing(open_books(config)) as books:
        assert books.seats.pool().purchased == {premium: 5, standard: 1}
        (purchase,) = books.contracts.purchases()
        assert purchase.applied_at is not None

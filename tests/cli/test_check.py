"""`check` against the contract on record: it tells, it makes nothing."""

from tests.cli.conftest import Inside
from tests.cli.test_seats import term


def notes(idpsync: Inside, *words: str) -> dict[str, str]:
    lines = idpsync.json("check", *words)
    return {line["system"]: line["detail"] for line in lines if line.get("note")}


def test_a_contract_as_on_record_needs_no_word(idpsync: Inside) -> None:
    term(idpsync, "2026-01-01", "2026-12-31")
    idpsync.done("seats", "add", "standard=5", "--on", "2026-03-01")  # a purchase is no difference
    assert notes(idpsync) == {}


def test_every_key_that_differs_from_the_record_is_told_and_that_the_store_counts(
    idpsync: Inside,
) -> None:
    term(idpsync, "2026-01-01", "2026-12-31")
    idpsync.done("seats")
    contract = idpsync.config["contract"]
    contract |= {
        "ends": "2027-12-31",
        "currency": "EUR",
        "auto_renew": False,
        "proration": "days_exclusive",
    }
    contract["seats"] = {"premium": 1, "standard": 100}
    idpsync.config["tiers"][1]["price_per_seat_month"] = "19.00"
    told = notes(idpsync)
    assert set(told) == {
        *("contract.ends", "contract.currency", "contract.auto_renew", "contract.proration"),
        *("contract.seats.premium", "tiers[1].price_per_seat_month"),
    }
    assert told["contract.ends"] == "2027-12-31 here, 2026-12-31 in the store: the store counts"
    assert set(notes(idpsync, "--online")) == set(told)
    said = idpsync.done("check").out
    assert "NOTE  acme contract.currency: EUR here, USD in the store: the store counts" in said
    assert idpsync.json("seats")["tiers"][0]["purchased"] == 0


def test_a_store_that_is_not_there_is_not_made(idpsync: Inside) -> None:
    for words in ([], ["--online"]):
        assert idpsync.call("check", *words).code == 0
        assert not list(idpsync.folder.glob("store.db*"))
    (idpsync.folder / "store.db").touch()
    assert idpsync.call("check", "--online").code == 0
    assert (idpsync.folder / "store.db").stat().st_size == 0


def test_a_store_that_cannot_be_read_is_told_and_no_fault_of_the_configuration(idpsync: Inside) -> None:
    (idpsync.folder / "store.db").write_text("no database at all", encoding="utf-8")
    assert "not compared with the store" in notes(idpsync)["contract"]
    assert idpsync.call("check").code == 0
    assert idpsync.call("check", "--online").code == 5


def test_a_database_server_is_asked_online_only(idpsync: Inside) -> None:
    idpsync.config["store"]["url"] = "env:NOWHERE"
    assert notes(idpsync) == {}
    assert idpsync.call("check", "--online").code == 5


def test_keys_without_effect_are_named_and_those_with_are_not(idpsync: Inside) -> None:
    idpsync.config["alerts"] = {"renewal_days": [90], "certificate_days": 30}
    idpsync.config["mail"] = {"smtp": "smtp://127.0.0.1:25", "from": "idpsync@acme.example"}
    later = {line["system"]: line["detail"] for line in idpsync.json("check") if line["ok"] is None}
    assert "`contract` warns by it" in later["alerts.renewal_days"]
    assert "no effect yet" in later["alerts.certificate_days"]
    assert "mail" not in later

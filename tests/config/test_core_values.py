"""What the core gets from a configuration."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from idpsync.core.contract import Contract, Proration
from idpsync.core.errors import ConfigError
from idpsync.core.guard import OFF, Limit, Limits
from idpsync.core.policy import GroupRule, LeaverAction, Mode, WhenFull, WithoutRule
from idpsync.core.seats import Door, Ladder
from tests.config.writing import SMALL, loaded

JIT = "jit: {base_url: 'https://sso.acme.example', idp: {metadata_url: 'https://a.example/m'}, %s}\n"


def test_the_ladder_keeps_the_order_of_the_file(tmp_path: Path) -> None:
    assert loaded(tmp_path).ladder() == Ladder.of("premium", "standard")


def test_seats_and_reserve_name_every_tier(tmp_path: Path) -> None:
    config = loaded(tmp_path, SMALL.replace("{premium: 3, standard: 8}", "{standard: 8}"))
    premium, standard = config.ladder()
    assert config.purchased() == {premium: 0, standard: 8}
    assert config.reserved() == {premium: 0, standard: 2}


def test_prices_are_decimals_of_the_tiers_that_have_one(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    assert config.prices() == {config.ladder().named("premium"): Decimal("100.00")}


def test_the_contract_is_what_a_new_store_begins_with(tmp_path: Path) -> None:
    terms = "  currency: EUR\n  proration: days_exclusive\n  auto_renew: false\n  seats:"
    config = loaded(tmp_path, SMALL.replace("  seats:", terms, 1))
    premium, standard = config.ladder()
    assert config.agreement() == Contract(
        date(2026, 1, 1),
        date(2026, 12, 31),
        seats={premium: 3, standard: 8},
        prices={premium: Decimal("100.00")},
        currency="EUR",
        proration=Proration.DAYS_EXCLUSIVE,
        auto_renew=False,
    )


def test_rules_become_group_rules_and_none_means_without_a_seat(tmp_path: Path) -> None:
    policy = loaded(tmp_path).rulebook()
    assert policy.rules == (
        GroupRule("Gold", tier=policy.ladder.named("premium"), priority=5),
        GroupRule("Guests", seatless=True),
        GroupRule("Bosses", role="admin"),
    )


def test_domains_and_protected_names_have_their_comparable_form(tmp_path: Path) -> None:
    text = SMALL.replace("  id: acme", "  id: acme\n  protected: [Break.Glass@acme.example, ROOT]")
    policy = loaded(tmp_path, text).rulebook()
    assert policy.verified_domains == {"acme.example", "xn--caf-dma.example"}
    assert policy.admits_domain("ada@CAFÉ.example")
    assert policy.protected == {"break.glass@acme.example", "root", "owner@acme.example"}


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    policy = config.rulebook()
    assert (policy.mode, policy.without_rule) == (Mode.FULL, WithoutRule.HIGHEST_AVAILABLE)
    assert (policy.when_full, policy.min_hold) == (WhenFull.SPILL_DOWN, timedelta(hours=24))
    assert (policy.leaver_action, policy.leaver_grace) == (LeaverAction.DEACTIVATE, timedelta(0))
    assert config.organization.doors == tuple(Door)
    assert (config.schedule.reconcile, config.schedule.full_read) == (
        timedelta(minutes=10),
        timedelta(hours=24),
    )
    assert (config.web.host, config.web.port) == ("127.0.0.1", 8080)
    assert config.contract.invite_days == 21
    assert config.guard.limits() == Limits()


@pytest.mark.parametrize(("tier", "sticks"), [("policy", False), ("highest_available", True)])
def test_the_tier_of_a_login_sticks_where_the_login_ignores_the_rules(
    tmp_path: Path, tier: str, sticks: bool
) -> None:
    assert loaded(tmp_path, SMALL + JIT % f"tier: {tier}").rulebook().login_tier_sticks is sticks


def test_every_group_that_is_named_anywhere_is_asked_for(tmp_path: Path) -> None:
    text = SMALL + JIT % "require_group: Door" + "web: {admins: {groups: [Console]}}\n"
    assert loaded(tmp_path, text).rule_groups() == {"Gold", "Guests", "Bosses", "Door", "Console"}


@pytest.mark.parametrize("off", ["off", "false", "'off'", "OFF"])
def test_a_limit_can_be_switched_off_whole_or_in_half(tmp_path: Path, off: str) -> None:
    text = SMALL + f"guard: {{removals: {off}, tier_drops: {{count: {off}}}}}\n"
    limits = loaded(tmp_path, text).guard.limits()
    assert limits.removals == OFF
    assert limits.tier_drops == Limit(count=None, percent=10)


def test_a_limit_of_zero_stays_zero_and_its_other_half_has_its_default(tmp_path: Path) -> None:
    limits = loaded(
        tmp_path, SMALL + "guard: {removals: {count: 0}, changes: {percent: 5}}\n"
    ).guard.limits()
    assert limits.removals == Limit(count=0, percent=10)
    assert limits.changes == Limit(count=None, percent=5, at_least=20)


def test_a_store_url_may_stand_behind_a_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = loaded(tmp_path, SMALL + "store: {url: 'env:IDPSYNC_TEST_STORE'}\n").store
    with pytest.raises(ConfigError):
        store.reveal()
    monkeypatch.setenv("IDPSYNC_TEST_STORE", "postgresql://idpsync:x@db/idpsync")
    assert store.reveal() == "postgresql://idpsync:x@db/idpsync"
    assert loaded(tmp_path).store.reveal() == "sqlite:///var/idpsync.db"


def test_the_heartbeat_may_stand_behind_a_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDPSYNC_TEST_BEAT", "https://beat.example/1")
    text = SMALL + "alerts: {heartbeat_url: '%s'}\n"
    assert (
        loaded(tmp_path, text % "env:IDPSYNC_TEST_BEAT").alerts.heartbeat() == "https://beat.example/1"
    )
    assert (
        loaded(tmp_path, text % "https://beat.example/2").alerts.heartbeat() == "https://beat.example/2"
    )
    assert loaded(tmp_path).alerts.heartbeat() is None


def test_an_ipv6_address_is_listened_on_without_its_brackets(tmp_path: Path) -> None:
    web = loaded(tmp_path, SMALL + "web: {listen: '[::1]:0'}\n").web
    assert (web.host, web.port) == ("::1", 0)


def test_a_configuration_never_changes(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    with pytest.raises(ValidationError):
        config.organization.id = "other"

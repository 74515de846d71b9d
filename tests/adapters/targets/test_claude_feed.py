"""The activity feed as the truth about tiers, and `check --online` for a Claude organisation."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from idpsync.core.errors import Refused, Transient
from idpsync.core.model import Account, Standing
from idpsync.core.seats import Tier
from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, OwnerHidden, claude_house
from tests.contracts.target import PREMIUM, STANDARD, change_tier, create
from tests.twins.claude.answers import Fault, refused
from tests.twins.claude.twin import KEY

Open = Callable[..., ClaudeHouse]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    monkeypatch.setenv(KEY_NAME, KEY)
    with ExitStack() as stack:
        yield lambda mode, **seats: stack.enter_context(claude_house(mode, seats or None))


def the_one(house: ClaudeHouse, **settings: object) -> Account:
    (account,) = OwnerHidden(house.target(**settings)).accounts()
    return account


def came(house: ClaudeHouse, name: str = "ada") -> str:
    """Somebody comes by directory sync, long ago by now; their id at Claude."""
    house.target().apply(create(name, PREMIUM))
    house.org.sync()
    house.org.clock.advance(timedelta(days=1))
    member = house.org.called(f"{name}@acme.example")
    assert member
    return str(member["id"])


def test_a_tier_that_was_changed_in_the_console_is_believed_before_the_group(opened: Open) -> None:
    house = opened("scim_advanced")
    member_id = came(house)
    house.org.assign(member_id, "standard")
    assert the_one(house).tier == STANDARD
    house.org.assign(member_id, None)
    assert the_one(house).tier is None
    assert house.target().find("ada@acme.example") == the_one(house)


def test_without_the_scope_the_group_is_all_there_is_to_believe(opened: Open) -> None:
    house = opened("scim_advanced")
    house.twin.keys[KEY].discard("read:compliance_activities")
    house.org.assign(came(house), "standard")
    assert the_one(house).tier == PREMIUM


@pytest.mark.parametrize(("said", "tier"), [(None, None), ("standard", STANDARD)])
def test_a_member_of_no_group_counts_as_configured_where_nobody_tells_their_tier(
    opened: Open, said: str | None, tier: Tier | None
) -> None:
    """Owners and people added by hand have a seat too, and it must not be given away."""
    house = opened("scim_advanced")
    house.put("zoe@acme.example")
    target = house.target(unknown_tier=said)
    assert [one.tier for one in OwnerHidden(target).accounts()] == [tier]
    found = target.find("zoe@acme.example")
    assert found is not None
    assert found.tier == tier
    member = house.org.called("zoe@acme.example")
    assert member
    house.org.assign(member["id"], "premium")
    house.org.assign(member["id"], None)
    assert the_one(house, unknown_tier=said).tier is None  # the feed knows that they have none


def test_a_change_of_ours_counts_until_sync_has_had_its_time(opened: Open) -> None:
    house = opened("scim_advanced")
    came(house)
    account = the_one(house)
    house.target().apply(change_tier(account, STANDARD))
    assert the_one(house).tier == STANDARD
    house.org.clock.advance(timedelta(hours=7))
    assert the_one(house).tier == PREMIUM  # it never came: Claude has not followed


def test_what_sync_did_after_our_change_is_believed_at_once(opened: Open) -> None:
    house = opened("scim_advanced", premium=2, standard=1)
    came(house)
    house.target().apply(change_tier(the_one(house), STANDARD))
    house.org.clock.advance(timedelta(minutes=5))
    house.org.sync()
    assert house.tier_at_claude("ada") == "standard"
    house.org.clock.advance(timedelta(minutes=5))
    house.org.assign(str(house.org.called("ada@acme.example")["id"]), "premium")  # type: ignore[index]
    assert the_one(house).tier == PREMIUM


def test_an_invite_is_told_with_the_tier_it_really_holds(opened: Open) -> None:
    """An API invite takes the lowest free tier, whatever was wished (DOMAIN §7.2)."""
    house = opened("login_only")
    house.target().apply(create("ada", PREMIUM))
    house.org.clock.advance(timedelta(hours=7))
    account = the_one(house)
    assert (account.standing, account.tier) == (Standing.INVITED, STANDARD)
    with pytest.raises(Refused, match="choose the premium tier"):
        house.target().apply(change_tier(account, PREMIUM))
    member = house.org.accept("ada@acme.example")
    house.org.assign(member["id"], "premium")
    assert the_one(house).tier == PREMIUM


def test_an_invite_of_which_the_tier_is_not_told_has_that_of_its_group(opened: Open) -> None:
    house = opened("login_only")
    house.target().apply(create("ada", PREMIUM))
    del house.org.activities[0]["invited_seat_tier"]
    assert the_one(house).tier == PREMIUM


def test_an_adopted_member_has_the_tier_that_claude_gave_whatever_the_group_says(opened: Open) -> None:
    house = opened("login_only")
    house.org.add_member("ada@acme.example", tier="standard")
    house.org.clock.advance(timedelta(hours=1))
    assert house.target().apply(create("ada", PREMIUM)).tier == STANDARD
    assert the_one(house).tier == STANDARD


def test_no_seat_is_not_noted_away_where_tiers_are_given_by_hand(opened: Open) -> None:
    """The feed knows that the member has none: to write a group would only look like a seat."""
    house = opened("login_only")
    member = house.org.add_member("ada@acme.example", tier="standard")
    house.org.assign(member["id"], None)
    account = the_one(house)
    assert account.tier is None
    with pytest.raises(Refused, match="choose the standard tier"):
        house.target().apply(change_tier(account, STANDARD))
    assert house.members_of("seat-standard") == set()


def test_the_feed_of_another_organisation_of_the_parent_says_nothing_here(opened: Open) -> None:
    house = opened("scim_advanced")
    member_id = came(house)
    house.org.assign(member_id, "standard")
    house.org.activities[0]["organization_uuid"] = "another"
    assert the_one(house).tier == PREMIUM


def test_a_key_that_may_not_name_its_organisation_lists_all_the_same(opened: Open) -> None:
    house = opened("scim_advanced")
    house.org.assign(came(house), "standard")
    denied = refused(403, "permission_error", "Missing required scopes. Got: [] Needed: [read:me]")
    house.twin.faults.append(Fault("GET", "/me", times=99, instead=denied))
    assert the_one(house).tier == STANDARD
    health = house.target().probe()
    assert health.ok
    assert health.detail.startswith("an organisation that the key may not name: 2 members")
    assert house.target(provisioning_mode=None).accounts()


def test_a_word_that_no_tier_has_is_not_taken_for_no_seat(opened: Open) -> None:
    house = opened("scim_advanced")
    member_id = came(house)
    house.org.happened(
        "claude_user_seat_tier_updated", user_id=member_id, current_seat_tier="enterprise_platinum"
    )
    target = OwnerHidden(house.target())
    with capture_logs() as logs:
        assert [[one.tier for one in target.accounts()] for _ in range(2)] == [[PREMIUM]] * 2
    assert [row["said"] for row in logs if row["event"] == "tier.unknown"] == ["enterprise_platinum"]
    assert the_one(house, tier_values={"standard": "enterprise_platinum"}).tier == STANDARD


def test_the_feed_is_read_on_from_where_it_was_read_last(opened: Open) -> None:
    house = opened("scim_advanced")
    member_id, target = came(house), OwnerHidden(house.target())
    target.accounts()
    for tier in ("standard", "premium", "standard"):
        house.org.clock.advance(timedelta(hours=1))
        house.org.assign(member_id, tier)
    assert [one.tier for one in target.accounts()] == [STANDARD]
    reads = [one for one in house.twin.seen if one.path.endswith("/activities")]
    assert reads[-1].first("created_at.gte") is not None
    assert reads[-1].first("activity_types[]") == "claude_user_seat_tier_updated"


def test_a_feed_of_many_pages_is_read_to_its_end(opened: Open) -> None:
    house = opened("scim_advanced")
    member_id = came(house)
    house.twin.page_size = 2
    house.org.assign(member_id, "standard")
    for _ in range(7):
        house.org.happened("claude_user_seat_tier_updated", user_id="user_other", current_seat_tier=None)
    assert the_one(house).tier == STANDARD


def test_a_feed_that_fails_is_not_a_feed_that_says_nothing(opened: Open) -> None:
    """Else tiers would be one thing in this run and another in the next."""
    house = opened("scim_advanced")
    came(house)
    down = refused(503, "api_error", "down")
    house.twin.faults.append(Fault("GET", "/activities", times=99, instead=down))
    with pytest.raises(Transient):
        house.target().accounts()


# --- check --online ---------------------------------------------------------------------------------


def test_a_probe_tells_who_we_are_how_many_are_there_and_what_nobody_can(opened: Open) -> None:
    house = opened("scim_advanced")
    came(house)
    before = len(house.twin.seen)
    health = house.target().probe()
    assert health.ok
    assert health.detail == "Acme: 2 members, 0 pending invites"
    facts = "\n".join(health.facts)
    assert "group 'seat-premium' → premium (1 people)" in facts
    assert "provisioning mode scim_advanced: people come by directory sync" in facts
    assert "members are removed by directory sync" in facts
    assert "only a write can tell" in facts
    assert {one.method for one in house.twin.seen[before:]} == {"GET"}


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_a_probe_tells_what_claude_itself_counted(opened: Open, version: str) -> None:
    house = opened("login_only")
    house.target().apply(create("ada", STANDARD))
    told = "Claude counted 1 assigned seats and 1 pending invites on 2026-02-25"
    assert told in house.target(api_version=version).probe().facts
    house.twin.keys[KEY].discard("read:analytics")
    health = house.target(api_version=version).probe()
    assert health.ok
    assert not any("Claude counted" in fact for fact in health.facts)


def test_a_probe_names_missing_scopes(opened: Open) -> None:
    house = opened("scim_advanced")
    house.twin.keys[KEY] -= {"read:compliance_activities", "read:compliance_org_data"}
    health = house.target().probe()
    assert health.ok  # nothing that is needed is missing
    facts = "\n".join(health.facts)
    assert "scope missing: read:compliance_activities" in facts
    assert "as configured: the key may not read what Claude enforces" in facts
    house.twin.keys[KEY].discard("read:members")
    health = house.target().probe()
    assert not health.ok
    assert "lacks the scope read:members" in health.detail


def test_a_probe_is_not_well_where_the_mode_is_another_or_unknown(opened: Open) -> None:
    house = opened("jit_advanced")
    health = house.target(provisioning_mode="scim_advanced").probe()
    assert not health.ok
    assert "is scim_advanced, and Claude enforces jit_advanced: correct it" in "\n".join(health.facts)
    house.twin.keys[KEY].discard("read:compliance_org_data")
    health = house.target(provisioning_mode=None).probe()
    assert not health.ok
    assert "set target.provisioning_mode" in "\n".join(health.facts)


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("login_only", "people are invited by e-mail"),
        ("jit_permissive", "tiers are not taken from groups"),
        ("jit_advanced", "people come with their first login"),
    ],
)
def test_a_probe_says_how_people_come_in_each_mode(opened: Open, mode: str, says: str) -> None:
    assert says in "\n".join(opened(mode).target().probe().facts)

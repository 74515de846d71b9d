"""A real Active Directory, read whole: ranges, primary and nested groups, who is switched off."""

from datetime import UTC, datetime, timedelta

import pytest

from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser
from idpsync.core.ports import CanFind, DirectorySource
from idpsync.sources.ldap.settings import AD_DEFAULTS
from tests.adapters.sources.samba_world import DISABLED, Folder
from tests.adapters.sources.wire import broken_wire
from tests.contracts.directory_source import group_of, member_names
from tests.samba import MEMBER, Samba

pytestmark = pytest.mark.server

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)  # of SteadyClock


def ticks(at: datetime) -> str:
    return str(int((at - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000)


@pytest.fixture
def folder(samba: Samba) -> Folder:
    folder = Folder(samba, "reads")
    for name in ("ada", "bob", "eve"):
        folder.add_person(name)
    return folder


def people_of(snapshot: DirectorySnapshot) -> dict[str, DirectoryUser]:
    return {user.user_name: user for user in snapshot.users}


# --- who somebody is


def test_people_and_groups_go_by_the_id_that_the_server_gave_them(folder: Folder) -> None:
    folder.add_group("Claude", ["ada"])
    snapshot = folder.source("Claude").read()
    assert people_of(snapshot)["ada"].external_id == folder.id_of("ada")
    group = group_of(snapshot, "Claude")
    assert group.external_id == folder.id_of("Claude")
    assert group.members == frozenset({folder.id_of("ada")})


def test_somebody_who_is_renamed_and_moved_is_the_same_person(folder: Folder) -> None:
    folder.add_group("Claude", ["ada"])
    before = people_of(folder.source("Claude").read())["ada"].external_id
    folder.add(f"OU=inner,{folder.dn}", "organizationalUnit")
    folder.rename("ada", "Augusta Ada, Countess", into=f"OU=inner,{folder.dn}")
    snapshot = folder.source("Claude").read()
    assert people_of(snapshot)["ada"].external_id == before
    assert group_of(snapshot, "Claude").members == frozenset({before})


def test_who_has_no_principal_name_goes_by_account_and_domain(folder: Folder) -> None:
    folder.modify("ada", userPrincipalName="ada.lovelace@acme.example")
    source = folder.source(user_name_attribute=AD_DEFAULTS["user_name_attribute"])
    names = {user.user_name for user in source.read().users}
    assert names == {"ada.lovelace@acme.example", "bob@lab.example.org", "eve@lab.example.org"}
    assert isinstance(source, CanFind)
    for name in names:
        found = source.find(name.upper())
        assert found
        assert found[0].user_name == name
    assert source.find("ada@lab.example.org") is None


def test_a_group_may_be_wanted_by_its_id(folder: Folder) -> None:
    folder.add_group("Claude", ["ada"])
    guid = folder.id_of("Claude")
    source = folder.source(guid)
    folder.rename("Claude", "Claude Gold")
    group = group_of(source.read(), guid)
    assert group.coverage is Coverage.COMPLETE
    assert group.members == frozenset({folder.id_of("ada")})
    assert isinstance(source, CanFind)
    found = source.find("ada")
    assert found
    assert found[1] == {guid}


def test_two_groups_of_one_name_are_not_guessed_between(folder: Folder) -> None:
    folder.add_group("Claude", ["ada"])
    inner = f"OU=inner,{folder.dn}"
    folder.add(inner, "organizationalUnit")
    folder.add_group(f"CN=Claude,{inner}", ["bob"])
    group = group_of(folder.source("Claude").read(), "Claude")
    assert (group.coverage, group.members) == (Coverage.FAILED, None)
    assert "two groups have this name" in group.reason


# --- who is switched off


def test_disabled_and_expired_accounts_are_off_and_locked_ones_are_not(folder: Folder) -> None:
    folder.add_person("disabled", userAccountControl=DISABLED)
    folder.add_person("expired", accountExpires=ticks(NOW - timedelta(days=1)))
    folder.add_person("until tomorrow", accountExpires=ticks(NOW + timedelta(days=1)))
    folder.add_person("for ever", accountExpires="0")
    folder.add_person("no end", accountExpires=str(2**63 - 1))
    folder.add_person("locked", lockoutTime=ticks(NOW - timedelta(minutes=1)))
    snapshot = folder.source().read()
    assert snapshot.complete
    off = {user.user_name for user in snapshot.users if user.active is False}
    assert off == {"disabled", "expired"}
    assert {user.active for user in snapshot.users} == {True, False}


def test_an_account_whose_state_is_hidden_is_unknown_and_not_disabled(folder: Folder) -> None:
    restrictions = "4c164200-20c0-11d0-a768-00aa006e0529"  # User Account Restrictions
    hide = f"(OD;;RP;{restrictions};;@SID@)"
    folder.samba.load([("allow", folder.dn_of("ada"), hide, "limited")])
    users = people_of(folder.source(bind_dn=folder.samba.limited).read())
    assert users["ada"].active is None
    assert users["bob"].active is True


# --- who is in a group


def test_a_group_of_2998_is_read_in_two_ranges_to_the_end_mark(crowd: Folder) -> None:
    source = crowd.source("Everybody", page_size=1000)
    snapshot = source.read()
    group = group_of(snapshot, "Everybody")
    assert group.coverage is Coverage.COMPLETE
    assert len(group.members or ()) == 12
    assert group.proof
    assert (group.proof.ended_by, group.proof.pages) == ("range -*", 2)
    # login, first cookie, people, groups, second range
    assert snapshot.requests == 5


def test_a_change_at_any_moment_of_the_read_hides_nobody_else(crowd: Folder) -> None:
    moments: list[int] = []
    with broken_wire(636, host=crowd.samba.address, before_request=moments.append) as wire:
        through(crowd, wire.port).read()
    requests = set[int]()
    for moment in moments[3:]:

        def change(request: int, at: int = moment) -> None:
            if request == at:
                crowd.leave("Everybody", "crowd00")
                crowd.join("Everybody", "crowd00")

        with broken_wire(636, host=crowd.samba.address, before_request=change) as wire:
            snapshot = through(crowd, wire.port).read()
        assert group_of(snapshot, "Everybody").coverage is Coverage.COMPLETE
        assert len(member_names(snapshot, "Everybody")) == 12, moment
        requests.add(snapshot.requests)
    assert requests == {5, 7}  # one of the moments lies between the ranges: both are read again


def through(folder: Folder, port: int, **changes: object) -> DirectorySource:
    return folder.source("Everybody", url=f"ldaps://127.0.0.1:{port}", page_size=1000, **changes)


def test_whoever_has_the_group_as_primary_group_is_in_it(folder: Folder) -> None:
    folder.add_group("Staff", ["ada", "bob"])
    staff = folder.dn_of("Staff")
    admin = folder.samba.admin
    admin.search(staff, "(objectClass=*)", "BASE", attributes=["objectSid"])
    sid = (admin.response or [])[0]["raw_attributes"]["objectSid"][0]
    folder.modify("bob", primaryGroupID=str(int.from_bytes(sid[-4:], "little")))
    admin.search(staff, "(objectClass=*)", "BASE", attributes=["member"])
    assert len((admin.response or [])[0]["raw_attributes"]["member"]) == 1, "the server took bob out"
    source = folder.source("Staff")
    assert member_names(source.read(), "Staff") == {"ada", "bob"}
    assert isinstance(source, CanFind)
    found = source.find("bob")
    assert found
    assert found[1] == {"Staff"}


@pytest.fixture
def nested(folder: Folder) -> Folder:
    """Five groups in each other and back, one person in each of three."""
    folder.add_group("Level 5", ["eve"])
    for level in (4, 3, 2, 1):
        folder.add_group(f"Level {level}", [f"Level {level + 1}", *({3: ["bob"]}.get(level, []))])
    folder.join("Level 1", "ada")
    folder.join("Level 5", "Level 1")
    return folder


def test_five_levels_and_a_circle_are_closed(nested: Folder) -> None:
    source = nested.source("Level 1", "Level 4", nested_groups=True)
    snapshot = source.read()
    assert snapshot.complete, snapshot.problems
    assert member_names(snapshot, "Level 1") == {"ada", "bob", "eve"}
    assert member_names(snapshot, "Level 4") == {"ada", "bob", "eve"}
    assert isinstance(source, CanFind)
    found = source.find("eve")
    assert found
    assert found[1] == {"Level 1", "Level 4"}


def test_without_nesting_only_direct_members_count(nested: Folder) -> None:
    snapshot = nested.source("Level 1", "Level 3").read()
    assert snapshot.complete, snapshot.problems
    assert member_names(snapshot, "Level 1") == {"ada"}
    assert member_names(snapshot, "Level 3") == {"bob"}


def test_a_group_inside_that_cannot_be_seen_makes_the_outer_one_suspect(nested: Folder) -> None:
    limited = nested.samba.limited
    assert nested.source("Level 1", nested_groups=True, bind_dn=limited).read().complete
    closed = f"OU=closed,{nested.dn}"
    nested.add(closed, "organizationalUnit")
    nested.rename("Level 4", "Level 4", into=closed)
    nested.samba.load([("allow", closed, "(D;;LC;;;@SID@)", "limited")])
    snapshot = nested.source("Level 1", nested_groups=True, bind_dn=limited).read()
    assert group_of(snapshot, "Level 1").coverage is Coverage.SUSPECT
    assert "which cannot be seen" in group_of(snapshot, "Level 1").reason


def test_hidden_members_are_noticed_by_what_people_say_of_themselves(folder: Folder) -> None:
    folder.add_group("Claude", ["ada"])
    folder.add_group("Nobody")
    folder.samba.load([("allow", folder.dn_of("Claude"), f"(OD;;RP;{MEMBER};;@SID@)", "limited")])
    snapshot = folder.source("Claude", "Nobody", bind_dn=folder.samba.limited).read()
    assert group_of(snapshot, "Nobody").complete
    assert group_of(snapshot, "Nobody").members == frozenset()
    assert group_of(snapshot, "Claude").coverage is Coverage.SUSPECT
    assert "hidden from this bind DN" in group_of(snapshot, "Claude").reason
    assert snapshot.users_coverage is Coverage.SUSPECT


def test_members_from_elsewhere_do_not_count_and_do_not_disturb(folder: Folder) -> None:
    outside = folder.samba.folder_of("outside")
    folder.add(f"CN=stranger,{outside}", "contact")
    folder.add("printer", "contact")
    sid = "S-1-5-21-1-2-3-1234"
    foreign = f"CN={sid},CN=ForeignSecurityPrincipals,{folder.samba.base}"
    folder.add_group("Claude", ["ada", f"CN=stranger,{outside}", "printer"], groupType="-2147483644")
    folder.join("Claude", f"<SID={sid}>")
    assert foreign
    snapshot = folder.source("Claude").read()
    assert snapshot.complete, snapshot.problems
    assert member_names(snapshot, "Claude") == {"ada"}


# --- rights and referrals


def test_an_account_without_any_right_reads_everything_all_the_same(folder: Folder) -> None:
    folder.add_group("Claude", ["ada"])
    snapshot = folder.source("Claude", bind_dn=folder.samba.limited).read()
    assert snapshot.complete
    assert member_names(snapshot, "Claude") == {"ada"}
    assert snapshot.cursor is None  # nobody would tell it of changes


def test_the_whole_domain_is_read_where_its_referrals_are_ignored(folder: Folder) -> None:
    folder.add_group("Claude", ["ada"])
    bases = {"user_base": folder.samba.base, "group_base": folder.samba.base, "page_size": 100}
    cut = folder.source("Claude", **bases).read()
    assert cut.users_coverage is Coverage.PARTIAL
    assert "CN=Configuration" in cut.problems[0]
    assert "`referrals: ignore` reads on" in cut.problems[0]
    whole = folder.source("Claude", referrals="ignore", **bases).read()
    assert whole.complete, whole.problems
    assert {"ada", "bob", "eve", "Administrator", "krbtgt"} <= people_of(whole).keys()
    assert member_names(whole, "Claude") == {"ada"}


def test_one_hidden_member_is_believed_only_when_two_reads_say_the_same(folder: Folder) -> None:
    folder.add_person("hidden")
    folder.add_group("Seen", ["ada", "bob", "hidden"])
    unseen = f"OU=unseen,{folder.dn}"
    folder.add(unseen, "organizationalUnit")
    folder.rename("hidden", "hidden", into=unseen)
    folder.samba.load([("allow", unseen, "(D;;LC;;;@SID@)", "limited")])
    source = folder.source("Seen", bind_dn=folder.samba.limited)
    first, second = source.read(), source.read()
    assert group_of(first, "Seen").coverage is Coverage.SUSPECT
    assert (group_of(second, "Seen").coverage, len(second.groups[0].members or ())) == (
        Coverage.COMPLETE,
        2,
    )
    assert folder.source("Seen").read().complete

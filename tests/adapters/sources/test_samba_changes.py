"""What changed in a real Active Directory, as DirSync tells it: never more, never less, or nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from idpsync.core.changes import DirectoryChanges, MemberChanges
from idpsync.core.errors import Transient
from idpsync.core.ports import CanReadChanges, DirectorySource
from idpsync.sources import build
from tests.adapters.sources.samba_world import DISABLED, ENABLED, Folder, config_of
from tests.adapters.sources.test_samba_reads import NOW, ticks
from tests.adapters.sources.wire import broken_wire
from tests.contracts.directory_changes import carried_on, seen_in
from tests.fakes.source import SteadyClock
from tests.samba import Samba

pytestmark = pytest.mark.server

GROUPS = ("Premium", "Users")


class Follower:
    """A source that has read everything, and what that showed."""

    def __init__(self, folder: Folder, *, groups: tuple[str, ...] = GROUPS, **changes: object) -> None:
        self.clock, self._groups = SteadyClock(), frozenset(groups)
        self._folder, self._changes = folder, changes
        self.source = self._made()
        self.read = self.source.read()
        self.cursor = self.read.cursor
        self.seen = seen_in(self.read)
        assert self.read.complete, self.read.problems

    def _made(self) -> DirectorySource:
        config = config_of(self._folder.samba, self._folder.dn, **self._changes)
        return build(config, clock=self.clock, groups=self._groups)

    def told(self) -> DirectoryChanges | None:
        """The next changes; they carry on to what a whole read shows."""
        assert isinstance(self.source, CanReadChanges)
        assert self.cursor
        changes = self.source.changes(self.cursor)
        if changes is not None:
            self.seen, self.cursor = carried_on(self.seen, changes), changes.cursor
            assert self.seen == seen_in(self._made().read())
        return changes

    def surely_told(self) -> DirectoryChanges:
        changes = self.told()
        assert changes is not None
        return changes


@pytest.fixture
def folder(samba: Samba) -> Folder:
    folder = Folder(samba, "changes")
    for name in ("ada", "bob", "eve"):
        folder.add_person(name)
    folder.add_group("Premium", ["ada"])
    folder.add_group("Users", ["ada", "bob"])
    return folder


# --- what is told


def test_members_come_and_go_one_by_one(folder: Folder) -> None:
    follower, eve, ada = Follower(folder), folder.id_of("eve"), folder.id_of("ada")
    folder.join("Premium", "eve")
    folder.leave("Premium", "ada")
    changes = follower.surely_told()
    assert changes.groups == {"Premium": MemberChanges(frozenset({eve}), frozenset({ada}))}
    assert changes.people == {}


def test_somebody_who_came_and_left_again_is_not_told_of(folder: Folder) -> None:
    follower = Follower(folder)
    folder.join("Premium", "eve")
    folder.leave("Premium", "eve")
    assert follower.surely_told().groups == {}


def test_a_deleted_person_leaves_every_group_though_no_group_is_told(folder: Folder) -> None:
    follower, ada = Follower(folder), folder.id_of("ada")
    folder.delete("ada")
    changes = follower.surely_told()
    assert changes.people == {ada: None}
    assert changes.groups == {name: MemberChanges(left=frozenset({ada})) for name in GROUPS}


def test_disabling_and_renaming_are_told_in_place(folder: Folder) -> None:
    follower, bob, eve = Follower(folder), folder.id_of("bob"), folder.id_of("eve")
    folder.modify("bob", userAccountControl=DISABLED)
    folder.modify("eve", sAMAccountName="eva", mail="eva@acme.example")
    folder.rename("eve", "Eva")
    changes = follower.surely_told()
    told = {key: user for key, user in changes.people.items() if user}
    assert told.keys() == {bob, eve}
    assert told[bob].active is False
    assert (told[eve].user_name, told[eve].profile.email) == ("eva", "eva@acme.example")
    assert changes.groups == {}
    folder.modify("bob", userAccountControl=ENABLED)
    back = follower.surely_told().people[bob]
    assert back
    assert back.active is True


def test_a_person_made_since_is_read_and_put_into_their_groups(folder: Folder) -> None:
    follower = Follower(folder)
    folder.add_person("zoe", givenName="Zoë")
    folder.join("Users", "zoe")
    changes = follower.surely_told()
    (zoe,) = changes.people.values()
    assert zoe
    assert zoe.profile.given_name == "Zoë"
    assert changes.groups == {"Users": MemberChanges(frozenset({zoe.external_id}))}


def test_people_who_move_out_of_the_base_are_gone(folder: Folder, samba: Samba) -> None:
    follower, ada = Follower(folder), folder.id_of("ada")
    outside = samba.folder_of("outside")
    folder.rename("ada", "ada", into=outside)
    changes = follower.surely_told()
    assert changes.people == {ada: None}
    assert changes.groups == {name: MemberChanges(left=frozenset({ada})) for name in GROUPS}


def test_people_who_move_into_the_base_are_read(folder: Folder, samba: Samba) -> None:
    outside = samba.folder_of("outside")
    folder.add_person(f"CN=zoe,{outside}", sAMAccountName="zoe")
    follower = Follower(folder)
    folder.rename(f"CN=zoe,{outside}", "zoe", into=folder.dn)
    assert [user.user_name for user in follower.surely_told().people.values() if user] == ["zoe"]


def test_who_moves_in_with_memberships_of_old_is_in_those_groups(folder: Folder, samba: Samba) -> None:
    outside = samba.folder_of("outside")
    folder.add_person(f"CN=zoe,{outside}", sAMAccountName="zoe")
    folder.join("Users", f"CN=zoe,{outside}")
    follower = Follower(folder)
    folder.rename(f"CN=zoe,{outside}", "zoe", into=folder.dn)
    changes = follower.surely_told()
    assert changes.groups["Users"].joined == changes.people.keys()


def test_who_comes_back_with_memberships_that_nobody_tells_is_read_whole(
    folder: Folder, samba: Samba
) -> None:
    follower, outside = Follower(folder), samba.folder_of("outside")
    folder.rename("ada", "ada", into=outside)
    assert follower.surely_told().people
    folder.rename(f"CN=ada,{outside}", "ada", into=folder.dn)
    assert follower.told() is None


def test_a_change_of_the_primary_group_is_told(folder: Folder) -> None:
    follower, bob = Follower(folder), folder.id_of("bob")
    folder.modify("bob", primaryGroupID=rid(folder, "Users"))
    assert follower.surely_told().groups == {}, "a member before, by primary group now"
    folder.modify("bob", primaryGroupID="513")
    folder.leave("Users", "bob")
    changes = follower.surely_told()
    assert changes.groups == {"Users": MemberChanges(left=frozenset({bob}))}


def test_an_account_that_has_ended_keeps_its_primary_group(folder: Folder) -> None:
    folder.join("Users", "eve")
    folder.modify(
        "eve", accountExpires=ticks(NOW + timedelta(hours=1)), primaryGroupID=rid(folder, "Users")
    )
    follower, eve = Follower(folder), folder.id_of("eve")
    follower.clock.at = NOW + timedelta(hours=2)
    changes = follower.surely_told()
    assert set(changes.people) == {eve}
    assert not changes.groups


def rid(folder: Folder, group: str) -> str:
    """What people name the group by as their primary group."""
    admin = folder.samba.admin
    admin.search(folder.dn_of(group), "(objectClass=*)", "BASE", attributes=["objectSid"])
    sid = (admin.response or [])[0]["raw_attributes"]["objectSid"][0]
    return str(int.from_bytes(sid[-4:], "little"))


def test_an_account_that_ends_by_itself_is_told_when_it_has(folder: Folder) -> None:
    folder.modify("bob", accountExpires=ticks(NOW + timedelta(hours=1)))
    follower, bob = Follower(folder), folder.id_of("bob")
    assert follower.surely_told().people == {}
    follower.clock.at = NOW + timedelta(hours=2)
    ended = follower.surely_told().people[bob]
    assert ended
    assert ended.active is False
    assert follower.surely_told().people == {}


def test_nested_groups_pass_changes_on(folder: Folder) -> None:
    folder.add_group("Inner", ["bob"])
    folder.join("Premium", "Inner")
    follower, eve = Follower(folder, nested_groups=True), folder.id_of("eve")
    folder.join("Inner", "eve")
    assert follower.surely_told().groups["Premium"].joined == {eve}
    folder.delete("Inner")
    assert follower.surely_told().groups["Premium"].left == {eve, folder.id_of("bob")}


def test_what_concerns_nobody_is_not_told(folder: Folder, samba: Samba) -> None:
    outside = samba.folder_of("outside")
    follower = Follower(folder)
    folder.add(f"CN=laptop,{outside}", "computer", sAMAccountName="laptop$")
    folder.add(f"OU=desk,{outside}", "organizationalUnit")
    folder.add_group(f"CN=Chess,{outside}")
    folder.modify("ada", description="likes engines")
    changes = follower.surely_told()
    assert (changes.people, changes.groups, changes.cursor) == ({}, {}, follower.read.cursor)


def test_where_nothing_changed_one_search_says_so(folder: Folder, samba: Samba) -> None:
    requests: list[int] = []
    with broken_wire(636, host=samba.address, before_request=requests.append) as wire:
        url = f"ldaps://127.0.0.1:{wire.port}"
        follower = Follower(folder, url=url)
        assert isinstance(follower.source, CanReadChanges)
        assert follower.cursor
        requests.clear()
        assert follower.source.changes(follower.cursor)
    # hello, end of the handshake, login, one search, good-bye, end of the encryption
    assert len(requests) <= 6


# --- where everything has to be read


def rename_a_group(folder: Folder) -> None:
    folder.rename("Premium", "Gold")


def move_a_group(folder: Folder) -> None:
    folder.rename("Premium", "Premium", into=folder.samba.folder_of("outside"))


def delete_a_group(folder: Folder) -> None:
    folder.delete("Premium")


def name_another_group_so(folder: Folder) -> None:
    inner = f"OU=inner,{folder.dn}"
    folder.add(inner, "organizationalUnit")
    folder.add_group(f"CN=Premium,{inner}")


def move_a_whole_unit(folder: Folder) -> None:
    folder.rename_unit("Staff", into=folder.samba.folder_of("outside"))


def delete_everybody(folder: Folder) -> None:
    for name in ("ada", "bob", "eve", f"CN=zoe,OU=Staff,{folder.dn}"):
        folder.delete(name)


DOUBTS = (
    rename_a_group,
    move_a_group,
    delete_a_group,
    name_another_group_so,
    move_a_whole_unit,
    delete_everybody,
)


@pytest.mark.parametrize("happen", DOUBTS, ids=lambda happen: happen.__name__)
def test_in_doubt_nothing_is_told(folder: Folder, happen: Callable[[Folder], None]) -> None:
    folder.add(f"OU=Staff,{folder.dn}", "organizationalUnit")
    folder.add_person(f"CN=zoe,OU=Staff,{folder.dn}", sAMAccountName="zoe")
    follower = Follower(folder)
    happen(folder)
    assert follower.told() is None


def test_a_group_of_which_only_a_part_was_read_is_not_carried_on(crowd: Folder) -> None:
    folder = Folder(crowd.samba, "changes")
    folder.add_person("ada")
    folder.add_group("Premium", ["ada"])
    both = {"user_base": crowd.samba.base, "group_base": crowd.samba.base, "referrals": "ignore"}
    follower = Follower(folder, groups=("Premium",), nested_groups=True, page_size=1000, **both)
    folder.join("Premium", crowd.dn_of("Few"))
    assert len(follower.surely_told().groups["Premium"].joined) == 4
    folder.join("Premium", crowd.dn_of("Everybody"))
    assert follower.told() is None


def test_after_a_doubt_nothing_is_told_until_everything_was_read(folder: Folder) -> None:
    follower = Follower(folder)
    folder.rename("Premium", "Gold")
    assert follower.told() is None
    folder.rename("Gold", "Premium")
    assert follower.told() is None


def test_an_account_that_is_not_shown_the_deleted_is_told_nothing(folder: Folder, samba: Samba) -> None:
    assert Follower(folder, bind_dn=samba.limited).cursor is None


def test_a_filter_about_memberships_is_not_followed(folder: Folder) -> None:
    chosen = f"(&(objectClass=user)(memberOf={folder.dn_of('Users')}))"
    follower = Follower(folder, user_filter=chosen)
    assert follower.cursor is None
    assert len(follower.read.users) == 2


def test_a_filter_is_followed_by_what_it_asks_about(folder: Folder) -> None:
    folder.modify("ada", department="Engines")
    folder.modify("bob", department="Engines")
    follower, ada = Follower(folder, user_filter="(department=Engines)"), folder.id_of("ada")
    folder.modify("ada", department="Poetry")
    assert follower.surely_told().people == {ada: None}


def test_an_answer_cut_anywhere_is_not_told(folder: Folder, samba: Samba) -> None:
    with broken_wire(636, host=samba.address) as wire:
        follower = Follower(folder, url=f"ldaps://127.0.0.1:{wire.port}")
        assert isinstance(follower.source, CanReadChanges)
        assert follower.cursor
        folder.join("Premium", "eve")
        wire.cut_after(900)
        with pytest.raises(Transient):
            follower.source.changes(follower.cursor)
        assert follower.source.changes(follower.cursor) is None

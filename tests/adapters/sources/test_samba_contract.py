"""Active Directory keeps the contracts of a directory: tried against a Samba domain controller."""

from collections.abc import Iterator

import pytest

from idpsync.core.errors import CredentialsRejected
from idpsync.core.ports import CanWriteGroups
from idpsync.sources import build
from tests.adapters.sources.samba_world import SambaWorld, config_of
from tests.contracts.directory_changes import DirectoryChangesContract
from tests.contracts.directory_source import DirectorySourceContract, Sample
from tests.contracts.group_writing import GroupWritingContract
from tests.fakes.source import SteadyClock
from tests.samba import Samba

pytestmark = pytest.mark.server


@pytest.fixture
def world(samba: Samba) -> Iterator[SambaWorld]:
    world = SambaWorld(samba)
    yield world
    world.close()


class TestSamba(DirectorySourceContract):
    """Everything is read."""


class TestSambaChanges(DirectoryChangesContract):
    """DirSync tells what changed."""


class TestSambaWriting(GroupWritingContract):
    """Members come and go one by one, by an account that may write nothing else."""


def test_an_account_that_may_not_write_is_told_so(world: SambaWorld) -> None:
    world.put(Sample("ada"))
    world.put_group("Claude", [])
    ada, samba = world.folder.id_of("ada"), world.folder.samba
    config, groups = config_of(samba, world.folder.dn, bind_dn=samba.limited), frozenset({"Claude"})
    source = build(config, clock=SteadyClock(), groups=groups, owned=groups)
    assert isinstance(source, CanWriteGroups)
    with pytest.raises(CredentialsRejected, match=r"insufficientAccessRights \(50\)"):
        source.add_member("Claude", ada)
    world.put_group("Claude", ["ada"])
    with pytest.raises(CredentialsRejected, match=r"insufficientAccessRights \(50\)"):
        source.remove_member("Claude", ada)
    assert world.held("Claude") == {"ada"}


@pytest.mark.parametrize("leaves", ["filter", "base"])
def test_whoever_left_the_people_is_still_in_and_can_be_taken_out(
    world: SambaWorld, leaves: str
) -> None:
    for uid in ("ada", "bob"):
        world.put(Sample(uid))
    world.put_group("Inner", [])
    world.put_group("Claude", ["ada", "bob", "Inner"])
    folder, samba = world.folder, world.folder.samba
    ada, bob = folder.id_of("ada"), folder.id_of("bob")
    config = config_of(
        samba,
        folder.dn,
        bind_dn=samba.writer,
        user_filter="(&(objectCategory=person)(objectClass=user)(!(title=former)))",
    )
    source = build(config, clock=SteadyClock(), groups=frozenset(), owned=frozenset({"Claude"}))
    assert isinstance(source, CanWriteGroups)
    if leaves == "filter":
        folder.modify("ada", title="former")
    else:
        folder.rename("ada", "ada", into=samba.folder_of("former"))
    assert {user.external_id for user in source.read().users} == {bob}
    assert source.members_of("Claude") == {ada, bob}
    source.remove_member("Claude", ada)
    assert world.held("Claude") == {"bob", "Inner"}


def test_whoever_is_taken_out_of_an_empty_group_is_out(world: SambaWorld) -> None:
    world.put(Sample("ada"))
    world.put_group("Claude", [])
    source = world.writer("Claude")
    assert isinstance(source, CanWriteGroups)
    source.remove_member("Claude", world.folder.id_of("ada"))
    assert world.held("Claude") == set()

"""A read of Active Directory is carried on only by the domain controller that gave it."""

from dataclasses import replace

import pytest

from idpsync.core.ports import CanReadChanges
from tests.adapters.sources.samba_world import Folder
from tests.adapters.sources.test_samba_changes import Follower
from tests.adapters.sources.wire import Wire
from tests.samba import Samba

pytestmark = pytest.mark.server


@pytest.fixture
def folder(samba: Samba) -> Folder:
    folder = Folder(samba, "changes")
    folder.add_person("ada")
    folder.add_group("Premium", ["ada"])
    folder.add_group("Users", ["ada"])
    return folder


def test_another_domain_controller_is_not_asked_to_go_on(folder: Folder, samba: Samba) -> None:
    first, second = Wire(636, host=samba.address), Wire(636, host=samba.address)
    try:
        urls = (f"ldaps://127.0.0.1:{first.port}", f"ldaps://127.0.0.1:{second.port}")
        follower = Follower(folder, url=None, urls=urls)
        first.close()
        assert isinstance(follower.source, CanReadChanges)
        assert follower.cursor
        assert follower.source.changes(follower.cursor) is None
    finally:
        second.close()


def test_another_controller_behind_the_same_name_is_not_asked_to_go_on(
    folder: Folder, samba: Samba
) -> None:
    """The cookie that we have is of another copy of the directory than the one that answers."""
    moved = Follower(folder)
    known = moved.source._followed  # type: ignore[attr-defined]
    cookie, here = known.start.cookie, controller_bytes(samba)
    assert cookie.count(here) > 0
    known.start = replace(known.start, cookie=cookie.replace(here, bytes(16), 1))
    assert moved.told() is None


def controller_bytes(samba: Samba) -> bytes:
    where, what = f"CN=Configuration,{samba.base}", "(objectClass=nTDSDSA)"
    samba.admin.search(where, what, attributes=["invocationId"])
    (found,) = (r for r in samba.admin.response or () if r["type"] == "searchResEntry")
    invocation: bytes = found["raw_attributes"]["invocationId"][0]
    return invocation

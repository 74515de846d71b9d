"""One domain controller for all tests that need Active Directory; each works in a folder of its own."""

from collections.abc import Iterator

import pytest

from tests.adapters.sources.samba_world import Folder
from tests.samba import Samba, running_samba


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    with running_samba(tmp_path_factory.mktemp("ad")) as server:
        yield server


@pytest.fixture(scope="session")
def crowd(samba: Samba) -> Folder:
    """Twelve people; "Few", four of them; "Everybody", 2,998 members: the rest are contacts."""
    folder = Folder(samba, "crowd", lasting=True)
    others = samba.folder_of("contacts", lasting=True)
    people = [f"crowd{n:02d}" for n in range(12)]
    for name in people:
        folder.add_person(name)
    folder.add_group("Few", people[::3])
    contacts = [f"CN=contact{n:04d},{others}" for n in range(2998 - len(people))]
    everybody = [*contacts[:1490], *map(folder.dn_of, people), *contacts[1490:]]
    group = {"dn": folder.dn_of("Everybody"), "objectClass": "group", "member": everybody}
    samba.load(
        [
            *(("add", {"dn": dn, "objectClass": "contact"}) for dn in contacts),
            ("add", {**group, "sAMAccountName": "Everybody"}),
        ]
    )
    return folder

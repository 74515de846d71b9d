"""A folder in a real Active Directory as a world for the contract, and sources that read it."""

from collections.abc import Iterable

from ldap3 import MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE
from ldap3.core.exceptions import LDAPEntryAlreadyExistsResult
from ldap3.utils.dn import escape_rdn

from idpsync.core.ports import DirectorySource
from idpsync.sources import LdapConfig, build
from tests.adapters.sources.wire import Wire
from tests.contracts.directory_source import Sample
from tests.fakes.source import SteadyClock
from tests.samba import MEMBER, Samba

ENABLED, DISABLED = "544", "546"  # an ordinary account that needs no password


def config_of(samba: Samba, folder: str, **changes: object) -> LdapConfig:
    settings: dict[str, object] = {
        "kind": "ldap",
        "flavor": "ad",
        "url": samba.ldaps_url,
        "ca_file": samba.ca_file,
        "server_name": samba.server_name,
        "bind_dn": samba.reader,
        "password": f"file:{samba.password_file}",
        "user_base": folder,
        "group_base": folder,
        "user_name_attribute": "sAMAccountName",
        "page_size": 4,
    }
    return LdapConfig.model_validate(settings | changes)


def source_of(samba: Samba, folder: str, *groups: str, **changes: object) -> DirectorySource:
    config = config_of(samba, folder, **changes)
    return build(config, clock=SteadyClock(), groups=frozenset(groups))


class Folder:
    """People and groups in one organisational unit, by account name and by group name.

    One that does not last makes an end of those before it.
    """

    def __init__(self, samba: Samba, name: str, *, lasting: bool = False) -> None:
        if not lasting:
            samba.clear()
        self.samba = samba
        self.dn = samba.folder_of(name, lasting=lasting)

    def dn_of(self, name: str) -> str:
        return name if "=" in name else f"CN={name},{self.dn}"

    def source(self, *groups: str, **changes: object) -> DirectorySource:
        return source_of(self.samba, self.dn, *groups, **changes)

    def add(self, name: str, kind: str, **attributes: object) -> None:
        self.samba.admin.add(self.dn_of(name), kind, attributes)  # type: ignore[no-untyped-call]

    def add_person(self, name: str, **attributes: object) -> None:
        account = name.partition(",")[0].removeprefix("CN=")
        own = {
            "sAMAccountName": account,
            "userAccountControl": ENABLED,
            "mail": f"{account}@acme.example",
        }
        self.add(name, "user", **{**own, **attributes})

    def add_group(self, name: str, members: Iterable[str] = (), **attributes: object) -> None:
        dns = [self.dn_of(member) for member in members]
        self.add(name, "group", **({"member": dns} if dns else {}), **attributes)

    def modify(self, name: str, **attributes: str) -> None:
        """Replace attributes; an empty text removes one."""
        changes = {
            attribute: [(MODIFY_REPLACE, [value] if value else [])]
            for attribute, value in attributes.items()
        }
        self.samba.admin.modify(self.dn_of(name), changes)  # type: ignore[no-untyped-call]

    def join(self, group: str, *names: str) -> None:
        self._members(group, MODIFY_ADD, names)

    def leave(self, group: str, *names: str) -> None:
        self._members(group, MODIFY_DELETE, names)

    def delete(self, name: str) -> None:
        self.samba.admin.delete(self.dn_of(name))  # type: ignore[no-untyped-call]

    def rename(self, name: str, to: str, into: str | None = None) -> None:
        self.samba.admin.modify_dn(self.dn_of(name), f"CN={escape_rdn(to)}", new_superior=into)

    def rename_unit(self, name: str, into: str) -> None:
        self.samba.admin.modify_dn(f"OU={name},{self.dn}", f"OU={name}", new_superior=into)

    def id_of(self, name: str) -> str:
        return self.samba.guid(self.dn_of(name))

    def _members(self, group: str, operation: str, names: Iterable[str]) -> None:
        dns = [self.dn_of(name) for name in names]
        if dns:
            self.samba.admin.modify(self.dn_of(group), {"member": [(operation, dns)]})  # type: ignore[no-untyped-call]


class SambaWorld:
    """Every source reads through one wire, which can break."""

    def __init__(self, samba: Samba) -> None:
        self.folder = Folder(samba, "world")
        self._wire = Wire(636, host=samba.address)
        self._groups: dict[str, set[str]] = {}

    def close(self) -> None:
        self._wire.close()

    def put(self, person: Sample) -> None:
        said = {"mail": person.email, "givenName": person.given_name, "sn": person.family_name}
        try:
            self.folder.add_person(person.uid, **said)
        except LDAPEntryAlreadyExistsResult:
            self.folder.modify(person.uid, **said)

    def remove(self, uid: str) -> None:
        """No group is touched: the server takes the person out of them by itself."""
        self.folder.delete(uid)
        for members in self._groups.values():
            members.discard(uid)

    def put_group(self, name: str, members: Iterable[str]) -> None:
        wanted = set(members)
        if name not in self._groups:
            self.folder.add_group(name, wanted)
        else:
            self.folder.leave(name, *(self._groups[name] - wanted))
            self.folder.join(name, *(wanted - self._groups[name]))
        self._groups[name] = wanted

    def rename_group(self, name: str, to: str) -> None:
        self.folder.rename(name, to)

    def writer(self, *owned: str) -> DirectorySource:
        config = config_of(
            self.folder.samba, self.folder.dn, url=self._url, bind_dn=self.folder.samba.writer
        )
        groups = frozenset(owned)
        return build(config, clock=SteadyClock(), groups=groups, owned=groups)

    def held(self, group: str) -> set[str]:
        admin = self.folder.samba.admin
        admin.search(self.folder.dn, f"(&(objectClass=group)(cn={group}))", attributes=["member"])
        if not admin.response:
            raise KeyError(group)
        members = admin.response[0]["raw_attributes"].get("member", [])
        return {dn.decode().partition(",")[0].removeprefix("CN=") for dn in members}

    def hide_members(self, group: str) -> None:
        hide = f"(OD;;RP;{MEMBER};;@SID@)"
        self.folder.samba.load([("allow", self.folder.dn_of(group), hide, "writer")])

    def cut(self) -> None:
        self._wire.cut_after(1000)

    def go_away(self) -> None:
        self._wire.close()

    def source(self, *groups: str) -> DirectorySource:
        return self.folder.source(*groups, url=self._url, page_size=2)

    @property
    def _url(self) -> str:
        return f"ldaps://127.0.0.1:{self._wire.port}"

"""A real slapd as a world for the directory contract, and sources that read it."""

from collections.abc import Iterable

from idpsync.core.ports import DirectorySource
from idpsync.sources import LdapConfig, build
from idpsync.sources.ldap.source import LdapSource
from tests.contracts.directory_source import Sample
from tests.fakes.source import SteadyClock
from tests.slapd import LdapPerson, Slapd


def config_of(slapd: Slapd, **changes: object) -> LdapConfig:
    settings: dict[str, object] = {
        "kind": "ldap",
        "url": slapd.url,
        "bind_dn": slapd.bind_dn,
        "password": f"file:{slapd.password_file}",
        "user_base": slapd.people_base,
        "group_base": slapd.groups_base,
        "page_size": 4,
    }
    return LdapConfig.model_validate(settings | changes)


def source_of(slapd: Slapd, *groups: str, **changes: object) -> DirectorySource:
    return build(config_of(slapd, **changes), clock=SteadyClock(), groups=frozenset(groups))


class SlapdWorld:
    """Groups keep `cn=nobody` as a member, since a groupOfNames cannot be empty."""

    def __init__(self, slapd: Slapd) -> None:
        self.slapd = slapd
        self.people: set[str] = set()
        self.groups: dict[str, list[str]] = {}
        self.bind_dn, self.writer_dn = slapd.bind_dn, slapd.writer_dn

    def put(self, person: Sample) -> None:
        if person.uid in self.people:
            self.slapd.modify_person(person.uid, givenName=person.given_name, sn=person.family_name)
            return
        self.people.add(person.uid)
        self.slapd.add_person(
            LdapPerson(person.uid, person.email, person.given_name, person.family_name)
        )

    def remove(self, uid: str) -> None:
        self.people.discard(uid)
        self.slapd.delete_person(uid)
        for name, members in self.groups.items():
            if uid in members:
                self.put_group(name, [m for m in members if m != uid])

    def put_group(self, name: str, members: Iterable[str]) -> None:
        write = self.slapd.set_members if name in self.groups else self.slapd.add_group
        self.groups[name] = list(members)
        write(name, self.groups[name])

    def rename_group(self, name: str, to: str) -> None:
        self.slapd.rename_group(name, to)

    def cut(self) -> None:
        self.slapd.cap_reader(2)

    def go_away(self) -> None:
        self.slapd.stop()

    def hide_members(self, group: str) -> None:
        """The server was started with HIDE_MEMBERS."""
        self.writer_dn = self.slapd.limited_dn

    def source(self, *groups: str) -> DirectorySource:
        return source_of(self.slapd, *groups, bind_dn=self.bind_dn)

    def writer(self, *owned: str) -> DirectorySource:
        config = config_of(self.slapd, bind_dn=self.writer_dn)
        return LdapSource(config, clock=SteadyClock(), groups=frozenset(), owned=frozenset(owned))

    def held(self, group: str) -> set[str]:
        return self.slapd.members_of(group)

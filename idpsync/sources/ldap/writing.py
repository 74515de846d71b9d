"""Members of groups that idpsync owns, one at a time: what others write meanwhile stays."""

from ldap3 import MODIFY_ADD, MODIFY_DELETE

from idpsync.core.errors import Malformed, NotFound, Refused
from idpsync.sources.ldap.connection import LIBRARY_ERRORS
from idpsync.sources.ldap.errors import SYSTEM, lost, result_error
from idpsync.sources.ldap.members import demands_a_member
from idpsync.sources.ldap.named import NamedPeople, Somebody
from idpsync.sources.ldap.owned import OwnedNames
from idpsync.sources.ldap.queries import any_of
from idpsync.sources.ldap.session import Entry, Search, Session
from idpsync.sources.ldap.settings import LdapConfig

DONE_ALREADY = frozenset({16, 20})  # noSuchAttribute on delete, attributeOrValueExists on add
OBJECT_CLASS_VIOLATION = 65


class WrittenGroups:
    """The groups of `owned`, by name or id. Each is looked up once, and goes by its id from then on."""

    def __init__(self, config: LdapConfig, owned: frozenset[str]) -> None:
        self._config, self._owned = config, OwnedNames(owned, config.group_base)

    def members_of(self, group: str) -> frozenset[str]:
        """Ids of the people directly in the group, those too whom the configuration does not mean.

        Malformed where members may be hidden.
        """
        self._owned.check(group, "read members")
        with Session(self._config, "read members") as session:
            entry = self._entry(session, group, "read members")
            attribute = _member_attribute(entry)
            named = entry.texts(attribute)
            if not named and demands_a_member(_classes(entry)):
                told = f"{entry.dn} shows no member: hidden from this bind DN?"
                raise Malformed(SYSTEM, "read members", told)
            people = NamedPeople(session, self._config)
            return people.with_names(named) if attribute == "memberUid" else people.with_dns(named)

    def add_member(self, group: str, external_id: str) -> None:
        """Put somebody in. NotFound for somebody whom the directory does not have.

        UnknownOutcome, here as in `remove_member`, where no answer comes to the write itself.
        """
        self._owned.check(group, "add member")
        with Session(self._config, "add member", writing=True) as session:
            entry = self._entry(session, group, "add member")
            someone = NamedPeople(session, self._config).with_id(external_id)
            if someone is None:
                raise NotFound(SYSTEM, "add member", f"nobody has the id {external_id}")
            self._modify(session, entry, MODIFY_ADD, someone, "add member")

    def remove_member(self, group: str, external_id: str) -> None:
        """Take somebody out, wherever they are now. Whoever was deleted is in no group any more."""
        self._owned.check(group, "remove member")
        with Session(self._config, "remove member", writing=True) as session:
            entry = self._entry(session, group, "remove member")
            someone = NamedPeople(session, self._config).with_id(external_id)
            if someone is not None:
                self._modify(session, entry, MODIFY_DELETE, someone, "remove member")

    def _entry(self, session: Session, group: str, operation: str) -> Entry:
        """The group's entry as it is now. NotFound, Malformed when several are so called."""
        config = self._config
        known = self._owned.id_of(group)
        keys = (config.id_attribute,) if known else (config.group_name_attribute, config.id_attribute)
        named = "".join(any_of(key, [known or group]) for key in keys)
        search = Search(
            operation,
            config.group_base,
            f"(&{config.group_filter}(|{named}))",
            (config.id_attribute, "objectClass", "member", "uniqueMember", "memberUid"),
        )
        entry = self._owned.only(session.read_all(search).whole(), group, operation)
        if external_id := entry.text(config.id_attribute):
            self._owned.pin(group, external_id)
        return entry

    def _modify(
        self, session: Session, entry: Entry, how: str, someone: Somebody, operation: str
    ) -> None:
        attribute = _member_attribute(entry)
        value = someone.user_name if attribute == "memberUid" else someone.dn
        try:
            session.connection.modify(entry.dn, {attribute: [(how, [value])]})  # type: ignore[no-untyped-call]
        except LIBRARY_ERRORS as error:
            raise lost(error, operation) from error
        result = session.connection.result
        code = result["result"]
        if code == 0 or code in DONE_ALREADY:
            return
        if code == OBJECT_CLASS_VIOLATION and how == MODIFY_DELETE:
            told = (
                f"{someone.user_name} is the last member of {entry.dn}, and such a group cannot be "
                "empty (RFC 4519 §3.5): put a placeholder into it, an entry that is nobody's"
            )
            raise Refused(SYSTEM, operation, told)
        raise result_error(code, str(result["description"]), str(result["message"]), operation)


def _classes(entry: Entry) -> set[str]:
    return {name.lower() for name in entry.texts("objectClass")}


def _member_attribute(entry: Entry) -> str:
    """How a group of its class names its members."""
    classes = _classes(entry)
    if "posixgroup" in classes and not classes & {"groupofnames", "groupofmembers"}:
        return "memberUid"
    return "uniqueMember" if "groupofuniquenames" in classes else "member"

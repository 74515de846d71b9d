"""Members of groups in Active Directory that idpsync owns, one at a time and by GUID."""

from ldap3 import MODIFY_ADD, MODIFY_DELETE

from idpsync.core.errors import Malformed, NotFound, RemoteError
from idpsync.sources.ldap.ad_groups import AdGroup, AdGroups
from idpsync.sources.ldap.ad_reader import AdReader, whole_groups
from idpsync.sources.ldap.ad_values import is_guid
from idpsync.sources.ldap.connection import LIBRARY_ERRORS
from idpsync.sources.ldap.errors import NO_SUCH_OBJECT, SYSTEM, lost, result_error
from idpsync.sources.ldap.owned import OwnedNames
from idpsync.sources.ldap.people import People
from idpsync.sources.ldap.session import Session
from idpsync.sources.ldap.settings import LdapConfig

IN_ALREADY = 68  # entryAlreadyExists
PERHAPS_NOT_IN = frozenset({16, 53})  # noSuchAttribute where nobody is in; unwillingToPerform


class AdWrittenGroups:
    """The groups of `owned`, by name or id. Each is looked up once, and goes by its id from then on."""

    def __init__(self, config: LdapConfig, owned: frozenset[str]) -> None:
        self._config, self._owned = config, OwnedNames(owned, config.group_base)

    def members_of(self, group: str, people: People) -> frozenset[str]:
        """Ids of the people directly in the group, those too whom the configuration does not mean.

        To its end mark; Malformed where some are hidden.
        """
        operation = "read members"
        self._owned.check(group, operation)
        with Session(self._config, operation) as session:
            reader = AdReader(session, self._config, people)
            found = self._found(reader, group, operation)
            (whole,) = reader.completed([found], [found.guid], frozenset())
            if whole.fault:
                raise Malformed(SYSTEM, operation, f"{whole.dn}: {whole.fault}")
            if not whole.others and reader.somebody_in(whole):
                told = f"{whole.dn} shows no member: hidden from this bind DN?"
                raise Malformed(SYSTEM, operation, told)
            return frozenset(whole.others) - reader.things_in(whole)

    def add_member(self, group: str, external_id: str, people: People) -> None:
        """Put somebody in. NotFound for somebody whom the directory does not have.

        UnknownOutcome, here as in `remove_member`, where no answer comes to the write itself.
        """
        operation = "add member"
        self._owned.check(group, operation)
        with Session(self._config, operation, writing=True) as session:
            guid = self._id_of(AdReader(session, self._config, people), group, operation)
            code = self._modified(session, guid, MODIFY_ADD, external_id, operation)
            if code == NO_SUCH_OBJECT:
                self._owned.forget(group)
                raise NotFound(SYSTEM, operation, f"nobody has the id {external_id}")
            if code not in {0, IN_ALREADY}:
                raise _refused(session, operation)

    def remove_member(self, group: str, external_id: str, people: People) -> None:
        """Take somebody out, wherever they are now. Whoever was deleted is in no group any more."""
        operation = "remove member"
        self._owned.check(group, operation)
        with Session(self._config, operation, writing=True) as session:
            reader = AdReader(session, self._config, people)
            guid = self._id_of(reader, group, operation)
            code = self._modified(session, guid, MODIFY_DELETE, external_id, operation)
            if code == NO_SUCH_OBJECT:
                self._found(reader, group, operation)  # it was the person who is not there
            elif code:
                error = _refused(session, operation)
                if code not in PERHAPS_NOT_IN or reader.is_in(guid, external_id):
                    raise error

    def _id_of(self, reader: AdReader, group: str, operation: str) -> str:
        return self._owned.id_of(group) or self._found(reader, group, operation).guid

    def _found(self, reader: AdReader, group: str, operation: str) -> AdGroup:
        """The group as it is now, the first part of its members. Malformed when several are so named."""
        name = self._owned.id_of(group) or group
        listing = whole_groups(reader.groups(frozenset({name}), frozenset()), self._config.group_base)
        roots = AdGroups(self._config, listing.whole(), {}, ()).roots(name)
        found = self._owned.only(roots, group, operation)
        self._owned.pin(group, found.guid)
        return found

    def _modified(self, session: Session, group: str, how: str, external_id: str, operation: str) -> int:
        """The result code."""
        if not is_guid(external_id):
            return NO_SUCH_OBJECT
        changes = {"member": [(how, [f"<GUID={external_id}>"])]}
        session.requests += 1
        try:
            session.connection.modify(f"<GUID={group}>", changes)  # type: ignore[no-untyped-call]
            return int(session.connection.result["result"])
        except LIBRARY_ERRORS as error:
            raise lost(error, operation) from error


def _refused(session: Session, operation: str) -> RemoteError:
    result = session.connection.result
    return result_error(result["result"], str(result["description"]), str(result["message"]), operation)

"""What Active Directory says about a person beyond their names."""

from collections.abc import Iterable
from datetime import datetime

from idpsync.sources.ldap.ad_values import dns_name, domain_of, guid_of, moment
from idpsync.sources.ldap.people import Marks
from idpsync.sources.ldap.session import Entry, Unreadable
from idpsync.sources.ldap.settings import LdapConfig

ACCOUNT_DISABLED = 0x2  # ADS_UF_ACCOUNTDISABLE of userAccountControl (MS-ADTS 2.2.16)
PRINCIPAL_NAME, ACCOUNT_NAME = "userPrincipalName", "sAMAccountName"


class AdMarks:
    """`Marks` of Active Directory, as of one moment.

    Disabled and expired accounts are switched off; a locked one is not, it opens again by itself.
    `primary` and `expiring` fill up while people are read: RID of the primary group and end of the
    account, by id.
    """

    def __init__(self, config: LdapConfig, now: datetime, plain: Marks) -> None:
        self._config, self.now, self._plain = config, now, plain
        self.primary: dict[str, int] = {}
        self.expiring: dict[str, datetime] = {}

    @property
    def attributes(self) -> tuple[str, ...]:
        own = ("userAccountControl", "accountExpires", "primaryGroupID", ACCOUNT_NAME)
        return (*own, *self._plain.attributes)

    def id_of(self, entry: Entry) -> str:
        return guid_of(entry)

    def name_of(self, entry: Entry) -> str:
        """Who has no userPrincipalName signs in under account name and domain all the same."""
        name = self._plain.name_of(entry)
        if name or self._config.user_name_attribute.lower() != PRINCIPAL_NAME.lower():
            return name
        account = entry.text(ACCOUNT_NAME)
        return f"{account}@{dns_name(domain_of(entry.dn))}" if account else ""

    def active(self, entry: Entry) -> bool | None:
        """None where the account's state cannot be read: unknown is not disabled."""
        self._note(entry)
        flags, ends = _number(entry, "userAccountControl"), _ends(entry)
        if (flags or 0) & ACCOUNT_DISABLED or (ends and ends <= self.now):
            return False
        said = self._plain.active(entry)
        return None if said and flags is None else said

    def take_over(self, newer: "AdMarks", guids: Iterable[str]) -> None:
        """What `newer` noted about these people replaces what is noted here."""
        for guid in guids:
            self.primary.pop(guid, None)
            self.expiring.pop(guid, None)
            if guid in newer.primary:
                self.primary[guid] = newer.primary[guid]
            if guid in newer.expiring:
                self.expiring[guid] = newer.expiring[guid]

    def have_ended(self, guids: Iterable[str]) -> None:
        """These accounts are over; nothing else about them is other."""
        for guid in guids:
            self.expiring.pop(guid, None)

    def _note(self, entry: Entry) -> None:
        external_id = self.id_of(entry)
        self.expiring.pop(external_id, None)
        self.primary.pop(external_id, None)
        if (ends := _ends(entry)) and ends > self.now:
            self.expiring[external_id] = ends
        if (primary := _number(entry, "primaryGroupID")) is not None:
            self.primary[external_id] = primary


def _ends(entry: Entry) -> datetime | None:
    ticks = _number(entry, "accountExpires")
    return None if ticks is None else moment(ticks)


def _number(entry: Entry, attribute: str) -> int | None:
    text = entry.text(attribute)
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise Unreadable(f"{attribute} of {entry.dn} is no number: {text!r}") from error

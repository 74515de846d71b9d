"""Entries as people: what each is called, whether they are switched off, who cannot be told apart."""

from collections import Counter
from typing import Protocol

from idpsync.core.model import NO_ATTRIBUTES, DirectoryUser, Profile, fold
from idpsync.sources.ldap.names import normal
from idpsync.sources.ldap.session import Entry, Listing, Unreadable
from idpsync.sources.ldap.settings import LdapConfig

TOLD = 20  # unreadable entries named in one snapshot

Person = tuple[DirectoryUser, str]
"""Somebody, and their DN in normal form."""


class Marks(Protocol):
    """What tells one person from another, and whether they are switched off: flavours differ here."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """What they are read from."""
        ...

    def id_of(self, entry: Entry) -> str:
        """The id that never changes; "" where the entry shows none."""
        ...

    def name_of(self, entry: Entry) -> str:
        """The user name; "" where the entry shows none."""
        ...

    def active(self, entry: Entry) -> bool | None:
        """None where the entry does not say."""
        ...


class PlainMarks:
    """`Marks` as attributes tell them by themselves."""

    def __init__(self, config: LdapConfig) -> None:
        self._config = config
        self._off = frozenset(fold(value) for value in config.inactive_values)

    @property
    def attributes(self) -> tuple[str, ...]:
        config = self._config
        named = (config.id_attribute, config.user_name_attribute)
        return (*named, config.active_attribute) if config.active_attribute else named

    def id_of(self, entry: Entry) -> str:
        return entry.text(self._config.id_attribute)

    def name_of(self, entry: Entry) -> str:
        return entry.text(self._config.user_name_attribute)

    def active(self, entry: Entry) -> bool | None:
        if not self._config.active_attribute:
            return True
        values = {fold(value) for value in entry.texts(self._config.active_attribute)}
        return not values & self._off if self._off else not values


class People:
    """What one configuration makes of entries; `source` is what the directory is called."""

    def __init__(self, config: LdapConfig, source: str, marks: Marks | None = None) -> None:
        self._config, self._source = config, source
        self._marks = marks or PlainMarks(config)

    @property
    def attributes(self) -> tuple[str, ...]:
        """What a search has to ask for."""
        config = self._config
        return (
            *self._marks.attributes,
            config.email_attribute,
            config.given_name_attribute,
            config.family_name_attribute,
            config.display_name_attribute,
            *config.extra_attributes,
        )

    def user(self, entry: Entry) -> DirectoryUser:
        """The person; Unreadable without an id or a user name, or with text that is none."""
        config, text = self._config, entry.text
        external_id, name = self._marks.id_of(entry), self._marks.name_of(entry)
        if not external_id or not name:
            missing = config.user_name_attribute if external_id else config.id_attribute
            raise Unreadable(f"{entry.dn} shows no {missing}")
        given, family = text(config.given_name_attribute), text(config.family_name_attribute)
        profile = Profile(
            user_name=name,
            email=text(config.email_attribute) or None,
            given_name=given,
            family_name=family,
            display_name=text(config.display_name_attribute) or f"{given} {family}".strip(),
        )
        extra = {attribute: text(attribute) for attribute in config.extra_attributes}
        return DirectoryUser(
            source=self._source,
            external_id=external_id,
            profile=profile,
            active=self._marks.active(entry),
            attributes={a: value for a, value in extra.items() if value} or NO_ATTRIBUTES,
        )

    def person(self, entry: Entry) -> Person | str:
        """The person and their DN, or what makes the entry unreadable."""
        try:
            return self.user(entry), normal(entry.dn)
        except Unreadable as error:
            return str(error)

    def told_apart(
        self, listing: Listing[Person | str]
    ) -> tuple[list[DirectoryUser], dict[str, str], list[str]]:
        """People, their ids by DN, and what could not be read."""
        people = [each for each in listing.entries if not isinstance(each, str)]
        faults = [each for each in listing.entries if isinstance(each, str)]
        if doubled := _doubled([user.external_id for user, _ in people]):
            told = f"several people have {self._config.id_attribute}"
            faults += [f"{told} {one}" for one in sorted(doubled)]
            people = [each for each in people if each[0].external_id not in doubled]
        problems = [f"people were read in part: {listing.reason}"] if listing.error else []
        problems += faults[:TOLD]
        if len(faults) > TOLD:
            problems.append(f"and {len(faults) - TOLD} more people who cannot be read")
        return [user for user, _ in people], {dn: user.external_id for user, dn in people}, problems


def _doubled(ids: list[str]) -> set[str]:
    if len(set(ids)) == len(ids):
        return set()
    return {one for one, count in Counter(ids).items() if count > 1}

"""The searches that one configuration asks for."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from idpsync.core.errors import ConfigError, Problem
from idpsync.sources.ldap.names import lies_under, normal, parent
from idpsync.sources.ldap.session import Search, escaped, is_filter
from idpsync.sources.ldap.settings import LdapConfig

NAMES_IN_ONE_FILTER = 100
_ATTRIBUTE = re.compile(r"\(\s*([A-Za-z][\w;.-]*)\s*(?::[^=()]*)?[~<>]?=")

FOLDERS = (
    "(|"
    + "".join(
        f"(objectClass={name})"
        for name in (
            "organizationalUnit",
            "organization",
            "dcObject",
            "locality",
            "country",
            "container",
        )
    )
    + ")"
)
"""Entries that others lie under: where one gets another name or place, so do they, and nobody tells."""


class Queries:
    """People by `people` attributes, groups by `groups` attributes; `wanted` are groups that count."""

    def __init__(
        self,
        config: LdapConfig,
        *,
        wanted: frozenset[str],
        people: tuple[str, ...],
        groups: tuple[str, ...],
    ) -> None:
        self._config, self._wanted = config, wanted
        self._people, self._groups = people, groups

    def everybody(self) -> Search:
        return self._people_by("")

    def person(self, user_name: str) -> Search:
        return self._people_by(f"({self._config.user_name_attribute}={escaped(user_name)})")

    def people_of(self, ids: Iterable[str]) -> Iterator[Search]:
        """Those of `ids` whom the user filter still finds."""
        return self._by_ids(ids, self._people_by)

    def groups(self) -> Search:
        """The groups that policy mentions; all of them where nested ones must be known."""
        return self.groups_by("read groups", self._mentioned())

    def groups_of(self, ids: Iterable[str]) -> Iterator[Search]:
        """Those of `ids` that `groups` would still find."""
        also = self._mentioned()
        return self._by_ids(ids, lambda one: self.groups_by("read groups", f"{also}{one}"))

    def groups_by(self, operation: str, condition: str) -> Search:
        config = self._config
        chosen = f"(&{config.group_filter}{condition})" if condition else config.group_filter
        return Search(operation, config.group_base, chosen, self._groups)

    def every_group(self) -> Search:
        """Every group by id and name, whatever it is called: one that is gone may have a new name."""
        config = self._config
        named = (config.id_attribute, config.group_name_attribute)
        return Search("look for renamed groups", config.group_base, config.group_filter, named)

    def each_that_counts(self) -> tuple[Search, ...]:
        """`everybody`, and `groups` where any counts, with the folders they may lie in."""
        counted = (self.everybody(), self.groups()) if self._wanted else (self.everybody(),)
        return tuple(replace(one, filter=f"(|{one.filter}{FOLDERS})") for one in counted)

    def folders_of(self, ids: Iterable[str], bases: Iterable[str]) -> Iterator[Search]:
        """Those of `ids` that are folders."""
        everywhere = Search("read changes", "", FOLDERS, ("1.1",))
        for search in self._by_ids(ids, lambda one: replace(everywhere, filter=f"(&{FOLDERS}{one})")):
            yield from (replace(search, base=base) for base in bases)

    def all_that_counts(self) -> tuple[Search, ...]:
        """The same in one search, where one subtree holds both bases."""
        shared = _shared(self._config.user_base, self._config.group_base)
        if not shared or not self._wanted:
            return self.each_that_counts()
        people, groups = self.each_that_counts()
        return (Search("read changes", shared, f"(|{people.filter}{groups.filter})", ()),)

    def _people_by(self, condition: str) -> Search:
        config = self._config
        chosen = f"(&{config.user_filter}{condition})" if condition else config.user_filter
        operation = "find person" if condition else "read people"
        return Search(operation, config.user_base, chosen, self._people)

    def _by_ids(self, ids: Iterable[str], make: Callable[[str], Search]) -> Iterator[Search]:
        left = iter(sorted(ids))
        while some := list(islice(left, NAMES_IN_ONE_FILTER)):
            yield make(any_of(self._config.id_attribute, some))

    def _mentioned(self) -> str:
        if self._config.nested_groups or len(self._wanted) > NAMES_IN_ONE_FILTER:
            return ""
        config, names = self._config, sorted(self._wanted)
        by_name, by_id = any_of(config.group_name_attribute, names), any_of(config.id_attribute, names)
        return f"(|{by_name}{by_id})"


def any_of(attribute: str, values: Iterable[str]) -> str:
    """A filter for entries that have one of these values."""
    return f"(|{''.join(f'({attribute}={escaped(value)})' for value in values)})"


def asked_about(config: LdapConfig) -> set[str]:
    """Attributes in lower case that decide who counts, or that policy may ask for."""
    marks = {config.active_attribute or "", *config.extra_attributes} - {""}
    filters = _ATTRIBUTE.findall(config.user_filter + config.group_filter)
    return {name.lower() for name in (*marks, *filters)}


def check_filters(config: LdapConfig) -> None:
    """ConfigError naming every filter that is none."""
    problems = [
        Problem(f"directory.{key}", f"{value!r} is not an LDAP filter (RFC 4515), parentheses included")
        for key, value in (("user_filter", config.user_filter), ("group_filter", config.group_filter))
        if not is_filter(value)
    ]
    if problems:
        raise ConfigError(*problems)


def _shared(one: str, other: str) -> str:
    """The subtree that holds both bases; "" where there is none but the root."""
    outer, inner = sorted((normal(one), normal(other)), key=len)
    while outer and not lies_under(inner, outer):
        outer = parent(outer)
    return outer

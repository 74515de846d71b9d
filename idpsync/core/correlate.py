"""Correlation: which account is which person's?

Keys in the order of trust: link → external id → user name → verified e-mail. Nobody is guessed: two
candidates for one key, or one candidate for two people, is a conflict that a person decides.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from idpsync.core.errors import AmbiguousCorrelation
from idpsync.core.model import Account, DirectoryUser, Link, fold
from idpsync.core.plan import Adoption, Conflict


@dataclass(frozen=True, slots=True)
class Correlation:
    """The outcome. `account_of` is by the person's external id and names linked and adopted accounts."""

    account_of: Mapping[str, Account]
    adoptions: tuple[Adoption, ...]
    conflicts: tuple[Conflict, ...]
    skipped: frozenset[str]  # external ids of people in a conflict: neither granted nor taken from
    orphans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Index:
    """Accounts under every key they can be found by."""

    by_id: Mapping[str, Account]
    by_external_id: Mapping[str, tuple[Account, ...]]
    by_user_name: Mapping[str, tuple[Account, ...]]
    by_email: Mapping[str, tuple[Account, ...]]
    person_of: Mapping[str, tuple[str, str]]  # account id → (source, external id) of its link
    link_of: Mapping[tuple[str, str], Link]

    def keys(self, user: DirectoryUser) -> Iterator[tuple[str, tuple[Account, ...]]]:
        """Candidates for a person without a link, the most trusted key first."""
        yield "external_id", self.by_external_id.get(user.external_id, ())
        yield "user_name", self.by_user_name.get(fold(user.user_name), ())
        email = user.profile.email
        unclaimed = self.by_email.get(fold(email), ()) if email else ()
        # a mail address is re-used more readily than an id: only accounts nobody has marked qualify
        yield "email", tuple(a for a in unclaimed if a.external_id is None)


def correlate(
    users: Iterable[DirectoryUser],
    accounts: Iterable[Account],
    links: Iterable[Link],
    *,
    verified: Callable[[str | None], bool],
) -> Correlation:
    """Match people to accounts. `verified` tells whether an e-mail address may serve as a key."""
    people = sorted(users, key=lambda u: u.external_id)
    accounts = sorted(accounts, key=lambda a: a.id)
    index = _index(accounts, links)
    shared = _shared_keys(people)
    account_of: dict[str, Account] = {}
    adoptions: list[Adoption] = []
    conflicts: list[Conflict] = [c for c, _ in shared]
    skipped = {external_id for _, ids in shared for external_id in ids}
    for user in people:
        if user.external_id in skipped:
            continue
        try:
            found, adoption = _match(user, index, verified)
        except AmbiguousCorrelation as error:
            conflicts.append(Conflict(error.keys, "ambiguous_correlation"))
            skipped.add(user.external_id)
            continue
        if found:
            account_of[user.external_id] = found
        if adoption:
            adoptions.append(adoption)
    twice = _adopted_twice(adoptions)
    kept = tuple(a for a in adoptions if a.external_id not in twice)
    return Correlation(
        account_of={who: account for who, account in account_of.items() if who not in twice},
        adoptions=kept,
        conflicts=tuple(dict.fromkeys([*conflicts, *twice.values()])),
        skipped=frozenset(skipped | twice.keys()),
        orphans=_orphans(accounts, index, kept),
    )


def _index(accounts: list[Account], links: Iterable[Link]) -> _Index:
    by_external_id: dict[str, list[Account]] = defaultdict(list)
    by_user_name: dict[str, list[Account]] = defaultdict(list)
    by_email: dict[str, list[Account]] = defaultdict(list)
    for account in accounts:
        if account.external_id:
            by_external_id[account.external_id].append(account)
        by_user_name[account.member].append(account)
        if account.profile.email:
            by_email[fold(account.profile.email)].append(account)
    links = tuple(links)
    return _Index(
        by_id={account.id: account for account in accounts},
        by_external_id={key: tuple(found) for key, found in by_external_id.items()},
        by_user_name={key: tuple(found) for key, found in by_user_name.items()},
        by_email={key: tuple(found) for key, found in by_email.items()},
        person_of={link.account_id: (link.source, link.external_id) for link in links},
        link_of={(link.source, link.external_id): link for link in links},
    )


def _match(
    user: DirectoryUser, index: _Index, verified: Callable[[str | None], bool]
) -> tuple[Account | None, Adoption | None]:
    link = index.link_of.get((user.source, user.external_id))
    if link and link.account_id in index.by_id:
        return index.by_id[link.account_id], None
    for key, candidates in index.keys(user):
        if not candidates or (key == "email" and not verified(user.profile.email)):
            continue
        account = _only(user, key, candidates, index)
        adoption = Adoption(
            account_id=account.id,
            user_name=account.user_name,
            source=user.source,
            external_id=user.external_id,
            matched_by=key,
        )
        return account, adoption
    return None, None


def _only(user: DirectoryUser, key: str, candidates: tuple[Account, ...], index: _Index) -> Account:
    if len(candidates) > 1:
        names = [f"account {a.user_name} ({a.id})" for a in candidates]
        raise AmbiguousCorrelation((f"{key} of {user.user_name}", *names))
    account = candidates[0]
    foreign = account.external_id is not None and account.external_id != user.external_id
    owner = index.person_of.get(account.id, (user.source, user.external_id))
    if foreign or owner != (user.source, user.external_id):
        other = account.external_id if foreign else "/".join(owner)
        raise AmbiguousCorrelation(
            (f"{key} of {user.user_name}", f"account {account.user_name} belongs to {other}")
        )
    return account


def _shared_keys(people: list[DirectoryUser]) -> list[tuple[Conflict, tuple[str, ...]]]:
    """People whom the directory itself does not tell apart, by user name or e-mail."""
    shared = []
    for label, key_of in (("user name", _user_name_key), ("e-mail", _email_key)):
        counted = Counter(key for user in people if (key := key_of(user)))
        groups: dict[str, list[DirectoryUser]] = defaultdict(list)
        for user in people:
            key = key_of(user)
            if key and counted[key] > 1:
                groups[key].append(user)
        for key, several in sorted(groups.items()):
            ids = tuple(user.external_id for user in several)
            keys = (f"{label} {key}", *(f"person {external_id}" for external_id in ids))
            shared.append((Conflict(keys, f"shared_{label.replace(' ', '_').replace('-', '')}"), ids))
    return shared


def _user_name_key(user: DirectoryUser) -> str:
    return fold(user.user_name)


def _email_key(user: DirectoryUser) -> str:
    return fold(user.profile.email) if user.profile.email and user.active is not False else ""


def _adopted_twice(adoptions: list[Adoption]) -> dict[str, Conflict]:
    claims: dict[str, list[Adoption]] = defaultdict(list)
    for adoption in adoptions:
        claims[adoption.account_id].append(adoption)
    twice = {}
    for several in claims.values():
        if len(several) > 1:
            ids = tuple(f"person {a.external_id}" for a in several)
            conflict = Conflict((f"account {several[0].user_name}", *ids), "claimed_twice")
            twice.update({a.external_id: conflict for a in several})
    return twice


def _orphans(accounts: list[Account], index: _Index, adoptions: tuple[Adoption, ...]) -> tuple[str, ...]:
    explained = {a.account_id for a in adoptions} | index.person_of.keys()
    return tuple(sorted(a.user_name for a in accounts if a.id not in explained))

"""Correlation: which account is which person's?

Keys in the order of trust: link → external id → user name → verified e-mail. Nobody is guessed: two
candidates for one key, or one candidate for two people, is a conflict that a person decides.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from idpsync.core.errors import AmbiguousCorrelation
from idpsync.core.model import Account, DirectoryUser, Link, fold, fold_all
from idpsync.core.plan import Adoption, Conflict
from idpsync.core.roll import Roll


@dataclass(frozen=True, slots=True)
class Correlation:
    """The outcome. `account_of` is by the person's external id and names linked and adopted accounts."""

    account_of: Mapping[str, Account]
    adoptions: tuple[Adoption, ...]
    conflicts: tuple[Conflict, ...]
    skipped: frozenset[str]  # external ids of people in a conflict: neither granted nor taken from
    orphans: tuple[str, ...]


class Owners:
    """Whose each linked account is, and the account of each person, by our links."""

    def __init__(self, links: Iterable[Link]) -> None:
        self.person_of: dict[str, tuple[str, str]] = {}  # account id → (source, external id)
        self._account_of: dict[str, dict[str, str]] = defaultdict(dict)
        for link in links:
            self.add(link)

    def add(self, link: Link) -> None:
        self.person_of[link.account_id] = (link.source, link.external_id)
        self._account_of[link.source][link.external_id] = link.account_id

    def accounts_of(self, source: str) -> Mapping[str, str]:
        """External id → account id, of the people of one directory."""
        return self._account_of.get(source, {})


@dataclass(frozen=True, slots=True)
class Candidates:
    """Accounts under every key by which somebody without a link may be found."""

    by_external_id: Mapping[str, list[Account]]
    by_user_name: Mapping[str, list[Account]]
    by_email: Mapping[str, list[Account]]

    @classmethod
    def for_people(cls, people: Iterable[DirectoryUser], roll: Roll) -> "Candidates":
        """Those accounts that have a key of one of `people`."""
        ids, names, emails = set(), set(), set()
        for user in people:
            ids.add(user.external_id)
            names.add(fold(user.profile.user_name))
            emails.add(fold(user.profile.email or ""))
        by_id: dict[str, list[Account]] = defaultdict(list)
        by_name: dict[str, list[Account]] = defaultdict(list)
        by_email: dict[str, list[Account]] = defaultdict(list)
        if ids:
            addresses = fold_all([a.profile.email or "" for a in roll.accounts.values()])
            keyed = zip(roll.accounts.values(), roll.member_of.values(), addresses, strict=True)
            for account, member, address in keyed:
                if account.external_id in ids:
                    by_id[account.external_id or ""].append(account)
                if member in names:
                    by_name[member].append(account)
                if address and address in emails:
                    by_email[address].append(account)
        return cls(by_id, by_name, by_email)

    def keys(self, user: DirectoryUser) -> Iterator[tuple[str, list[Account]]]:
        """Candidates for a person without a link, the most trusted key first."""
        yield "external_id", self.by_external_id.get(user.external_id, [])
        yield "user_name", self.by_user_name.get(fold(user.user_name), [])
        email = user.profile.email
        unclaimed = self.by_email.get(fold(email), []) if email else []
        # a mail address is re-used more readily than an id: only accounts nobody has marked qualify
        yield "email", [a for a in unclaimed if a.external_id is None]


def correlate(
    users: Iterable[DirectoryUser],
    roll: Roll,
    links: Iterable[Link],
    *,
    verified: Callable[[str | None], bool],
) -> Correlation:
    """Match people to accounts. `verified` tells whether an e-mail address may serve as a key."""
    people, owners = list(users), Owners(links)
    shared = list(shared_keys(people))
    conflicts: list[Conflict] = [c for c, _ in shared]
    skipped = {external_id for _, ids in shared for external_id in ids}
    account_of, strangers = _linked(people, roll, owners, skipped)
    strangers.sort(key=lambda user: user.external_id)
    candidates = Candidates.for_people(strangers, roll)
    adoptions: list[Adoption] = []
    for user in strangers:
        try:
            adoption = match(user, candidates, owners, verified)
        except AmbiguousCorrelation as error:
            conflicts.append(Conflict(error.keys, "ambiguous_correlation"))
            skipped.add(user.external_id)
            continue
        if adoption:
            adoptions.append(adoption)
    twice = _adopted_twice(adoptions, roll)
    kept = tuple(a for a in adoptions if a.external_id not in twice)
    account_of.update((a.external_id, roll.accounts[a.account_id]) for a in kept)
    return Correlation(
        account_of=account_of,
        adoptions=kept,
        conflicts=tuple(dict.fromkeys([*conflicts, *twice.values()])),
        skipped=frozenset(skipped | twice.keys()),
        orphans=_orphans(roll, owners, kept),
    )


def _linked(
    people: list[DirectoryUser], roll: Roll, owners: Owners, skipped: set[str]
) -> tuple[dict[str, Account], list[DirectoryUser]]:
    """Accounts of those who have a link to one that is there, and everybody else but the skipped."""
    accounts, account_of = roll.accounts, {}
    strangers = []
    links_of = {user.source: owners.accounts_of(user.source) for user in people}
    for user in people:
        external_id = user.external_id
        account = accounts.get(links_of[user.source].get(external_id, ""))
        if account is None:
            if external_id not in skipped:
                strangers.append(user)
        elif external_id not in skipped:
            account_of[external_id] = account
    return account_of, strangers


def match(
    user: DirectoryUser,
    candidates: Candidates,
    owners: Owners,
    verified: Callable[[str | None], bool],
) -> Adoption | None:
    """The account that is somebody's by one of their keys; AmbiguousCorrelation if that is not sure."""
    for key, found in candidates.keys(user):
        if not found or (key == "email" and not verified(user.profile.email)):
            continue
        account = _only(user, key, found, owners)
        return Adoption(
            account_id=account.id,
            user_name=account.user_name,
            source=user.source,
            external_id=user.external_id,
            matched_by=key,
        )
    return None


def _only(user: DirectoryUser, key: str, found: list[Account], owners: Owners) -> Account:
    if len(found) > 1:
        names = [f"account {a.user_name} ({a.id})" for a in sorted(found, key=lambda a: a.id)]
        raise AmbiguousCorrelation((f"{key} of {user.user_name}", *names))
    account = found[0]
    foreign = account.external_id is not None and account.external_id != user.external_id
    owner = owners.person_of.get(account.id, (user.source, user.external_id))
    if foreign or owner != (user.source, user.external_id):
        other = account.external_id if foreign else "/".join(owner)
        raise AmbiguousCorrelation(
            (f"{key} of {user.user_name}", f"account {account.user_name} belongs to {other}")
        )
    return account


def shared_keys(people: Iterable[DirectoryUser]) -> Iterator[tuple[Conflict, tuple[str, ...]]]:
    """People whom the directory itself does not tell apart, by user name or e-mail."""
    people = list(people)
    mailed = [user for user in people if user.profile.email and user.active is not False]
    for label, several, names in (
        ("user name", people, [user.profile.user_name for user in people]),
        ("e-mail", mailed, [user.profile.email or "" for user in mailed]),
    ):
        keys = fold_all(names)
        if len(set(keys)) < len(keys):
            yield from _sharing(label, several, keys)


def _sharing(
    label: str, people: list[DirectoryUser], keys: list[str]
) -> Iterator[tuple[Conflict, tuple[str, ...]]]:
    counted = Counter(keys)
    ids_of: dict[str, list[str]] = defaultdict(list)
    for user, key in zip(people, keys, strict=True):
        if key and counted[key] > 1:
            ids_of[key].append(user.external_id)
    reason = f"shared_{label.replace(' ', '_').replace('-', '')}"
    for key, ids in sorted(ids_of.items()):
        ids.sort()
        names = (f"{label} {key}", *(f"person {external_id}" for external_id in ids))
        yield Conflict(names, reason), tuple(ids)


def _adopted_twice(adoptions: list[Adoption], roll: Roll) -> dict[str, Conflict]:
    claims: dict[str, list[Adoption]] = defaultdict(list)
    for adoption in adoptions:
        claims[adoption.account_id].append(adoption)
    twice = {}
    for account_id, several in claims.items():
        if len(several) > 1:
            ids = tuple(f"person {a.external_id}" for a in several)
            name = roll.accounts[account_id].user_name
            conflict = Conflict((f"account {name}", *ids), "claimed_twice")
            twice.update({a.external_id: conflict for a in several})
    return twice


def _orphans(roll: Roll, owners: Owners, adoptions: tuple[Adoption, ...]) -> tuple[str, ...]:
    unexplained = roll.accounts.keys() - owners.person_of.keys() - {a.account_id for a in adoptions}
    return tuple(sorted(roll.accounts[account_id].user_name for account_id in unexplained))

"""Who is one person in several directories: whoever has one verified e-mail address in each."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from idpsync.core.model import ALSO, DirectoryUser, fold
from idpsync.sources.merged.parts import Part

Verified = Callable[[str], bool]
PeopleOf = Sequence[tuple[Part, Sequence[DirectoryUser]]]


@dataclass(slots=True)
class People:
    """Everybody once. `known_as` is where a directory's person goes by the id of an earlier one's.

    `own_ids` is the other way round: by id among all, the name of each directory that has them → the
    id they have there.
    """

    users: dict[str, DirectoryUser] = field(default_factory=dict)
    known_as: dict[str, str] = field(default_factory=dict)
    own_ids: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def ids(self, part: Part, members: Iterable[str]) -> Iterator[str]:
        """The ids among all of people of one directory."""
        for member in members:
            key = part.key(member)
            yield self.known_as.get(key, key)

    def recall(self, before: "People") -> None:
        """Who was one person at an earlier read, where one of their two records was not read now."""
        for key, winner in before.known_as.items():
            if key not in self.known_as and not {key, winner} <= self.users.keys():
                self.known_as[key] = winner
                self.own_ids[winner] = before.own_ids.get(winner, {}) | self.own_ids.get(winner, {})


def address(user: DirectoryUser, verified: Verified) -> str:
    """The address by which somebody may be known elsewhere, folded; "" where none is verified."""
    email = user.profile.email
    return fold(email) if email and verified(email) else ""


def addresses(people: PeopleOf, verified: Verified) -> Counter[str]:
    """How many records of all directories bear each verified address."""
    return Counter(found for _, users in people for user in users if (found := address(user, verified)))


def merged(people: PeopleOf, source: str, verified: Verified) -> People:
    """Everybody, in the order of the directories: the first that has somebody says who they are.

    An address that two people of one directory have tells nobody apart: it makes nobody one.
    """
    found, first_with = People(), dict[str, str]()
    in_doubt = _shared_within_one(people, verified)
    for part, users in people:
        for user in users:
            where = address(user, verified)
            winner = first_with.get(where) if where and where not in in_doubt else None
            key = part.key(user.external_id)
            if key in found.users:
                found.problems.append(
                    f"two people have the id {key}: rename the directory '{part.name}'"
                )
            elif winner is None:
                found.users[key] = _under(key, user, source)
                found.own_ids[key] = {part.name: user.external_id}
                first_with.setdefault(where, key)
            else:
                found.users[winner] = _joined(found.users[winner], user, part)
                found.known_as[key] = winner
                found.own_ids[winner][part.name] = user.external_id
    return found


def _shared_within_one(people: PeopleOf, verified: Verified) -> set[str]:
    in_doubt: set[str] = set()
    for part, users in people:
        counts = addresses([(part, users)], verified)
        in_doubt |= {where for where, number in counts.items() if number > 1}
    return in_doubt


def _under(key: str, user: DirectoryUser, source: str) -> DirectoryUser:
    if key == user.external_id and source == user.source:
        return user
    return replace(user, source=source, external_id=key)


def _joined(winner: DirectoryUser, other: DirectoryUser, part: Part) -> DirectoryUser:
    """Profile and whether they are active stay the winner's; what else is known is added."""
    also = {f"{ALSO}{part.name}": part.key(other.external_id)}
    attributes: Mapping[str, str] = {**other.attributes, **winner.attributes, **also}
    return replace(winner, attributes=attributes)

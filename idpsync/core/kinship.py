"""Links of people whom several directories know, each under an id of its own.

Which of the ids somebody goes by depends on the directories that have them now: whoever is put into an
earlier one, or is gone from it, goes by another. The link follows, on the word of a read that showed
both ids as one person: this one, or the last complete one.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, Link

Known = Callable[[str], DirectoryUser | None]


def under_present_ids(
    links: Iterable[Link], snapshot: DirectorySnapshot, known: Known
) -> tuple[Link, ...]:
    """The links, each under the id that its person goes by in `snapshot`.

    `known` is somebody as the last complete read showed them, by external id. It counts only where all
    people were read: else the directory that an id belongs to may be the one that was not.
    """
    kept = tuple(links)
    if not snapshot.several:
        return kept
    present = {user.external_id for user in snapshot.users}
    present_as = {other: user.external_id for user in snapshot.users for other in user.other_ids}
    whole = snapshot.users_coverage is Coverage.COMPLETE

    def follow(link: Link) -> Link:
        if link.external_id in present or link.source != snapshot.source:
            return link
        before = known(link.external_id) if whole and link.external_id not in present_as else None
        others = (link.external_id, *(before.other_ids if before else ()))
        now = (present_as.get(other, other) for other in others)
        found = next((external_id for external_id in now if external_id in present), None)
        return replace(link, external_id=found) if found else link

    return tuple(map(follow, kept))


def without_the_unread(
    snapshot: DirectorySnapshot, links: Iterable[Link], known: Known
) -> DirectorySnapshot:
    """Where people were read in part: without those who go by the id of somebody who was not read.

    The second directory shows them, perhaps by another name. Who they are the first one says: until it
    does so again they are neither taken for somebody new nor in doubt.
    """
    if not snapshot.several or snapshot.users_coverage is Coverage.COMPLETE:
        return snapshot
    present = {user.external_id for user in snapshot.users}
    unread = (k.external_id for k in links if k.source == snapshot.source)
    people = (known(external_id) for external_id in unread if external_id not in present)
    hidden = {other for person in people if person for other in person.other_ids} & present
    if not hidden:
        return snapshot
    users = tuple(user for user in snapshot.users if user.external_id not in hidden)
    return replace(snapshot, users=users)


def followed(before: Iterable[Link], after: Iterable[Link]) -> tuple[Link, ...]:
    """Those links of `after` whose person went by another id in `before`."""
    ids = {link.account_id: link.external_id for link in before}
    return tuple(link for link in after if ids.get(link.account_id, "") not in ("", link.external_id))

"""Links of people whom several directories know, each under an id of its own.

Which of the ids somebody goes by depends on the directories that have them now: whoever is put into an
earlier one, or is gone from it, goes by another. The link follows, on the word of a read that showed
both ids as one person: this one, or the last complete one.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, Link, fold

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
    snapshot: DirectorySnapshot, last_known: Callable[[], Iterable[DirectoryUser]]
) -> DirectorySnapshot:
    """Where people were read in part: without those who may be somebody that was not read.

    `last_known` are all people of the last complete read. Another directory may show one of them who is
    missing now: under an id of its own, or as a newcomer with their address. Who they are, and whether
    they are disabled, the unread one says: until it does so again they are neither taken for somebody
    new nor in doubt.
    """
    if not snapshot.several or snapshot.users_coverage is Coverage.COMPLETE:
        return snapshot
    present = {user.external_id for user in snapshot.users}
    known = {user.external_id: user for user in last_known()}
    unread = [user for user in known.values() if user.external_id not in present]
    ids = {other for user in unread for other in user.other_ids}
    addresses = {address for user in unread if (address := _address(user))}
    newcomers = {
        user.external_id
        for user in snapshot.users
        if user.external_id not in known and _address(user) in addresses
    }
    hidden = (ids & present) | newcomers
    users = tuple(user for user in snapshot.users if user.external_id not in hidden)
    return replace(snapshot, users=users) if hidden else snapshot


def _address(user: DirectoryUser) -> str:
    return fold(user.profile.email or "")


def followed(before: Iterable[Link], after: Iterable[Link]) -> tuple[Link, ...]:
    """Those links of `after` whose person went by another id in `before`."""
    ids = {link.account_id: link.external_id for link in before}
    return tuple(link for link in after if ids.get(link.account_id, "") not in ("", link.external_id))

"""What `check --online` tells about Active Directory, a line each."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from idpsync.sources.ldap.ad_following import start
from idpsync.sources.ldap.ad_groups import AdGroup
from idpsync.sources.ldap.ad_values import generalized
from idpsync.sources.ldap.probing import encryption
from idpsync.sources.ldap.session import Search, Session, Unreadable, entries_of
from idpsync.sources.ldap.settings import LdapConfig

TOLERATED_SKEW = timedelta(seconds=60)


def facts(
    session: Session, config: LdapConfig, roots: Mapping[str, Sequence[AdGroup]], now: datetime
) -> tuple[str, ...]:
    """Groups with their ids, whether changes are told, encryption, and a clock that is not ours."""
    begun, reason = start(session, config, proven=False)
    followed = "changes are told by DirSync" if begun else f"every run reads everything: {reason}"
    if begun and begun.object_security:
        followed += ", of what this account may see"
    return (
        *encryption(session.connection, now),
        *(f"{name} → {_told(found)}" for name, found in roots.items()),
        followed,
        *_skew(session, now),
    )


def _told(found: Sequence[AdGroup]) -> str:
    if not found:
        return "not seen: renamed, deleted or hidden"
    return " and ".join(group.guid for group in found)


def _skew(session: Session, now: datetime) -> tuple[str, ...]:
    """Nothing where the clocks agree (MS-ADTS 3.1.1.3.2.3: currentTime)."""
    root = Search("probe", "", "(objectClass=*)", ("currentTime",), whole_tree=False)
    try:
        _, response = session.exchange(root)
        theirs = generalized(entries_of(response)[0].text("currentTime"))
    except (Unreadable, ValueError, IndexError):
        return ()
    away = theirs - now
    if abs(away) <= TOLERATED_SKEW:
        return ()
    ahead = "ahead of" if away > timedelta(0) else "behind"
    return (f"its clock is {abs(away).total_seconds():.0f} s {ahead} ours",)

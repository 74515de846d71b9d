"""`check --online` for a Claude organisation: who we are there, what the key may, what nobody can."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TypeVar

from idpsync.core.errors import ConfigError, NotFound, RemoteError
from idpsync.core.records import Health
from idpsync.targets.claude_api import SYSTEM, ClaudeApi, RbacGroup
from idpsync.targets.claude_errors import MissingScope, Uncoded
from idpsync.targets.claude_modes import Mode, cannot, how_people_come
from idpsync.targets.claude_setting import UNKNOWN, Setting
from idpsync.targets.seat_groups import SeatGroups

T = TypeVar("T")

COUNTED_AFTER = timedelta(days=4)
"""Claude counts a day once it is over, and shows it up to three days later."""


def probe(api: ClaudeApi, setting: Setting, groups: SeatGroups, today: date) -> Health:
    """Reads everybody, every seat group and the mode; writes nothing."""
    began = time.monotonic()
    try:
        detail, facts, ok = _looked(api, setting, groups, today)
    except (RemoteError, ConfigError) as error:
        return Health(SYSTEM, ok=False, detail=str(error), latency=_since(began))
    return Health(SYSTEM, ok=ok, detail=detail, latency=_since(began), facts=tuple(facts))


def _looked(
    api: ClaudeApi, setting: Setting, groups: SeatGroups, today: date
) -> tuple[str, list[str], bool]:
    organization = setting.organization()
    members, invitations = api.members(), api.invitations()
    enforced, mode = setting.enforced(), setting.mode()
    seated = Counter(groups.tiers().values())
    ok = mode is not None and enforced in (None, mode)
    facts = [
        f"group '{groups.name_of(tier)}' → {tier} ({seated[tier]} people)" for tier in groups.ladder
    ]
    facts += _mode_facts(mode, enforced)
    facts += _scope_facts(api, enforced, today)
    detail = (
        f"{organization.name or organization.id}: {len(members)} members, "
        f"{len(invitations)} pending invites"
    )
    return detail, facts, ok


def _mode_facts(mode: Mode | None, enforced: Mode | None) -> Iterator[str]:
    if mode is None:
        yield UNKNOWN
        return
    if enforced not in (None, mode):
        yield f"target.provisioning_mode is {mode}, and Claude enforces {enforced}: correct it"
    unchecked = "" if enforced else ", as configured: the key may not read what Claude enforces"
    yield f"provisioning mode {mode}{unchecked}: {how_people_come(mode)}"
    yield from cannot(mode)


def _scope_facts(api: ClaudeApi, enforced: Mode | None, today: date) -> Iterator[str]:
    if not _allowed(lambda: api.activities(["seat_tiers_purchased"], None)):
        yield "scope missing: read:compliance_activities; tiers are believed as the groups say"
    if enforced is None:
        yield "scope missing, or mode unknown to idpsync: read:compliance_org_data"
    yield from _count_facts(api, today)
    groups: list[RbacGroup] = []
    if _allowed(lambda: groups.extend(api.groups())):
        synced = sum(group.source == "scim" for group in groups)
        yield f"{len(groups)} groups at Claude, {synced} of them from the directory"
    yield "whether the key may write (write:members) only a write can tell"


def _count_facts(api: ClaudeApi, today: date) -> Iterator[str]:
    """Claude's own count: the one number to hold against `contract` and the seats in use here."""
    day = today - COUNTED_AFTER
    try:
        counted = api.seats_counted(day)
    except (MissingScope, NotFound, Uncoded):
        counted = None
    if counted:
        yield f"Claude counted {counted[0]} assigned seats and {counted[1]} pending invites on {day}"


def _allowed(ask: Callable[[], T]) -> bool:
    try:
        ask()
    except MissingScope:
        return False
    return True


def _since(began: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - began)

"""The login door of one house, with its identity provider."""

import os
import secrets
from collections.abc import Sequence
from functools import partial

from flask import Blueprint

from idpsync.config import Config
from idpsync.core.admission import Presence
from idpsync.core.errors import ConfigError, Problem
from idpsync.core.model import fold
from idpsync.demo import DemoIdp, DemoPerson, demo_blueprint
from idpsync.http import HttpClient, Limits
from idpsync.jit.app import login_blueprint
from idpsync.jit.door import LoginDoor, Parts
from idpsync.jit.saml import KeyPair, load_keys
from idpsync.jit.settings import JitConfig
from idpsync.jit.trust import trusted_idp
from idpsync.wiring.clock import CLOCK
from idpsync.wiring.house import House

SESSION_KEY = "IDPSYNC_SESSION_KEY"
"""Where `run` leaves a session key for its web workers when none is configured."""

METADATA_LIMITS = Limits(patience=20.0, concurrency=2)


def session_key(config: Config) -> str:
    """The configured key, or the one `run` made for this start."""
    if config.web.session_key:
        return config.web.session_key.reveal()
    return os.environ.setdefault(SESSION_KEY, secrets.token_urlsafe(32))


def login_door(house: House, jit: JitConfig) -> tuple[LoginDoor, tuple[Blueprint, ...]]:
    """The door and the web pages that belong to it."""
    demo = DemoIdp(jit.base_url, house.clock) if jit.idp.demo else None
    parts = Parts(
        admits=house.admitter,
        once=house.store.once,
        clock=house.clock,
        idp=trusted_idp(
            jit.idp,
            house.store.once,
            house.clock,
            fetch=_fetch,
            demo=demo.metadata if demo else None,
        ),
        session_key=session_key(house.config),
        presence=partial(_presence, house),
        keys=_keys(jit),
        organization=house.config.organization.name or house.config.organization.id,
    )
    door = LoginDoor(jit, parts)
    pages = [login_blueprint(door)]
    if demo:
        pages.append(demo_blueprint(demo, partial(_people, house)))
    return door, tuple(pages)


def _fetch(url: str) -> bytes:
    client = HttpClient("identity provider", clock=CLOCK, limits=METADATA_LIMITS)
    return client.request("GET", url, operation="read metadata").body


def _keys(jit: JitConfig) -> KeyPair | None:
    if jit.sp_key is None or jit.sp_certificate is None:
        return None
    try:
        certificate = jit.sp_certificate.read_text(encoding="utf-8")
    except OSError as error:
        where = f"{jit.sp_certificate} cannot be read: {error.strerror}"
        raise ConfigError(Problem("jit.sp_certificate", where)) from error
    return load_keys(jit.sp_key.reveal(), certificate)


def _presence(house: House, member: str) -> Presence | None:
    """What a signed-in member has now; None without a seat of their own."""
    person = house.store.cache.person(member)
    names = dict.fromkeys([member, fold(person.user.user_name) if person else member])
    held = next((h for name in names if (h := house.store.seats.holding(name))), None)
    return Presence(held.tier, person.groups if person else None) if held else None


def _people(house: House) -> Sequence[DemoPerson]:
    """Those the demo identity provider offers: whoever the directory names."""
    read = house.rooms.source.read()
    groups: dict[str, list[str]] = {}
    for group in read.groups:
        for external_id in group.members or ():
            groups.setdefault(external_id, []).append(group.name)
    return [
        DemoPerson(
            email=user.profile.email or user.user_name,
            given_name=user.profile.given_name,
            family_name=user.profile.family_name,
            groups=tuple(sorted(groups.get(user.external_id, []))),
        )
        for user in read.users
        if user.active
    ]

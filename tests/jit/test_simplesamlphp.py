"""Whole logins through an identity provider that is not ours, over real sockets."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from idpsync.jit.app import build_app
from idpsync.jit.saml import KeyPair
from idpsync.jit.settings import JitConfig
from idpsync.jit.trust import trusted_idp
from tests.jit.doors import World
from tests.jit.forge import key
from tests.simplesamlphp import Journey, SimpleSaml, free_port, running_simplesamlphp

pytestmark = pytest.mark.server


class _Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


class House:
    """A login door that listens, and the identity provider it trusts."""

    def __init__(self, world: World, idp: SimpleSaml, base: str) -> None:
        self.world, self.idp, self.base = world, idp, base
        self.start = f"{base}/saml/login?next=/saml/metadata"


@contextmanager
def _house(folder: Path, keys: KeyPair | None = None, *, encrypt: bool = False) -> Iterator[House]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    entity_id, acs = f"{base}/saml/metadata", f"{base}/saml/acs"
    certificate = keys.certificate if keys else None
    with running_simplesamlphp(folder, entity_id, acs, certificate, encrypt=encrypt) as idp:
        world = World(base_url=base)
        world.jit = JitConfig.model_validate(
            {"base_url": base, "idp": {"metadata_url": idp.metadata_url}, "preset": "okta"}
        )
        world.once.clock = _Now()
        world.parts = replace(
            world.parts,
            clock=_Now(),
            keys=keys,
            idp=trusted_idp(world.jit.idp, world.once, _Now(), fetch=lambda _: idp.metadata()),
        )
        server = make_server("127.0.0.1", port, build_app(world.jit, world.parts), threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield House(world, idp, base)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def test_a_whole_login_makes_an_account_with_groups(tmp_path: Path) -> None:
    with _house(tmp_path) as house:
        page = house.idp.login(f"{house.base}/saml/login", "alice")
        assert (page.status, page.url) == (200, f"{house.base}/saml/signed-in")
        assert "Welcome, Alice Example" in page.body
        assert list(house.world.members.accounts) == ["alice.example@acme.example"]
        login = house.world.members.logins[0]
        assert login.source == f"saml:{house.idp.entity_id}"
        assert login.profile.user_name == "Alice.Example@acme.example"
        assert login.groups == frozenset({"Claude Premium", "All Staff"})


def test_a_replayed_post_is_refused(tmp_path: Path) -> None:
    with _house(tmp_path) as house:
        journey = Journey()
        acs = house.idp.approach(house.start, "bob", journey)
        assert house.idp.post(journey, acs).status == 200
        assert house.idp.post(journey, acs).status == 401
        assert len(house.world.members.logins) == 1


def test_a_response_kept_for_another_login_is_refused(tmp_path: Path) -> None:
    """Rightly signed and fresh, but the answer to a request that was not this one."""
    with _house(tmp_path) as house:
        first, second = Journey(), Journey()
        acs = house.idp.approach(house.start, "bob", first)
        house.idp.approach(house.start, "bob", second)
        second.saml_response = first.saml_response
        assert house.idp.post(second, acs).status == 401
        assert house.world.members.logins == []


def test_without_a_seat_the_person_reads_why(tmp_path: Path) -> None:
    with _house(tmp_path) as house:
        house.world.members.seats = 0
        page = house.idp.login(house.start, "bob")
        assert (page.status, page.headers["X-Idpsync-Reason"]) == (403, "no_seat")


def _keys() -> KeyPair:
    return KeyPair(key("sp").private, key("sp").certificate)


def test_signed_requests_are_understood(tmp_path: Path) -> None:
    with _house(tmp_path, _keys()) as house:
        assert house.idp.login(house.start, "alice").status == 200
        assert list(house.world.members.accounts) == ["alice.example@acme.example"]


def test_an_assertion_sealed_without_authentication_is_refused(tmp_path: Path) -> None:
    """It knows AES-CBC only; accepting that would make the door a padding oracle."""
    with _house(tmp_path, _keys(), encrypt=True) as house:
        assert house.idp.login(house.start, "alice").status == 401
        assert house.world.members.logins == []

"""Signing in at Okta: assertions, bound tokens, nonces, and one sentence for each way it can fail."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from structlog.testing import capture_logs

from idpsync import jws
from idpsync.answers import Response
from idpsync.core.errors import ConfigError, CredentialsRejected, RateLimited, RemoteError, Transient
from tests.adapters.sources.okta_world import APP, OktaWorld, okta_world, private_pem
from tests.contracts.directory_source import Sample, member_names
from tests.twins.okta.server import Answer, Fault
from tests.twins.okta.time import Skewed

TOKEN = "/oauth2/v1/token"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OktaWorld]:
    with okta_world(tmp_path, app=True) as world:
        world.put(Sample("ada"))
        world.put_group("Users", ["ada"])
        yield world


def asked_for_tokens(world: OktaWorld) -> int:
    return world.twin.calls["token"]


# --- bearer and bound tokens --------------------------------------------------------------------------


def test_one_token_serves_until_it_ends(world: OktaWorld) -> None:
    source = world.source("Users")
    source.read()
    source.read()
    assert asked_for_tokens(world) == 1
    world.clock.pass_(timedelta(hours=1))
    source.read()
    assert asked_for_tokens(world) == 2


def test_a_key_of_either_kind_signs(world: OktaWorld) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    world.key_file.write_bytes(pem)
    world.twin.tokens.key = key.public_key()
    assert world.source("Users").read().complete


def test_a_token_bound_to_a_key_comes_when_okta_says_so(world: OktaWorld) -> None:
    world.twin.tokens.bound = True
    source = world.source("Users")
    assert source.read().complete
    assert asked_for_tokens(world) == 3  # without a proof, without a nonce, with both
    proofs = [wire.headers["dpop"] for wire in world.twin.seen if "/api/" in wire.target]
    assert len(set(proofs)) == len(proofs) > 3
    assert all(
        w.headers["authorization"].startswith("DPoP ") for w in world.twin.seen if "/api/" in w.target
    )
    world.clock.pass_(timedelta(hours=1))
    assert source.read().complete
    assert asked_for_tokens(world) == 4  # the nonce still holds


def test_a_nonce_that_was_renewed_is_taken_over(world: OktaWorld) -> None:
    world.twin.tokens.bound = True
    source = world.source("Users")
    source.read()
    world.twin.tokens.nonce = "nonce-2"
    world.clock.pass_(timedelta(hours=1))
    assert source.read().complete
    assert asked_for_tokens(world) == 5


@pytest.mark.parametrize("status", [400, 401])
def test_a_nonce_that_the_api_asks_for_is_taken_over(world: OktaWorld, status: int) -> None:
    world.twin.tokens.bound = True
    world.twin.tokens.api_nonce = "api-nonce-1"

    def as_status(answer: Answer) -> Answer:
        answer.status = status if answer.status == 400 else answer.status
        return answer

    world.twin.faults.append(Fault("/api/", as_status, times=1000))
    source = world.source("Users")
    assert source.read().complete
    world.twin.tokens.api_nonce = "api-nonce-2"
    assert source.read().complete


def wants_nonce(status: int, nonce: str) -> Answer:
    return Answer(status, {"error": "use_dpop_nonce"}, [("dpop-nonce", nonce)])


@pytest.mark.parametrize("times", [1, 2])
def test_a_lane_that_is_refused_after_another_learned_the_nonce_asks_again(
    world: OktaWorld, times: int
) -> None:
    """As for a call that left with the nonce from before: what it is told is known by then."""
    world.twin.tokens.bound, world.twin.tokens.api_nonce = True, "api-nonce-1"
    source = world.source("Users")
    source.read()
    late = Fault(f"apps/{APP}/users", lambda _: wants_nonce(400, "api-nonce-1"), times=times)
    world.twin.faults.append(late)
    assert source.read().complete


def test_a_nonce_that_is_never_right_is_not_tried_for_ever(world: OktaWorld) -> None:
    world.twin.tokens.bound = True
    world.twin.faults.append(Fault("/api/", lambda _: wants_nonce(400, "n"), times=1000))
    with pytest.raises(RemoteError, match="HTTP 400"):
        world.source().read()
    assert world.twin.calls["apps"] == 3


def test_two_proofs_refused_with_401_for_one_old_nonce_are_both_made_anew(world: OktaWorld) -> None:
    world.twin.tokens.bound, world.twin.tokens.api_nonce = True, "api-nonce-1"
    source = world.source("Users")
    source.read()
    credential = source._api._credential
    place = f"{world.twin.url}/api/v1/users"
    first, second = credential.headers("GET", place), credential.headers("GET", place)
    refused = Response(401, {"dpop-nonce": "api-nonce-2"}, b'{"error": "use_dpop_nonce"}')
    assert credential.renew(first, refused)
    assert credential.renew(second, refused)
    assert asked_for_tokens(world) == 3


def test_a_token_that_is_revoked_in_the_middle_is_fetched_again(world: OktaWorld) -> None:
    world.staff(700)
    source = world.source("Users")
    source.read()

    def revoke(answer: Answer) -> Answer:
        world.twin.tokens.issued.clear()
        return answer

    world.twin.faults.append(Fault("apps/", revoke))
    snapshot = source.read()
    assert snapshot.complete
    assert len(snapshot.users) == 701
    assert asked_for_tokens(world) == 2


def test_a_token_that_is_never_accepted_fails_the_read(world: OktaWorld) -> None:
    def never(answer: Answer) -> Answer:
        return Answer(401, {"errorCode": "E0000011", "errorSummary": "Invalid token provided"})

    world.twin.faults.append(Fault("/api/", never, times=1000))
    with pytest.raises(CredentialsRejected, match=r"E0000011 .*is the app still active\?"):
        world.source("Users").read()


def test_an_api_token_works_and_is_warned_of_once(
    world: OktaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.twin.api_token = "00secret"
    monkeypatch.setenv("OKTA_TOKEN", "00secret")
    with capture_logs() as logs:
        source = world.of(world.config(auth={"kind": "ssws", "token": "env:OKTA_TOKEN"}), "Users")
        assert member_names(source.read(), "Users") == {"ada"}
        assert source.read().complete
    assert [line["event"] for line in logs] == ["credential.personal"]
    monkeypatch.setenv("OKTA_TOKEN", "00expired")
    with pytest.raises(CredentialsRejected, match="wrong or expired, or its maker's account") as caught:
        source.read()
    assert "00expired" not in str(caught.value)


# --- what goes wrong ----------------------------------------------------------------------------------


def test_a_wrong_key_names_the_client_and_the_key(world: OktaWorld) -> None:
    world.key_file.write_bytes(private_pem(jws.new_key()))
    with pytest.raises(CredentialsRejected) as caught:
        world.source("Users").read()
    said = str(caught.value)
    assert "invalid_client" in said
    assert "check client_id 0oa2example" in said
    assert f"file:{world.key_file} is an active key of this app" in said


def test_a_file_without_a_key_is_a_fault_of_the_configuration(world: OktaWorld) -> None:
    world.key_file.write_text("no key")
    with pytest.raises(ConfigError, match="holds no private key in PEM form"):
        world.source("Users").read()


def test_a_missing_scope_is_named(world: OktaWorld) -> None:
    world.twin.tokens.granted -= {"okta.apps.read"}
    with pytest.raises(CredentialsRejected) as caught:
        world.source("Users").read()
    assert str(caught.value).endswith(
        "the app lacks okta.apps.read: grant it in the app under Okta API Scopes"
    )


def test_a_scope_that_was_not_granted_with_the_token_is_named(world: OktaWorld) -> None:
    def fewer(answer: Answer) -> Answer:
        assert isinstance(answer.body, dict)
        answer.body["scope"] = "okta.users.read okta.apps.read"
        return answer

    world.twin.faults.append(Fault(TOKEN, fewer, method="POST"))
    with pytest.raises(CredentialsRejected, match=r"the app lacks okta\.groups\.read"):
        world.source("Users").read()


def test_a_scope_that_the_api_misses_is_named(world: OktaWorld) -> None:
    source = world.source("Users")
    source.read()
    for issued in world.twin.tokens.issued.values():
        issued.scopes -= {"okta.apps.read"}
    with pytest.raises(CredentialsRejected, match=r"the app needs the scope okta\.apps\.read"):
        source.read()


@pytest.mark.parametrize(("ahead", "side"), [(10, "ahead of"), (-10, "behind")])
def test_a_clock_that_is_wrong_is_told(world: OktaWorld, ahead: int, side: str) -> None:
    clock = Skewed(world.clock, timedelta(minutes=ahead))
    with pytest.raises(
        CredentialsRejected, match=f"this machine's clock is 600 s {side} Okta's: set it"
    ):
        world.of(world.config(), "Users", clock=clock).read()


def test_a_clock_that_is_a_little_wrong_is_told_by_the_probe(world: OktaWorld) -> None:
    clock = Skewed(world.clock, timedelta(seconds=90))
    health = world.of(world.config(), "Users", clock=clock).probe()
    assert not health.ok
    assert any("this machine's clock is 90 s ahead of Okta's" in fact for fact in health.facts)


def test_an_unreachable_token_endpoint_is_transient(world: OktaWorld) -> None:
    def down(answer: Answer) -> Answer:
        return Answer(503)

    world.twin.faults.append(Fault(TOKEN, down, times=100, method="POST"))
    with pytest.raises(Transient, match="get access token"):
        world.source("Users").read()


def test_a_web_page_instead_of_a_token_is_told(world: OktaWorld) -> None:
    def page(answer: Answer) -> Answer:
        return Answer(403, raw=b"<html>Blocked by the proxy</html>")

    world.twin.faults.append(Fault(TOKEN, page, times=100, method="POST"))
    with pytest.raises(CredentialsRejected, match="Blocked by the proxy"):
        world.source("Users").read()


def test_a_token_endpoint_at_its_limit_is_waited_for(world: OktaWorld) -> None:
    world.twin.per_minute["token"] = 1
    for _ in range(3):
        assert world.source("Users").read().complete
    assert world.clock.slept > 30


def test_no_secret_is_told(world: OktaWorld) -> None:
    secret = world.key_file.read_text()
    world.twin.tokens.granted = frozenset()
    with capture_logs() as logs, pytest.raises(CredentialsRejected) as caught:
        world.source("Users").read()
    told = f"{logs} {caught.value!r} {caught.value}"
    assert secret.splitlines()[1] not in told
    assert "eyJ" not in told


# --- how it is ----------------------------------------------------------------------------------------


def test_a_probe_says_who_we_are_how_many_would_be_read_and_the_ids_of_the_groups(
    world: OktaWorld,
) -> None:
    health = world.source("Users").probe()
    team = world.org.team("Users").row["id"]
    assert health.ok
    assert health.detail == f"logged in to {world.twin.url} as 0oa2example; sees 1 person"
    assert health.facts == (f"group 'Users' → {team}",)


def test_a_probe_is_not_ok_when_a_group_is_missing_or_nobody_is_seen(world: OktaWorld) -> None:
    health = world.source("Users", "Never Made").probe()
    assert not health.ok
    assert "Never Made: no group has this name or id" in health.facts
    assert health.missing == {"Never Made"}
    world.org.apps["0oa1example"].clear()
    health = world.source("Users").probe()
    assert not health.ok
    assert "0 people" in health.detail
    assert "may the admin role see them?" in health.facts[-1]


def test_a_probe_counts_the_members_of_groups_by_oktas_own_count(tmp_path: Path) -> None:
    with okta_world(tmp_path) as world:
        world.staff(5, Users=3)
        config = world.config(people_groups=["Users", "Everyone"])
        assert world.of(config).probe().detail.endswith("; sees at most 8 people")
        one = world.of(world.config(people_groups=["Users"]))
        assert one.probe().detail.endswith("; sees 3 people")


def test_writing_asks_for_the_scope_that_it_needs(world: OktaWorld) -> None:
    world.twin.tokens.granted -= {"okta.groups.manage"}
    assert world.source("Users").read().complete
    with pytest.raises(CredentialsRejected, match=r"the app lacks okta\.groups\.manage"):
        world.of(world.config(), "Users", owned=frozenset({"Users"})).members_of("Users")


def test_too_long_a_pause_is_not_waited_for(world: OktaWorld) -> None:
    def much_later(answer: Answer) -> Answer:
        reset = str(int(world.clock.now().timestamp()) + 800)
        told = [
            ("x-rate-limit-limit", "10"),
            ("x-rate-limit-remaining", "0"),
            ("x-rate-limit-reset", reset),
        ]
        return Answer(429, {"errorCode": "E0000047", "errorSummary": "too many"}, told)

    world.twin.faults.append(Fault("apps/", much_later, times=1000))
    with pytest.raises(RateLimited):
        world.source("Users").read()

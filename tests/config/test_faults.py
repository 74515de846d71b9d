"""Every fault at once, in plain words, with its place; and never a secret."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from idpsync.core.errors import ConfigError
from tests.config.writing import SMALL, complaints, line_of, problems_of, write

SIX_FAULTS = """\
organization:
  id: acme
  primry_owner: owner@acme.example
tiers:
  - {name: premium, price_per_seat_month: "100.00"}
  - {name: standard}
contract:
  starts: 2026-01-01
  ends: 2025-12-31
  seats: {premium: 3, standard: lots}
policy:
  mode: complete
  rules:
    - {group: Gold, tier: premum}
directory:
  kind: scim
  url: https://directory.example/scim/v2
  token: hunter2-hunter2
target:
  kind: local
"""


def test_six_different_faults_are_all_told_with_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, SIX_FAULTS)
    found = {(p.path, p.line) for p in problems_of(path)}
    assert found == {
        ("organization.primry_owner", 3),
        ("contract.ends", 9),
        ("contract.seats.standard", 10),
        ("policy.mode", 12),
        ("policy.rules[0].tier", 14),
        ("directory.token", 18),
    }
    assert {p.file for p in problems_of(path)} == {str(path)}


def test_problems_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = [p.line for p in problems_of(write(tmp_path, SIX_FAULTS))]
    assert lines == sorted(lines, key=lambda n: n or 0)


def test_the_printed_error_names_file_line_and_path(tmp_path: Path) -> None:
    path = write(tmp_path, SIX_FAULTS)
    (line,) = [str(p) for p in problems_of(path) if p.path == "policy.mode"]
    assert line.startswith(f"{path}:12: policy.mode: must be one of full, no_removals")


def test_a_small_configuration_has_no_faults(tmp_path: Path) -> None:
    assert problems_of(write(tmp_path)) == ()


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        ("  id: acme", "  id: acme\n  nmae: Acme", "organization.nmae", "did you mean `name`?"),
        ("tiers:", "wed: {}\ntiers:", "wed", "did you mean `web`?"),
        ("  token: env:DIRECTORY_TOKEN", "  tokn: env:X", "directory.tokn", "did you mean `token`?"),
        ("  kind: local", "  kind: local\n  zzz: 1", "target.zzz", "known here: kind"),
    ],
)
def test_an_unknown_key_is_an_error_with_a_suggestion(
    tmp_path: Path, old: str, new: str, path: str, says: str
) -> None:
    message = complaints(tmp_path, SMALL.replace(old, new))[path]
    assert message.startswith("unknown key")
    assert says in message


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        ("id: acme", "id: 12", "organization.id", "put it in quotes"),
        ("id: acme", "id: [a]", "organization.id", "must be text"),
        ("id: acme", "id:", "organization.id", "has no value; it must be text"),
        ("  ends: 2026-12-31\n", "", "contract.ends", "is missing"),
        ("ends: 2026-12-31", "ends: tomorrow", "contract.ends", "must be a date"),
        ("premium: 3,", "premium: 3.5,", "contract.seats.premium", "must be a whole number"),
        ("premium: 3,", "premium: true,", "contract.seats.premium", "must be a whole number"),
        ("premium: 3,", "premium: -1,", "contract.seats.premium", "must be at least 0"),
        ('"100.00"', "100.00", "tiers[0].price_per_seat_month", "stands in quotes"),
        ("tiers:", "tiers:\n  - name: none", "tiers[0].name", "take another name"),
        ("[Acme.Example, café.example]", "a.example", "organization.verified_domains", "a list"),
        ("café.example", "'@a.example'", "organization.verified_domains[1]", "must be a domain"),
        ("Owner@acme.example", "two words", "organization.primary_owner", "one e-mail address"),
        ("tier: none", "tier: null", "policy.rules[1].tier", "`tier: none`"),
        ("tier: none", "tier: ~", "policy.rules[1].tier", "`tier: none`"),
        ("  kind: scim", "  kind: skim", "directory.kind", "did you mean `scim`? known kinds: okta, "),
        ("  kind: scim\n", "", "directory.kind", "is missing; known kinds: okta, entra, ldap"),
        ("target:\n  kind: local\n", "", "target", "is missing"),
        ("target:\n  kind: local", "target: local", "target", "must hold keys of its own"),
        ("policy:", "log: {format: jsn}\npolicy:", "log.format", "did you mean `json`?"),
        ("policy:", "web: {listen: localhost}\npolicy:", "web.listen", "must be host:port"),
        ("policy:", "web: {listen: 'a:70000'}\npolicy:", "web.listen", "must be host:port"),
        ("policy:", "schedule: {reconcile: 10}\npolicy:", "schedule.reconcile", "10m"),
        ("policy:", "schedule: {reconcile: 0m}\npolicy:", "schedule.reconcile", "longer than 0"),
        ("policy:", "policy:\n  preempt: maybe", "policy.preempt", "true or false"),
        ("policy:", "policy:\n  mode: false", "policy.mode", "put them in quotes"),
        ("policy:", "guard: {changes: {percent: 101}}\npolicy:", "guard.changes.percent", "at most 100"),
        ("policy:", "guard: {changes: }\npolicy:", "guard.changes", "`off`"),
        ("policy:", "store: {url: 'mysql://x'}\npolicy:", "store.url", "must be sqlite"),
        (
            "policy:",
            "alerts: {headroom: [{tier: total}]}\npolicy:",
            "alerts.headroom[0]",
            "warn, critical",
        ),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(
    tmp_path: Path, old: str, new: str, path: str, says: str
) -> None:
    text = SMALL.replace(old, new, 1)
    assert text != SMALL
    found = complaints(tmp_path, text)
    assert says in found[path]
    assert list(found) == [path]


def test_a_missing_key_is_told_at_the_line_of_what_it_is_missing_from(tmp_path: Path) -> None:
    text = SMALL.replace("    - {group: Guests, tier: none}", "    - {tier: none}")
    (problem,) = problems_of(write(tmp_path, text))
    assert (problem.path, problem.line) == ("policy.rules[1].group", line_of(text, "- {tier: none}"))


def test_a_fault_inside_a_nested_union_keeps_the_path_of_the_file(tmp_path: Path) -> None:
    text = SMALL.replace(
        "  kind: local",
        "  kind: scim\n  url: https://a.example\n  auth: {kind: bearer, token: abcdefgh}",
    )
    assert list(complaints(tmp_path, text)) == ["target.auth.token"]


@pytest.mark.parametrize(
    "url",
    ["store: {url: 'postgresql://idpsync:hunter2@db.example/x'}", "mail: {smtp: 'smtp://a:hunter2@b'}"],
)
def test_a_password_inside_a_url_is_an_inline_secret(tmp_path: Path, url: str) -> None:
    problems = problems_of(write(tmp_path, SMALL + url + "\n"))
    assert any(p.line == len(SMALL.splitlines()) + 1 for p in problems)
    assert "hunter2" not in "\n".join(map(str, problems))


SECRET_PLACES = (
    "directory:\n  kind: scim\n  url: https://a.example\n  token: {}\n",
    "directory:\n  kind: okta\n  url: https://a.example\n  auth:\n    kind: ssws\n    token: {}\n",
    "directory:\n  kind: okta\n  auth:\n    kind: private_key_jwt\n    key: {}\n",
    "directory:\n  kind: ldap\n  url: ldap://a\n  password: {}\n",
    "target:\n  kind: claude\n  api_key: {}\n",
    "target:\n  kind: scim\n  auth:\n    kind: basic\n    username: x\n    password: {}\n",
    "alerts:\n  receivers:\n    - name: a\n      kind: slack\n      url: {}\n",
    "alerts:\n  receivers:\n    - name: a\n      kind: pagerduty\n      routing_key: {}\n",
    "web:\n  session_key: {}\n",
    "web:\n  sesion_key: {}\n",
    "jit:\n  sp_key: {}\n",
    "mail:\n  password: {}\n",
)


@settings(max_examples=400, deadline=None)
@given(
    place=st.sampled_from(SECRET_PLACES),
    secret=st.text(alphabet="abcXYZ0189:{}[],&*!|>'\"%@`#-?~ \t\\/=+", min_size=10, max_size=40),
    quoted=st.booleans(),
)
@example(place=SECRET_PLACES[0], secret="{a: hunter2hunter2}", quoted=False)
@example(place=SECRET_PLACES[0], secret="{hunter2hunter2, hunter2hunter2}", quoted=False)
@example(place=SECRET_PLACES[6], secret="{hunter2hunter2, hunter2hunter2}", quoted=False)
@example(place=SECRET_PLACES[0], secret="*hunter2hunter2", quoted=False)
@example(place=SECRET_PLACES[0], secret="!hunter2hunter2", quoted=False)
@example(place=SECRET_PLACES[9], secret="hunter2hunter2: hunter2hunter2", quoted=False)
def test_no_text_of_an_inline_secret_is_ever_in_the_error(place: str, secret: str, quoted: bool) -> None:
    secret = secret.strip()
    words = [word for word in secret.split(" ") if len(word) >= 8]
    bare = [word.strip("{}[],&*!|>'\"%@`#-?~:\\\t") for word in words]
    assume(len(secret) >= 8)
    written = "'" + secret.replace("'", "''") + "'" if quoted else secret
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join(
            str(p) for p in problems_of(write(Path(folder), place.replace("{}", written, 1)))
        )
    assert text, "the rest of the file is missing: something must be said"
    for told in [secret, *words, *(word for word in bare if len(word) >= 8)]:
        assert told not in text


def test_a_key_pasted_with_its_lines_is_not_repeated(tmp_path: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIIhunter2\n-----END PRIVATE KEY-----"
    block = "|\n    " + pem.replace("\n", "\n    ")
    text = SMALL + f"web:\n  session_key: {block}\n"
    (problem,) = problems_of(write(tmp_path, text))
    assert (problem.path, problem.message.split(",")[0]) == (
        "web.session_key",
        "give a secret by reference",
    )
    assert "hunter2" not in str(ConfigError(problem))

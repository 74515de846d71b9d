"""The `jit:` section: what it takes, and what it refuses with which words."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from idpsync.jit.settings import JitConfig, is_loopback

FILE = {"metadata_file": "/etc/idpsync/idp.xml"}
BASE = "https://sso.acme.example"


def test_little_is_needed() -> None:
    jit = JitConfig.model_validate({"base_url": f"{BASE}/", "idp": FILE})
    assert jit.base_url == BASE
    assert jit.clock_skew == timedelta(seconds=60)
    assert not jit.allow_idp_initiated
    assert jit.https


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"base_url": "http://sso.acme.example", "idp": FILE}, "elsewhere use https"),
        ({"base_url": "sso.acme.example", "idp": FILE}, "full URL"),
        ({"base_url": f"{BASE}?x=1", "idp": FILE}, "without credentials, query"),
        ({"base_url": BASE, "idp": {}}, "exactly one of"),
        ({"base_url": BASE, "idp": {**FILE, "metadata_url": "https://x.example/"}}, "exactly one of"),
        ({"base_url": BASE, "idp": {"metadata_url": "http://x.example/"}}, "use https"),
        ({"base_url": BASE, "idp": {**FILE, "refresh": "1m"}}, "at least 5m"),
        ({"base_url": BASE, "idp": {"demo": True}}, "lets anybody in"),
        ({"base_url": BASE, "idp": FILE, "clock_skew": "10m"}, "at most 180s"),
        ({"base_url": BASE, "idp": FILE, "sp_key": "env:K"}, "belong together"),
        ({"base_url": BASE, "idp": FILE, "landing_url": "javascript:alert(1)"}, "full URL"),
        ({"base_url": BASE, "idp": FILE, "surprise": 1}, "Extra inputs"),
        ({"base_url": BASE, "idp": FILE, "attributes": {"e-mail": "x"}}, "Extra inputs"),
    ],
)
def test_a_fault_is_told(section: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        JitConfig.model_validate(section)


@pytest.mark.parametrize(
    ("host", "claim"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("192.0.2.1", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, claim: bool) -> None:
    assert is_loopback(host) is claim

"""`idpsync run` as a person meets it: start, log in until the seats are gone, look, stop."""

import json
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.e2e.daemon import RunningDaemon, running
from tests.e2e.program import Program
from tests.simplesamlphp import Journey, Page, form_of, free_port

pytestmark = pytest.mark.server

CONFIG = Path(__file__).parents[2] / "config"


def quickstart(folder: Path) -> Program:
    """The quickstart configuration on a port of its own."""
    shutil.copytree(CONFIG, folder / "config")
    config = yaml.safe_load((CONFIG / "quickstart.yaml").read_text(encoding="utf-8"))
    address = f"127.0.0.1:{free_port()}"
    config["web"]["listen"] = address
    config["jit"] |= {"base_url": f"http://{address}", "landing_url": f"http://{address}/"}
    config["contract"] |= {"starts": "2000-01-01", "ends": "2099-12-31"}  # seats are bought today
    return Program(folder, config)


def log_in(base: str, email: str, journey: Journey | None = None) -> Page:
    """Through the demo identity provider, as a browser would go; the page after the login."""
    journey = journey or Journey()
    action, fields = form_of(journey.open(f"{base}/saml/login?next=/"))
    answer = journey.open(action, fields | {"email": email, "given_name": "New"})
    return journey.open(*form_of(answer))


def many_people(folder: Path, number: int) -> None:
    people = ["external_id,user_name,email,given_name,family_name,active,groups"]
    people += [f"p{n},p{n}@acme.example,p{n}@acme.example,P,{n},true,Acme Staff" for n in range(number)]
    people += ["#group Acme Premium", "#group Acme Admins"]
    (folder / "config" / "people.csv").write_text("\n".join(people) + "\n", encoding="utf-8")


def assigned(idpsync: Program) -> int:
    return int(idpsync.call("seats", "--json").json["total"]["assigned"])


def firing(admin: Journey, daemon: RunningDaemon) -> list[str]:
    alerts = json.loads(admin.open(f"{daemon.base}/api/v1/alerts").body)
    return [a["key"].removeprefix("idpsync/acme/") for a in alerts if a["phase"] == "firing"]


def test_people_log_in_until_the_seats_are_gone(tmp_path: Path) -> None:
    idpsync = quickstart(tmp_path)
    with running(idpsync) as daemon:
        daemon.wait_until(lambda: assigned(idpsync) == 12)
        admin = Journey()
        page = log_in(daemon.base, "ada@acme.example", admin)
        assert page.status == 200
        assert "grace@acme.example" in page.body  # who waits is told to administrators

        answers = [log_in(daemon.base, f"new{n}@acme.example") for n in range(3)]
        assert [page.status for page in answers] == [200, 200, 403]
        assert answers[2].headers["X-Idpsync-Reason"] == "no_seat"
        assert "ada@acme.example" in answers[2].body  # whom to ask
        foreign = log_in(daemon.base, "eve@other.example")
        assert foreign.headers["X-Idpsync-Reason"] == "domain_not_verified"

        total = idpsync.call("seats", "--json").json["total"]
        assert [total[k] for k in ("purchased", "assigned", "free")] == [14, 14, 0]
        ledger = idpsync.call("ledger", "--user", "new0@acme.example", "--json").json
        assert {"seat.held", "seat.settled", "account.created", "login.admitted"} <= {
            row["event"] for row in ledger
        }
        daemon.wait_until(lambda: "login.refused" in firing(admin, daemon))
        assert {"headroom/total", "headroom/premium"} <= set(firing(admin, daemon))
        assert Journey().open(f"{daemon.base}/api/v1/seats").status == 401
        assert 'idpsync_seats_free{organization="acme",tier="standard"} 0.0' in (
            admin.open(f"{daemon.base}/metrics").body
        )
        assert idpsync.call("seats", "add", "standard=1").code == 0
        assert log_in(daemon.base, "new2@acme.example").status == 200
        assert daemon.stop() == 0
    assert "Traceback" not in daemon.log
    assert idpsync.call("ledger", "verify").code == 0


def test_a_daemon_that_is_stopped_amid_a_run_leaves_nobody_half_written(tmp_path: Path) -> None:
    idpsync = quickstart(tmp_path)
    many_people(tmp_path, 1500)
    idpsync.config["contract"]["seats"] = {"premium": 3, "standard": 3000}
    with running(idpsync) as daemon:
        daemon.wait_until(lambda: assigned(idpsync) > 20)
        assert daemon.stop() == 0
    tiers = idpsync.call("seats", "--json").json["tiers"]
    assert 0 < tiers[1]["assigned"] < 1500
    assert tiers[1]["held"] == 0

    assert idpsync.call("apply", "--yes").code == 0
    assert assigned(idpsync) == 1500


def test_what_is_piped_away_early_is_no_error(tmp_path: Path) -> None:
    idpsync = quickstart(tmp_path)
    idpsync.call("apply", "--yes")
    for verb in ("plan", "ledger", "config schema"):
        call = f"{sys.executable} -m idpsync -c {idpsync.file} {verb}"
        done = subprocess.run(
            ["bash", "-c", f"{call} | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"],
            check=True,
            capture_output=True,
            text=True,
            env=idpsync.environment,
            cwd=tmp_path,
        )
        assert done.stdout.strip() == "0", done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("trigger", ["held", "approved"])
def test_a_held_plan_waits_for_its_approval(tmp_path: Path, trigger: str) -> None:
    idpsync = quickstart(tmp_path)
    assert idpsync.call("apply", "--yes").code == 0
    people = tmp_path / "config" / "people.csv"
    lines = people.read_text(encoding="utf-8").splitlines()
    groups = ("#group Acme Premium", "#group Acme Staff", "#group Acme Admins")
    people.write_text("\n".join([*lines[:6], *groups]) + "\n", encoding="utf-8")

    held = idpsync.call("apply", "--yes", "--json")
    assert held.code == 3
    assert assigned(idpsync) == 12
    digest = held.json["plan"]["digest"]
    tripped = [x["name"] for x in held.json["plan"]["guard"]["limits"] if x["tripped"]]
    assert "removals.percent" in tripped
    assert [h["state"] for h in idpsync.call("holds", "--json").json] == ["held"]

    if trigger == "approved":
        assert idpsync.call("approve", digest).code == 0
        assert idpsync.call("apply", "--yes", "--digest", "sha256:0").code == 6
        assert idpsync.call("apply", "--yes", "--digest", digest).code == 0
        assert assigned(idpsync) < 12
    else:
        assert idpsync.call("reject", digest).code == 0
        assert idpsync.call("apply", "--yes").code == 3
        assert idpsync.call("approve", "sha256:unknown").code == 2


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    """A few times: a signal lost between parent and worker showed in one of three."""
    for n in range(3):
        idpsync = quickstart(tmp_path / str(n))
        with running(idpsync) as daemon:
            workers = daemon.workers()
            assert daemon.press_ctrl_c() == 0
        assert "Traceback" not in daemon.log
        assert all_gone(workers)


def all_gone(pids: list[int]) -> bool:
    """Whether all of them end within some seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
            return True
        time.sleep(0.1)
    return False


def test_a_daemon_that_is_killed_leaves_no_workers_behind(tmp_path: Path) -> None:
    idpsync = quickstart(tmp_path)
    with running(idpsync) as daemon:
        workers = daemon.workers()
        assert workers
        daemon.process.kill()
        daemon.process.wait(10)
        assert all_gone(workers)


def test_an_address_in_use_is_told_before_anything_is_done(tmp_path: Path) -> None:
    first, second = quickstart(tmp_path / "first"), quickstart(tmp_path / "second")
    second.config["web"] = first.config["web"]
    second.config["jit"] = first.config["jit"]
    with running(first):
        ended = second.call("run")

    assert ended.code == 2
    assert first.config["web"]["listen"] in ended.err
    assert "Traceback" not in ended.err
    assert second.call("seats", "--json").json["total"]["assigned"] == 0


def test_ctrl_c_in_apply_finishes_the_person_under_way(tmp_path: Path) -> None:
    idpsync = quickstart(tmp_path)
    many_people(tmp_path, 1500)
    idpsync.config["contract"]["seats"] = {"premium": 3, "standard": 3000}
    idpsync.write()
    process = subprocess.Popen(
        [*idpsync.command, "apply", "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=idpsync.environment,
        cwd=tmp_path,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and assigned(idpsync) < 20:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 5, said
    tiers = idpsync.call("seats", "--json").json["tiers"]
    assert f"{tiers[1]['assigned']:,} of 1,500 actions done" in said
    assert tiers[1]["held"] == 0


def test_purchases_at_once_all_count(tmp_path: Path) -> None:
    idpsync = quickstart(tmp_path)
    idpsync.call("seats")
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda _: idpsync.call("seats", "add", "premium=1").code, range(4)))

    assert codes == [0] * 4
    assert idpsync.call("seats", "--json").json["tiers"][0]["purchased"] == 7
    assert idpsync.call("seats", "add", "premium=99999999999999999999").code == 2

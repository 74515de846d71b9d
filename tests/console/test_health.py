"""The three routes for machines."""

import json

from tests.console.scenes import Stage, store, store_is_gone


def test_the_process_says_that_it_lives_even_when_it_is_not_ready() -> None:
    answer = Stage(store(), problems=["the store cannot be reached"]).get("/healthz")
    assert (answer.status, answer.text.strip()) == (200, "ok")


def test_ready_without_problems() -> None:
    answer = Stage(store()).get("/readyz")
    assert answer.status == 200
    assert json.loads(answer.text) == {"ready": True, "problems": []}


def test_not_ready_names_every_problem() -> None:
    problems = ["the store cannot be reached", "no run yet"]
    answer = Stage(store(), problems=problems).get("/readyz")
    assert answer.status == 503
    assert json.loads(answer.text) == {"ready": False, "problems": problems}


def test_a_probe_that_fails_is_a_problem_too() -> None:
    def fail() -> list[str]:
        raise store_is_gone()

    answer = Stage(store(), ready=fail).get("/readyz")
    assert answer.status == 503
    assert json.loads(answer.text)["problems"] == ["the store cannot be reached"]


def test_metrics_are_prometheus_text() -> None:
    answer = Stage(store()).get("/metrics")
    assert answer.text == "idpsync_seats_free 3\n"
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"

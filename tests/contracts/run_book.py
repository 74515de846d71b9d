"""Contract of `RunBook`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.records import Cause, HeadroomSample, HeldPlan, HoldState, RunRecord, RunState
from tests.contracts.stores import CAUSE, Books, Opener
from tests.people import NOW

ADMIN = Cause("console:owner@acme.example")
RUN = RunRecord("run-1", NOW, RunState.RUNNING, "schedule")
SAMPLE = HeadroomSample(NOW, "premium", 20, 18, 1, 1, 3)


LIMITS = frozenset({"removals.percent"})


def held(digest: str, minutes: int = 0, *limits: str) -> HeldPlan:
    return HeldPlan(
        digest=digest,
        held_at=NOW + timedelta(minutes=minutes),
        state=HoldState.HELD,
        tripped=("removals.percent: 40 of 100",),
        plan={"digest": digest, "actions": [{"kind": "delete_account"}]},
        limits=frozenset(limits) or LIMITS,
    )


def losing(*people: str) -> HeldPlan:
    check = {"name": "removals.count", "tripped": True, "people": list(people)}
    plan = {"digest": "d1", "actions": [], "guard": {"held": True, "limits": [check]}}
    return replace(held("d1", 0, "removals.count"), plan=plan)


def adopting(*accounts: str) -> HeldPlan:
    adoptions = [{"user_name": key, "account_id": key} for key in accounts]
    plan = {"digest": "d1", "actions": [], "adoptions": adoptions}
    return replace(held("d1", 0, "first_run"), plan=plan)


class RunBookContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh)

    def states(self, books: Books) -> list[tuple[str, HoldState]]:
        return [(plan.digest, plan.state) for plan in books.store.runs.held_plans()]

    def test_a_run_is_there_from_its_beginning_and_ends_with_its_figures(self, books: Books) -> None:
        runs = books.store.runs
        runs.begin(RUN)
        assert runs.runs() == (RUN,)

        done = replace(
            RUN,
            state=RunState.DONE,
            ended_at=NOW + timedelta(seconds=3),
            digest="sha256:1",
            counts={"create_account": 2},
            problems=("group 'X' could not be read",),
        )
        runs.finish(done, [SAMPLE])

        assert runs.runs() == (done,)
        assert runs.samples() == (SAMPLE,)

    def test_runs_come_newest_first(self, books: Books) -> None:
        for n in range(4):
            books.store.runs.begin(replace(RUN, id=f"r{n}", started_at=NOW + timedelta(hours=n)))

        assert [run.id for run in books.store.runs.runs(2)] == ["r3", "r2"]

    def test_samples_can_be_asked_for_from_a_time_on(self, books: Books) -> None:
        late = replace(SAMPLE, at=NOW + timedelta(days=1))
        books.store.runs.finish(RUN, [SAMPLE])
        books.store.runs.finish(replace(RUN, id="run-2"), [late])

        assert books.store.runs.samples(since=NOW + timedelta(hours=1)) == (late,)

    def test_a_slot_is_run_once(self, books: Books) -> None:
        claim = books.store.runs.claim_slot

        assert [claim("sync", NOW), claim("sync", NOW)] == [True, False]
        assert claim("seal", NOW)
        assert claim("sync", NOW + timedelta(minutes=15))

    def test_the_same_plan_is_held_once_and_another_supersedes_it(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(held("d1"), CAUSE)
        runs.hold_plan(held("d1", 15), CAUSE)
        assert runs.held_plans() == (held("d1"),)

        runs.hold_plan(held("d2", 30), CAUSE)

        assert self.states(books) == [("d2", HoldState.HELD), ("d1", HoldState.SUPERSEDED)]

    def test_an_approval_passes_one_plan_once(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(held("d1"), CAUSE)
        decided = runs.decide("d1", HoldState.APPROVED, ADMIN)

        assert (decided.state, decided.decided_by) == (HoldState.APPROVED, ADMIN.actor)
        assert decided.decided_at == NOW
        assert not runs.take_approval(held("d2"), NOW, CAUSE)
        assert not runs.take_approval(held("d1"), NOW + timedelta(seconds=1), CAUSE)
        assert runs.take_approval(held("d1"), NOW, CAUSE)
        assert not runs.take_approval(held("d1"), NOW, CAUSE)
        assert self.states(books) == [("d1", HoldState.USED)]
        assert books.events() == ["plan.held", "plan.approved", "plan.used"]

    def test_a_rejected_plan_is_not_held_again(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(held("d1"), CAUSE)
        runs.decide("d1", HoldState.REJECTED, ADMIN)

        runs.hold_plan(held("d1", 15), CAUSE)

        assert runs.hold_plan(held("d1", 30), CAUSE).state is HoldState.REJECTED
        assert self.states(books) == [("d1", HoldState.REJECTED)]
        assert not runs.take_approval(held("d1"), NOW, CAUSE)
        assert books.events() == ["plan.held", "plan.rejected"]

    def test_a_rejected_plan_is_held_anew_over_a_limit_that_nobody_looked_at(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(held("d1", 0, "removals.count", "scope"), CAUSE)
        runs.decide("d1", HoldState.REJECTED, ADMIN)

        assert runs.hold_plan(held("d1", 15, "scope"), CAUSE).state is HoldState.REJECTED
        assert runs.hold_plan(held("d1", 30, "changes.count"), CAUSE).state is HoldState.HELD
        assert self.states(books) == [("d1", HoldState.HELD)]

    def test_a_plan_used_up_is_held_anew_when_it_comes_back(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(held("d1"), CAUSE)
        runs.decide("d1", HoldState.APPROVED, ADMIN)
        runs.take_approval(held("d1"), NOW, CAUSE)

        runs.hold_plan(held("d1", 60), CAUSE)

        assert runs.held_plans() == (held("d1", 60),)

    def test_a_plan_whose_approval_ran_out_is_held_anew(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(held("d1"), CAUSE)
        runs.decide("d1", HoldState.APPROVED, ADMIN)

        runs.hold_plan(held("d1", 600), CAUSE)

        assert runs.held_plans() == (held("d1", 600),)
        assert not runs.take_approval(held("d1"), NOW, CAUSE)
        assert books.events() == ["plan.held", "plan.approved", "plan.held"]

    def test_an_approval_counts_for_the_limits_that_were_in_sight(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(held("d1", 0, "removals.count", "scope"), CAUSE)
        runs.decide("d1", HoldState.APPROVED, ADMIN)

        assert not runs.take_approval(held("d1", 0, "removals.count", "changes.count"), NOW, CAUSE)
        assert self.states(books) == [("d1", HoldState.APPROVED)]
        # one reason less is no news
        assert runs.take_approval(held("d1", 0, "removals.count"), NOW, CAUSE)

    def test_an_approval_counts_for_the_people_that_were_counted(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(losing("ada", "bob"), CAUSE)
        runs.decide("d1", HoldState.APPROVED, ADMIN)

        assert not runs.take_approval(losing("ada", "bob", "cy"), NOW, CAUSE)
        assert runs.take_approval(losing("ada"), NOW, CAUSE)  # one loss less is no news

    def test_a_plan_that_loses_more_people_is_held_anew(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(losing("ada"), CAUSE)
        assert runs.hold_plan(losing("ada", "bob"), CAUSE) == losing("ada", "bob")
        runs.decide("d1", HoldState.REJECTED, ADMIN)

        assert runs.hold_plan(losing("bob"), CAUSE).state is HoldState.REJECTED
        assert runs.hold_plan(losing("bob", "cy"), CAUSE).state is HoldState.HELD

    def test_a_consent_counts_for_the_accounts_that_were_to_be_adopted(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(adopting("acc-1"), CAUSE)
        runs.decide("d1", HoldState.APPROVED, ADMIN)

        assert not runs.take_approval(adopting("acc-1", "acc-2"), NOW, CAUSE)
        assert runs.take_approval(adopting("acc-1"), NOW, CAUSE)

    def test_a_plan_held_for_another_reason_is_held_anew(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(held("d1"), CAUSE)
        again = held("d1", 15, "removals.percent", "scope")

        assert runs.hold_plan(again, CAUSE) == again
        assert runs.held_plans() == (again,)
        assert runs.hold_plan(held("d1", 30, "removals.percent", "scope"), CAUSE) == again
        assert books.events() == ["plan.held", "plan.held"]

    def test_a_superseded_plan_is_held_anew(self, books: Books) -> None:
        runs = books.store.runs
        runs.hold_plan(held("d1"), CAUSE)
        runs.supersede(CAUSE)

        runs.hold_plan(held("d1", 60), CAUSE)

        assert runs.held_plans() == (held("d1", 60),)

    def test_nobody_decides_on_what_is_not_held(self, books: Books) -> None:
        with pytest.raises(KeyError):
            books.store.runs.decide("d1", HoldState.APPROVED, ADMIN)
        books.store.runs.hold_plan(held("d1"), CAUSE)
        books.store.runs.supersede(CAUSE)
        with pytest.raises(KeyError):
            books.store.runs.decide("d1", HoldState.APPROVED, ADMIN)

    def test_a_plan_that_passed_makes_the_held_one_history(self, books: Books) -> None:
        books.store.runs.hold_plan(held("d1"), CAUSE)

        books.store.runs.supersede(CAUSE)

        assert self.states(books) == [("d1", HoldState.SUPERSEDED)]

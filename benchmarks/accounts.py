"""What is known of 100,000 accounts: looked up, compared with a listing, and saved when 1 % changed."""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import TypeVar

from idpsync.core.drift import drift
from idpsync.core.model import Account, Profile, Standing
from idpsync.core.records import Cause
from idpsync.core.seats import Ladder
from idpsync.store import open_store
from idpsync.wiring.clock import CLOCK

Made = TypeVar("Made")

PEOPLE = 100_000
GOAL = 2.0  # seconds of this process, for what is done at every full read
BEGAN = datetime(2026, 3, 1, 10, tzinfo=UTC)
LADDER = Ladder.of("premium", "standard")
PREMIUM, STANDARD = LADDER.tiers


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(
            f"sqlite:///{folder}/store.db", organization="acme", ladder=LADDER, reserved={}, clock=CLOCK
        )
        store.upgrade()
        known, cause = store.known, Cause("benchmark")
        listed = [account(number) for number in range(PEOPLE)]
        first, _ = timed(lambda: known.replace(listed, (), cause, BEGAN))
        now = [replace(a, tier=PREMIUM) if n % 100 == 0 else a for n, a in enumerate(listed)]
        recall, last = timed(lambda: known.recall(BEGAN))
        compare, seen = timed(lambda: drift(last.lines, now))
        later = BEGAN + timedelta(hours=1)
        save, _ = timed(lambda: known.replace(now, seen, cause, later))
        assert len(seen) == PEOPLE // 100
        assert drift(known.recall(later).lines, now) == ()
        store.close()
    whole = recall + compare + save
    print(f"accounts as last known, {PEOPLE:,} of them, SQLite")
    print(f"  kept for the first time   {first:6.2f} s")
    print(f"  looked up                 {recall:6.2f} s")
    print(f"  compared, 1 % differ      {compare:6.2f} s")
    print(f"  saved, 1 % changed        {save:6.2f} s, with {len(seen):,} rows of the ledger")
    met = "met" if whole < GOAL else "MISSED"
    print(f"  at every full read        {whole:6.2f} s   goal {GOAL:.1f} s: {met}")
    return 0 if whole < GOAL else 1


def account(number: int) -> Account:
    name = f"person{number:06}@acme.example"
    profile = Profile(name, name, f"Given{number}", f"Family{number}", f"Given{number} Family{number}")
    return Account(f"id-{number:06}", profile, Standing.ACTIVE, STANDARD, f"entry-{number:06}")


def timed(work: Callable[[], Made]) -> tuple[float, Made]:
    began = process_time()
    made = work()
    return process_time() - began, made


if __name__ == "__main__":
    sys.exit(main())

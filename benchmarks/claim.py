"""What a claim for a seat costs: through our code, against one bare committed INSERT.

    python -m benchmarks.claim

Same engine, same file system, same run, floor and ours in turns, so that the ratio says something on a
loaded machine too: medians, of single claims for one client and of five rounds for many. Every claim is
a newcomer's for the best tier with room; three in ten get the better tier, six the lower one, one none
and goes onto the wait list. Where it says "with wishes" nobody is content with the lower tier: seven in
ten leave a wish, which is two rows more. The end state is counted before any figure is printed.

A disk that answers a flush in a tenth of a millisecond makes 32 clients on two cores a measure of the
processor alone. The last line has a disk like a cloud's block storage: each flush takes 1 ms more (a
library of a few lines, built with `cc`, that sleeps before the real one).
"""

import argparse
import multiprocessing
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

from idpsync.core.records import Cause
from idpsync.core.seats import Claim, Door, Ladder
from idpsync.store import Store, open_store
from tests.people import wide_contract
from tests.postgres import cluster, new_database

LADDER = Ladder.of("premium", "standard")
PREMIUM, STANDARD = LADDER.tiers
CAUSE = Cause("jit", ("signed in",))
ROUNDS = 5
CLIENTS = 32
WARM = 10


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds per operation as the whole saw it, and the longest single wait in seconds."""

    each: float
    longest: float


def open_at(url: str, organization: str) -> Store:
    return open_store(
        url,
        organization=organization,
        ladder=LADDER,
        reserved={},
        clock=WallClock(),
        hold_ttl=timedelta(hours=1),
    )


def claimer(url: str, organization: str) -> Callable[[str], None]:
    """Content with what there is: only who gets nothing waits."""
    return _claimer(url, organization, flexible=True)


def wisher(url: str, organization: str) -> Callable[[str], None]:
    """Whoever gets the lower tier waits for the better one."""
    return _claimer(url, organization, flexible=False)


def _claimer(url: str, organization: str, *, flexible: bool) -> Callable[[str], None]:
    store = open_at(url, organization)
    store.seats.pool()  # both kinds of connection are open, as in a daemon that has run for a second

    def claim(member: str) -> None:
        wish = Claim(
            member=member,
            user_name=f"{member}@acme.example",
            options=LADDER.tiers,
            door=Door.JIT,
            flexible=flexible,
            because=("group 'Premium' → premium",),
        )
        store.seats.hold(wish, CAUSE)

    return claim


def inserter(url: str, organization: str) -> Callable[[str], None]:
    """The floor: one row, committed, by the bare driver with a warm connection."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")

        def insert(member: str) -> None:
            connection.execute(
                "INSERT INTO floor (organization, member) VALUES (?, ?)", (organization, member)
            )

        return insert
    import psycopg  # noqa: PLC0415 - only where PostgreSQL is measured

    postgres = psycopg.connect(url, autocommit=True)

    def insert_there(member: str) -> None:
        postgres.execute(
            "INSERT INTO floor (organization, member) VALUES (%s, %s)", (organization, member)
        )

    return insert_there


Maker = Callable[[str, str], Callable[[str], None]]


def measure_in_turns(url: str, organization: str, members: Sequence[str]) -> tuple[Round, Round]:
    """One client: an INSERT, a claim, an INSERT… so that both meet the same disk; medians."""
    operations = [inserter(url, organization), claimer(url, organization)]
    waits: list[list[float]] = [[], []]
    for member in members:
        for operate, mine in zip(operations, waits, strict=True):
            before = time.perf_counter()
            operate(member)
            mine.append(time.perf_counter() - before)
    floor, ours = (Round(statistics.median(mine), max(mine)) for mine in waits)
    return floor, ours


def work(
    make: Maker, url: str, organization: str, members: Sequence[str], start: Barrier
) -> tuple[float, float, float]:
    operate = make(url, organization)
    for member in members[:WARM]:  # connected, statements prepared; not part of the figures
        operate(member)
    waits = []
    start.wait()
    begun = time.time()
    for member in members[WARM:]:
        before = time.perf_counter()
        operate(member)
        waits.append(time.perf_counter() - before)
    return begun, time.time(), max(waits)


def _worker(queue: "multiprocessing.Queue[tuple[float, float, float]]", *job: object) -> None:
    queue.put(work(*job))  # type: ignore[arg-type]


def measure_together(make: Maker, url: str, organization: str, members: Sequence[str]) -> Round:
    context = multiprocessing.get_context("fork")  # 32 imports of the program would take a minute
    start, answers = context.Barrier(CLIENTS), context.Queue()
    shares = [members[n::CLIENTS] for n in range(CLIENTS)]
    workers = [
        context.Process(target=_worker, args=(answers, make, url, organization, share, start))
        for share in shares
    ]
    for worker in workers:
        worker.start()
    found = [answers.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    took = max(end for _, end, _ in found) - min(begun for begun, _, _ in found)
    return Round(took / (len(members) - CLIENTS * WARM), max(longest for _, _, longest in found))


def stock(url: str, organization: str, people: int) -> None:
    """Seats for nine in ten."""
    store = open_at(url, organization)
    seats = {PREMIUM: people * 3 // 10, STANDARD: people * 6 // 10}
    store.contracts.seed(wide_contract(seats), CAUSE)
    store.close()


def count(url: str, organization: str, people: int, waiters: int) -> None:
    """Every seat given once, everybody left with a wish on the list; or that is the end."""
    store = open_at(url, organization)
    holdings = store.seats.holdings()
    by_tier = Counter(holding.tier for holding in holdings)
    waiting = len(store.waiting.entries())
    store.close()
    wanted = {PREMIUM: people * 3 // 10, STANDARD: people * 6 // 10}
    twice = len(holdings) - len({holding.member for holding in holdings})
    if by_tier != wanted or twice or waiting != waiters:
        sys.exit(f"wrong end state: {dict(by_tier)}, {twice} twice, {waiting} waiting")


@dataclass(frozen=True, slots=True)
class Case:
    """Floor and ours, medians of the rounds."""

    name: str
    floor: Round
    ours: Round
    goal: str
    met: bool

    @property
    def ratio(self) -> float:
        return self.ours.each / self.floor.each


def one_client(url: str, people: int) -> tuple[Round, Round]:
    stock(url, "one", people)
    found = measure_in_turns(url, "one", [f"one-{n}" for n in range(people)])
    count(url, "one", people, people // 10)
    return found


def many_clients(url: str, people: int, claiming: Maker = claimer) -> tuple[Round, Round]:
    floors, ours = [], []
    for number in range(ROUNDS):
        organization = f"{claiming.__name__}-{number}"
        members = [f"{organization}-{n}" for n in range(people)]
        stock(url, organization, people)
        floors.append(measure_together(inserter, url, organization, members))
        ours.append(measure_together(claiming, url, organization, members))
        waiters = people // 10 if claiming is claimer else people * 7 // 10
        count(url, organization, people, waiters)
    return _median(floors), _median(ours)


def _median(rounds: Sequence[Round]) -> Round:
    median = statistics.median
    return Round(median(r.each for r in rounds), median(r.longest for r in rounds))


FLOOR = "CREATE TABLE floor (id {serial}, organization TEXT, member TEXT)"


@contextmanager
def sqlite_store() -> Iterator[str]:
    """The address of an SQLite store with the floor's table."""
    with tempfile.TemporaryDirectory(prefix="idpsync-bench-") as folder:
        url = f"sqlite:///{folder}/store.db"
        open_at(url, "x").close()
        plain = sqlite3.connect(f"{folder}/store.db")
        plain.execute(FLOOR.format(serial="INTEGER PRIMARY KEY"))
        plain.close()
        yield url


@contextmanager
def postgresql_store(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of a PostgreSQL store of its own, with the floor's table."""
    import psycopg  # noqa: PLC0415 - only where PostgreSQL is measured

    with cluster(environment) as maintenance:
        url = new_database(maintenance, "bench")
        store = open_at(url, "x")
        store.upgrade()
        store.close()
        with psycopg.connect(url) as connection:
            connection.execute(FLOOR.format(serial="BIGSERIAL PRIMARY KEY").encode())
        yield url


SLOW = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static int slowly(const char *name, int file) {
    struct timespec pause = {0, 1000000};
    nanosleep(&pause, 0);
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(file);
}
int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
"""


@contextmanager
def slow_disk() -> Iterator[Mapping[str, str] | None]:
    """What makes a program's flushes take 1 ms more; None without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="idpsync-bench-") as folder:
        Path(folder).chmod(0o755)
        library = f"{folder}/slow.so"
        command = [compiler, "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", library, "-ldl"]
        subprocess.run(command, input=SLOW.encode(), check=True)
        yield {"LD_PRELOAD": library}


def cases() -> Iterator[Case]:
    with sqlite_store() as url:
        floor, ours = one_client(url, 1000)
        yield Case("SQLite, 1 client", floor, ours, "<= 2.5x", ours.each <= 2.5 * floor.each)
        floor, ours = many_clients(url, 3000)
        yield Case("SQLite, 32 processes", floor, ours, "longest <= 500 ms", ours.longest <= 0.5)
    with postgresql_store() as url:
        floor, ours = one_client(url, 1000)
        yield Case("PostgreSQL, 1 client", floor, ours, "<= 2.5x", ours.each <= 2.5 * floor.each)
        floor, ours = many_clients(url, 9000)
        yield Case("PostgreSQL, 32 processes", floor, ours, "<= 3x", ours.each <= 3 * floor.each)
        floor, ours = many_clients(url, 9000, wisher)
        yield Case("  the same, with wishes", floor, ours, "none", met=True)
    with slow_disk() as environment:
        if environment is None:
            sys.exit("no C compiler: the disk of 1 ms was not measured")
        with postgresql_store(environment) as url:
            floor, ours = many_clients(url, 9000)
            yield Case("  the same, disk of 1 ms", floor, ours, "<= 3x", ours.each <= 3 * floor.each)


def main() -> int:
    """Print the table; 1 when a goal was missed and `--strict` was given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    strict = parser.parse_args().strict
    head = f"{'':26}{'floor':>10}{'claim':>10}{'ratio':>8}{'longest':>10}   goal"
    print(head, flush=True)
    missed = 0
    for case in cases():
        figures = (
            f"{case.name:26}{case.floor.each * 1e6:>8.0f}us{case.ours.each * 1e6:>8.0f}us"
            f"{case.ratio:>7.2f}x{case.ours.longest * 1e3:>8.0f}ms"
        )
        print(f"{figures}   {case.goal} {'met' if case.met else 'MISSED'}", flush=True)
        missed += not case.met
    return 1 if strict and missed else 0


if __name__ == "__main__":
    sys.exit(main())

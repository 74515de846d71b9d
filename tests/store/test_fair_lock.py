"""The lock of the writers of one SQLite file: nobody who left the queue keeps the others waiting."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from idpsync.store.fair_lock import FairLock

HANGS = 20.0  # seconds after which a writer that should have had its turn is given up


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[FairLock]:
    lock = FairLock(tmp_path / "store.lock")
    yield lock
    lock.close()


@contextmanager
def interrupting(lock: FairLock, before: Callable[[], None]) -> Iterator[None]:
    """As soon as this thread waits for the lock, `before` happens and its wait is interrupted."""

    heard = threading.Event()

    def interrupt(_number: int, _frame: object) -> None:
        if not heard.is_set():
            heard.set()
            before()
            raise KeyboardInterrupt

    waiter = threading.get_ident()

    def watch() -> None:
        waits = False
        while not waits:
            with lock._guard:
                waits = bool(lock._waiting)
        # to the waiting thread itself: sent to the process, any other thread may take it; and again,
        # because a signal that comes just before the thread falls asleep does not wake it
        while not heard.wait(0.01):
            signal.pthread_kill(waiter, signal.SIGUSR1)

    former = signal.signal(signal.SIGUSR1, interrupt)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        watcher.join(HANGS)
        signal.signal(signal.SIGUSR1, former)


def gets_its_turn(lock: FairLock) -> bool:
    """Whether a writer that comes now ever gets the lock."""
    had = threading.Event()

    def write() -> None:
        with lock:
            had.set()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    writer.join(HANGS)
    return had.is_set()


def test_a_waiter_that_is_interrupted_gives_up_its_place(lock: FairLock) -> None:
    with lock, interrupting(lock, lambda: None), pytest.raises(KeyboardInterrupt):
        lock.__enter__()

    assert gets_its_turn(lock)


def test_a_waiter_interrupted_as_its_turn_comes_hands_it_on(lock: FairLock) -> None:
    lock.__enter__()

    with (
        interrupting(lock, lambda: lock.__exit__(None, None, None)),
        pytest.raises(KeyboardInterrupt),
    ):
        lock.__enter__()

    assert gets_its_turn(lock)


def test_a_lock_file_that_cannot_be_opened_blocks_nobody(tmp_path: Path) -> None:
    lock = FairLock(tmp_path / "missing" / "store.lock")
    with pytest.raises(FileNotFoundError), lock:
        pass
    (tmp_path / "missing").mkdir()

    assert gets_its_turn(lock)
    lock.close()

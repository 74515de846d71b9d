"""Leading: one process reconciles at a time, and knows when it no longer may."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import structlog

from idpsync.core.errors import LeaseLost, StoreError
from idpsync.core.journals import Lease

log = structlog.get_logger()

LEADER = "leader"
JUDGE = "alerts"
"""The lease under which alerts are judged: a second judge would not know what the first one says."""
TTL = timedelta(seconds=15)
RENEW_EVERY = 5.0
GIVE_UP = 10.0
"""Without a renewal for so long, by our own clock, we act as if the lease were lost: before it is."""


def holder_name() -> str:
    """Who we are in the lease table: host, process, and a random part for a restart within the TTL."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:6]}"


@contextmanager
def lead(
    lease: Lease,
    *,
    patience: float = 0.0,
    name: str = LEADER,
    on_lost: Callable[[], None] = lambda: None,
) -> Iterator[int]:
    """Hold the lease while the block runs; yields the fencing token.

    LeaseLost when somebody else still leads after `patience` seconds. The lease is renewed from a
    thread of its own. When it is lost the token goes stale, the store refuses further writes, and
    `on_lost` is called from that thread, to stop what the store cannot see.
    """
    holder, done = holder_name(), threading.Event()
    token = _acquire(lease, holder, patience, name)
    keeper = threading.Thread(target=_keep, args=(lease, holder, done, name, on_lost), daemon=True)
    keeper.start()
    try:
        yield token
    finally:
        done.set()
        keeper.join()
        lease.release(name, holder)


def _acquire(lease: Lease, holder: str, patience: float, name: str) -> int:
    waited = 0.0
    while (token := lease.acquire(name, holder, TTL)) is None:
        if waited >= patience:
            raise LeaseLost("another process holds the lease now; try again when it is done")
        threading.Event().wait(0.25)
        waited += 0.25
    return token


def _keep(
    lease: Lease, holder: str, done: threading.Event, name: str, on_lost: Callable[[], None]
) -> None:
    renewed = time.monotonic()
    while not done.wait(RENEW_EVERY):
        try:
            if lease.renew(name, holder, TTL):
                renewed = time.monotonic()
                continue
        except StoreError as error:
            log.warning("lease.not_renewed", holder=holder, reason=str(error))
            if time.monotonic() - renewed < GIVE_UP:
                continue
        log.warning("lease.lost", holder=holder)
        on_lost()
        return

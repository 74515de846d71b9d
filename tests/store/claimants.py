"""Claiming from many threads and processes; run as a module it is one such process."""

import sys
import threading
from collections.abc import Iterable

from idpsync.core.records import Cause
from idpsync.core.seats import Claim, Door
from idpsync.store import Store, open_store
from tests.people import LADDER, StoppedClock

CAUSE = Cause("jit")


def open_for(url: str, organization: str) -> Store:
    return open_store(url, organization=organization, ladder=LADDER, reserved={}, clock=StoppedClock())


def claim(store: Store, member: str) -> str:
    """Ask for the best seat there is; the tier's name, or "none"."""
    placement = store.seats.hold(Claim(member, member, LADDER.tiers, door=Door.JIT), CAUSE)
    return placement.tier.name if placement.tier else "none"


def storm(store: Store, members: Iterable[str], times: int = 2) -> list[str]:
    """All members at once, each asking `times` times at once; whatever went wrong."""
    faults: list[str] = []
    members = list(members)
    start = threading.Barrier(len(members) * times)

    def ask(member: str) -> None:
        start.wait()
        try:
            claim(store, member)
        except Exception as error:  # noqa: BLE001 - a fault of any kind fails the test
            faults.append(repr(error))

    threads = [threading.Thread(target=ask, args=(member,)) for member in members for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


if __name__ == "__main__":
    address, tenant, *names = sys.argv[1:]
    opened = open_for(address, tenant)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for name in names:
        claim(opened, name)
    opened.close()

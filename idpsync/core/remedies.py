"""One table: error → exit code of the command line, HTTP status at the door, severity of the alert."""

from dataclasses import dataclass
from enum import IntEnum

from idpsync.core import errors
from idpsync.core.alerts import Severity


class Exit(IntEnum):
    """Exit codes that scripts rely on."""

    DONE = 0
    FAULT = 1  # of ours
    USAGE = 2  # configuration or command line
    HELD = 3  # the guard held the plan, nothing was written
    INCOMPLETE = 4  # the directory could not be read whole, nothing was removed
    TARGET = 5  # some actions failed at the target, the rest were done
    DIGEST = 6  # the digest differs, nothing was written


@dataclass(frozen=True, slots=True)
class Remedy:
    """How one kind of error looks from outside."""

    exit: Exit
    status: int
    severity: Severity


WARN, ACT = Severity.WARNING, Severity.CRITICAL

REMEDIES: dict[type[errors.IdpSyncError], Remedy] = {
    errors.ConfigError: Remedy(Exit.USAGE, 503, ACT),
    errors.CredentialsRejected: Remedy(Exit.TARGET, 503, ACT),
    errors.RemoteError: Remedy(Exit.TARGET, 503, WARN),
    errors.DirectoryUnread: Remedy(Exit.INCOMPLETE, 503, ACT),
    errors.NoSeatAvailable: Remedy(Exit.TARGET, 403, WARN),
    errors.AmbiguousCorrelation: Remedy(Exit.TARGET, 403, WARN),
    errors.UnsafePlan: Remedy(Exit.HELD, 503, ACT),
    errors.DigestMismatch: Remedy(Exit.DIGEST, 409, WARN),
    errors.OthersToAdopt: Remedy(Exit.DIGEST, 409, WARN),
    errors.AssertionRejected: Remedy(Exit.FAULT, 401, WARN),
    errors.PurchaseRefused: Remedy(Exit.USAGE, 409, WARN),
    errors.NotPermitted: Remedy(Exit.USAGE, 403, WARN),
    errors.NotPossible: Remedy(Exit.USAGE, 409, WARN),
    errors.LeaseLost: Remedy(Exit.FAULT, 503, WARN),
    errors.StoreError: Remedy(Exit.FAULT, 503, ACT),
    errors.IdpSyncError: Remedy(Exit.FAULT, 500, ACT),
}


def remedy(error: errors.IdpSyncError) -> Remedy:
    """The remedy of the nearest class in the table; every error of ours has one."""
    return next(REMEDIES[kind] for kind in type(error).__mro__ if kind in REMEDIES)

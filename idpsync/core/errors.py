"""Every error the program raises, named by its remedy.

IdpSyncError
├── ConfigError             mend the configuration
├── RemoteError             another system did not do what was asked
│   ├── Transient           ask again later
│   │   └── RateLimited     ask again after `after`
│   ├── CredentialsRejected a person must renew a credential or a right
│   ├── NotFound            the resource is not there
│   ├── Conflict            the resource belongs to somebody else
│   ├── Refused             the system will not do it; asking again changes nothing
│   │   └── SeatsExhausted  the service provider itself says that no seat is left
│   ├── UnknownOutcome      the write may have happened; look before asking again
│   └── Malformed           the answer makes no sense
├── NoSeatAvailable         wait list
├── AmbiguousCorrelation    a person must say which account is whose
├── UnsafePlan              the guard held the plan; approve or reject it
├── DigestMismatch          the plan is not the one that was reviewed
├── OthersToAdopt           a first run finds other accounts than those that were shown
├── AssertionRejected       the SAML assertion is not accepted
├── PurchaseRefused         order something the contract allows
├── NotPermitted            somebody with more rights must do it
├── NotPossible             the person or the invite is not in a state for it
├── LeaseLost               somebody else leads now; stop writing
└── StoreError              the store cannot be used
"""

from dataclasses import dataclass
from datetime import timedelta


class IdpSyncError(Exception):
    """Root of the tree; never raised itself."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a configuration or an input file, with the place a person can go to."""

    path: str
    message: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file or 'configuration'}:{self.line}" if self.line else self.file or ""
        return ": ".join(part for part in (place, self.path, self.message) if part)


class ConfigError(IdpSyncError):
    """The configuration cannot be used; `problems` holds every fault found, not the first."""

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(p if isinstance(p, Problem) else Problem("", p) for p in problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class RemoteError(IdpSyncError):
    """Another system failed us.

    `system` is the adapter's name ("ldap directory"), `operation` what was asked ("create account"),
    `reason` one sentence for a person. None of them may hold a secret.
    """

    def __init__(self, system: str, operation: str, reason: str) -> None:
        self.system, self.operation, self.reason = system, operation, reason
        super().__init__(f"{system}: {operation}: {reason}")


class Transient(RemoteError):
    """The system could not be reached or was overloaded; the same request may pass later."""


class RateLimited(Transient):
    """The system asked for a pause of `after`."""

    def __init__(self, system: str, operation: str, reason: str, after: timedelta) -> None:
        super().__init__(system, operation, reason)
        self.after = after


CREDENTIALS_REJECTED = "credentials rejected"
"""Stands in the text of the error, so that it is known again where only the text was kept."""


class CredentialsRejected(RemoteError):
    """The system does not accept who we are or what we may do."""

    def __str__(self) -> str:
        return f"{self.system}: {self.operation}: {CREDENTIALS_REJECTED}: {self.reason}"


class NotFound(RemoteError):
    """The resource does not exist (any more)."""


class Conflict(RemoteError):
    """The resource exists and is not ours."""

    def __init__(self, system: str, operation: str, reason: str, scim_type: str | None = None) -> None:
        super().__init__(system, operation, reason)
        self.scim_type = scim_type


class Refused(RemoteError):
    """The system understood and will not do it."""


class SeatsExhausted(Refused):
    """The service provider says that it has no seat left (DOMAIN: six ways of saying so)."""


class UnknownOutcome(RemoteError):
    """A write left and no answer that can be trusted came back."""


class Malformed(RemoteError):
    """The answer is not what the protocol promises; `excerpt` is short and holds no secret."""

    def __init__(self, system: str, operation: str, reason: str, excerpt: str = "") -> None:
        super().__init__(system, operation, f"{reason}: {excerpt}" if excerpt else reason)
        self.excerpt = excerpt


class DirectoryUnread(IdpSyncError):
    """The directory could not be read at all; `cause` is what it or the way to it said."""

    def __init__(self, cause: RemoteError) -> None:
        self.cause = cause
        super().__init__(f"the directory could not be read, nothing was removed: {cause}")


class NoSeatAvailable(IdpSyncError):
    """No seat of the wished tier, nor of any lower one that policy allows, is free."""

    def __init__(self, member: str, because: tuple[str, ...]) -> None:
        self.member, self.because = member, because
        super().__init__(f"no seat for {member}: {'; '.join(because)}")


class AmbiguousCorrelation(IdpSyncError):
    """Several accounts, or several people, answer to the same key."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
        super().__init__(f"ambiguous correlation: {', '.join(keys)}")


class UnsafePlan(IdpSyncError):
    """A plan goes over a guard limit: nothing was written. `tripped` is a sentence for each."""

    def __init__(self, digest: str, tripped: tuple[str, ...], rejected_by: str | None = None) -> None:
        self.digest, self.tripped = digest, tripped
        more = f"; and {len(tripped) - 10} more" if len(tripped) > 10 else ""
        remedy = f"`idpsync reject {digest}` drops it"
        if rejected_by:
            remedy = f"it stays stopped, as {rejected_by} rejected it"
        super().__init__(
            f"plan held by the guard: {'; '.join(tripped[:10])}{more}; "
            f"`idpsync approve {digest}` lets exactly this plan pass once, {remedy}"
        )


class DigestMismatch(IdpSyncError):
    """The world changed since the plan was reviewed: nothing was written."""

    def __init__(self, wanted: str, found: str) -> None:
        self.wanted, self.found = wanted, found
        super().__init__(
            f"the plan made now has digest {found}, not {wanted}; nothing was written: review it again"
        )


class OthersToAdopt(IdpSyncError):
    """A first run would adopt people who were not among those shown: nothing was written."""

    def __init__(self, user_names: tuple[str, ...]) -> None:
        self.user_names = user_names
        more = f" and {len(user_names) - 10} more" if len(user_names) > 10 else ""
        super().__init__(
            "by now others would be adopted than those that were shown "
            f"({', '.join(user_names[:10])}{more}); nothing was written: review it again"
        )


class AssertionRejected(IdpSyncError):
    """`reason` is for the log only; the person sees a uniform page (SAML core §2)."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"assertion rejected: {reason}")


class PurchaseRefused(IdpSyncError):
    """The contract does not allow the purchase; nothing was recorded."""


class NotPermitted(IdpSyncError):
    """Whoever asks does not have the rights for it; nothing was changed."""


class NotPossible(IdpSyncError):
    """What was asked for a person by hand cannot be done as things stand; nothing was changed."""


class LeaseLost(IdpSyncError):
    """Another process holds the lease; this one must stop writing."""


class StoreError(IdpSyncError):
    """The store is missing, locked, or of another version."""

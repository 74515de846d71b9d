"""One of several directories, and what was read of it."""

from dataclasses import dataclass

from idpsync.core.errors import RemoteError
from idpsync.core.model import Coverage, DirectorySnapshot
from idpsync.core.ports import DirectorySource


@dataclass(frozen=True, slots=True)
class Part:
    """One directory under the name that the configuration gives it; `scope` is what it is asked for.

    The ids of the `leading` one stay as they are, so that a second directory can be put beside one that
    is in use. Those of the others have the name before them: two directories may use one id.
    """

    name: str
    source: DirectorySource
    scope: str
    leading: bool = False

    def key(self, external_id: str) -> str:
        """The id under which a person of this directory is known among all."""
        return external_id if self.leading else f"{self.name}:{external_id}"


@dataclass(frozen=True, slots=True)
class PartRead:
    """What one directory gave: a snapshot, or why there is none."""

    part: Part
    snapshot: DirectorySnapshot | None = None
    error: RemoteError | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """Each with the name of the directory. That people were not read whole is always told."""
        told = self.snapshot.problems if self.snapshot else ()
        if self.error:
            told = (f"was not read, nobody loses anything for it: {self.error}",)
        elif self.snapshot and self.snapshot.users_coverage is not Coverage.COMPLETE and not told:
            told = (
                f"people are {self.snapshot.users_coverage}, nobody loses anything for being absent",
            )
        return tuple(f"directory '{self.part.name}': {problem}" for problem in told)

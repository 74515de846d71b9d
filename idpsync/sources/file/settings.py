"""What `directory:` may say of a people file."""

from pathlib import Path
from typing import Literal

from idpsync.sources.naming import DirectorySettings
from idpsync.sources.scope import scope


class FileConfig(DirectorySettings):
    """A people file: CSV with a header, or JSON lines where the suffix is .jsonl or .ndjson.

    A line `#group NAME` says that a group exists though nobody may be in it; a group that no line names
    counts as vanished, which forbids removals. With `require_trailer` the last line must be `#complete`.
    """

    kind: Literal["file"]
    path: Path
    require_trailer: bool = False

    @property
    def scope(self) -> str:
        """What decides who is seen."""
        return scope(self.kind, path=self.path)

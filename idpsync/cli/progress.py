"""The bar of long verbs: on standard error, and only where a person looks on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar(word: str, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """What to call with (done, of) while the block runs."""
    columns = (TextColumn(word), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown, transient=True) as progress:
        task = progress.add_task(word, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)

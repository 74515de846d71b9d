"""`plan --assume`: what would be decided, and how the documents say that nothing of it is so."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

import click

from idpsync.cli.context import Desk
from idpsync.cli.outline import Document, Outline
from idpsync.core.assume import FORMS, Assumption, parse_assumption, what_if
from idpsync.core.consequences import Consequences, consequences, consequences_json, sentences
from idpsync.engine.outcome import Preview
from idpsync.engine.reading import Reader

assume_option = click.option(
    "--assume",
    "assumed",
    metavar="WHAT",
    multiple=True,
    help=f"What if? {', '.join(FORMS)}; can be repeated. Nothing is written or held.",
)


@dataclass(frozen=True, slots=True)
class Supposition:
    """What was assumed, the preview of that world, and what follows from it."""

    assumptions: tuple[Assumption, ...]
    preview: Preview
    found: Consequences

    def told(self, document: Document) -> dict[str, object]:
        """The document of a plan, or of a difference, that says what it assumes."""
        written = [str(assumption) for assumption in self.assumptions]
        return {"assumptions": written, "what_if": consequences_json(self.found), **document}

    def headed(self, outline: Outline) -> Outline:
        """The outline with what is assumed and what follows on top. It cannot be approved."""
        return replace(
            outline,
            title=f"What if? {outline.title}",
            lead=(*self._lead(), *outline.lead),
            facts=tuple(fact for fact in outline.facts if fact[0] != "Digest"),
            tripped=(),
            commands=(),
            whole=outline.whole.replace("idpsync plan", f"idpsync plan {self._options}", 1),
        )

    @property
    def _options(self) -> str:
        """How this was asked for."""
        return shlex.join(word for one in self.assumptions for word in ("--assume", str(one)))

    def _lead(self) -> tuple[str, ...]:
        return (
            "Nothing of this is so, and nothing was written.",
            f"Assumed: {'; '.join(assumption.says for assumption in self.assumptions)}.",
            *sentences(self.found),
            *(f"The guard would hold it: {check}." for check in self.preview.report.tripped),
        )


def assumptions_of(texts: Sequence[str], desk: Desk) -> tuple[Assumption, ...]:
    """What was written after `--assume`; a usage error for the first that is none."""
    ladder = desk.config.ladder() if texts else None
    try:
        return tuple(parse_assumption(text, ladder) for text in texts if ladder)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def suppose(desk: Desk, preview: Preview, assumptions: tuple[Assumption, ...]) -> Supposition:
    """The same read with the assumptions in it; a usage error where they cannot be."""
    reconciler = desk.house.reconciler
    try:
        world = what_if(preview.world, preview.plan, assumptions, reconciler.rule.policy)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    then = Reader(reconciler.rooms, reconciler.rule).what_if(preview, world)
    found = consequences(preview.world, preview.plan, world, then.plan)
    return Supposition(assumptions, then, found)

"""An outline as one page of HTML without outside resources."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from idpsync.cli.outline import Kind, Outline, Seats, lines_of, numeral, step, visible

FOLDED = 20  # rows beyond which a list is folded away
MOST = 5000  # rows of one list; a browser stays quick
PEOPLE = 10  # of a tripped limit that are named


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a bar."""

    name: str
    number: int


def page(outline: Outline) -> str:
    """The whole document; every text in it is escaped."""
    return _templates().get_template("plan.html").render(outline=outline)


def pieces(seats: Seats) -> tuple[Piece, ...]:
    """The bar of one tier at one moment; the reserve is taken out of what is free."""
    kept = min(seats.reserved, seats.free)
    return (
        Piece("assigned", seats.assigned),
        Piece("held", seats.held),
        Piece("reserved", kept),
        Piece("free", seats.free - kept),
    )


def told(name: str, moment: str, seats: Seats) -> str:
    """The bar in words, for those who do not see it."""
    parts = ", ".join(f"{piece.number:,} {piece.name}" for piece in pieces(seats))
    return f"{name}, {moment}: {parts}; {seats.purchased:,} purchased"


def beyond(seats: Seats) -> int:
    """People and holds for which no seat was bought."""
    return max(0, seats.assigned + seats.held - seats.purchased)


def width(seats: Seats, other: Seats) -> float:
    """How much of the row the bar takes, in percent; both bars of a tier have one scale."""
    own, wider = (max(s.purchased, s.assigned + s.held) for s in (seats, other))
    return round(100 * own / max(own, wider, 1), 2)


def left(names: Sequence[str]) -> str:
    """How many are not among the first few."""
    number = len(names) - PEOPLE
    return f"… and {number:,} more" if number > 0 else ""


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda said: visible(said) if type(said) is str else said,
    )
    made.globals |= {
        "pieces": pieces,
        "told": told,
        "beyond": beyond,
        "width": width,
        "step": step,
        "numeral": numeral,
        "lines_of": lines_of,
        "PROSE": Kind.PROSE,
        "left": left,
        "NUMBER": Kind.NUMBER,
        "NAME": Kind.NAME,
        "FOLDED": FOLDED,
        "MOST": MOST,
        "PEOPLE": PEOPLE,
    }
    return made

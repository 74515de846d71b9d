"""What others already have, as text: people of a service, purchases of a contract. Pure.

A file is taken whole or not at all: every bad line is named in one ConfigError.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from idpsync.core.contract import MOST_SEATS, Item
from idpsync.core.errors import ConfigError, NotPossible, Problem
from idpsync.core.membership import is_address
from idpsync.core.model import PRIMARY_OWNER, USER, fold
from idpsync.core.order import parse_day
from idpsync.core.roles import OURS, role_called
from idpsync.core.seats import Ladder, Tier
from idpsync.core.sheets import Column, Faults, Row, read, shortened, word


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One person of an export. `tier` is None for a member without a seat."""

    line: int
    name: str
    email: str
    role: str
    tier: Tier | None


@dataclass(frozen=True, slots=True)
class PurchaseRow:
    """One purchase, of one line or of several that share its day and `reference` ("": none)."""

    line: int
    on: date
    items: tuple[Item, ...]
    reference: str


def _words(*groups: tuple[str, tuple[str, ...]]) -> Mapping[str, str]:
    return MappingProxyType({word(said): meant for meant, group in groups for said in group})


_PEOPLE = (
    Column.of("name", "nome", "full name", "nome completo", needed=False),
    Column.of("email", "e-mail address", "endereço de email", "endereço de e-mail"),
    Column.of("role", "função", "papel"),
    Column.of(
        *("seat type", "seat", "seat tier", "tier"),
        *("tipo de assento", "assento", "nível", "nível de assento", "nível do assento"),
    ),
)
_NO_SEAT = frozenset(
    word(said)
    for said in (
        *("none", "unassigned", "no seat", "no seat assigned"),
        *("nenhum", "sem assento", "não atribuído", "nenhum assento atribuído"),
    )
)

_PURCHASES = (
    Column.of("on", "date", "data", "dia"),
    Column.of("what", "kind", "type", "o que", "tipo"),
    Column.of(
        "tier", "seat", "seat type", "seat tier", "to tier", "assento", "tipo de assento", "nível"
    ),
    Column.of("from_tier", "from", "upgraded from", "de", "nível anterior", "origem", needed=False),
    Column.of("quantity", "number", "seats", "quantidade", "assentos"),
    Column.of("reference", "ref", "invoice", "referência", "fatura", needed=False),
)
_ADD, _UPGRADE, _INITIAL = "add", "upgrade", "initial"
_WHAT = _words(
    (_ADD, ("add", "added", "addition", "adicionar", "adição", "adicionado")),
    (_UPGRADE, ("upgrade", "upgraded", "atualizar", "atualização", "atualizado")),
    (_INITIAL, ("initial", "initial allocation", "inicial", "alocação inicial")),
)


def parse_members(text: str, ladder: Ladder, *, file: str) -> tuple[MemberRow, ...]:
    """The people of an export, in the order of the file. ConfigError with every bad line."""
    members, problems = readable_members(text, ladder, file=file)
    if problems:
        raise ConfigError(*problems)
    return members


def readable_members(
    text: str, ladder: Ladder, *, file: str
) -> tuple[tuple[MemberRow, ...], tuple[Problem, ...]]:
    """The same of the lines without a fault, beside every fault: what else is wrong is found, too."""
    faults = Faults(file)
    rows = read(text, _PEOPLE, faults)
    members = [_member(row, ladder, faults) for row in rows]
    _each_once(rows, faults)
    _one_primary_owner(members, faults)
    bad = {problem.line for problem in faults.found}
    return tuple(member for member in members if member.line not in bad), faults.in_order()


def _member(row: Row, ladder: Ladder, faults: Faults) -> MemberRow:
    email, said = row["email"], row["seat type"]
    if not email:
        faults.add(row.line, "is missing", "email")
    elif not is_address(email):
        faults.add(row.line, f"'{shortened(email)}' is not an e-mail address", "email")
    role = _role(row, faults)
    tier = _tier_called(said, ladder)
    if tier is None and not _blank(said) and word(said) not in _NO_SEAT:
        faults.add(row.line, _no_such_tier(said, ladder, "; leave it empty for no seat"), "seat type")
    return MemberRow(row.line, row["name"], email, role, tier)


def _role(row: Row, faults: Faults) -> str:
    """One of our roles, or a custom one as a slug."""
    if _blank(row["role"]):
        return USER
    try:
        said = role_called(row["role"])
    except NotPossible as error:
        faults.add(row.line, str(error), "role")
        return USER
    return said if said in OURS else _slug(said)


def _slug(said: str) -> str:
    plain = unicodedata.normalize("NFKD", said).casefold()
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return "_".join(re.findall(r"[^\W_]+", letters))


def _blank(said: str) -> bool:
    """Nothing, or one of the dashes that stand for it."""
    return said in {"", "-", "–", "—"}


def _each_once(rows: Iterable[Row], faults: Faults) -> None:
    first: dict[str, int] = {}
    for row in rows:
        email = fold(row["email"])
        if email and first.setdefault(email, row.line) != row.line:
            faults.add(
                row.line, f"'{shortened(row['email'])}' stands on line {first[email]} already", "email"
            )


def _one_primary_owner(members: Iterable[MemberRow], faults: Faults) -> None:
    owners = [member.line for member in members if member.role == PRIMARY_OWNER]
    for line in owners[1:]:
        faults.add(line, f"there is exactly one primary owner, and line {owners[0]} names one", "role")


def parse_purchases(text: str, ladder: Ladder, *, file: str) -> tuple[PurchaseRow, ...]:
    """The purchases of a file, by day and then as they stand. ConfigError with every bad line.

    Lines of one day that share a reference are one purchase.
    """
    purchases, problems = readable_purchases(text, ladder, file=file)
    if problems:
        raise ConfigError(*problems)
    return purchases


def readable_purchases(
    text: str, ladder: Ladder, *, file: str
) -> tuple[tuple[PurchaseRow, ...], tuple[Problem, ...]]:
    """The same of the lines without a fault, beside every fault: what else is wrong is found, too."""
    faults = Faults(file)
    found: list[tuple[Row, date, Item]] = []
    for row in read(text, _PURCHASES, faults):
        on, item = _day(row, faults), _item(row, ladder, faults)
        if on and item:
            found.append((row, on, item))
    purchases: dict[tuple[date, str | int], PurchaseRow] = {}
    for row, on, item in found:
        key = (on, row["reference"] or row.line)
        line, items = (p.line, p.items) if (p := purchases.get(key)) else (row.line, ())
        purchases[key] = PurchaseRow(line, on, (*items, item), row["reference"])
    ordered = sorted(purchases.values(), key=lambda p: (p.on, p.line))
    return tuple(ordered), faults.in_order()


def _day(row: Row, faults: Faults) -> date | None:
    try:
        return parse_day(shortened(row["on"]))
    except ValueError as error:
        faults.add(row.line, str(error), "on")
        return None


def _item(row: Row, ladder: Ladder, faults: Faults) -> Item | None:
    """What one line buys; None when something about it is wrong."""
    what = _WHAT.get(word(row["what"]))
    if what == _INITIAL:
        faults.add(row.line, _IN_THE_CONFIGURATION, "what")
        return None
    if what is None:
        faults.add(row.line, f"'{shortened(row['what'])}' is neither add nor upgrade", "what")
    quantity = _quantity(row, faults)
    tier = _tier(row, "tier", ladder, faults)
    left = _left(row, what, ladder, faults)
    if not (what and quantity and tier):
        return None
    if left and left <= tier:
        way = "changes nothing" if left == tier else "leads down the ladder"
        faults.add(row.line, f"an upgrade from {left} to {tier} {way}", "from_tier")
        return None
    return Item(tier, quantity, left)


_IN_THE_CONFIGURATION = (
    "the seats that the contract began with are no purchase: they stand in the configuration, "
    "contract.seats; take the line out"
)


def _quantity(row: Row, faults: Faults) -> int | None:
    said = row["quantity"]
    if re.fullmatch(r"[1-9][0-9]{0,6}", said, re.ASCII) and int(said) <= MOST_SEATS:
        return int(said)
    words = f"'{shortened(said)}' is not a whole number from 1 to {MOST_SEATS:,}, in digits alone"
    faults.add(row.line, words if said else "is missing", "quantity")
    return None


def _left(row: Row, what: str | None, ladder: Ladder, faults: Faults) -> Tier | None:
    """The tier that is upgraded; whether there is one must agree with `what`."""
    if _blank(row["from_tier"]):
        if what == _UPGRADE:
            faults.add(row.line, "is missing: an upgrade says which tier it starts from", "from_tier")
        return None
    if what == _ADD:
        faults.add(row.line, "seats that are added come from no tier: write upgrade", "from_tier")
    return _tier(row, "from_tier", ladder, faults)


def _tier(row: Row, column: str, ladder: Ladder, faults: Faults) -> Tier | None:
    tier = _tier_called(row[column], ladder)
    if tier is None:
        faults.add(row.line, _no_such_tier(row[column], ladder), column)
    return tier


def _tier_called(said: str, ladder: Ladder) -> Tier | None:
    """The tier of that name; where no name is the same letter by letter, without regard to case."""
    names = {tier: " ".join(tier.name.split()) for tier in ladder}
    exact = [tier for tier, name in names.items() if name == said]
    near = exact or [tier for tier, name in names.items() if fold(name) == fold(said)]
    return near[0] if len(near) == 1 else None


def _no_such_tier(said: str, ladder: Ladder, hint: str = "") -> str:
    tiers = ", ".join(tier.name for tier in ladder)
    if not said:
        return f"is missing; the tiers are {tiers}"
    return f"there is no tier '{shortened(said)}'; the tiers are {tiers}{hint}"

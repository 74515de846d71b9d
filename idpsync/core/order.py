"""How an order is written: `standard=5` adds seats, `standard:premium=10` upgrades them."""

import re
from collections.abc import Iterable
from datetime import date

from idpsync.core.contract import MOST_SEATS, Item
from idpsync.core.seats import Ladder, Tier
from idpsync.core.sheets import shortened

_ITEM = re.compile(r"(?:(?P<left>[^:=]+):)?(?P<tier>[^:=]+)=(?P<number>[+-]?[0-9]{1,99})", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def parse_item(text: str, ladder: Ladder) -> Item:
    """TIER=N or FROM:TO=N as an item; ValueError with a sentence that quotes the text."""
    found = _ITEM.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f"'{shortened(text)}' is no order: write TIER=N to add seats or FROM:TO=N to upgrade them, "
            "such as standard=5 or standard:premium=10"
        )
    left = found["left"] and _tier(found["left"], ladder, text)
    if len(found["number"].lstrip("+0")) > len(str(MOST_SEATS)) and found["number"][0] != "-":
        raise ValueError(_too_many(text))
    item = Item(_tier(found["tier"], ladder, text), int(found["number"]), left or None)
    if item.quantity <= 0:
        raise ValueError(
            f"'{text}': a contract never shrinks during its term; the number of seats is 1 or more"
        )
    if item.quantity > MOST_SEATS:
        raise ValueError(_too_many(text))
    return item


def _too_many(text: str) -> str:
    return f"'{shortened(text)}': that is more seats than can be recorded, at most {MOST_SEATS:,}"


def _tier(name: str, ladder: Ladder, text: str) -> Tier:
    try:
        return ladder.named(name.strip())
    except KeyError:
        tiers = ", ".join(tier.name for tier in ladder)
        raise ValueError(f"'{text}': there is no tier {name.strip()}; the tiers are {tiers}") from None


def merged(items: Iterable[Item]) -> tuple[Item, ...]:
    """Items of the same kind as one, in the order of their first mention."""
    counts: dict[tuple[Tier, Tier | None], int] = {}
    for item in items:
        kind = (item.tier, item.upgraded_from)
        counts[kind] = counts.get(kind, 0) + item.quantity
    return tuple(Item(tier, number, left) for (tier, left), number in counts.items())


def written(item: Item) -> str:
    """The item as it is ordered: what `parse_item` reads."""
    left = f"{item.upgraded_from}:" if item.upgraded_from else ""
    return f"{left}{item.tier}={item.quantity}"


def parse_day(text: str) -> date:
    """YYYY-MM-DD and nothing else; ValueError with a sentence."""
    try:
        if _DAY.fullmatch(text.strip()):
            return date.fromisoformat(text.strip())
    except ValueError:
        pass
    raise ValueError(f"'{text}' is not a day: write YYYY-MM-DD, such as 2026-03-01")

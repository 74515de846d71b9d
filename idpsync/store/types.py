"""Column types: instants and plain JSON, readable in both engines."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

BigNumber = BigInteger().with_variant(Integer, "sqlite")
"""64 bits in both engines; on SQLite only INTEGER may count up by itself."""


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def instant_text(instant: datetime) -> str:
    """UTC with microseconds: of one width, so that text sorts as time does."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def instant_of(value: "str | datetime") -> datetime:
    """What either engine's driver returns, as aware UTC."""
    return _parsed(value) if isinstance(value, str) else value.astimezone(UTC)


@lru_cache(maxsize=4096)  # the rows that one run wrote have the same instants
def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def json_text(value: object) -> str:
    """Canonical JSON: the same value is always the same text."""
    return _encode(value)


class Instant(TypeDecorator[datetime]):
    """Aware UTC: `timestamptz` on PostgreSQL, text of one width on SQLite."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return instant_text(value)

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else instant_of(value)


class Json(TypeDecorator[Any]):
    """Plain JSON values kept as canonical text: what was hashed is what is stored."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, _dialect: Dialect) -> str | None:
        if value is None:
            return None
        return json_text(dict(value) if isinstance(value, Mapping) else value)

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)

"""The JSON Schema of a configuration, for editors and for `idpsync config schema`."""

from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from idpsync.config.root import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


class _InWords(GenerateJsonSchema):
    """Defaults as somebody would write them: `24h` and `10/s`, not PT24H and 10.0.

    A section's own default is left out: its keys say theirs.
    """

    schema_dialect = DIALECT

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        made = super().default_schema(schema)
        default = schema.get("default")
        if isinstance(default, timedelta):
            made["default"] = _span(default)
        elif isinstance(default, float) and made.get("type") == "string":
            made["default"] = f"{default:g}/s"
        elif isinstance(made.get("default"), dict | list) or made.get("default", 0) is None:
            del made["default"]
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False  # "Clear Margin" says no more than the key


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of one configuration file."""
    made = Config.model_json_schema(by_alias=True, schema_generator=_InWords)
    return {"$schema": DIALECT, **made, "title": "idpsync configuration"}


def _span(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    unit, size = next(((u, s) for u, s in _UNITS if seconds and seconds % s == 0), ("s", 1))
    return f"{seconds // size}{unit}"

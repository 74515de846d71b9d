"""Secrets by reference: `env:NAME` or `file:/path`. A secret has no string form."""

import os
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from idpsync.core.errors import ConfigError, Problem


class Secret:
    """A reference to a secret; the value is read each time it is needed, so that it may rotate."""

    __slots__ = ("reference",)

    def __init__(self, reference: str) -> None:
        scheme, colon, rest = reference.partition(":")
        if not colon or scheme not in {"env", "file"} or not rest:
            # the text given may be the secret itself: it is not repeated
            raise ValueError("give a secret by reference, env:NAME or file:/path, never inline")
        self.reference = reference

    def reveal(self) -> str:
        """The secret itself, without surrounding white space; ConfigError when it is not there."""
        scheme, _, rest = self.reference.partition(":")
        if scheme == "env":
            value = os.environ.get(rest)
            if value is None:
                raise ConfigError(Problem(self.reference, "environment variable is not set"))
            return value.strip()
        try:
            return Path(rest).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                Problem(self.reference, f"cannot be read: {error.strerror}")
            ) from error

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reference == self.reference

    def __hash__(self) -> int:
        return hash(self.reference)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda s: s.reference),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": "^(env|file):.+",
            "description": "a reference to a secret: env:NAME or file:/path",
        }

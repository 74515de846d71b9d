"""What `directory:` may say: one model per kind, told apart by `kind`; one of them, or a list."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from idpsync.sources.entra.settings import EntraConfig
from idpsync.sources.file.settings import FileConfig
from idpsync.sources.ldap.settings import LdapConfig
from idpsync.sources.okta.settings import OktaConfig
from idpsync.sources.scim.settings import ScimDirectoryConfig

DirectoryConfig = Annotated[
    OktaConfig | EntraConfig | LdapConfig | ScimDirectoryConfig | FileConfig,
    Field(discriminator="kind"),
]


class _OneOrSeveral:
    """In the schema: one of the items, or an array of them."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        several = {**handler(schema), "minItems": 1}
        return {"anyOf": [several["items"], several]}


def _listed(value: Any) -> Any:
    if value in ([], ()):
        raise ValueError("must name a directory")
    return [value] if isinstance(value, dict) else value


Directories = Annotated[tuple[DirectoryConfig, ...], BeforeValidator(_listed), _OneOrSeveral()]
"""One directory, or several in the order in which they win."""


def names_of(directories: tuple[DirectoryConfig, ...]) -> tuple[str, ...]:
    """What each is called: its `name`, else its kind."""
    return tuple(directory.name or directory.kind for directory in directories)

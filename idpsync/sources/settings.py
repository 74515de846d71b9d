"""What `directory:` may say: one model per kind, told apart by `kind`."""

from typing import Annotated

from pydantic import Field

from idpsync.sources.entra.settings import EntraConfig
from idpsync.sources.file.settings import FileConfig
from idpsync.sources.ldap.settings import LdapConfig
from idpsync.sources.okta.settings import OktaConfig
from idpsync.sources.scim.settings import ScimDirectoryConfig

DirectoryConfig = Annotated[
    OktaConfig | EntraConfig | LdapConfig | ScimDirectoryConfig | FileConfig,
    Field(discriminator="kind"),
]

"""What `directory:` may say of a SCIM service provider that is read as a directory."""

from typing import Literal

from idpsync.settings import Secret, Settings


class ScimDirectoryConfig(Settings):
    """A SCIM 2.0 service provider read as a directory (RFC 7644)."""

    kind: Literal["scim"]
    url: str
    token: Secret

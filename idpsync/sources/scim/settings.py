"""What `directory:` may say of a SCIM service provider that is read as a directory."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from idpsync.settings import Rate, ScimAuth, Secret, guarded
from idpsync.sources.naming import DirectorySettings
from idpsync.sources.scope import scope


class ScimDirectoryConfig(DirectorySettings):
    """A SCIM 2.0 service provider read as a directory (RFC 7644). `url` is the root of /Users.

    `token` is the short form of `auth: {kind: bearer, token: …}`. `page_size` is what the provider says
    it can do unless it is given. `nested_groups` counts members of groups in groups.
    """

    kind: Literal["scim"]
    url: str
    token: Secret | None = None
    auth: Annotated[ScimAuth | None, Field(description="how the provider wants to know us")] = None
    nested_groups: bool = True
    page_size: int | None = Field(default=None, ge=1, le=10_000)
    concurrency: int = Field(default=4, ge=1, le=32)
    rate: Rate | None = None
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _is_safe(self) -> "ScimDirectoryConfig":
        if self.token and self.auth:
            raise ValueError("token and auth both say who we are: give one of them")
        guarded(self.url, carries_credential=bool(self.token or self.auth))
        return self

    @property
    def scope(self) -> str:
        """What decides who is seen. A token shows its holder's view: which one it is, its name says."""
        return scope(
            self.kind,
            url=self.url.rstrip("/"),
            credential=self._login(),
            nested_groups=self.nested_groups,
        )

    @property
    def shown_as(self) -> str:
        """Who we are there, as far as it may be told: a name, or where the token comes from."""
        login = self._login()
        return f" as {login}" if login else ""

    def _login(self) -> str:
        auth = self.auth
        if self.token or auth is None:
            return self.token.reference if self.token else ""
        if auth.kind == "bearer":
            return auth.token.reference
        return auth.username if auth.kind == "basic" else auth.client_id

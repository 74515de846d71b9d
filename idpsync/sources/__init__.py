"""Where people and groups live: one adapter per kind of directory."""

from idpsync.core.errors import ConfigError, Problem
from idpsync.core.ports import Clock, DirectorySource
from idpsync.sources.entra.settings import EntraConfig
from idpsync.sources.file.settings import FileConfig
from idpsync.sources.file.source import FileSource
from idpsync.sources.ldap.settings import LdapConfig
from idpsync.sources.okta.settings import OktaConfig
from idpsync.sources.scim.settings import ScimDirectoryConfig
from idpsync.sources.settings import DirectoryConfig

__all__ = [
    "DirectoryConfig",
    "EntraConfig",
    "FileConfig",
    "LdapConfig",
    "OktaConfig",
    "ScimDirectoryConfig",
    "build",
    "not_built",
    "tells_changes",
]


def build(
    config: DirectoryConfig,
    *,
    clock: Clock,
    groups: frozenset[str],
    owned: frozenset[str] = frozenset(),  # noqa: ARG001 -- for directories whose groups can be written
) -> DirectorySource:
    """The directory that `config` describes.

    `groups` are the names that policy mentions: each is in every snapshot, as GONE when the directory
    has no such group. `owned` are those that idpsync may write, and no others. ConfigError for a kind or flavour that this version has no adapter for.
    """
    match config:
        case FileConfig():
            return FileSource(config, clock=clock, groups=groups)
        case LdapConfig(flavor="openldap"):
            from idpsync.sources.ldap.source import LdapSource  # noqa: PLC0415 -- ldap3 takes 0.2 s to import

            return LdapSource(config, clock=clock, groups=groups)
        case ScimDirectoryConfig():
            from idpsync.sources.scim.source import ScimSource  # noqa: PLC0415 -- requests takes its time

            return ScimSource(config, clock=clock, groups=groups)
        case _:
            raise ConfigError(*not_built(config))


def not_built(config: DirectoryConfig) -> tuple[Problem, ...]:
    """What this version validates but has no adapter for; empty when `build` can build it."""
    match config:
        case FileConfig() | ScimDirectoryConfig() | LdapConfig(flavor="openldap"):
            return ()
        case LdapConfig():
            what = f"flavor {config.flavor} is not built in this version; built is: openldap"
            return (Problem("directory.flavor", what),)
        case _:
            what = f"{config.kind} is not built in this version; built are: file, ldap, scim"
            return (Problem("directory.kind", what),)


def tells_changes(config: DirectoryConfig) -> bool:
    """Whether the directory can tell what changed since the last read."""
    return isinstance(config, FileConfig)

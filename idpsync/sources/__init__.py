"""Where people and groups live: one adapter per kind of directory."""

from collections.abc import Callable

from idpsync.core.errors import Problem
from idpsync.core.ports import Clock, DirectorySource
from idpsync.sources.entra.settings import EntraConfig
from idpsync.sources.file.settings import FileConfig
from idpsync.sources.file.source import FileSource
from idpsync.sources.ldap.settings import LdapConfig
from idpsync.sources.okta.settings import OktaConfig
from idpsync.sources.scim.settings import ScimDirectoryConfig
from idpsync.sources.settings import Directories, DirectoryConfig, names_of

__all__ = [
    "Directories",
    "DirectoryConfig",
    "EntraConfig",
    "FileConfig",
    "LdapConfig",
    "OktaConfig",
    "ScimDirectoryConfig",
    "build",
    "build_all",
    "names_of",
    "not_built",
    "tells_changes",
]


def build(
    config: DirectoryConfig,
    *,
    clock: Clock,
    groups: frozenset[str],
    owned: frozenset[str] = frozenset(),
) -> DirectorySource:
    """The directory that `config` describes.

    `groups` are the names that policy mentions: each is in every snapshot, as GONE when the directory
    has no such group. `owned` are those that idpsync may write, and no others.
    """
    match config:
        case FileConfig():
            return FileSource(config, clock=clock, groups=groups)
        case LdapConfig(flavor="openldap"):
            from idpsync.sources.ldap.source import LdapSource  # noqa: PLC0415 -- ldap3 takes 0.2 s to import

            return LdapSource(config, clock=clock, groups=groups, owned=owned)
        case LdapConfig():
            from idpsync.sources.ldap.ad import AdSource  # noqa: PLC0415 -- ldap3 takes 0.2 s to import

            return AdSource(config, clock=clock, groups=groups, owned=owned)
        case ScimDirectoryConfig():
            from idpsync.sources.scim.source import ScimSource  # noqa: PLC0415 -- requests takes its time

            return ScimSource(config, clock=clock, groups=groups)
        case OktaConfig():
            from idpsync.sources.okta.source import OktaSource  # noqa: PLC0415 -- requests takes its time

            return OktaSource(config, clock=clock, groups=groups, owned=owned)
        case EntraConfig():
            from idpsync.sources.entra.source import EntraSource  # noqa: PLC0415 -- requests takes its time

            return EntraSource(config, clock=clock, groups=groups, owned=owned)


def build_all(
    configs: tuple[DirectoryConfig, ...],
    *,
    clock: Clock,
    groups: frozenset[str],
    verified: Callable[[str], bool],
    owned: frozenset[str] = frozenset(),
) -> DirectorySource:
    """The one directory of an organisation, or all of them as one.

    `verified` tells which e-mail addresses make people of several directories one person.
    """
    made = [build(config, clock=clock, groups=groups, owned=owned) for config in configs]
    if len(made) == 1:
        return made[0]
    from idpsync.sources.merged.parts import Part  # noqa: PLC0415 -- most have one directory
    from idpsync.sources.merged.source import merge  # noqa: PLC0415

    parts = [
        Part(name, source, config.scope, leading=not number)
        for number, (name, source, config) in enumerate(
            zip(names_of(configs), made, configs, strict=True)
        )
    ]
    return merge(parts, clock=clock, groups=groups, verified=verified)


def not_built(*configs: DirectoryConfig) -> tuple[Problem, ...]:  # noqa: ARG001 -- as targets and receivers
    """What this version validates but has no adapter for: nothing, every kind is built."""
    return ()


def tells_changes(*configs: DirectoryConfig) -> bool:
    """Whether each directory can tell what changed since the last read."""
    return all(not isinstance(config, ScimDirectoryConfig) for config in configs)

"""What a read asks for, as a text that can be compared and told. Never a secret."""

import hashlib

from idpsync.core.suspicion import SCOPE_PARTS
from idpsync.sources.settings import FileConfig, LdapConfig

LONGEST = 400
"""So many characters are kept of what is told; the fingerprint at its end covers all of it."""


def file_scope(config: FileConfig) -> str:
    return _scope(config.kind, path=config.path)


def ldap_scope(config: LdapConfig) -> str:
    """Whatever decides who is seen, and under which id."""
    return _scope(
        config.kind,
        server=f"{config.host.lower()}:{config.port}",
        user_base=config.user_base,
        user_filter=config.user_filter,
        group_base=config.group_base,
        group_filter=config.group_filter,
        nested_groups=config.nested_groups,
        bind_dn=config.bind_dn,
        id_attribute=config.id_attribute,
        user_name_attribute=config.user_name_attribute,
        group_name_attribute=config.group_name_attribute,
        active_attribute=config.active_attribute,
        inactive_values=",".join(config.inactive_values),
    )


def _scope(kind: str, **asked: object) -> str:
    """`asked` are settings by their names; those that say nothing are left out."""
    text = SCOPE_PARTS.join([kind, *(f"{name}={value}" for name, value in asked.items() if value)])
    fingerprint = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text[:LONGEST]}{SCOPE_PARTS}#{fingerprint}"

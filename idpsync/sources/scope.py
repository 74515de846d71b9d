"""What a read asks for, as a text that can be compared and told. Never a secret."""

import hashlib

from idpsync.core.suspicion import SCOPE_PARTS

LONGEST = 400
"""So many characters are kept of what is told; the fingerprint at its end covers all of it."""


def scope(kind: str, **asked: object) -> str:
    """`asked` are settings by their names; those that say nothing are left out."""
    text = SCOPE_PARTS.join([kind, *(f"{name}={value}" for name, value in asked.items() if value)])
    fingerprint = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text[:LONGEST]}{SCOPE_PARTS}#{fingerprint}"

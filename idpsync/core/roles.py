"""What roles are called: ours in the words of people and of exports, custom ones by their own name."""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from idpsync.core.errors import NotPossible
from idpsync.core.model import ADMIN, OWNER, PRIMARY_OWNER, USER
from idpsync.core.sheets import shortened, word

OURS = frozenset({PRIMARY_OWNER, OWNER, ADMIN, USER})
LONGEST = 64
"""Signs that the name of a custom role may have."""

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        word(said): meant
        for meant, group in (
            (PRIMARY_OWNER, ("primary owner", "proprietário principal", "proprietária principal")),
            (PRIMARY_OWNER, ("proprietário primário", "proprietária primária")),
            (OWNER, ("owner", "proprietário", "proprietária")),
            (ADMIN, ("admin", "administrator", "administrador", "administradora", "membership admin")),
            (USER, ("user", "usuário", "usuária", "member", "membro")),
        )
        for said in group
    }
)


def role_called(text: str) -> str:
    """A role as somebody writes it: ours by any of its words, a custom one letter by letter.

    What differs from a word of ours only in case, marks, signs or shapes of letters is ours: a role
    never only looks like one with rights. NotPossible for what is no name of a role.
    """
    said = unicodedata.normalize("NFKC", text).strip()
    if not said:
        raise NotPossible("the role is empty: name owner, admin, user, or one of your own")
    if ours := _WORDS.get(word(said)):
        return ours
    if fault := _fault(said):
        raise NotPossible(f"{shortened(said)!r} is not a role: {fault}")
    return said


def _fault(said: str) -> str:
    if not said.isprintable():
        return "it holds a control character, or one that cannot be seen"
    if not any(sign.isalpha() for sign in said):
        return "it has no letters"
    return f"it has more than {LONGEST} characters" if len(said) > LONGEST else ""

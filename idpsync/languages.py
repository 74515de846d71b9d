"""English as written in the code, and what the catalogues of a folder make of it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from babel.dates import format_date
from babel.messages.pofile import read_po

ENGLISH = "en"

# `en` alone would mean the order of the United States; the texts are British
_DATES = {ENGLISH: "en_GB"}


class Languages:
    """All catalogues in `folder`, read once; text that is not translated stays English."""

    def __init__(self, folder: Path) -> None:
        self._catalogues: dict[str, Mapping[str, str]] = {ENGLISH: {}}
        for path in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
            self._catalogues[path.parts[-3].replace("_", "-")] = _read(path)

    def choose(self, accepted: Iterable[tuple[str, float]], default: str = ENGLISH) -> str:
        """The best language for an Accept-Language header, as an HTML `lang` (en, pt-BR)."""
        for tag, quality in accepted:
            for language in self._catalogues:
                if quality > 0 and _primary(tag) == _primary(language):
                    return language
        return default

    def translate(self, language: str, text: str, **facts: object) -> str:
        """`text` in `language`, with %(name)s replaced."""
        found = self._catalogues[language].get(text, text)
        return found % facts if facts else found


def spelled_day(language: str, at: datetime) -> str:
    """The day of `at` in UTC as it is written: 22 March 2026, 22 de março de 2026."""
    locale = _DATES.get(language, language)
    return format_date(at.astimezone(UTC).date(), "long", locale=locale.replace("-", "_"))


def _primary(tag: str) -> str:
    """Somebody who asks for pt-PT or en-GB reads our pt-BR or en more easily than anything else."""
    return tag.replace("_", "-").partition("-")[0].casefold()


def _read(path: Path) -> Mapping[str, str]:
    with path.open("rb") as file:
        catalogue = read_po(file)
    return {
        str(message.id): str(message.string)
        for message in catalogue
        if message.id and message.string and not message.fuzzy
    }

"""English as written in the templates, and what the catalogues make of it."""

from collections.abc import Mapping
from pathlib import Path

from babel.messages.pofile import read_po
from werkzeug.datastructures import LanguageAccept

ENGLISH = "en"
_FOLDER = Path(__file__).parent / "translations"


class Languages:
    """All catalogues in `folder`, read once; text that is not translated stays English."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._catalogues: dict[str, Mapping[str, str]] = {ENGLISH: {}}
        for path in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
            self._catalogues[path.parts[-3].replace("_", "-")] = _read(path)

    def choose(self, accepted: LanguageAccept) -> str:
        """The best language for an Accept-Language header, as an HTML `lang` (en, pt-BR)."""
        for tag, quality in accepted:
            for language in self._catalogues:
                if quality > 0 and _primary(tag) == _primary(language):
                    return language
        return ENGLISH

    def translate(self, language: str, text: str, **facts: object) -> str:
        """`text` in `language`, with %(name)s replaced."""
        found = self._catalogues[language].get(text, text)
        return found % facts if facts else found


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

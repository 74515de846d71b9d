"""What people read: both languages complete, chosen by the browser, escaped."""

import re
from pathlib import Path

import pytest
from werkzeug.datastructures import LanguageAccept

from idpsync import jit
from idpsync.languages import Languages
from tests.jit.doors import World
from tests.jit.forge import Draft

ROOM = Path(jit.__file__).parent
TEMPLATES = sorted((ROOM / "templates" / "login").glob("*.html"))
SPOKEN = Languages(ROOM / "translations")


def _texts() -> set[str]:
    return {
        text
        for path in TEMPLATES
        for text in re.findall(r'_\("((?:[^"\\]|\\.)*)"', path.read_text(encoding="utf-8"))
    }


def test_every_text_has_a_portuguese_translation() -> None:
    translate = SPOKEN.translate
    missing = [text for text in _texts() if translate("pt-BR", text) == text]
    assert len(_texts()) > 30
    assert missing == []


def test_translations_keep_the_placeholders() -> None:
    translate = SPOKEN.translate
    for text in _texts():
        names = re.findall(r"%\((\w+)\)s", text)
        assert re.findall(r"%\((\w+)\)s", translate("pt-BR", text)) == names


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ([], "en"),
        ([("de", 1.0)], "en"),
        ([("pt-BR", 1.0), ("en", 0.5)], "pt-BR"),
        ([("pt", 1.0)], "pt-BR"),
        ([("pt-PT", 1.0), ("en", 0.1)], "pt-BR"),
        ([("en-US", 1.0), ("pt-BR", 0.9)], "en"),
    ],
)
def test_the_browser_chooses_the_language(header: list[tuple[str, float]], language: str) -> None:
    assert SPOKEN.choose(LanguageAccept(header)) == language


def test_a_refusal_speaks_portuguese_to_a_brazilian_browser() -> None:
    world = World(no_seat_contact="it@acme.example")
    world.members.seats = 0
    page = world.browser().log_in(Accept_Language="pt-BR,pt;q=0.9,en;q=0.5")
    assert page.status_code == 403
    assert page.headers["Content-Language"] == "pt-BR"
    assert '<html lang="pt-BR">' in page.text
    assert "Todas as licenças estão em uso" in page.text
    assert "Sua posição na lista de espera" in page.text


def test_names_are_escaped() -> None:
    world = World()
    sly = Draft().but(
        attributes={"email": ["ada@acme.example"], "displayName": ["<img src=x onerror=alert(1)>"]}
    )
    browser = world.browser()
    browser.log_in(sly)
    page = browser.get("/saml/signed-in").text
    assert "<img" not in page
    assert "&lt;img" in page


def test_pages_fit_a_telephone() -> None:
    page = World().browser().get("/saml/slo").text
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in page
    with World().browser().get("/saml/static/login.css") as css:
        assert css.status_code == 200
        assert b"prefers-color-scheme: dark" in css.data

"""The plain pages speak English and French. Catalogues are read from their .po files at
start, so that nothing has to be compiled or committed twice."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, request
from flask_babel import Babel, Domain, get_locale
from flask_login import current_user

LANGUAGES = ("en", "fr")
_FOLDER = Path(__file__).parent / "translations"


@cache
def _catalogue(language: str) -> NullTranslations:
    path = _FOLDER / f"{language}.po"
    if not path.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as f:
        write_mo(compiled, read_po(f, locale=language))
    compiled.seek(0)
    return Translations(fp=compiled)


class Catalogues(Domain):  # type: ignore[misc]
    """A gettext domain over the .po files."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return _catalogue(locale.language if locale else "en")


def choose_language() -> str:
    """The person's own language, else what the browser prefers."""
    if current_user.is_authenticated:
        return str(current_user.locale)
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        return asked
    # Werkzeug's best_match takes a distant "en" before a near "fr-CA".
    preferred = (tag.split("-")[0].lower() for tag in request.accept_languages.values())
    return next((language for language in preferred if language in LANGUAGES), "en")


def speak(app: Flask) -> None:
    """Give the templates `_()` in the reader's language."""
    babel = Babel(app, locale_selector=choose_language)
    # Babel makes its domain from a name; ours reads .po files, so it takes that one's place.
    babel.__dict__["domain_instance"] = Catalogues()
    app.jinja_env.globals["language"] = lambda: str(get_locale() or "en")

"""The server speaks English and French: its plain pages, and every sentence for a person that
the domain or a network's adapter made (channels/sentences.py). Catalogues are read from their
.po files at start, so that nothing has to be compiled or committed twice."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from flask import Flask, g, request
from flask_babel import Babel, Domain, get_locale

from channels.sentences import Sentence

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


@cache
def _ours() -> frozenset[str]:
    """Every sentence that the catalogues know."""
    with (_FOLDER / "fr.po").open("rb") as f:
        return frozenset(str(m.id) for m in read_po(f, locale="fr") if m.id)


class Catalogues(Domain):  # type: ignore[misc]
    """A gettext domain over the .po files."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return _catalogue(locale.language if locale else "en")


def choose_language() -> str:
    """The person's own language, else what the browser prefers. Never asks who they are: the
    answer to a database that is away must be said too."""
    if "language" in g:
        return str(g.language)
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        return asked
    # Werkzeug's best_match takes a distant "en" before a near "fr-CA".
    preferred = (tag.split("-")[0].lower() for tag in request.accept_languages.values())
    return next((language for language in preferred if language in LANGUAGES), "en")


def know_language(language: str) -> None:
    """Somebody is signed in who reads `language`."""
    g.language = language


def told(text: str) -> str:
    """`text`, a sentence of ours, in the reader's language. Words that are in no catalogue
    (what a network or a person wrote) stay as they are."""
    if not text:
        return ""
    locale = get_locale()
    language = locale.language if locale else "en"
    translate = _catalogue(language).gettext
    if isinstance(text, Sentence):
        return text.to(translate, lambda n: format_decimal(n, locale=language))
    return str(translate(text))


def opening(text: str) -> str:
    """The same as the beginning of something: with a capital, unless a name begins it."""
    words = told(text)
    return words[:1].upper() + words[1:] if _begins_in_our_words(text) else words


def _begins_in_our_words(text: str) -> bool:
    if not isinstance(text, Sentence):
        return text in _ours()  # what somebody else wrote stays as they wrote it
    if not text.template.startswith("{"):
        return True
    first = text.values.get(text.template[1:].partition("}")[0])
    return isinstance(first, Sentence) and _begins_in_our_words(first)


def speak(app: Flask) -> None:
    """Give the templates `_()` in the reader's language."""
    babel = Babel(app, locale_selector=choose_language)
    # Babel makes its domain from a name; ours reads .po files, so it takes that one's place.
    babel.__dict__["domain_instance"] = Catalogues()
    app.jinja_env.globals["language"] = lambda: str(get_locale() or "en")

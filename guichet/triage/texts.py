"""What a prepared text must be, and whether it holds today. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from channels.sentences import say
from guichet.errors import Invalid

FIELDS = ("title", "shortcut", "text", "language", "folder", "translations", "valid_from", "valid_until")
FOLDER_LENGTH = 60  # characters
MOST_LANGUAGES = 20


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of FIELDS as they are kept: a folder's name without needless spaces, language
    codes in lower case. Raises Invalid naming the field."""
    kept = {name: value for name, value in values.items() if name in FIELDS}
    wrong: dict[str, str] = {}
    if "folder" in kept:
        kept["folder"] = " ".join(kept["folder"].split())
        if len(kept["folder"]) > FOLDER_LENGTH:
            wrong["folder"] = say("must have at most {most} characters", most=FOLDER_LENGTH)
    if "translations" in kept:
        texts = {code.strip().lower(): text.strip() for code, text in kept["translations"].items()}
        kept["translations"] = texts = {code: text for code, text in texts.items() if text}
        if len(texts) > MOST_LANGUAGES:
            wrong["translations"] = say("at most {most} languages", most=MOST_LANGUAGES)
        elif str(kept.get("language") or "").lower() in {*texts} - {""}:
            wrong["translations"] = say("holds the language of the text itself")
    since, until = kept.get("valid_from"), kept.get("valid_until")
    if since is not None and until is not None and until < since:
        wrong["valid_until"] = say("is before the first day")
    if wrong:
        raise Invalid("this text cannot be kept so", wrong)
    return kept


def standing(valid_from: date | None, valid_until: date | None, today: date) -> str:
    """ "valid", "early" (not before its first day) or "expired" (its last day is over)."""
    if valid_until is not None and today > valid_until:
        return "expired"
    return "early" if valid_from is not None and today < valid_from else "valid"

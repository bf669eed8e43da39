"""What the columns of a table of posts mean, whoever made the table: our own headings in both
languages, Buffer's, Hootsuite's, and what other tools call the same things.

A column that nobody knows is named to the person, never silently taken for another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# In the order in which they are written out; the heading that they are written under.
HEADINGS: Mapping[str, str] = {
    "text": "Text",
    "accounts": "Accounts",
    "date": "Date",
    "time": "Time",
    "time_zone": "Time zone",
    "clock_change": "Clock change",
    "link": "Link",
    "media": "Media",
    "alt_text": "Alt text",
    "thread": "Thread",
    "first_comment": "First comment",
    "title": "Title",
    "language": "Language",
    "subject": "Subject",
    "labels": "Labels",
    "campaign": "Campaign",
    "tags_links": "Link tracking",
}
COLUMNS = tuple(HEADINGS)
# What we write out beside these, and do not read again: how it went is not ours to bring in.
TOLD: Mapping[str, str] = {
    "post": "Post",
    "brand": "Brand",
    "state": "State",
    "author": "Author",
    "approved_by": "Approved by",
    "due": "Due (UTC)",
    "sent": "Sent (UTC)",
    "late": "Late (s)",
    "links": "Published at",
    "reason": "Reason",
}
_ALSO: Mapping[str, Sequence[str]] = {
    "text": ("message", "content", "caption", "post", "body", "status", "texte", "contenu", "légende", "tweet"),
    "accounts": ("account", "profiles", "profile", "channels", "channel", "compte", "comptes", "handle"),
    "date": (
        "posting time", "scheduled at", "scheduled time", "schedule date", "scheduled date", "publish date", "post at",
        "date and time", "datetime", "date time", "postAtSpecificTime (yyyy-MM-dd HH:mm:ss)", "date et heure", "jour",
        "date - intl. format or prompt",
    ),
    "time": ("hour", "heure"),
    "time_zone": ("timezone", "zone", "tz", "fuseau", "fuseau horaire"),
    "clock_change": ("changement d’heure", "changement d'heure"),
    "link": (
        "url", "links", "link (ogmetaurl)", "lien", "message url", "link(s) - separated by comma for fb carousels",
    ),
    "media": (
        "image url", "image urls", "images", "image", "media url", "media urls", "files", "fichiers", "médias",
        "média", "picture", "pictures", "media url(s) - separated by comma",
    ),
    "alt_text": ("alt", "description", "texte alternatif", "alt text(s) - separated by ||"),
    "thread": ("fil", "suite"),
    "first_comment": ("comment", "comments", "premier commentaire", "comment(s) - separated by ||"),
    "title": ("titre", "internal title"),
    "language": ("langue", "lang"),
    "subject": ("objet",),
    "labels": ("label", "tags", "tag", "étiquettes", "étiquette", "libellés"),
    "campaign": ("campagne", "campaigns", "campaign name"),
    "tags_links": ("utm", "suivi des liens"),
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How a table is laid out: `columns` says what each of its columns means ("" for those
    that are not read), `unread` names those. `has_headings`: the first row is not a post."""

    format: str
    columns: tuple[str, ...]
    unread: tuple[str, ...]
    has_headings: bool


def _plain(heading: str) -> str:
    folded = unicodedata.normalize("NFKD", heading.casefold())
    return re.sub(r"[^a-z0-9]+", " ", "".join(c for c in folded if not unicodedata.combining(c))).strip()


_MEANING: dict[str, str] = {
    **{_plain(name): column for column, names in _ALSO.items() for name in names},
    **{_plain(name): "" for name in TOLD.values()},
    **{_plain(name): column for column, name in HEADINGS.items()},
    **{_plain(column): column for column in COLUMNS},
}


def meaning_of(heading: str) -> str | None:
    """The column that a heading stands for; "" for one that we write and do not read, None
    for one that nobody knows."""
    return _MEANING.get(_plain(heading)) if heading.strip() else None


def recognise(first: Sequence[str], looks_like_a_date: bool) -> Layout | None:
    """How a table is laid out, from its first row; None where it cannot be told.

    Hootsuite's files have no headings: date, message, link (`looks_like_a_date` says whether
    the first cell could be one)."""
    if looks_like_a_date and 2 <= len(first) <= 4:
        return Layout("hootsuite", ("date", "text", "link", "media")[: len(first)], (), False)
    columns: list[str] = []
    unread: list[str] = []
    for heading in first:
        meaning = meaning_of(heading)
        if meaning is None and heading.strip():
            unread.append(heading.strip()[:100])
        if meaning and meaning in columns:
            unread.append(heading.strip()[:100])
            meaning = ""
        columns.append(meaning or "")
    if "text" not in columns and "media" not in columns:
        return None
    return Layout(_format_of(first), tuple(columns), tuple(unread), True)


def _format_of(first: Sequence[str]) -> str:
    names = {_plain(h) for h in first}
    if "posting time" in names:
        return "buffer"
    if {"date", "message"} <= names and "text" not in names:
        return "hootsuite"
    return "guichet" if "text" in names else "other"
